"""`rollbot backup`, `pre-deploy`, `rehearse`, `integrity`, `restore`: exit code 0 means proven."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from commands.domain.database import BackupRecord
from commands.domain.database_looks import NOT_VALID
from commands.domain.errors import BackupInvalidError, RefusedError, RollbotError
from commands.domain.events import BackupTaken, DeployAnnounced, EnvironmentEvent
from commands.domain.people import Identity
from commands.domain.plan import ProveBackup
from commands.domain.state import EnvironmentState
from commands.domain.text import Text, text
from commands.grammar import parse_arguments
from commands.locale import say
from commands.runbook import read_runbook
from commands.settings import read_settings
from rollbot.database import rehearsing
from rollbot.database.hand import Hand, by_hand
from rollbot.processes import served
from rollbot.shell import login, say_once
from workers import jobs
from workers.adapters.backups import BackupFolder
from workers.needing import needed_by
from workers.steps.pruning import prune

BAD = 1

_environment = click.option("--env", "named", default="", help="The environment of this host.")


@click.group(invoke_without_command=True)
@_environment
@click.pass_context
def backup(context: click.Context, named: str) -> None:
    """Take a backup and prove it by restoring it."""
    context.obj = named
    if context.invoked_subcommand is None:
        with _hand(named, "hand") as hand:
            _noted(hand, taken(hand))


@backup.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def verify(named: str, file: Path) -> None:
    """Prove a backup, or refuse it: the customer's old samokoder_*.sql.gz too."""
    with _hand(named, "verify") as hand:
        if not file.is_file():
            raise BackupInvalidError(file.name, "missing")
        folder = BackupFolder(file.resolve().parent, jobs.SystemClock())
        database = hand.database
        there = replace(hand, ports=replace(hand.ports, backups=folder))
        if all(one.name != file.name for one in folder.listed(database.name)):
            # Its name does not tell whose it is (the runbook's `incident_….sql.gz`): who asks does.
            about = file.stat()
            at = datetime.fromtimestamp(about.st_mtime, UTC)
            size = {"size_bytes": about.st_size}
            folder.note(BackupRecord(name=file.name, database=database.name, taken_at=at, **size))
        proof = ProveBackup(database=database.name, backup=file.name)
        there.carry_out(there.plan_of((proof, database.backup_timeout_s)))


@click.command("pre-deploy")
@_environment
@click.option("--version", default="", help="What is about to be deployed.")
def pre_deploy(named: str, version: str) -> None:
    """Before a deploy: not while frozen or rolling back; then a proven backup, and the ledger.

    Without a database in the runbook there is nothing to back up: it asks, and remembers.
    """
    with _hand(named, "pre-deploy") as hand:
        _must_be_free(hand.store().book.environment())
        record = taken(hand) if hand.has_database else None
        name = record.name if record else ""
        person = hand.runbook.person_of(Identity(platform="shell", user=login())) or login()
        announced = DeployAnnounced(person=person, backup=name, version=version)

        def decide(state: EnvironmentState) -> tuple[EnvironmentEvent, ...]:
            # A rollback may have begun while the backup was taken.
            _must_be_free(state)
            return (BackupTaken(record=record), announced) if record else (announced,)

        hand.note(decide)
        hand.tell(text("dbshell.may_deploy" if name else "dbshell.may_deploy_bare", backup=name))


@click.command()
@_environment
@click.option("--downgrade", "revision", default="", help="A revision, or -1.")
@click.option("--upgrade", type=click.Choice(["head"]), help="To the image's heads.")
@click.option("--image", default="", help="The version whose scripts run; default: what runs.")
def rehearse(named: str, revision: str, upgrade: str | None, image: str) -> None:
    """Run a migration on a proven copy of production, timed; production is only read."""
    if bool(revision) == bool(upgrade):
        raise click.UsageError("give one of --downgrade REVISION and --upgrade head")
    with _hand(named, "rehearsal") as hand:
        hand.carry_out(rehearsing.plan_for(hand, revision, image))
        _prune(hand)
        hand.tell(text("dbshell.rehearsed"))


@click.command()
@_environment
def integrity(named: str) -> None:
    """Check production's data: orphans of every foreign key, sequences, indexes."""
    with _hand(named, "integrity") as hand:
        database = hand.database
        findings = hand.ports.production.integrity(database.name, {}, database.backup_timeout_s)
        bad = [one for one in findings if not one.ok]
        for one in bad:
            key = "dbshell.unsound" if one.ok is False else "dbshell.unsure"
            key = "dbshell.not_valid" if one.found.startswith(NOT_VALID) else key
            hand.tell(text(key, check=one.check, subject=one.subject, found=one.found))
        if bad:
            sys.exit(BAD)
        hand.tell(text("dbshell.sound", n=len(findings), database=database.name))


@click.command()
@_environment
@click.argument("backup_name")
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@click.option("--reason", default="", help="Why.")
def restore(named: str, backup_name: str, *, dry_run: bool, reason: str) -> None:
    """Restore a backup: planned, approved and carried out like in chat."""
    settings = read_settings()
    runbook = read_runbook(settings.runbook)
    words = ["db", "--restore", backup_name, "--env", served(settings, runbook, named)]
    words += ["--dry-run"] * dry_run
    words += ["--reason", reason] if reason else []
    spoken = parse_arguments(words, runbook)
    sys.exit(asyncio.run(say_once(settings, runbook, spoken)))


def taken(hand: Hand) -> BackupRecord:
    """A new backup, proven. Raises what taking and proving it raise: then there is none."""
    database = hand.database
    proven = [o.backup for o in hand.carry_out(hand.plan_of_backup()) if o.backup]
    if not proven:
        raise BackupInvalidError(database.name, "unproven")
    _prune(hand)
    return proven[-1]


def _prune(hand: Hand) -> None:
    """By the same rule as the worker; none at all if nobody can tell what is needed."""
    knowing = replace(hand.ports, needed=lambda: needed_by(hand.store().book))
    if gone := prune(knowing):
        hand.tell(text("dbshell.pruned", n=len(gone)))


def _must_be_free(state: EnvironmentState) -> None:
    """Raise RefusedError during a freeze (H20), or while a rollback holds the environment."""
    if state.freeze is not None:
        freeze = state.freeze
        rollback = freeze.rollback_id or "—"
        raise RefusedError("dbshell.frozen", rollback=rollback, reason=freeze.reason)
    holder = state.holder()
    if holder is not None:
        raise RefusedError("dbshell.rolling_back", rollback=holder.id)


def _noted(hand: Hand, record: BackupRecord) -> None:
    """Remember it; a backup by hand is as good while the journal is away, and says so."""
    try:
        hand.note(lambda state: (BackupTaken(record=record),))  # noqa: ARG005 -- whatever the state
    except RollbotError as error:
        hand.tell(text("dbshell.not_noted", why=say(error.text, hand.runbook.language)))
    hand.tell(text("dbshell.backed_up", backup=record.name))


@contextmanager
def _hand(named: str, by: str) -> Iterator[Hand]:
    settings = read_settings()
    runbook = read_runbook(settings.runbook)

    def tell(line: Text) -> None:
        click.echo(say(line, runbook.language))

    with by_hand(settings, runbook, served(settings, runbook, named), by, tell) as hand:
        yield hand
