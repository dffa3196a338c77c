"""Which image each asked service goes to, or why it may not. Refusals carry `refused.*` keys."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process

from commands.domain.errors import PlanRefusedError
from commands.domain.facts import Facts, RunningRelease, ServiceFacts
from commands.domain.image_reference import ImageReference
from commands.domain.plan import Target
from commands.domain.request import Request
from commands.domain.runbook import Runbook, ServiceDefinition
from commands.planner.pins import compose_name, pin_for
from commands.planner.releases import newest_common, returnable

NEAREST = 5
SHOWN = 10
NEAR_ENOUGH = 50
ALIVE = ("running", "restarting")


def choose_version(request: Request, facts: Facts) -> str:
    """The version asked for; for `auto` the newest proven one common to the services (H9).

    Raises PlanRefusedError (`refused.no_proven`) with what there is instead.
    """
    if request.version:
        return request.version
    asked = [facts.of(service) for service in request.services]
    running = [f.running.version if f.running else "" for f in asked]
    choices = [returnable(f.releases, now) for f, now in zip(asked, running, strict=True)]
    version = newest_common(choices, running)
    if version is None:
        known = _versions(asked)
        raise PlanRefusedError("refused.no_proven", services=request.services, known=known[:SHOWN])
    return version


def choose_targets(request: Request, facts: Facts, runbook: Runbook) -> tuple[Target, ...]:
    """One target for each asked service that is not there yet, in the runbook's order.

    Raises PlanRefusedError when a service must not be touched, an image is nowhere, or
    everything is there already.
    """
    version = choose_version(request, facts)
    for name in request.services:
        refuse_untouchable(name, runbook.services[name], facts.of(name).running)
    for name in request.services:
        refuse_without_image(facts.of(name), version, auto=request.auto)
    targets = tuple(
        target_of(name, runbook.services[name], facts.of(name), version)
        for name in request.services
        if not is_there(name, version, facts.of(name), runbook, request.environment)
    )
    if not targets:
        services = request.services
        raise PlanRefusedError("refused.already_there", services=services, version=version)
    return targets


def is_there(
    name: str, version: str, facts: ServiceFacts, runbook: Runbook, environment: str
) -> bool:
    """Whether the service runs that image *and* is pinned to it.

    A pin that says otherwise brings the bad version back at the next `up` (H6): not there yet.
    """
    now, image = facts.running, facts.target
    if now is None or image is None or now.state != "running":
        return False
    runs = now.runs(image.digest) or now.image_id == image.image_id
    compose = runbook.environments[environment].compose
    pin = pin_for(compose, name, runbook.services[name], version)
    return runs and (facts.pin is None or facts.pin.value == pin.value)


def nearest(version: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known versions most like a mistyped one, best first."""
    found = process.extract(
        version, list(dict.fromkeys(known)), scorer=fuzz.ratio, limit=NEAREST,
        score_cutoff=NEAR_ENOUGH,
    )  # fmt: skip
    return tuple(name for name, _, _ in found)


def refuse_untouchable(
    name: str, definition: ServiceDefinition, running: RunningRelease | None
) -> None:
    """Raise PlanRefusedError for what must not be recreated, or is another image altogether."""
    if definition.stateful:
        raise PlanRefusedError("refused.stateful", service=name)
    if not definition.image:
        raise PlanRefusedError("refused.no_repository", service=name)
    found = _repository(running)
    if found and found != definition.image:
        raise PlanRefusedError(
            "refused.repository_differs", service=name, expected=definition.image, found=found
        )


def _repository(running: RunningRelease | None) -> str:
    """Where the running image comes from; "" when its name does not tell (H8)."""
    try:
        return ImageReference.parse(running.reference).repository if running else ""
    except ValueError:
        return ""


def refuse_without_image(facts: ServiceFacts, version: str, *, auto: bool) -> None:
    """Raise PlanRefusedError when the version has no image, naming what there is."""
    if facts.target is not None:
        return
    if auto:
        raise PlanRefusedError("refused.proven_gone", service=facts.service, version=version)
    known = tuple(r.version for r in facts.releases if set(r.sources) & {"local", "registry"})
    raise PlanRefusedError(
        "refused.release_not_found",
        service=facts.service,
        version=version,
        nearest=nearest(version, known) or known[:NEAREST],
    )


def target_of(
    name: str, definition: ServiceDefinition, facts: ServiceFacts, version: str
) -> Target:
    """The service and the image that it goes to. Raises ValueError when none was found."""
    if facts.target is None:
        raise ValueError(f"{name}: no image was found")
    return Target(
        service=name,
        compose_service=compose_name(name, definition),
        repository=definition.image,
        version=version,
        digest=facts.target.digest,
        before=facts.running.digest if facts.running else "",
        before_version=facts.running.version if facts.running else "",
    )


def _versions(asked: Iterable[ServiceFacts]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r.version for facts in asked for r in facts.releases))


def is_alive(running: RunningRelease | None) -> bool:
    """Whether a container runs or is about to again."""
    return running is not None and running.state in ALIVE
