"""The three long-running processes: bot, worker, observer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from commands.domain.errors import RefusedError, SettingsError
from commands.domain.runbook import Runbook
from commands.domain.text import text
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
    only_known(names, runbook)
    if len(names) != 1:
        known = tuple(runbook.environments)
        raise SettingsError("ROLLBOT_ENV", text("wrong.not_one_environment", known=known))
    return names[0]


def only_known(names: Iterable[str], runbook: Runbook) -> None:
    """Raises RefusedError for a name that is no environment of the runbook.

    Asked before anything is opened: for a misspelt name there would be no key either, and asking
    for that one sends people the wrong way.
    """
    for name in names:
        if name not in runbook.environments:
            known = tuple(runbook.environments)
            raise RefusedError("shell.no_such_environment", environment=name, known=known)


def _access(settings: Settings, environment: str) -> Access:
    """Access with a state folder that stays the same one, wherever a child process goes."""
    return replace(
        Access.of(settings, environment), state_dir=settings.state_dir.expanduser().absolute()
    )


@click.command()
def bot() -> None:
    """Run the bot: listens to Slack and Telegram, decides, relays, watches deadlines."""
    from bot.main import Bot

    settings = read_settings()
    runbook = RunbookFile(settings.runbook)()
    only_known(settings.served, runbook)
    asyncio.run(Bot.build(settings, runbook).run())


@click.command()
@click.option("--env", "environment", default="", help="The environment this host serves.")
def worker(environment: str) -> None:
    """Run the worker of one environment: surveys, executes, proves."""
    from workers import jobs
    from workers.lease import Lease, Standstill
    from workers.main import serve

    settings = read_settings()
    runbook_file = RunbookFile(settings.runbook)
    name = served(settings, runbook_file(), environment)
    access = _access(settings, name)
    jobs.prepare(
        jobs.Host(
            access=access,
            read_runbook=runbook_file,
            environment_variables=child_environment(),
            clock=jobs.SystemClock(),
            addresses=jobs.addresses_of(settings, name),
        )
    )
    still = Standstill(Lease(access.state_dir, name))
    serve(settings.redis_url, name, warm=jobs.warm, still=still)


@click.command()
@click.option("--env", "environment", default="", help="The environment this host serves.")
def observer(environment: str) -> None:
    """Run the observer of one environment: records what runs and how it is; changes nothing."""
    from workers import jobs, watching

    settings = read_settings()
    runbook_file = RunbookFile(settings.runbook)
    name = served(settings, runbook_file(), environment)
    host = jobs.Host(
        access=_access(settings, name),
        read_runbook=runbook_file,
        environment_variables=child_environment(),
        clock=jobs.SystemClock(),
        addresses=jobs.addresses_of(settings, name),
    )
    watching.run(host)
