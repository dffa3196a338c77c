"""click takes options apart; its exceptions become our errors by their attributes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import click

from commands.domain.errors import GrammarError
from commands.grammar.suggest import nearest
from commands.grammar.words import short

WORDS = "words"


@dataclass(frozen=True, slots=True)
class Taken:
    """A line taken apart: plain words and options. An option that was not given is falsy."""

    words: tuple[str, ...]
    options: dict[str, Any]

    def text(self, name: str) -> str | None:
        """The value of an option; None if it was not given."""
        value = self.options.get(name)
        return value if isinstance(value, str) else None

    def flag(self, name: str) -> bool:
        """Whether a flag was given."""
        return bool(self.options.get(name))


@cache
def rollback_command() -> click.Command:
    """The options of a rollback: rollback.sh's own and ours."""
    return _command(
        "rollback",
        click.Option(["--service"], multiple=True),
        click.Option(["--to-version"]),
        click.Option(["--auto"], is_flag=True),
        click.Option(["--all"], is_flag=True),
        click.Option(["--full"], is_flag=True),
        click.Option(["--dry-run"], is_flag=True),
        click.Option(["--restore-db"], is_flag=True),
        click.Option(["--config"], is_flag=True),
        click.Option(["--with"], multiple=True),
    )


@cache
def database_command(verb: str) -> click.Command:
    """The options of `db` and `restore`."""
    return _command(
        verb,
        click.Option(["--with"], multiple=True),
        click.Option(["--restore"]),
        click.Option(["--dry-run"], is_flag=True),
    )


@cache
def verb_command(verb: str, *, free_text: bool) -> click.Command:
    """The options of any other verb. With `free_text`, unknown options are words like others."""
    return _command(verb, ignore_unknown_options=free_text)


def take_apart(command: click.Command, arguments: Sequence[str]) -> Taken:
    """The options and words of a line. Raises GrammarError; never prints, never exits."""
    try:
        context = command.make_context(command.name, list(arguments))
    except click.NoSuchOption as error:
        raise _unknown_option(error, command) from None
    except click.BadOptionUsage as error:
        raise _misused(error, command) from None
    except click.ClickException:
        said = short(" ".join(arguments))
        raise GrammarError("grammar.unreadable", words=said) from None
    options = dict(context.params)
    return Taken(tuple(options.pop(WORDS)), options)


def _command(name: str, *options: click.Option, **settings: bool) -> click.Command:
    return click.Command(
        name,
        params=[
            click.Argument([WORDS], nargs=-1, type=click.UNPROCESSED),
            *options,
            click.Option(["--env"]),
            click.Option(["--reason"]),
            click.Option(["--help", "-h"], is_flag=True),
        ],
        add_help_option=False,
        context_settings={"token_normalize_func": str.lower, **settings},
    )


def _names(command: click.Command) -> list[str]:
    options = (p for p in command.params if isinstance(p, click.Option))
    return [name for option in options for name in option.opts if name.startswith("--")]


def _unknown_option(error: click.NoSuchOption, command: click.Command) -> GrammarError:
    option = short(error.option_name)
    if re.fullmatch(r"-[0-9]+", option):
        return GrammarError("grammar.relative_version", version=option)
    near = tuple(error.possibilities or ()) or nearest(error.option_name, _names(command))
    if near:
        return GrammarError("grammar.unknown_option_near", option=option, suggestions=near)
    return GrammarError("grammar.unknown_option", option=option, options=tuple(_names(command)))


def _misused(error: click.BadOptionUsage, command: click.Command) -> GrammarError:
    flags = {
        name
        for param in command.params
        if isinstance(param, click.Option) and param.is_flag
        for name in param.opts
    }
    option = short(error.option_name)
    if error.option_name in flags:
        return GrammarError("grammar.option_takes_no_value", option=option)
    return GrammarError("grammar.option_needs_value", option=option)
