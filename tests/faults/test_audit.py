"""Fault cases 60 and 61: the audit names what was tampered with, and tells who did what."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from commands.domain import events as e
from commands.domain.accounting import first_unaccounted
from commands.domain.command import Approve, Recover
from commands.domain.people import Scenario
from commands.domain.plan import Phase
from commands.domain.request import Request
from commands.store.keys import ENVIRONMENT_JOURNAL, names_key
from tests.engines.waiting import eventually
from tests.faults.tampering import (
    Change,
    Stream,
    cut_to,
    edited,
    evil,
    removed,
    reordered,
    signed_with,
    write_signed,
)
from tests.stack.compose import compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.installation import KEY, Installation, of_kind
from tests.stack.rollbot_fixtures import InstallationFactory
from tests.stack.runbook_file import ENVIRONMENT

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.timeout(600),
]

ASKED = Request(
    environment=ENVIRONMENT,
    scenario=Scenario.SERVICE,
    services=("api",),
    version="v1.2.3",
    reason="5xx 12 %",
    words='api v1.2.3 --reason "5xx 12 %"',
)
OTHER_KEY = b"s" * 32


@pytest.fixture
def rolled_back(samokoder: SamokoderFactory, installation: InstallationFactory) -> Installation:
    """RB-1 succeeded, was undone by Anna, and every process has ended."""
    made: Installation = installation(samokoder(compose_v2(), "v1.3.0"), stable_s=0.3)
    made.start("worker", "observer")
    made.await_worker()
    made.ask(ASKED)
    made.order(Approve(made.actor("anna")), "RB-1")
    made.await_status("succeeded")
    made.order(Recover(made.actor("anna"), "undo"), "RB-1")
    if (made.state() or pytest.fail("no RB-1")).question is not None:
        made.order(Approve(made.actor("anna")), "RB-1")
    made.await_status("undone")
    eventually(lambda: _cleaned_up(made), what="RB-1 is cleaned up")
    made.stop()
    # The audit runs on the worker's host, where the mirror is.
    return made


def _cleaned_up(made: Installation) -> bool:
    state = made.state()
    return state is not None and state.cleaned_up()


def verdicts(made: Installation) -> tuple[int, dict[str, str]]:
    """Exit code of `rollbot audit verify`, and its line for each journal."""
    done = made.run("audit", "verify")
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    return done.returncode, lines


def names_entry(line: str, n: int) -> bool:
    """Whether a line says that n is the first entry that is not right."""
    return line.startswith(f"{n - 1} entr") and f"entry {n}:" in line


@pytest.mark.parametrize("journal", [ENVIRONMENT_JOURNAL, "RB-1"])
def test_verify_names_the_first_bad_entry(rolled_back: Installation, journal: str) -> None:
    """Edited, removed, reordered, forged: each is named by its number; put back, all is well."""
    made = rolled_back
    code, lines = verdicts(made)
    assert code == 0, lines
    assert {line[0] for line in lines} == {"✓"}
    with redis.Redis.from_url(made.redis.url) as client:
        stream = Stream(client, ENVIRONMENT, journal)
        whole = stream.read()
        forgeries: tuple[tuple[Change, int], ...] = (
            (edited(2), 2),
            (edited(len(whole)), len(whole)),
            (removed(3), 3),
            (reordered(2), 2),
            (signed_with(OTHER_KEY, 3), 3),
        )
        for forge, n in forgeries:
            stream.write(forge(stream.read()))
            code, lines = verdicts(made)
            assert code == 1
            assert names_entry(lines[f"✗ {journal}"], n), lines
            stream.write(whole)
        stream.delete_entry(3)
        assert names_entry(verdicts(made)[1][f"✗ {journal}"], 3)
        stream.write(whole)
    assert verdicts(made)[0] == 0


def test_verify_names_what_this_host_never_did(rolled_back: Installation, tmp_path: Path) -> None:
    """Rightly signed, chained and accounted for: the worker's own notes know better."""
    made = rolled_back
    state = made.state()
    assert state is not None
    assert state.plan is not None
    plan = evil(state.plan, tmp_path / "trace")
    with redis.Redis.from_url(made.redis.url) as client:
        stream = Stream(client, ENVIRONMENT, "RB-1")
        n = len(stream.read()) + 1
        forged = e.Planned(plan=plan, digest=plan.digest(), seconds=0.1)
        write_signed(KEY.encode(), stream, forged)
    code, lines = verdicts(made)

    assert code == 1
    assert f"entry {n}:" in lines["✗ RB-1"], lines
    assert "this host has not planned that" in lines["✗ RB-1"]


def test_verify_names_what_only_the_mirror_knows(rolled_back: Installation) -> None:
    """A shortened journal, one that is gone from Redis with its name, and an edited mirror."""
    made = rolled_back
    mirror = made.directory / "state" / f"{ENVIRONMENT}.journal.jsonl"
    with redis.Redis.from_url(made.redis.url) as client:
        stream = Stream(client, ENVIRONMENT, "RB-1")
        whole = stream.read()
        stream.write(cut_to(5)(whole))
        assert f"has 5 entries, {len(whole)} were seen" in verdicts(made)[1]["✗ RB-1"]
        client.delete(stream.key)
        client.delete(names_key(ENVIRONMENT))
        assert f"has 0 entries, {len(whole)} were seen" in verdicts(made)[1]["✗ RB-1"]
        kept = mirror.rename(mirror.with_suffix(".kept"))
        assert "has 0 entries, 1 were seen" in verdicts(made)[1]["✗ RB-1"]
        stream.write(whole)
    shutil.copy(kept, mirror)
    rewrite(mirror, lambda text: text.replace("5xx 12 %", "5xx 13 %", 1))
    code, lines = verdicts(made)
    assert code == 1
    assert "entry 1" in lines["✗ mirror"]


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Put something else into a file; it must be something else."""
    before = path.read_text()
    assert change(before) != before
    path.write_text(change(before))


def test_show_tells_the_whole_story(rolled_back: Installation) -> None:
    """Who asked and why, which digests who approved, every intent, effect and proof."""
    made = rolled_back
    state = made.state()
    assert state is not None
    assert state.plan is not None
    done = made.run("audit", "show", "RB-1")

    said = done.stdout
    assert done.returncode == 0, said
    assert "ASKED    by anna (console anna): api → v1.2.3" in said
    assert "reason: 5xx 12 %" in said
    assert f"APPROVED by anna (console anna) as devops_oncall\n{' ' * 13}about: " in said
    assert said.count(state.plan_digest) >= 3
    for step in state.plan.of_phase(Phase.EXECUTE, Phase.VERIFY):
        assert f"INTENT   step {step.number}: " in said
        assert f"EFFECT   step {step.number} done" in said
    assert "compose" in said
    assert f"api: v1.3.0 {state.plan.targets[0].before} → v1.2.3 " in said
    assert "before: " in said
    assert f"✓ api digest: {state.plan.targets[0].digest}" in said
    assert "INTENT   undoing step" in said
    assert "PROVEN   undone" in said
    assert "{" not in said


def test_every_effect_has_its_intent_approvers_and_digest(rolled_back: Installation) -> None:
    """The real journal accounts for everything; without any one of the three it does not."""
    events = rolled_back.events()
    started = events.index(of_kind(events, e.ExecutionStarted)[0])
    approved = of_kind(events, e.Approved)[0]
    intents = of_kind(events, e.StepIntended)

    assert first_unaccounted(events) is None
    found = first_unaccounted([one for one in events if one is not approved])
    assert found is not None
    assert found.position == started
    assert "devops_oncall" in found.why
    for intent in intents:
        without = [one for one in events if one is not intent]
        assert first_unaccounted(without) is not None
    changed = events[started].model_copy(update={"plan_digest": "0" * 64})
    assert first_unaccounted([*events[:started], changed]) is not None
    assert first_unaccounted([*events[:started], *events[started + 1 :]]) is not None
