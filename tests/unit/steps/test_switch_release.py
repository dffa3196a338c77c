"""Switching releases: forth, back, cut short, and by whatever pin."""

from __future__ import annotations

from typing import Any

import pytest

from commands.domain.errors import CheckFailedError, CommandFailedError, EngineError
from tests.fakes.containers import FakeImage
from tests.unit.planner.world import REPOSITORY
from tests.unit.steps.engine import looks_like, pin_of
from tests.unit.steps.world import NEW, OLD, World, released, world
from workers.steps.progress import Progress
from workers.steps.switch_release import SwitchRelease

PINS = [{"pin": "variable"}, {"pin": "override"}]
GENERATIONS = ["v1", "v2"]
OLD_API = released("api", OLD)


def prepare(w: World) -> None:
    """Images and pins, all that comes before the switch."""
    for planned in w.plan.steps:
        if planned.action.kind in ("pull_image", "pin_version"):
            w.step_of(planned).apply()


def switched(w: World) -> tuple[SwitchRelease, dict[str, str]]:
    """Everything up to and with the switch, as the executor does it."""
    prepare(w)
    switch = w.step("switch_release")
    assert isinstance(switch, SwitchRelease)
    before = switch.capture()
    switch.apply()
    return switch, before


def pins_before(w: World) -> dict[int, dict[str, str]]:
    """What the pin steps capture, by step number."""
    pins = (s for s in w.plan.steps if s.action.kind == "pin_version")
    return {step.number: w.step_of(step).capture() for step in pins}


def walk_back(w: World, before: dict[str, str], pins: dict[int, dict[str, str]]) -> None:
    """The executor's undo: reverse order, each step with what it captured."""
    for planned in reversed(w.plan.steps):
        if planned.action.kind == "switch_release":
            w.step_of(planned).revert(before)
        elif planned.number in pins:
            w.step_of(planned).revert(pins[planned.number])


@pytest.mark.parametrize("pin", PINS, ids=["variable", "override"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_forth_and_back_end_where_they_began(pin: dict[str, str], generation: str) -> None:
    """After an undo the same images run and the pinned file says what it said."""
    w = world("api", "worker", compose={"generation": generation} | pin)
    files = dict(w.files.files)
    pins = pins_before(w)

    _, before = switched(w)
    assert w.versions() == {"api": OLD, "worker": OLD}
    walk_back(w, before, pins)

    assert w.versions() == {"api": NEW, "worker": NEW}
    assert {path: w.files.files[path] for path in files} == files


def test_only_the_named_service_moves() -> None:
    """H7, H21: whatever the shared variable says now, the others keep their containers."""
    w = world("api")
    others = {n: w.engine.deployed(n, NEW) for n in ("worker", "frontend")}
    switched(w)
    assert w.versions() == {"api": OLD, "worker": NEW, "frontend": NEW}
    assert {n: w.engine.project[n] for n in others} == others


def test_the_way_back_does_not_believe_the_earlier_pin() -> None:
    """H6: what ran was started by a shell variable, and the file said something else."""
    w = world("api", pinned="v0.0.1")
    pins = pins_before(w)
    _, before = switched(w)
    walk_back(w, before, pins)
    assert w.versions() == {"api": NEW}
    assert w.files.pinned(pin_of(w.book, "api", "")) == "v0.0.1"


def test_an_image_without_a_tag_can_be_gone_back_to() -> None:
    """The tag was moved or pruned meanwhile: the very image, by its id, gets a tag again."""
    w = world("api")
    w.engine.becomes("api", version="", reference=released("api", NEW).image_id)
    switch, before = switched(w)
    del w.engine.here[f"{REPOSITORY}-api:{NEW}"]
    switch.revert(before)
    assert w.engine.project["api"].image_id == released("api", NEW).image_id


def test_services_that_ran_different_releases_each_get_theirs_back() -> None:
    """One shared variable, two releases before: one Compose call for each, so both return."""
    w = world("api", "worker")
    w.engine.deployed("worker", "v1.2.9")
    switch, before = switched(w)
    switch.revert(before)
    assert w.versions() == {"api": NEW, "worker": "v1.2.9"}


def test_what_did_not_run_before_is_stopped_by_an_undo() -> None:
    """There was no container: after an undo nothing runs, as before."""
    w = world("api", "worker")
    del w.engine.project["worker"]
    switch, before = switched(w)
    switch.revert(before)
    assert w.versions() == {"api": NEW}
    assert w.engine.project["worker"].state == "exited"


def test_a_revert_that_was_cut_short_is_repeated() -> None:
    """Killed between two services, then once more from its beginning: both are back."""
    w = world("api", "worker")
    switch, before = switched(w)
    with pytest.raises(EngineError), w.engine.dying(after=1):
        switch.revert(before)
    switch.revert(before)
    assert w.versions() == {"api": NEW, "worker": NEW}


def change(w: World, **changes: Any) -> None:
    w.engine.becomes("api", **changes)


@pytest.mark.parametrize(
    ("seen", "progress"),
    [
        ({}, Progress.UNTOUCHED),
        ({"state": "exited"}, Progress.PARTIAL),
        (looks_like(OLD_API), Progress.DONE),
        (looks_like(OLD_API) | {"state": "restarting"}, Progress.DONE),
        (looks_like(OLD_API) | {"state": "created"}, Progress.PARTIAL),
        (looks_like(None), Progress.IN_DOUBT),
        (None, Progress.PARTIAL),
    ],
)
def test_the_probe_tells_what_a_crash_left(seen: dict[str, object] | None, progress: str) -> None:
    """Killed mid-recreate heals by repeating; an image nobody planned is for people."""
    w = world("api")
    switch = w.step("switch_release")
    before = switch.capture()
    if seen is None:
        w.engine.project.clear()
    else:
        change(w, **seen)
    assert switch.probe(before) is progress


@pytest.mark.parametrize(
    ("seen", "changed"),
    [
        ({}, False),
        (looks_like(released("api", NEW)), False),
        (looks_like(None) | {"state": "exited"}, False),
        (looks_like(None), True),
        (looks_like(None) | {"state": "restarting"}, True),
        (None, False),
    ],
)
def test_what_was_deployed_since_is_noticed(seen: dict[str, object] | None, changed: bool) -> None:
    """Ours, the earlier one and nothing may be replaced by an undo; another release may not."""
    w = world("api", "worker")
    switch, before = switched(w)
    if seen is None:
        w.engine.project.clear()
    else:
        change(w, **seen)
    found = switch.changed_since(before)
    assert bool(found) is changed
    if found:
        assert (found.key, found.params["service"]) == ("step.switched_since", "api")


def test_a_switch_killed_half_way_heals_by_repeating() -> None:
    """One of two services switched: partial; applied again: done."""
    w = world("api", "worker")
    prepare(w)
    switch = w.step("switch_release")
    before = switch.capture()
    with pytest.raises(EngineError), w.engine.dying(after=1):
        switch.apply()
    assert switch.probe(before) is Progress.PARTIAL
    switch.apply()
    assert switch.probe(before) is Progress.DONE


def test_an_image_pruned_after_approval_is_fetched_again() -> None:
    """H19: the switch makes sure of its image, by the approved digest."""
    w = world("api")
    w.step("pin_version").apply()
    w.engine.here[f"{REPOSITORY}-api:{OLD}"] = FakeImage.of("elsewhere", "moved")
    w.step("switch_release").apply()
    assert w.engine.project["api"].image_id == released("api", OLD).image_id


def test_compose_that_runs_another_image_is_caught() -> None:
    """A compose file that does not read the pinned variable cannot pass for a rollback."""
    w = world("api")
    with pytest.raises(CheckFailedError) as failed:
        w.step("switch_release").apply()
    assert failed.value.key == "check.not_switched"


def test_a_failing_compose_says_why() -> None:
    """Exit code and tail reach people; nothing was switched."""
    w = world("api")
    w.engine.exit_code = 1
    with pytest.raises(CommandFailedError) as failed:
        w.step("switch_release").apply()
    assert "port is already allocated" in failed.value.tail


def test_returned_is_read_from_the_engine() -> None:
    """The proof of an undo is what runs, not that a command exited with 0."""
    w = world("api")
    switch, before = switched(w)
    assert [i.verdict for i in switch.returned(before)] == ["bad"]
    switch.revert(before)
    assert [i.verdict for i in switch.returned(before)] == ["ok"]
    assert w.versions() == {"api": NEW}
