"""Pulling, pinning and dropping: what is brought, written, and removed again."""

from __future__ import annotations

from typing import get_args

import pytest

from commands.domain.errors import ImageNotFoundError
from commands.domain.people import Scenario
from commands.domain.plan import Action
from tests.fakes.database_plans import database_plan, database_request
from tests.unit.planner.world import REPOSITORY
from tests.unit.steps.engine import pin_of
from tests.unit.steps.world import NEW, OLD, released, world
from workers.steps.progress import Progress
from workers.steps.registry import build


def test_every_kind_of_action_has_a_step() -> None:
    """The registry is complete: a plan holds no step that nobody can carry out."""
    w = world("api")
    union = get_args(get_args(Action)[0])
    kinds = {kind.model_fields["kind"].default for kind in union}
    restore = database_request(scenario=Scenario.RESTORE)
    plans = (w.plan, database_plan(database_request()), database_plan(restore))
    assert kinds == {planned.action.kind for plan in plans for planned in plan.steps}
    for plan in plans:
        for planned in plan.steps:
            assert callable(build(planned, w.ports, plan).apply)


def test_a_pull_brings_the_planned_digest_once() -> None:
    """The image is fetched by digest; a repeat fetches nothing and proves the same."""
    w = world("api")
    pull = w.step("pull_image")
    before = pull.capture()
    assert (before, pull.probe(before)) == ({"present": "no"}, Progress.UNTOUCHED)
    first, again = pull.apply(), pull.apply()
    assert w.engine.log == [f"pull {REPOSITORY}-api:{OLD}"]
    assert pull.probe(before) is Progress.DONE
    assert first.evidence == again.evidence
    assert first.evidence[0].found == released("api", OLD).digest


def test_a_missing_image_fails_before_anything_is_changed() -> None:
    """Fault case 39: what runs is left alone."""
    w = world("api")
    w.engine.published.clear()
    with pytest.raises(ImageNotFoundError):
        w.step("pull_image").apply()
    assert w.versions() == {"api": NEW}


def test_a_pin_goes_in_and_out_without_a_trace() -> None:
    """The file is the same, byte for byte, after a pin was written and taken back."""
    w = world("api")
    original = w.files.files[".env"]
    step = w.step("pin_version")
    before = step.capture()
    assert step.probe(before) is Progress.UNTOUCHED
    step.apply()
    assert step.probe(before) is Progress.DONE
    assert w.files.pinned(pin_of(w.book, "api", "")) == OLD
    step.revert(before)
    assert w.files.files[".env"] == original


def test_a_pin_that_was_not_there_is_removed_again() -> None:
    """No value before: none after."""
    w = world("api", pinned=None)
    step = w.step("pin_version")
    before = step.capture()
    assert before == {"was_pinned": "no"}
    step.apply()
    step.revert(before)
    assert w.files.pinned(pin_of(w.book, "api", "")) is None


def test_a_pin_that_somebody_else_wrote_is_in_doubt() -> None:
    """A third value came from other hands; people decide whose is right."""
    w = world("api")
    step = w.step("pin_version")
    before = step.capture()
    w.files.write_pin(pin_of(w.book, "api", "v9.9.9"), "")
    assert step.probe(before) is Progress.IN_DOUBT


@pytest.mark.parametrize(
    ("value", "changed"),
    [(OLD, False), (NEW, False), ("rollbot-0123456789ab", False), ("v1.3.1", True), ("", True)],
)
def test_a_pin_that_was_written_since_is_not_taken_back(value: str, changed: bool) -> None:
    """Ours, the earlier one and what the way back writes are ours to replace; others are not."""
    w = world("api")
    step = w.step("pin_version")
    before = step.capture()
    step.apply()
    w.files.write_pin(pin_of(w.book, "api", value), "")
    assert bool(step.changed_since(before)) is changed


def test_a_pin_that_somebody_removed_since_is_not_brought_back() -> None:
    """There was a value before and now there is none: somebody decided that."""
    w = world("api")
    step = w.step("pin_version")
    before = step.capture()
    step.apply()
    w.files.remove_pin(pin_of(w.book, "api", ""))
    assert step.changed_since(before) is not None


@pytest.mark.parametrize("pin", ["variable", "override"])
def test_the_way_backs_own_pin_is_no_strangers(pin: str) -> None:
    """A shell variable had started it: the way back pins what ran, which was never pinned."""
    w = world("api", pinned="v1.2.9", compose={"pin": pin})
    step = w.step("pin_version")
    before = step.capture()
    step.apply()
    w.files.write_pin(pin_of(w.book, "api", NEW), "")
    assert step.changed_since(before) is None


def test_what_was_brought_and_is_not_needed_is_dropped() -> None:
    """A denied rollback leaves no image behind that it had brought."""
    w = world("api")
    w.step("pull_image").apply()
    ours = frozenset({(f"{REPOSITORY}-api", OLD)})
    w.step("drop_prepared", brought=ours).apply()
    assert f"{REPOSITORY}-api:{OLD}" not in w.engine.here


def test_what_was_here_before_is_never_dropped() -> None:
    """H19: tomorrow's rollback target is not tidied away by today's denial."""
    w = world("api")
    w.step("pull_image").apply()
    assert w.step("drop_prepared").apply().detail is None
    assert f"{REPOSITORY}-api:{OLD}" in w.engine.here


def test_what_runs_is_not_dropped() -> None:
    """After a success the image that was brought is the one in service."""
    w = world("api")
    for kind in ("pull_image", "pin_version", "switch_release"):
        w.step(kind).apply()
    ours = frozenset({(f"{REPOSITORY}-api", OLD)})
    w.step("drop_prepared", brought=ours).apply()
    assert f"{REPOSITORY}-api:{OLD}" in w.engine.here
