"""What a step does, as data: the actions of a service rollback, and their parts.

Exact parameters and argument vectors; `workers/steps` has one class for each kind.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from commands.domain.fact import ImageDigest


class PlanPart(BaseModel):
    """Frozen; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
