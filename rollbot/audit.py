"""`rollbot audit`: is the journal whole, and what was done by whom."""

from __future__ import annotations

import sys

import click

from commands.domain.errors import StateLostError, StoreError
from commands.locale import say
from commands.runbook import read_runbook
from commands.settings import read_settings
from commands.store.keys import ENVIRONMENT_JOURNAL
from commands.store.opening import Store, open_store
from rollbot.processes import access, served


@click.group()
def audit() -> None:
    """Verify the journal; show what was done and who approved."""


def _store(named: str) -> Store:
    settings = read_settings()
    runbook = read_runbook(settings.runbook)
    return open_store(access(settings, served(settings, runbook, named)))


@audit.command()
@click.option("--env", "environment", default="", help="The environment to verify.")
def verify(environment: str) -> None:
    """Check every entry's chain and signature, and the worker's mirror where there is one.

    Exit code 1 names the first entry that is forged, edited or missing.
    """
    store = _store(environment)
    problems = 0
    for name in (ENVIRONMENT_JOURNAL, *store.book.journal.names()):
        try:
            entries = store.book.entries(name)
            _against_mirror(store, name, tuple(entry.hash for entry in entries))
        except StoreError as error:
            problems += 1
            click.echo(f"✗ {name}: {say(error.text, 'en')}")
        else:
            click.echo(f"✓ {name}: {len(entries)} entries, chained and signed")
    for name in set(store.mirror.hashes()) - {ENVIRONMENT_JOURNAL, *store.book.journal.names()}:
        problems += 1
        click.echo(f"✗ {name}: the worker has seen it, Redis no longer knows it")
    sys.exit(1 if problems else 0)


def _against_mirror(store: Store, name: str, hashes: tuple[str, ...]) -> None:
    mirrored = store.mirror.hashes().get(name, ())
    if mirrored != hashes[: len(mirrored)]:
        same = sum(1 for a, b in zip(mirrored, hashes, strict=False) if a == b)
        raise StateLostError(name, len(mirrored), same)


@audit.command()
@click.argument("rollback_id")
@click.option("--env", "environment", default="", help="The environment of the rollback.")
def show(rollback_id: str, environment: str) -> None:
    """Print who asked, who approved which digest, every intent, effect and proof."""
    store = _store(environment)
    entries = store.book.entries(rollback_id)
    if not entries:
        click.echo(f"There is no {rollback_id} in {store.environment}.", err=True)
        sys.exit(1)
    for entry in entries:
        said = entry.event.model_dump_json(exclude={"kind"}, exclude_defaults=True)
        click.echo(f"{entry.n:>4} {entry.at:%Y-%m-%d %H:%M:%S}Z {entry.event.kind} {said}")
