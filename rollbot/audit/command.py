"""The two commands of `rollbot audit`. What they print is for auditors, in English."""

from __future__ import annotations

import sys

import click

from commands.domain.accounting import first_unaccounted
from commands.locale import say
from commands.runbook import read_runbook
from commands.settings import read_settings
from commands.store.inspection import Finding, Inspector
from commands.store.keys import ENVIRONMENT_JOURNAL
from commands.store.opening import Access, Store, open_store
from rollbot.audit.story import headline, told
from rollbot.processes import served


@click.group()
def audit() -> None:
    """Verify the journal; show what was done and who approved."""


def _store(named: str) -> Store:
    settings = read_settings()
    runbook = read_runbook(settings.runbook)
    return open_store(Access.of(settings, served(settings, runbook, named)))


@audit.command()
@click.option("--env", "environment", default="", help="The environment to verify.")
def verify(environment: str) -> None:
    """Check every entry's chain and signature, and the worker's mirror where there is one.

    Exit code 1 names the first entry of each journal that is forged, edited or missing, or that
    nothing before it allows.
    """
    problems = 0
    for finding in Inspector(_store(environment)).findings():
        problems += finding.error is not None
        click.echo(_line(finding))
    sys.exit(1 if problems else 0)


def _line(finding: Finding) -> str:
    count = f"{finding.entries} {'entry' if finding.entries == 1 else 'entries'}"
    if finding.error is not None:
        return f"✗ {finding.journal}: {count} right, then: {say(finding.error.text, 'en')}"
    if finding.journal in ("mirror", ENVIRONMENT_JOURNAL):
        return f"✓ {finding.journal}: {count}, chained and signed"
    return f"✓ {finding.journal}: {count}, chained and signed; every effect intended and approved"


@audit.command()
@click.argument("rollback_id")
@click.option("--env", "environment", default="", help="The environment of the rollback.")
def show(rollback_id: str, environment: str) -> None:
    """Print who asked, who approved which digest, every intent, effect and proof.

    Exit code 1 when there is no such rollback, or its journal is not whole or does not account
    for everything that was done.
    """
    store = _store(environment)
    entries, error = Inspector(store).entries(rollback_id)
    if not entries and error is None:
        click.echo(f"There is no {rollback_id} in {store.environment}.", err=True)
        sys.exit(1)
    for line in headline(rollback_id, store.environment, entries):
        click.echo(line)
    for line in told(entries):
        click.echo(line)
    if error is not None:
        click.echo(f"✗ {say(error.text, 'en')}")
        sys.exit(1)
    if found := first_unaccounted(entry.event for entry in entries):
        click.echo(f"✗ entry {found.position}: {found.why}")
        sys.exit(1)
    click.echo(f"✓ {len(entries)} entries, chained and signed; every effect intended and approved")
