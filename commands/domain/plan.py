"""A plan is data: ordered steps, what they change and from what, and its digest.

The digest covers what will be done and from what, never estimates, warnings or words.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from commands.domain.facts import ImageDigest
from commands.domain.request import Request
from commands.domain.text import Text


class PlanPart(BaseModel):
    """Frozen; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(StrEnum):
    """When a step runs: `prepare` serves no user and needs no approval; `execute` changes."""

    PREPARE = "prepare"
    EXECUTE = "execute"
    VERIFY = "verify"
    CLEAN_UP = "clean_up"


class CommandLine(PlanPart):
    """The exact argument vector that an adapter will run, without a shell.

    `environment` are plain values that belong to the plan; secrets travel by the names in
    `secrets`, whose values only the adapter knows.
    """

    argv: tuple[str, ...]
    directory: str = ""
    environment: dict[str, str] = Field(default_factory=dict)
    secrets: tuple[str, ...] = ()


class Pin(PlanPart):
    """Where a version is pinned: a variable of an env file, or one service of an override file.

    For `variable`, `name` is the variable and `value` the version. For `override`, `name` is the
    Compose service and `value` the image reference with its tag.
    """

    kind: Literal["variable", "override"]
    path: str
    name: str
    value: str


class Target(PlanPart):
    """One service and the release it goes to. `before` is what it runs at planning ("" = none)."""

    service: str
    compose_service: str
    repository: str
    version: str
    digest: ImageDigest
    before: ImageDigest = ""
    before_version: str = ""


class PullImage(PlanPart):
    """Bring the target image here by digest and give it its tag. Serves no user."""

    kind: Literal["pull_image"] = "pull_image"
    target: Target


class PinVersion(PlanPart):
    """Write the version where Compose reads it, atomically, the previous file kept (H6)."""

    kind: Literal["pin_version"] = "pin_version"
    pin: Pin
    keep_as: str


class SwitchRelease(PlanPart):
    """Run other images of the named services by one Compose call (H21: only the named)."""

    kind: Literal["switch_release"] = "switch_release"
    targets: tuple[Target, ...]
    command: CommandLine


class AwaitHealthy(PlanPart):
    """Wait until every named service answers its health URL well (H13)."""

    kind: Literal["await_healthy"] = "await_healthy"
    services: tuple[str, ...]


class ReadBack(PlanPart):
    """Read the running digest and the version endpoint back: the proof."""

    kind: Literal["read_back"] = "read_back"
    targets: tuple[Target, ...]


class HoldStable(PlanPart):
    """Watch health, restarts and digest for a while: a crash loop is not a success (H13)."""

    kind: Literal["hold_stable"] = "hold_stable"
    targets: tuple[Target, ...]
    stable_s: float


class RunCheck(PlanPart):
    """Run the customer's own command as a check: exit code, time limit, tail of its output."""

    kind: Literal["run_check"] = "run_check"
    name: str
    command: CommandLine


class DropPrepared(PlanPart):
    """Remove what prepare brought and nobody needs: images of a rollback that did not happen."""

    kind: Literal["drop_prepared"] = "drop_prepared"
    targets: tuple[Target, ...]


Action: TypeAlias = Annotated[
    PullImage
    | PinVersion
    | SwitchRelease
    | AwaitHealthy
    | ReadBack
    | HoldStable
    | RunCheck
    | DropPrepared,
    Field(discriminator="kind"),
]


class UndoKind(StrEnum):
    """What walking back means for a step."""

    REVERT = "revert"
    NOTHING = "nothing"
    IMPOSSIBLE = "impossible"


class PlannedStep(PlanPart):
    """One step. `number` counts from 1 over all phases. `budget` is the runbook's stage."""

    number: int
    phase: Phase
    action: Action
    undo: UndoKind = UndoKind.NOTHING
    timeout_s: float
    budget: Literal["identify", "switch", "verify", "none"] = "none"


class Plan(PlanPart):
    """Everything that will be done, from what, and what people should know before.

    `downtime_s` is an estimate (None = not known); `commits_undone` are one-line summaries.
    """

    request: Request
    runbook_digest: str
    targets: tuple[Target, ...]
    steps: tuple[PlannedStep, ...]
    config_fingerprint: str = ""
    warnings: tuple[Text, ...] = ()
    evidence: tuple[Text, ...] = ()
    commits_undone: tuple[str, ...] = ()
    downtime_s: float | None = None

    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of what will be done and from what."""
        covered = self.model_dump(
            mode="json",
            include={"request", "runbook_digest", "targets", "steps", "config_fingerprint"},
        )
        for said in ("reason", "words"):
            covered["request"].pop(said)
        return digest_of(covered)

    def step(self, number: int) -> PlannedStep:
        """The step of that number. Raises IndexError if there is none."""
        if not 1 <= number <= len(self.steps):
            raise IndexError(number)
        return self.steps[number - 1]

    def of_phase(self, *phases: Phase) -> tuple[PlannedStep, ...]:
        """The steps of these phases, in order."""
        return tuple(s for s in self.steps if s.phase in phases)


class EvidenceItem(PlanPart):
    """One thing that prepare found out; `ok` False is worse than True."""

    name: str
    ok: bool
    found: str = ""


class Evidence(PlanPart):
    """What prepare proved (images here, backup proven, rehearsal passed). Has its own digest."""

    items: tuple[EvidenceItem, ...] = ()

    def digest(self) -> str:
        """SHA-256 (hex) over the items."""
        return digest_of(self.model_dump(mode="json"))

    def worse_than(self, earlier: Evidence) -> bool:
        """Whether something that was good is good no longer: then approvals are void."""
        now = {item.name: item.ok for item in self.items}
        return any(item.ok and not now.get(item.name, True) for item in earlier.items)


def digest_of(value: object) -> str:
    """SHA-256 (hex) of canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
