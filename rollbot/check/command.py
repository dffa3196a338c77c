"""Runs every check side by side and prints what was found, red first."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import click
import structlog

from commands.domain.errors import RollbotError, RunbookError, SettingsError, StoreUnavailableError
from commands.domain.people import Language
from commands.domain.runbook import Runbook
from commands.domain.text import text
from commands.locale import say
from commands.runbook import read_runbook
from commands.settings import Settings, child_environment, read_settings
from commands.store.opening import Access
from rollbot.check import apart, chats, database, host, memory, people, place
from rollbot.check.finding import Check, Finding, Ground, Level, green, red
from workers import jobs

log = structlog.get_logger()

THREADS = 8
MARKS = {Level.RED: ("✗", "red"), Level.YELLOW: ("!", "yellow"), Level.GREEN: ("✓", "green")}
# A bot's host has no engine, a worker's host no chat token: each checks its own.
SIDES: dict[str, tuple[Check, ...]] = {
    "bot": (*people.CHECKS, *memory.CHECKS, *chats.CHECKS),
    "worker": (
        *people.CHECKS[:2],
        *apart.CHECKS,
        *memory.CHECKS,
        *host.CHECKS,
        *database.CHECKS,
        *place.CHECKS,
        memory.ledger_is_seeded,
    ),
}
SIDES["all"] = tuple(dict.fromkeys((*SIDES["bot"], *SIDES["worker"])))


@click.command()
@click.option("--env", "environment", default="", help="Only this environment.")
@click.option("--side", type=click.Choice(sorted(SIDES)), default="all", help="Which host this is.")
@click.option("--language", type=click.Choice(["ru", "en"]), help="Default: the runbook's.")
def check(environment: str, side: str, language: Language | None) -> None:
    """Validate the runbook and drill all that it needs; red first, exit code 1 on red."""
    settings = read_settings()
    try:
        runbook = read_runbook(settings.runbook)
    except RunbookError as error:
        sys.exit(report([Finding(Level.RED, error.text)], language or "ru"))
    if environment and environment not in runbook.environments:
        known = tuple(runbook.environments)
        raise SettingsError("ROLLBOT_ENV", text("wrong.not_one_environment", known=known))
    names = (environment,) if environment else settings.served or tuple(runbook.environments)
    found = [green("ready.runbook_valid", path=str(settings.runbook), version=runbook.version)]
    for name in names:
        with closing(ground_of(settings, runbook, name)) as ground:
            found += findings(ground, SIDES[side])
    sys.exit(report(found, language or runbook.language))


def ground_of(settings: Settings, runbook: Runbook, environment: str) -> Ground:
    """What the checks of one environment may ask; nothing is connected yet."""
    clock, key = jobs.SystemClock(), _key(settings, environment)
    access = Access(
        environment=environment,
        redis_url=settings.redis_url,
        key=key or b"",
        state_dir=settings.state_dir,
        secrets=settings.secret_values(),
    )
    worker_host = jobs.Host(
        access=access,
        read_runbook=lambda: runbook,
        environment_variables=child_environment(),
        clock=clock,
        addresses=jobs.addresses_of(settings, environment),
    )
    ports = jobs.open_ports(worker_host, runbook, "check")
    return Ground(settings, runbook, environment, ports, access if key else None, clock.now())


def findings(ground: Ground, checks: Iterable[Check]) -> list[Finding]:
    """What all these checks found; one that breaks is red and spoils no other."""
    with ThreadPoolExecutor(THREADS) as pool:
        parts = pool.map(lambda one: _made(one, ground), checks)
        found: list[Finding] = []
        for finding in (finding for part in parts for finding in part):
            if finding not in found:  # several checks meet the same dead engine
                found.append(finding)
        return found


def report(found: Iterable[Finding], language: Language) -> int:
    """Print red, yellow, green; the exit code: 1 when anything is red."""
    ordered = sorted(found, key=lambda finding: finding.level)
    counts = {level: sum(f.level is level for f in ordered) for level in Level}
    for finding in ordered:
        mark, colour = MARKS[finding.level]
        click.secho(f"{mark} {say(finding.text, language)}", fg=colour)
    summary = text(
        "ready.summary",
        red=counts[Level.RED],
        yellow=counts[Level.YELLOW],
        green=counts[Level.GREEN],
    )
    click.echo(f"\n{say(summary, language)}")
    return 1 if counts[Level.RED] else 0


def _made(one: Check, ground: Ground) -> list[Finding]:
    found: list[Finding] = []
    try:
        # One by one: what was found before it broke is kept.
        for finding in one(ground):
            found.append(finding)  # noqa: PERF402 -- told as they come
    except StoreUnavailableError:
        found.append(red("ready.redis_away"))
    except RollbotError as error:
        found.append(Finding(Level.RED, error.text))
    except Exception as error:
        log.exception("check_broke", check=one.__name__)
        found.append(red("ready.check_broke", check=one.__name__, why=type(error).__name__))
    return found


def _key(settings: Settings, environment: str) -> bytes | None:
    try:
        return settings.journal_key(environment)
    except SettingsError:
        return None
