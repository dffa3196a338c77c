"""`rollbot runbook --print …`: the commands for doing it by hand, without Redis or chat."""

from __future__ import annotations

import click

from commands.domain.errors import GrammarError
from commands.domain.spoken import RollbackWords
from commands.domain.text import text
from commands.grammar import parse_arguments
from commands.locale import say
from commands.planner.by_hand import by_hand, pinned_images
from commands.runbook import read_runbook
from commands.settings import read_settings


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--print", "printed", is_flag=True, required=True, help="Print the commands.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def runbook(printed: bool, words: tuple[str, ...]) -> None:  # noqa: FBT001 -- click's way
    """Print the commands for a rollback done by hand: `rollbot runbook --print api v1.2.3`."""
    del printed
    found = read_runbook(read_settings().runbook)
    spoken = parse_arguments(words, found)
    if not isinstance(spoken, RollbackWords):
        raise GrammarError("grammar.not_a_rollback", words=" ".join(words))
    click.echo("\n".join(by_hand(spoken.request, found)))
    if images := pinned_images(spoken.request, found):
        file = found.environments[spoken.request.environment].compose.override_file
        said = say(text("shell.pin_stays", file=file, images=images), found.language)
        click.echo(f"# {said}")
