"""`rollbot demo`: the main job in five acts, on parts that come with rollbot."""

from __future__ import annotations

import sys

import click

from commands.domain.people import Language
from commands.domain.text import text
from commands.locale import say

_INTERRUPTED = 130


@click.command("demo")
@click.option("--scripted", is_flag=True, help="Play the script even in a terminal.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per rollback on stdout.")
@click.option(
    "--engine",
    type=click.Choice(["embedded", "docker"]),
    default="embedded",
    show_default=True,
    help="What runs the services: local processes, or this machine's Docker and Compose.",
)
@click.option("--language", type=click.Choice(["ru", "en"]), default="ru", show_default=True)
def demo(*, scripted: bool, as_json: bool, engine: str, language: Language) -> None:
    """Play rollbacks in five acts; exit 0 only if the journal says all went well.

    With Docker there are three: the two about the database need the embedded engine.
    """
    from rollbot.demo.performance import Performance

    stream = sys.stderr if as_json else sys.stdout
    interactive = not scripted and not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    performance = Performance(stream, language, engine, interactive=interactive, as_json=as_json)
    try:
        ended_well = performance.give()
    except KeyboardInterrupt:
        click.echo(say(text("demo.interrupted"), language), file=sys.stderr)
        sys.exit(_INTERRUPTED)
    sys.exit(0 if ended_well else 1)
