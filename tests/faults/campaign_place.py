"""Where campaigns happen: rollbot's three processes beside a real Compose project, supervised."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import docker

from commands.domain import events as e
from commands.domain.command import Approve, Ask
from commands.domain.events import AnyEvent
from commands.domain.people import Scenario
from commands.domain.plan import SwitchRelease
from commands.domain.request import Request
from commands.domain.runbook import Channel
from commands.domain.state import RollbackState, Status
from commands.store.codec import Recorded
from commands.store.opening import Store, open_store
from tests.engines.found import address_of
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.faults.campaign_processes import Supervisor, Watch
from tests.stack.compose import compose_v2
from tests.stack.images import Images
from tests.stack.installation import Installation
from tests.stack.project import Samokoder
from tests.stack.runbook_file import ENVIRONMENT, runbook_for

VERSIONS = ("v1.2.3", "v1.2.2")
SERVICE = "api"
ENDS_WITHIN_S = 180.0
STORE_PATIENCE_S = 130.0
_LOOK_S = 0.03
_NO_PROGRESS = (e.WorkerLost, e.WorkerBack, e.Posted, e.PostLost, e.Approved, e.Noted)


@dataclass(slots=True)
class Round:
    """One rollback of a campaign. `before` is the container that ran when it was asked for."""

    id: str
    version: str
    began: float
    state: RollbackState | None = None

    @property
    def over(self) -> bool:
        """Nothing more will happen to it by itself."""
        state = self.state
        if state is None:
            return False
        if state.status in (Status.FAILED, Status.IN_DOUBT, Status.STOPPED):
            return True
        return state.status.ended and state.cleaned_up()


@dataclass(slots=True)
class Place:
    """An installation under campaign; rollbacks alternate between two versions."""

    made: Installation
    engine: docker.DockerClient
    supervisor: Supervisor
    watch: Watch
    store: Store
    rounds: int = 0
    _overlaps_told: int = 0
    _events: list[Recorded[AnyEvent]] = field(default_factory=list)

    def begin(self) -> Round:
        """Somebody asks for the version that does not run."""
        version = VERSIONS[self.rounds % len(VERSIONS)]
        self.rounds += 1
        request = Request(
            environment=ENVIRONMENT, scenario=Scenario.SERVICE, services=(SERVICE,), version=version
        )
        home = Channel(platform="console", channel=ENVIRONMENT)
        began = time.time()
        asked = self.made.order(Ask(self.made.actor("anna"), request, home)).rollback_id
        return Round(asked, version, began)

    def look(self, one: Round) -> bool:
        """Read where it stands; approve it as soon as there is a plan. True when it is over."""
        one.state = self.store.book.rollback(one.id)
        if one.state is not None and one.state.status is Status.PLANNED:
            self.made.order(Approve(self.made.actor("anna")), one.id)
        return one.over

    def finish(self, one: Round) -> bool:
        """Wait for its end; False when it did not come."""
        until = time.monotonic() + ENDS_WITHIN_S
        while not self.look(one):
            if time.monotonic() > until:
                return False
            time.sleep(_LOOK_S)
        return True

    def progress(self, one: Round) -> list[datetime]:
        """When a worker moved it, in order."""
        entries = self.store.book.entries(one.id)
        return [entry.at for entry in entries if not isinstance(entry.event, _NO_PROGRESS)]

    def lost(self, one: Round) -> list[str]:
        """Every way in which it is not as planned."""
        state, project = one.state, self.made.project
        found = []
        if state is None or state.status is not Status.SUCCEEDED:
            told = f"{state.status} {state.reason}" if state else "no journal"
            found.append(f"{one.id} to {one.version} is {told}")
        if (answered := project.version(SERVICE)) != one.version:
            found.append(f"{one.id}: {SERVICE} answers as {answered!r}, not {one.version}")
        if (pinned := project.pinned()) != one.version:
            found.append(f"{one.id}: pinned is {pinned!r}, not {one.version}")
        return found

    def doubled(self, one: Round) -> list[str]:
        """Every effect that was there more often than it was needed."""
        state = one.state
        if state is None or state.plan is None:
            return []
        entries, found = self.store.book.entries(one.id), []
        for step in state.plan.steps:
            about = [entry for entry in entries if getattr(entry.event, "step", 0) == step.number]
            done = [entry for entry in about if isinstance(entry.event, e.StepDone)]
            if len(done) > 1:
                found.append(f"{one.id} step {step.number} done {len(done)} times")
            if done and isinstance(step.action, SwitchRelease):
                found += self._recreated(one, done[0].at)
        return found

    def overlaps(self) -> list[str]:
        """What the watch saw since it was asked last."""
        new = self.watch.overlaps[self._overlaps_told :]
        self._overlaps_told += len(new)
        return new

    def _recreated(self, one: Round, switched_at: datetime) -> list[str]:
        """The engine's own events: one container started, none touched after the switch."""
        project = self.made.project.name
        labels = [f"com.docker.compose.project={project}", f"com.docker.compose.service={SERVICE}"]
        filters = {
            "type": "container",
            "label": labels,
            "event": ["create", "start", "kill", "die", "destroy"],
        }
        until = int(time.time()) + 1
        said = self.engine.events(since=int(one.began), until=until, filters=filters, decode=True)
        heard = [
            (event["Action"], event["id"][:12], event["from"].rpartition(":")[2], _at(one, event))
            for event in said
            if event["timeNano"] / 1e9 > one.began
        ]
        started = {name for action, name, tag, _ in heard if action == "start"}
        late = [event for event in heard if event[3] > switched_at.timestamp() - one.began]
        found = [f"{one.id} started {len(started)}: {heard}"] if len(started) > 1 else []
        return found + ([f"{one.id} touched again after its switch: {late}"] if late else [])


def _at(one: Round, event: dict[str, Any]) -> float:
    """Seconds since the round began."""
    return round(float(event["timeNano"]) / 1e9 - one.began, 3)


@contextmanager
def place() -> Iterator[Place]:
    """A Redis, a project of its own and rollbot beside it, all running; ended together."""
    with ExitStack() as ending:
        root = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="rollbot-faults-")))
        redis = RedisServer(address_of("redis"), _folder(root, "redis"))
        redis.start()
        ending.callback(redis.kill9)
        engine = docker.DockerClient(base_url=address_of("docker"))
        ending.callback(engine.close)
        project = Samokoder(compose_v2(), Images(engine, address_of("registry")), root)
        project.images = Images(engine, project.images.registry, project.name)
        project.images.publish_all({"v1.2.2": "ok", "v1.2.3": "ok"})
        ending.callback(project.images.discard)
        ending.callback(project.down)
        project.directory = _folder(root, "samokoder")
        project.write(VERSIONS[-1])
        project.deploy(VERSIONS[-1])
        project.await_version(SERVICE, VERSIONS[-1])
        runbook = runbook_for(project, stable_s=0.5)
        made = Installation(project, redis, root / "rollbot", runbook)
        store = open_store(made.access("campaign"), STORE_PATIENCE_S)
        supervisor = Supervisor(made)
        ending.callback(supervisor.close)
        watch = Watch(made)
        ending.callback(watch.close)
        eventually(lambda: made.running.keys() >= {"worker"}, what="started")
        made.await_worker()
        yield Place(made, engine, supervisor, watch, store)


def _folder(root: Path, name: str) -> Path:
    made = root / name
    made.mkdir()
    return made
