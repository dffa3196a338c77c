"""A rollback's journal as sentences: one line an entry, what belongs to it indented below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC

from commands.domain import events as e
from commands.domain.conversation import MessageRef
from commands.domain.people import Identity
from commands.domain.plan import EvidenceItem, Plan, PlannedStep
from commands.domain.proof import CheckResult, ProofItem, Verdict
from commands.domain.text import Text
from commands.locale import say
from commands.store.codec import Recorded

_MARKS = {Verdict.OK: "✓", Verdict.BAD: "✗", Verdict.UNKNOWN: "?"}
_VERDICTS = {True: Verdict.OK, False: Verdict.BAD, None: Verdict.UNKNOWN}
_INDENT = " " * 12


def headline(
    rollback_id: str, environment: str, entries: Sequence[Recorded[e.AnyEvent]]
) -> Iterator[str]:
    """What it is about: the rollback, and the day and zone of all times below."""
    if entries:
        began_at = entries[0].at.astimezone(UTC)
        yield f"{rollback_id} of {environment}, {began_at:%Y-%m-%d}, all times UTC"
        yield ""


def told(entries: Sequence[Recorded[e.AnyEvent]]) -> Iterator[str]:
    """Every entry in order."""
    plan: Plan | None = None
    for entry in entries:
        if isinstance(entry.event, e.Planned):
            plan = entry.event.plan
        first, *rest = "\n".join(_sentence(entry.event, plan)).splitlines()
        yield f"{entry.n:>3} {entry.at.astimezone(UTC):%H:%M:%S} {first}"
        yield from (f"{_INDENT} {line}" for line in rest)


def _sentence(event: e.AnyEvent, plan: Plan | None) -> Iterator[str]:  # noqa: PLR0911 -- a table
    match event:
        case e.Requested():
            return _asked_for(event)
        case e.Planned():
            return _planned(event)
        case e.Asked():
            return _question(event)
        case e.Approved():
            return _approval(event)
        case e.ExecutionStarted():
            return _started(event)
        case e.StepIntended() | e.StepProbed() | e.StepDone() | e.StepFailed() | e.StepInDoubt():
            return _step(event, plan)
        case e.Succeeded() | e.Undone():
            return _ended(event)
        case e.Posted():
            return iter((f"message {event.key} posted {_at(event.message)}",))
        case _:
            return _anything(event)


def _asked_for(event: e.Requested) -> Iterator[str]:
    request = event.request
    where = "the newest proven release" if request.auto else request.version or "?"
    yield f"ASKED    by {event.requester} ({_account(event.identity)}): {request.subject} → {where}"
    if request.words:
        yield f"words: {request.words}"
    if request.reason:
        yield f"reason: {request.reason}"
    yield f"in force: runbook {event.runbook_digest}"


def _planned(event: e.Planned) -> Iterator[str]:
    plan = event.plan
    yield f"PLANNED  in {event.seconds:g} s: plan {event.digest}"
    for target in plan.targets:
        was = f"{target.before_version or '(nothing)'} {target.before}".strip()
        yield f"{target.service}: {was} → {target.version} {target.digest}"
    for step in plan.steps:
        yield f"step {step.number} ({step.phase.value}): {_action(step)}"


def _question(event: e.Asked) -> Iterator[str]:
    own = "the asker may approve" if event.self_approval else "the asker may not approve alone"
    step = f" step {event.step}" if event.step else ""
    yield f"QUESTION {event.verb}{step}, row {event.row}: {', '.join(event.roles)} ({own})"
    yield f"about: {event.digest}, open until {event.expires_at.astimezone(UTC):%H:%M:%S}"


def _approval(event: e.Approved) -> Iterator[str]:
    held = ", ".join(event.roles)
    yield f"APPROVED by {event.person} ({_account(event.identity)}) as {held}"
    yield f"about: {event.digest}"
    yield f"evidence: {event.evidence_digest}"


def _started(event: e.ExecutionStarted) -> Iterator[str]:
    yield f"STARTED  on the word of {', '.join(event.approvers) or 'nobody'}"
    yield f"plan: {event.plan_digest}"
    yield f"evidence: {event.evidence_digest}"


def _step(
    event: e.StepIntended | e.StepProbed | e.StepDone | e.StepFailed | e.StepInDoubt,
    plan: Plan | None,
) -> Iterator[str]:
    step = f"step {event.step}" if event.direction == "forward" else f"undoing step {event.step}"
    match event:
        case e.StepIntended():
            what = _action(plan.step(event.step)) if plan else "?"
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            yield f"INTENT   {step}: {what}{again}"
            yield from (f"before: {name} = {value}" for name, value in event.before.items())
        case e.StepProbed():
            yield f"PROBED   {step} after a crash: {event.found}"
        case e.StepDone():
            yield f"EFFECT   {step} done in {event.seconds:g} s{_because(event.detail)}"
            yield from map(_proof, event.proof)
        case e.StepFailed():
            yield f"FAILED   {step} after {event.seconds:g} s{_because(event.error)}"
        case e.StepInDoubt():
            yield f"IN DOUBT {step}{_because(event.why)}"


def _ended(event: e.Succeeded | e.Undone) -> Iterator[str]:
    yield "PROVEN   succeeded" if isinstance(event, e.Succeeded) else "PROVEN   undone"
    yield from map(_proof, event.proof)
    if isinstance(event, e.Succeeded):
        yield from map(_check, event.checks)


def _anything(event: e.AnyEvent) -> Iterator[str]:
    """Every other entry: its kind, and its facts by name."""
    facts = []
    for name in type(event).model_fields:
        value = getattr(event, name)
        if name != "kind" and value not in (None, "", (), {}):
            facts.append(f"{name} {_plain(value)}")
    yield f"{event.kind.replace('_', ' ')}" + (f": {'; '.join(facts)}" if facts else "")


def _plain(value: object) -> str:
    match value:
        case Text():
            return say(value, "en")
        case Identity():
            return _account(value)
        case EvidenceItem():
            return f"{_MARKS[_VERDICTS[value.ok]]} {value.name} {value.found}"
        case tuple():
            return ", ".join(_plain(one) for one in value)
        case _:
            return str(value)


def _action(step: PlannedStep) -> str:
    """What a step does and with which arguments, in full: an auditor must see the command."""
    said = step.action.model_dump(mode="json", exclude={"kind"})
    argv = said.get("command", {}).get("argv")
    if argv:
        return f"{step.action.kind.replace('_', ' ')}: {' '.join(argv)}"
    if pin := said.get("pin"):
        return f"pin version: {pin['name']} = {pin['value']} in {pin['path']}"
    targets = said.get("targets") or ([said["target"]] if "target" in said else [])
    names = [f"{t['repository']}:{t['version']} {t['digest']}" for t in targets]
    return f"{step.action.kind.replace('_', ' ')}: {', '.join(names or said.get('services', []))}"


def _proof(item: ProofItem) -> str:
    expected = f", expected {item.expected}" if item.verdict is not Verdict.OK else ""
    return f"{_MARKS[item.verdict]} {item.service} {item.what}: {item.found or '–'}{expected}"


def _check(check: CheckResult) -> str:
    return f"{_MARKS[check.verdict]} checklist {check.check}{_because(check.figure)}"


def _because(words: Text | None) -> str:
    return f": {say(words, 'en')}" if words else ""


def _account(identity: Identity) -> str:
    place = f"{identity.platform} {identity.workspace}".strip()
    return f"{place} {identity.user}"


def _at(message: MessageRef) -> str:
    return f"in {message.platform} {message.channel}"
