"""`rollbot runbook --print …`: the commands for doing it by hand, without Redis or chat."""

from __future__ import annotations

import click

from commands.domain.errors import GrammarError
from commands.domain.spoken import RollbackWords
from commands.domain.text import Text, text
from commands.grammar import parse_arguments
from commands.locale import say
from commands.planner.by_hand import by_hand, pinned_images
from commands.planner.by_hand_database import by_hand_database
from commands.runbook import read_runbook
from commands.settings import read_settings


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--print", "printed", is_flag=True, required=True, help="Print the commands.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def runbook(printed: bool, words: tuple[str, ...]) -> None:  # noqa: FBT001 -- click's way
    """Print the commands for a rollback done by hand: `… --print api v1.2.3`, `… db -1`."""
    del printed
    found = read_runbook(read_settings().runbook)
    spoken = parse_arguments(words, found)
    if not isinstance(spoken, RollbackWords):
        raise GrammarError("grammar.not_a_rollback", words=" ".join(words))
    request = spoken.request
    typed = by_hand_database if request.changes_database else by_hand
    for line in typed(request, found):
        click.echo(f"# {say(line, found.language)}" if isinstance(line, Text) else line)
    if images := pinned_images(request, found):
        file = found.environments[request.environment].compose.override_file
        said = say(text("shell.pin_stays", file=file, images=images), found.language)
        click.echo(f"# {said}")
