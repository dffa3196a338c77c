"""Waiting, reading back, holding, checking: steps that only look."""

from __future__ import annotations

from typing import Any

import pytest

from commands.domain.errors import CheckFailedError, CommandTimedOutError
from commands.domain.proof import Verdict
from commands.ports import ProgramOutcome
from tests.unit.steps.engine import looks_like
from tests.unit.steps.world import NEW, OLD, World, world
from workers.steps.progress import Outcome, Progress

API = "http://api/health"
VERSION = {"api": {"version_url": "http://api/version"}}


def after_the_switch(*services: str, **book: Any) -> World:
    """The services run v1.2.3 by now; looking is all that is left."""
    w = world(*services, **book)
    for planned in w.plan.steps:
        if planned.action.kind in ("pull_image", "pin_version", "switch_release"):
            w.step_of(planned).apply()
    return w


def failure(w: World, kind: str) -> CheckFailedError:
    with pytest.raises(CheckFailedError) as failed:
        w.step(kind).apply()
    return failed.value


def items(outcome: Outcome) -> dict[str, Verdict]:
    return {item.what: item.verdict for item in outcome.proof}


def test_a_version_is_asked_of_services_that_say_one() -> None:
    """Asked and not answered is unknown; a service without such an address has its digest."""
    asked = after_the_switch(services=VERSION)
    asked.answer("http://api/version", None)
    assert items(asked.step("read_back").apply())["version"] is Verdict.UNKNOWN
    assert items(after_the_switch().step("read_back").apply()) == {"digest": Verdict.OK}


def test_looking_is_always_done_again() -> None:
    """A question cut short by a crash is asked anew: it changes nothing."""
    w = after_the_switch()
    for kind in ("await_healthy", "read_back", "hold_stable", "run_check", "drop_prepared"):
        step = w.step(kind)
        assert step.capture() == {}
        assert step.probe({}) is Progress.UNTOUCHED


def test_waiting_ends_with_the_first_good_answer() -> None:
    """The service comes up after a second: the wait ends then, within one poll."""
    w = after_the_switch()
    w.answer(API, None)
    w.clock.at_time = [(0.5, lambda: w.answer(API, 503))]
    w.clock.at_time += [(1.0, lambda: w.answer(API, 200))]
    outcome = w.step("await_healthy").apply()
    assert w.clock.elapsed_s == pytest.approx(1.0, abs=0.05)
    assert items(outcome) == {"health": Verdict.OK}


def test_services_are_waited_for_side_by_side() -> None:
    """Two slow starts take as long as the slower one."""
    w = after_the_switch("api", "worker")
    w.answer(API, None)
    w.answer("http://worker/health", None)
    w.clock.at_time = [(2.0, lambda: w.answer(API, 200))]
    w.clock.at_time += [(1.9, lambda: w.answer("http://worker/health", 200))]
    w.step("await_healthy").apply()
    assert w.clock.elapsed_s == pytest.approx(2.0, abs=0.05)


def test_never_healthy_is_a_failure_with_its_last_answer() -> None:
    """Fault case 40: Compose exits with 0, and yet the step fails, in its time, saying why."""
    w = after_the_switch()
    w.answer(API, 503)
    failed = failure(w, "await_healthy")
    assert failed.key == "check.unhealthy"
    assert failed.facts == {"service": "api", "n": 60, "last": "HTTP 503"}
    assert w.clock.elapsed_s == pytest.approx(60, abs=0.1)


def test_a_crash_loop_is_noticed_long_before_the_time_limit() -> None:
    """H13: a container that restarts again and again is "running" each time one looks."""
    w = after_the_switch()
    w.answer(API, None)
    w.clock.at_time = [(2, lambda: w.engine.becomes("api", restart_count=4))]
    failed = failure(w, "await_healthy")
    assert failed.key == "check.crash_loop"
    assert w.clock.elapsed_s < 4


def test_a_container_that_ended_is_not_waited_for() -> None:
    """Exited and not restarted: there is nobody to answer."""
    w = after_the_switch()
    w.answer(API, None)
    w.clock.at_time = [(1, lambda: w.engine.becomes("api", state="exited"))]
    assert failure(w, "await_healthy").key == "check.exited"
    assert w.clock.elapsed_s < 3


def test_without_a_health_url_health_stays_unknown() -> None:
    """A worker that serves nothing has only to run, and that is never shown as healthy."""
    w = after_the_switch(services={"api": {"health_url": ""}})
    assert items(w.step("await_healthy").apply()) == {"health": Verdict.UNKNOWN}


def test_without_a_url_the_containers_own_check_counts() -> None:
    """A HEALTHCHECK is waited for, and then it is proof."""
    w = after_the_switch(services={"api": {"health_url": ""}})
    w.engine.becomes("api", health="starting")
    w.clock.at_time = [(5, lambda: w.engine.becomes("api", health="healthy"))]
    outcome = w.step("await_healthy").apply()
    assert w.clock.elapsed_s == pytest.approx(5, abs=0.6)
    assert items(outcome) == {"health": Verdict.OK}


def test_a_container_that_calls_itself_unhealthy_is_unstable() -> None:
    """Its own HEALTHCHECK turns red while it is watched."""
    w = after_the_switch(services={"api": {"health_url": ""}})
    w.engine.becomes("api", health="healthy")
    w.clock.at_time = [(10, lambda: w.engine.becomes("api", health="unhealthy"))]
    failed = failure(w, "hold_stable")
    assert (failed.key, failed.facts["last"]) == ("check.unstable", "unhealthy")


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b'{"version": "v1.2.3"}', Verdict.OK),
        (b'{"version": "1.2.3"}', Verdict.OK),
        (b"v1.2.3\n", Verdict.OK),
        (b'{"name": "api"}', Verdict.UNKNOWN),
        (b"<html>no version here</html>", Verdict.UNKNOWN),
        (503, Verdict.UNKNOWN),
        (None, Verdict.UNKNOWN),
    ],
)
def test_the_version_is_read_from_the_service_itself(
    body: bytes | int | None, verdict: Verdict
) -> None:
    """What it says is compared; what could not be learned is unknown, never good."""
    w = after_the_switch(services=VERSION)
    w.answer("http://api/version", body)
    assert items(w.step("read_back").apply()) == {"digest": Verdict.OK, "version": verdict}


def test_a_nested_version_field_is_followed() -> None:
    """The runbook may name `app.version`."""
    w = after_the_switch(services={"api": VERSION["api"] | {"version_field": "app.version"}})
    w.answer("http://api/version", b'{"app": {"version": "v1.2.3"}}')
    assert items(w.step("read_back").apply())["version"] is Verdict.OK


def test_another_version_than_planned_fails_the_proof() -> None:
    """The right image with the wrong version inside is not what people approved."""
    w = after_the_switch(services=VERSION)
    w.answer("http://api/version", b'{"version": "v1.3.0"}')
    failed = failure(w, "read_back")
    assert failed.key == "check.wrong_version"
    assert (failed.facts["expected"], failed.facts["found"]) == (OLD, NEW)


def test_another_image_than_planned_fails_the_proof() -> None:
    """The digest that runs is the proof, whatever the tag says."""
    w = after_the_switch()
    w.engine.becomes("api", **looks_like(None))
    assert failure(w, "read_back").key == "check.wrong_digest"


def test_holding_takes_the_runbooks_time_and_counts_answers() -> None:
    """30 s of good answers, and the proof says how many."""
    w = after_the_switch()
    (item,) = w.step("hold_stable").apply().proof
    assert w.clock.elapsed_s == pytest.approx(30, abs=0.6)
    assert item.found == "30 s, 60/60"


def test_one_slow_answer_is_not_unstable() -> None:
    """A single bad answer among sixty is a hiccup."""
    w = after_the_switch()
    w.clock.at_time = [(5, lambda: w.answer(API, None))]
    w.clock.at_time += [(5.5, lambda: w.answer(API, 200))]
    (item,) = w.step("hold_stable").apply().proof
    assert item.found == "30 s, 59/60"


@pytest.mark.parametrize(
    ("happens", "key"),
    [
        ({"restart_count": 1}, "check.restarted"),
        ({"state": "restarting"}, "check.restarted"),
        ({"container_id": "recreated"}, "check.restarted"),
        (looks_like(None), "check.replaced"),
    ],
)
def test_whatever_happens_to_the_container_is_noticed(happens: dict[str, object], key: str) -> None:
    """H13, H20: a restart, or somebody else's deploy, ends the hold with a failure."""
    w = after_the_switch()
    w.clock.at_time = [(10, lambda: w.engine.becomes("api", **happens))]
    assert failure(w, "hold_stable").key == key
    assert w.clock.elapsed_s < 11


def test_answers_going_bad_are_unstable() -> None:
    """Three bad answers in a row are enough; the last one is told."""
    w = after_the_switch()
    w.clock.at_time = [(10, lambda: w.answer(API, 500))]
    failed = failure(w, "hold_stable")
    assert failed.key == "check.unstable"
    assert failed.facts["last"] == "HTTP 500"
    assert w.clock.elapsed_s < 13


def test_the_customers_check_speaks_through_its_exit_code() -> None:
    """0 is proof, with the tail of the output in the detail."""
    outcome = after_the_switch().step("run_check").apply()
    assert items(outcome) == {"smoke": Verdict.OK}
    assert outcome.detail is not None
    assert outcome.detail.params["tail"] == "all good"


def test_a_red_check_fails_with_the_tail_of_its_output() -> None:
    """Anything but 0 is bad, and people see what it printed."""
    w = after_the_switch()
    w.smoke(ProgramOutcome(3, "login page: 500", 2.0))
    failed = failure(w, "run_check")
    assert failed.key == "check.failed"
    assert (failed.facts["exit_code"], failed.facts["tail"]) == (3, "login page: 500")


def test_a_check_over_its_time_limit_is_red() -> None:
    """Fault case 31: its children are gone, and the step says which limit it was."""
    w = after_the_switch()
    w.smoke(CommandTimedOutError("./smoke-test.sh", 60, "still waiting"))
    assert failure(w, "run_check").key == "check.timed_out"
