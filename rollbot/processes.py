"""The three long-running processes: bot, worker, observer."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import click

from commands.domain.errors import SettingsError
from commands.domain.runbook import Runbook
from commands.runbook import read_runbook
from commands.settings import Settings, child_environment, read_settings
from commands.store.opening import Access
from commands.store.redaction import Redactor


@dataclass(slots=True)
class RunbookFile:
    """The runbook as it stands on the disk: read anew only when its bytes changed."""

    path: Path
    _digest: str = ""
    _runbook: list[Runbook] = field(default_factory=list)

    def __call__(self) -> Runbook:
        """The runbook now. Raises RunbookError."""
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest() if self.path.exists() else ""
        if digest != self._digest or not self._runbook:
            self._runbook[:] = [read_runbook(self.path)]
            self._digest = digest
        return self._runbook[0]


def _known_to_logs() -> Redactor:
    """The redactor of this process's logs, so that what one learns the other knows."""
    context = click.get_current_context(silent=True)
    return (context and context.find_object(Redactor)) or Redactor()


def served(settings: Settings, runbook: Runbook, named: str) -> str:
    """The one environment of this host. Raises SettingsError when it is not clear which."""
    names = (named,) if named else settings.served or tuple(runbook.environments)
    if len(names) != 1 or names[0] not in runbook.environments:
        known = ", ".join(runbook.environments)
        raise SettingsError("ROLLBOT_ENV", f"must name one environment of the runbook: {known}")
    return names[0]


@click.command()
def bot() -> None:
    """Run the bot: listens to Slack and Telegram, decides, relays, watches deadlines."""
    from bot.main import Bot

    settings = read_settings()
    asyncio.run(Bot.build(settings, RunbookFile(settings.runbook)()).run())


@click.command()
@click.option("--env", "environment", default="", help="The environment this host serves.")
def worker(environment: str) -> None:
    """Run the worker of one environment: surveys, executes, proves."""
    from workers import jobs
    from workers.main import serve

    settings = read_settings()
    runbook_file = RunbookFile(settings.runbook)
    name = served(settings, runbook_file(), environment)
    jobs.prepare(
        jobs.Host(
            access=Access.of(settings, name),
            read_runbook=runbook_file,
            environment_variables=child_environment(),
            clock=jobs.SystemClock(),
        )
    )
    serve(settings.redis_url, name, warm=jobs.warm)


@click.command()
@click.option("--env", "environment", default="", help="The environment this host serves.")
def observer(environment: str) -> None:
    """Run the observer of one environment: records what runs and how it is; changes nothing."""
    from workers import jobs, watching

    settings = read_settings()
    runbook_file = RunbookFile(settings.runbook)
    name = served(settings, runbook_file(), environment)
    host = jobs.Host(
        access=Access.of(settings, name),
        read_runbook=runbook_file,
        environment_variables=child_environment(),
        clock=jobs.SystemClock(),
    )
    watching.run(host)
