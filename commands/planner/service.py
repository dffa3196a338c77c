"""The plan of a service rollback: `SERVICE`, `ALL`, and `FULL` without its database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from commands.domain.facts import Facts, KnownRelease, Proven, ServiceFacts
from commands.domain.plan import Plan, Target
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.domain.text import Text, text
from commands.planner.steps import steps
from commands.planner.targets import choose_targets, is_alive
from commands.planner.verdict import verdict

LITTLE_DISK_BYTES = 2**30
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


def plan(request: Request, facts: Facts, runbook: Runbook) -> Plan:
    """Everything that will be done, from what. Pure: the same facts give the same digest.

    A freeze stops deploys and is no concern here. Raises PlanRefusedError (`refused.*`).
    """
    targets = choose_targets(request, facts, runbook)
    schema = verdict(facts, runbook.environments[request.environment].database, targets)
    return Plan(
        request=request,
        runbook_digest=runbook.digest,
        targets=targets,
        steps=steps(request, facts, runbook, targets),
        config_fingerprint=facts.config_fingerprint,
        warnings=(*release_warnings(request, facts, runbook, targets), *schema.warnings),
        evidence=(*evidence(facts, runbook, targets), *schema.evidence),
        commits_undone=commits(facts, targets),
    )


def release_warnings(
    request: Request, facts: Facts, runbook: Runbook, targets: tuple[Target, ...]
) -> Iterator[Text]:
    """What people should know of these images and their pins before they decide."""
    for target in targets:
        yield from _warnings_of(target, facts.of(target.service))
    there = tuple(s for s in request.services if s not in {t.service for t in targets})
    if there:
        yield text("plan.already_there", services=there, version=targets[0].version)
    if runbook.environments[request.environment].compose.pin == "variable":
        yield from _shared(request, facts, runbook, targets)
    if not facts.registry_reached:
        yield text("plan.registry_unreachable")
    if facts.disk_free_bytes is not None and facts.disk_free_bytes < LITTLE_DISK_BYTES:
        yield text("plan.little_disk", mib=facts.disk_free_bytes // 2**20)


def _warnings_of(target: Target, facts: ServiceFacts) -> Iterator[Text]:
    named = [r for r in facts.releases if r.version == target.version]
    release = _release(target, facts)
    service, version = target.service, target.version
    if release and release.known_bad_since:
        bad = release.known_bad_since
        yield text("plan.known_bad", service=service, version=version, rollback=bad)
    if not (release and release.proven):
        key = "plan.tag_repushed" if any(r.proven for r in named) else "plan.not_proven"
        yield text(key, service=service, version=version)
    if not is_alive(facts.running):
        yield text("plan.not_running", service=service)


def _shared(
    request: Request, facts: Facts, runbook: Runbook, targets: tuple[Target, ...]
) -> Iterator[Text]:
    """Services not named that move with the same variable at their next recreate (H7)."""
    variables = dict.fromkeys(runbook.services[t.service].version_variable for t in targets)
    for variable in variables:
        sharing = facts.sharing_variable.get(variable, ())
        others = tuple(s for s in sharing if s not in request.services)
        if others:
            yield text("plan.shared_variable", variable=variable, services=others)


def evidence(facts: Facts, runbook: Runbook, targets: tuple[Target, ...]) -> Iterator[Text]:
    """How well these very images ran before."""
    for target in targets:
        release = _release(target, facts.of(target.service))
        if release and release.proven:
            yield _ran_well(target, release.proven, runbook.timezone)


def _ran_well(target: Target, proven: Proven, timezone: str) -> Text:
    """How long it ran healthy, in one unit (so that the plural is right), and how many errors."""
    seconds = (proven.until_at - proven.since_at).total_seconds()
    unit, unit_s = next(
        (u for u in (("days", DAY_S), ("hours", HOUR_S), ("minutes", MINUTE_S)) if seconds >= u[1]),
        ("briefly", MINUTE_S),
    )
    measured = proven.errors is not None and bool(proven.requests)
    errors = 100 * (proven.errors or 0) / (proven.requests or 1)
    return text(
        f"plan.proven_{unit}" + ("_measured" if measured else ""),
        service=target.service,
        version=target.version,
        n=int(seconds // unit_s),
        since=_local(proven.since_at, timezone),
        until=_local(proven.until_at, timezone),
        **({"errors_percent": errors} if measured else {}),
    )


def _local(at: datetime, timezone: str) -> str:
    local = at.astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def _release(target: Target, facts: ServiceFacts) -> KnownRelease | None:
    """What is known of the very image of the target: the same tag may name several."""
    image = facts.target
    names = {target.digest, *((image.image_id, *image.repo_digests) if image else ())}
    for release in facts.releases:
        if release.version == target.version and release.digest in names - {""}:
            return release
    return None


def commits(facts: Facts, targets: tuple[Target, ...]) -> tuple[str, ...]:
    """The commits that go, each once: services of one repository share them."""
    listed = (line for t in targets for line in facts.of(t.service).commits_undone)
    return tuple(dict.fromkeys(listed))
