"""`rollbot …`: the front door. Subcommands are imported when they are called."""

from __future__ import annotations

import importlib
import sys

import click

from commands.domain.errors import RollbotError
from commands.domain.people import Language
from commands.locale import say
from commands.runbook import read_runbook
from commands.settings import read_settings
from rollbot.logs import configure

COMMANDS = {
    "alive": ("rollbot.alive:alive", "Say whether a process of this host does its work."),
    "audit": ("rollbot.audit:audit", "Verify the journal; show what was done and who approved."),
    "backup": ("rollbot.database.command:backup", "Take a proven backup; verify one."),
    "bot": ("rollbot.processes:bot", "Run the bot: listens, decides, relays."),
    "check": ("rollbot.check:check", "Validate the runbook and drill readiness, red first."),
    "console": ("rollbot.shell:console", "The terminal chat, for when the others are down."),
    "demo": ("rollbot.demo.command:demo", "Play the main job on embedded parts."),
    "init": ("rollbot.init:init", "Write a runbook.toml from your Compose file."),
    "integrity": ("rollbot.database.command:integrity", "Check production's data."),
    "manifest": ("rollbot.manifest:manifest", "Print the Slack app manifest to paste."),
    "observer": ("rollbot.processes:observer", "Run the observer: records what runs."),
    "pre-deploy": ("rollbot.database.command:pre_deploy", "Before a deploy: may it, backup."),
    "rehearse": ("rollbot.database.command:rehearse", "Run a migration on a proven copy."),
    "restore": ("rollbot.database.command:restore", "Restore a backup, approved as in chat."),
    "rollback": ("rollbot.shell:rollback", "The words of the chat, from the shell."),
    "runbook": ("rollbot.by_hand:runbook", "Print the commands for doing it by hand."),
    "worker": ("rollbot.processes:worker", "Run the worker: carries rollbacks out."),
}


class Lazy(click.Group):
    """A group whose commands are imported one at a time: `rollbot bot` never loads the demo."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every subcommand."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand; None if there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found, click.Command):
            raise TypeError(f"{module}:{name} is no command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in sorted(COMMANDS.items())])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rollbot")
@click.pass_context
def cli(context: click.Context) -> None:
    """Production back, safely, from the chat where the incident is being fought."""
    context.obj = configure()


def main() -> None:
    """Run it; our own errors are one clear line and exit code 2, never a traceback."""
    try:
        cli()
    except RollbotError as error:
        click.echo(f"rollbot: {say(error.text, _language())}", err=True)
        sys.exit(2)


def _language() -> Language:
    """The runbook's language; English while there is no runbook that can be read."""
    try:
        return read_runbook(read_settings().runbook).language
    except RollbotError:
        return "en"
