"""The plan of a service rollback: targets, steps, warnings, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from commands.domain.errors import PlanRefusedError
from commands.domain.facts import Facts, ServiceFacts
from commands.domain.people import Language, Scenario
from commands.domain.plan import AwaitHealthy, Phase, PinVersion, SwitchRelease, UndoKind
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.locale import has
from commands.planner.service import plan
from tests.unit.planner.world import (
    digest,
    facts,
    image,
    known,
    pin,
    proven,
    request,
    runbook,
    running,
    service_facts,
)


def kinds(request: Request, facts: Facts, runbook: Runbook) -> list[str]:
    return [step.action.kind for step in plan(request, facts, runbook).steps]


def refusal(request: Request, facts: Facts, runbook: Runbook) -> PlanRefusedError:
    with pytest.raises(PlanRefusedError) as refused:
        plan(request, facts, runbook)
    return refused.value


def keys(request: Request, facts: Facts, runbook: Runbook) -> list[str]:
    return [warning.key for warning in plan(request, facts, runbook).warnings]


SMOKE = ({"title": {"ru": "Дым"}, "argv": ("./smoke-test.sh",)},)
ALL = ("api", "worker", "frontend")


def three() -> Facts:
    return facts(*(service_facts(name) for name in ALL))


def test_one_service_goes_through_all_phases_in_order() -> None:
    """Pull, pin, switch, health, read back, hold, the customer's check, clean up."""
    made = plan(request(), facts(), runbook(smoke=SMOKE))
    assert [s.action.kind for s in made.steps] == [
        "pull_image", "pin_version", "switch_release", "await_healthy",
        "read_back", "hold_stable", "run_check", "drop_prepared",
    ]  # fmt: skip
    assert [s.number for s in made.steps] == list(range(1, 9))
    assert [s.undo for s in made.of_phase(Phase.EXECUTE)] == [
        UndoKind.REVERT, UndoKind.REVERT, UndoKind.NOTHING,
    ]  # fmt: skip
    (target,) = made.targets
    assert (target.digest, target.before) == (digest("api", "v1.2.3"), digest("api", "v1.3.0"))


def test_unordered_services_are_switched_by_one_call() -> None:
    """One `up` for all takes half the time of one by one; they share one pin."""
    made = plan(request(*ALL, scenario=Scenario.ALL), three(), runbook())
    (switch,) = (s.action for s in made.steps if isinstance(s.action, SwitchRelease))
    assert switch.command.argv[-3:] == ALL
    assert sum(isinstance(s.action, PinVersion) for s in made.steps) == 1


def test_a_service_waits_for_what_it_comes_after() -> None:
    """`after` splits the switch: the second group starts when the first is healthy."""
    ordered = runbook({"frontend": {"after": ("api", "db")}, "worker": {"after": ("api",)}})
    made = plan(request(*ALL, scenario=Scenario.FULL), three(), ordered)
    waits = [s.action.services for s in made.steps if isinstance(s.action, AwaitHealthy)]
    assert waits == [("api",), ("worker", "frontend")]


def test_override_pins_move_each_service_alone() -> None:
    """H7 defused: with an override file nobody else's version is touched, so nobody is warned."""
    book = runbook(compose={"pin": "override"})
    unpinned = facts(service_facts("api", pin=None), service_facts("worker", pin=None))
    made = plan(request("api", "worker"), unpinned, book)
    pins = [s.action.pin for s in made.steps if isinstance(s.action, PinVersion)]
    assert [(p.name, p.value) for p in pins] == [
        ("api", "registry:5000/samokoder-api:v1.2.3"),
        ("worker", "registry:5000/samokoder-worker:v1.2.3"),
    ]
    assert "plan.shared_variable" not in [w.key for w in made.warnings]


def test_a_shared_variable_names_who_moves_along_later() -> None:
    """H7: one APP_VERSION serves three services; the two not named are named in the warning."""
    made = plan(request(), facts(), runbook())
    (shared,) = (w for w in made.warnings if w.key == "plan.shared_variable")
    assert shared.params == {"variable": "APP_VERSION", "services": ("worker", "frontend")}


def test_auto_goes_to_the_newest_proven_release_and_shows_why() -> None:
    """H9: the evidence says how long it ran well, and how many errors it had."""
    made = plan(request(auto=True), facts(), runbook())
    assert made.targets[0].version == "v1.2.3"
    (evidence,) = made.evidence
    assert evidence.key == "plan.proven_days_measured"
    assert evidence.params["n"] == 3
    assert evidence.params["errors_percent"] == pytest.approx(0.1)
    assert evidence.params["until"] == "2026-11-21 15:00 MSK"


@pytest.mark.parametrize(
    ("days", "key"),
    [
        (3, "plan.proven_days"),
        (0.5, "plan.proven_hours"),
        (0.01, "plan.proven_minutes"),
        (0.0003, "plan.proven_briefly"),
    ],
)
def test_evidence_without_measurements_claims_no_errors(days: float, key: str) -> None:
    """What was not measured is not said to be 0 %."""
    seen = known("api", "v1.2.3", proven=proven(days, errors=None))
    (evidence,) = plan(request(), facts(service_facts("api", releases=(seen,))), runbook()).evidence
    assert evidence.key == key
    assert "errors_percent" not in evidence.params


def test_auto_without_a_proven_release_lists_what_there_is() -> None:
    """H9: rather than guess, it refuses and shows the choices."""
    seen = (known("api", "v1.3.0"), known("api", "v1.2.3"))
    refused = refusal(request(auto=True), facts(service_facts("api", releases=seen)), runbook())
    assert refused.key == "refused.no_proven"
    assert refused.facts["known"] == ("v1.3.0", "v1.2.3")


def test_auto_whose_image_is_gone_is_refused() -> None:
    """A tag that names another image by now is not what was proven."""
    refused = refusal(request(auto=True), facts(service_facts("api", target=None)), runbook())
    assert refused.key == "refused.proven_gone"


def test_an_unknown_version_is_refused_with_the_nearest_names() -> None:
    """A mistyped version gets suggestions of what can really be run."""
    releases = tuple(known("api", v) for v in ("v1.3.0", "v1.2.3", "v0.9.0"))
    git_only = known("api", "v1.2.33", sources=("git",))
    found = facts(service_facts("api", target=None, releases=(*releases, git_only)))
    refused = refusal(request(version="v1.23"), found, runbook())
    assert refused.key == "refused.release_not_found"
    nearest = refused.facts["nearest"]
    assert isinstance(nearest, tuple)
    assert nearest[0] == "v1.2.3"
    assert "v1.2.33" not in nearest


def at_target(service: str = "api", **more: object) -> ServiceFacts:
    there = {"running": running(service, "v1.2.3"), "pin": pin(service, "v1.2.3")}
    return service_facts(service, **(there | more))


def test_already_there_is_said_not_planned() -> None:
    """The same image runs and is pinned: there is nothing to do."""
    assert refusal(request(), facts(at_target()), runbook()).key == "refused.already_there"


@pytest.mark.parametrize(
    "off", [{"pin": pin("api", "v1.3.0")}, {"running": running("api", "v1.2.3", state="exited")}]
)
def test_there_but_not_for_long_is_planned(off: dict[str, Any]) -> None:
    """H6: a pin that would bring the bad version back, or a stopped container, wants a rollback."""
    assert "switch_release" in kinds(request(), facts(at_target(**off)), runbook())


def test_services_that_are_there_are_left_alone() -> None:
    """Of several services only the others are switched, and the plan says so."""
    made = plan(
        request("api", "worker"), facts(service_facts("api"), at_target("worker")), runbook()
    )
    assert [t.service for t in made.targets] == ["api"]
    assert "plan.already_there" in [w.key for w in made.warnings]


def test_a_stateful_service_is_refused() -> None:
    """H21: nobody recreates Postgres by a slip of the tongue."""
    found = facts(service_facts("db"))
    assert refusal(request("db"), found, runbook()).key == "refused.stateful"


def test_another_repository_than_the_runbooks_is_refused() -> None:
    """H8: registry:5000/samokoder-api is compared whole, and a stranger is not replaced."""
    other = running("api", reference="registry:5000/elsewhere/api:v1.3.0")
    refused = refusal(request(), facts(service_facts("api", running=other)), runbook())
    assert refused.key == "refused.repository_differs"
    assert refused.facts["found"] == "registry:5000/elsewhere/api"


def test_warnings_say_what_people_should_know() -> None:
    """H18 always; known bad, unproven, not running and no registry when it is so."""
    bad = known("api", "v1.2.3", known_bad_since="RB-7")
    found = facts(
        service_facts("api", releases=(bad,), running=None),
        registry_reached=False,
        disk_free_bytes=5 * 2**20,
    )
    assert keys(request(), found, runbook(compose={"pin": "override"})) == [
        "plan.known_bad",
        "plan.not_proven",
        "plan.not_running",
        "plan.registry_unreachable",
        "plan.little_disk",
        "plan.schema_unknown",
    ]


def test_a_tag_that_was_pushed_anew_is_not_called_proven() -> None:
    """The proof belongs to the image that ran, not to its name."""
    repushed = facts(service_facts("api", target=image("api", digest="sha256:new")))
    made = plan(request(), repushed, runbook())
    assert "plan.tag_repushed" in [w.key for w in made.warnings]
    assert made.evidence == ()


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("unit", ["days", "hours", "minutes"])
@pytest.mark.parametrize("measured", ["", "_measured"])
def test_every_kind_of_evidence_has_words(language: Language, unit: str, measured: str) -> None:
    """These keys are put together, so no scan of the code finds them."""
    assert has(f"plan.proven_{unit}{measured}", language)
