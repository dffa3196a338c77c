"""A worker host on the demo's embedded engine, with a smoke test of the test's own."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from commands.domain.command import Ask
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Channel
from rollbot.demo.toml import dumps
from rollbot.demo.world import World
from tests.engines.redis_server import RedisServer
from tests.integration.slack_people import ANNA, CHANNEL
from tests.servers.slack import TEAM
from tests.stack.installation import KEY, Installation
from tests.stack.project import Samokoder
from tests.stack.runbook_file import ENVIRONMENT


@dataclass(slots=True)
class WorkerWorld(Installation):
    """`Installation` over a demo world; people are the demo's, anna is on Slack too."""

    world: World | None = None

    def environment(self) -> dict[str, str]:
        """Everything the processes are given."""
        assert self.world is not None
        return {
            **self.world.environment(),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ROLLBOT_RUNBOOK": str(self.directory / "runbook.toml"),
            "ROLLBOT_STATE_DIR": str(self.directory / "state"),
            "REDIS_URL": self.redis.url,
            "ROLLBOT_JOURNAL_KEY_PRODUCTION": KEY,
            **self.chats,
        }

    def ask_api(self, version: str) -> str:
        """Anna asks for api in the incident channel, and the plan is there."""
        words = Request(
            environment=ENVIRONMENT, scenario=Scenario.SERVICE, services=("api",), version=version
        )
        home = Channel(platform="slack", workspace=TEAM, channel=CHANNEL)
        asked = self.order(Ask(self.actor("anna"), words, home)).rollback_id
        self.await_status("planned", of=asked)
        return asked

    @property
    def runs(self) -> str:
        """The version that api says it is."""
        assert self.world is not None
        return self.world.version("api")


def worker_world(
    root: Path,
    redis: RedisServer,
    *,
    chats: dict[str, str] | None = None,
    check: tuple[str, ...] = (sys.executable, "-c", ""),
    then: tuple[str, ...] = (),
    check_timeout_s: float = 400,
    expires_min: int = 0,
) -> WorkerWorld:
    """A host on v1.3.0. `check` is the customer's smoke test, `then` the one after it.

    `expires_min` is that of an api request.
    """
    (root / "world").mkdir()
    world = World.started(root / "world")
    try:
        world.deploy("v1.3.0")
        document = tomllib.loads(world.places.runbook.read_text())
    except BaseException:
        world.close()
        raise
    production = document["environments"][ENVIRONMENT]
    production["channels"].append({"platform": "slack", "workspace": TEAM, "channel": CHANNEL})
    title = {"ru": "Проверка", "en": "Check"}
    production["smoke"] = [
        {"title": title, "argv": list(argv), "timeout_s": check_timeout_s}
        for argv in (check, then)
        if argv
    ]
    document["people"]["anna"]["slack"] = [f"{TEAM}:{ANNA}"]
    document["timing"] |= {"stable_s": 0.3, "watch_s": 2.0}
    if expires_min:
        document["escalation"]["api"] |= {"sla_min": 0, "expires_min": expires_min}
    return WorkerWorld(
        project=cast(Samokoder, None),
        redis=redis,
        directory=root / "rollbot",
        runbook=dumps(document),
        chats=chats or {},
        world=world,
    )
