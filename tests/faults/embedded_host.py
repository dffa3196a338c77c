"""A whole host without Docker: the demo's engine, real services, rollbot's three processes."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from commands.domain.people import Scenario
from commands.domain.request import Request
from rollbot.demo import toml
from rollbot.demo.world import World
from tests.integration.slack_people import ANNA, CHANNEL, EGOR, IVAN, VERA
from tests.servers.slack import TEAM
from tests.stack.installation import KEY, Installation
from tests.stack.runbook_file import ENVIRONMENT, QUICK

ON_SLACK = {"anna": ANNA, "vera": VERA, "igor": EGOR, "olga": IVAN}
ON_TELEGRAM = {"anna": 100000001, "igor": 100000002, "olga": 100000003}
GROUP_ID = -1000000000001


@dataclass(slots=True)
class EmbeddedHost(Installation):
    """`Installation` on the demo's world; `project` is nothing here."""

    world: World = field(kw_only=True)

    def environment(self) -> dict[str, str]:
        """Everything the processes are given."""
        return {
            **self.world.environment(),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ROLLBOT_RUNBOOK": str(self.directory / "runbook.toml"),
            "ROLLBOT_STATE_DIR": str(self.directory / "state"),
            **self.chats,
        }

    def said(self, name: str, words: str) -> int:
        """How often a process printed these words, in all its life."""
        return (self.directory / f"{name}.log").read_text().count(words)

    def pins(self) -> str:
        """The env file of the project: what a rollback would change first."""
        return (self.world.places.project / ".env").read_text()


@contextmanager
def embedded_host(
    folder: Path,
    chats: dict[str, str],
    running: str,
    rooms: tuple[str, ...] = (CHANNEL,),
    groups: tuple[int, ...] = (GROUP_ID,),
) -> Iterator[EmbeddedHost]:
    """A host whose services run this version; nothing of rollbot is started yet.

    `rooms` and `groups` are its channels on Slack and on Telegram.
    """
    folder.mkdir(exist_ok=True)
    world = World.started(folder)
    world.journal_key = KEY
    made: EmbeddedHost | None = None
    try:
        world.deploy(running)
        redis: Any = SimpleNamespace(url=world.places.redis_url)
        nothing: Any = None
        runbook = _bound(world.places.runbook.read_text(), rooms, groups)
        made = EmbeddedHost(nothing, redis, folder / "rollbot", runbook, chats, world=world)
        yield made
    finally:
        if made is not None:
            made.stop()
        world.close()


def _bound(runbook: str, rooms: tuple[str, ...], groups: tuple[int, ...]) -> str:
    """Give the demo's people accounts, its environment channels, and short windows."""
    document = tomllib.loads(runbook)
    for person, user in ON_SLACK.items():
        document["people"][person]["slack"] = [f"{TEAM}:{user}"]
    for person, account in ON_TELEGRAM.items():
        document["people"][person]["telegram"] = [account]
    document["environments"][ENVIRONMENT]["channels"] = [
        *({"platform": "slack", "workspace": TEAM, "channel": room} for room in rooms),
        *({"platform": "telegram", "channel": str(group)} for group in groups),
    ]
    document["timing"] = {**document.get("timing", {}), **QUICK}
    return toml.dumps(document)


def to(version: str) -> Request:
    """The api back to this version."""
    return Request(
        environment=ENVIRONMENT, scenario=Scenario.SERVICE, services=("api",), version=version
    )
