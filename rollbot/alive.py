"""`rollbot alive worker`: does that process of this host do its work? For health checks."""

from __future__ import annotations

import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click

from commands.runbook import read_runbook
from commands.settings import Settings, read_settings
from commands.store.opening import Access, Store, open_store
from rollbot.processes import served

OBSERVED_WITHIN = timedelta(seconds=45)
"""Three rounds of the observer: it writes its record every 15 s."""

_ANSWER_WITHIN_S = 3


@click.command()
@click.argument("process", type=click.Choice(["bot", "worker", "observer"]))
def alive(process: str) -> None:
    """Exit with 0 when the process of this host does its work, with 1 when it does not.

    The bot answers for its store and its chats; the worker's heart beats in the queue; the
    observer's record is fresh and the engine answered it. Reads only; safe to repeat.
    """
    settings = read_settings()
    why = _bot(settings) if process == "bot" else _on_the_host(settings, process)
    click.echo(f"{process}: {why or 'alive'}", err=bool(why))
    sys.exit(1 if why else 0)


def _bot(settings: Settings) -> str:
    """Why the bot is not well; empty when it is."""
    if not settings.listen:
        return "ROLLBOT_LISTEN is not set, so it cannot be asked"
    host, _, port = settings.listen.rpartition(":")
    url = f"http://{host or '127.0.0.1'}:{port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_WITHIN_S):
            return ""
    except urllib.error.HTTPError as error:
        return f"{url} says {error.code}: {error.read().decode(errors='replace')}"
    except OSError as error:
        return f"{url} does not answer: {error}"


def _on_the_host(settings: Settings, process: str) -> str:
    environment = served(settings, read_runbook(settings.runbook), "")
    ask: dict[str, Callable[[Store, datetime], str]] = {"worker": _worker, "observer": _observer}
    return ask[process](open_store(Access.of(settings, environment)), datetime.now(UTC))


def _worker(store: Store, now: datetime) -> str:
    here = socket.gethostname()
    if any(found.hostname == here for found in store.workers(now)):
        return ""
    return f"no worker of {store.environment} on {here} has a heartbeat"


def _observer(store: Store, now: datetime) -> str:
    observed = store.records.get(now)
    if observed is None:
        return f"nothing was recorded of {store.environment} yet"
    if observed.age > OBSERVED_WITHIN:
        return f"the last record is {observed.age.total_seconds():.0f} s old"
    return "the engine does not answer it" if observed.record.engine_error else ""
