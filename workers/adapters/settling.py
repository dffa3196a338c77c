"""What an earlier job process left under way inside the Docker engine is ended or awaited.

When Compose is killed, the engine goes on with what it was asked last: a container that was told
to stop stops, one that was told to start starts. Half-way through a recreate Compose 1.29 has
renamed the old container to `<12 hex>_<name>`, Compose 2 has made the new one under such a name;
Compose 2.26's next `up` may then fail over that name (measured, Docker 20.10).
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commands.domain.errors import CommandTimedOutError, ImageNotFoundError
from workers.adapters.engine import Engine

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
ROLLBACK_LABEL = "rollbot.rollback"

_HALF_MADE = re.compile(r"[0-9a-f]{12}_(?P<name>.+)")
_ENDING = ("15", "9", "SIGTERM", "SIGKILL")
_UP = ("running", "restarting", "paused")
_QUIET_S = 0.5
_LOOK_EVERY_S = 0.05
# The engine kills after the stop grace period, 10 s unless the Compose file says otherwise.
_LOOK_BACK_S = 120
_STOP_GRACE_S = 10


@dataclass(frozen=True, slots=True)
class Settling:
    """One project's containers, brought to a state from which `up` works."""

    engine: Engine
    project: str

    def settle(self, rollback_id: str, timeout_s: float) -> None:
        """Await what is under way, end one-off containers of the rollback, mend half recreates.

        Changes nothing when nothing is odd. Safe to repeat. Raises CommandTimedOutError when the
        engine is still busy after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        self._await_one_offs(rollback_id, deadline)
        # Also when all looks well: a container that the engine is still making shows only when it
        # is made, which may be after the end of the Compose that had asked for it.
        is_quiet = self._is_quiet_by(deadline)
        if not self._is_odd(self._containers()):
            return
        if not is_quiet:
            raise CommandTimedOutError(f"settle {self.project}", timeout_s)
        groups = defaultdict(list)
        for container in self._containers():
            labels = container["Labels"]
            groups[labels.get(SERVICE_LABEL), labels.get(NUMBER_LABEL)].append(container)
        for group in groups.values():
            self._mend(group)

    def _await_one_offs(self, rollback_id: str, deadline: float) -> None:
        """One-off programs of this rollback are let finish; in the end they are ended."""
        # Two environments may share an engine, and each of them has an RB-1.
        ours = [f"{PROJECT_LABEL}={self.project}", f"{ROLLBACK_LABEL}={rollback_id}"]
        while running := self._listed({"label": ours, "status": "running"}):
            if time.monotonic() > deadline:
                for container in running:
                    with self.engine.calling(container["Id"]):
                        self.engine.api.stop(container["Id"], timeout=_STOP_GRACE_S)
                return
            time.sleep(_LOOK_EVERY_S)

    def _is_quiet_by(self, deadline: float) -> bool:
        """Wait until nothing has changed for half a second and nobody is still being stopped."""
        before, since = self._containers(), time.monotonic()
        while time.monotonic() - since < _QUIET_S or self._is_stopping(before):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_EVERY_S)
            now = self._containers()
            if _shape(now) != _shape(before):
                before, since = now, time.monotonic()
        return True

    def _is_odd(self, containers: list[Mapping[str, Any]]) -> bool:
        places = [
            (c["Labels"].get(SERVICE_LABEL), c["Labels"].get(NUMBER_LABEL)) for c in containers
        ]
        return (
            len(set(places)) < len(places)
            or any(c["State"] in ("created", "removing") for c in containers)
            or any(_HALF_MADE.fullmatch(_name(c)) for c in containers)
            or self._is_stopping(containers)
        )

    def _is_stopping(self, containers: Iterable[Mapping[str, Any]]) -> bool:
        """Whether a running container has been told to end and has not ended yet."""
        running = {c["Id"] for c in containers if c["State"] == "running"}
        # To the fraction of a second: the engine would wait for a moment that has not come yet.
        now = time.time()
        with self.engine.calling(self.project):
            told = self.engine.api.events(
                since=int(now) - _LOOK_BACK_S,
                until=f"{now:.6f}",
                filters={"label": f"{PROJECT_LABEL}={self.project}", "type": "container"},
                decode=True,
            )
            stopping = set()
            for event in told:
                container, attributes = event["Actor"]["ID"], event["Actor"]["Attributes"]
                if event["Action"] == "kill" and attributes.get("signal") in _ENDING:
                    stopping.add(container)
                elif event["Action"] in ("die", "start", "destroy"):
                    stopping.discard(container)
        return bool(stopping & running)

    def _mend(self, group: list[Mapping[str, Any]]) -> None:
        """Keep one container of a service and give it its name back."""
        group = sorted(
            group, key=lambda c: (c["State"] in _UP, c["State"] != "created", c["Created"])
        )
        *others, kept = group
        for other in others:
            self._remove(other)
        half_made = _HALF_MADE.fullmatch(_name(kept))
        if half_made and not self._listed({"name": f"^/{re.escape(half_made['name'])}$"}):
            with self.engine.calling(kept["Id"]):
                self.engine.api.rename(kept["Id"], half_made["name"])

    def _remove(self, container: Mapping[str, Any]) -> None:
        """Remove it, never by force and never its volumes: a running one stays."""
        if container["State"] in _UP:
            return
        try:
            with self.engine.calling(container["Id"]):
                self.engine.api.remove_container(container["Id"], v=False, force=False)
        except ImageNotFoundError:
            return

    def _containers(self) -> list[Mapping[str, Any]]:
        labels = [f"{PROJECT_LABEL}={self.project}", f"{ONE_OFF_LABEL}=False"]
        return self._listed({"label": labels})

    def _listed(self, filters: Mapping[str, object]) -> list[Mapping[str, Any]]:
        with self.engine.calling(self.project):
            found: list[Mapping[str, Any]] = self.engine.api.containers(all=True, filters=filters)
        return found


def _name(container: Mapping[str, Any]) -> str:
    """Its own name; a link gives it others, with a slash."""
    names = [name.removeprefix("/") for name in container["Names"] or ()]
    return next((name for name in names if "/" not in name), "")


def _shape(containers: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((c["Id"], _name(c), c["State"]) for c in containers)
