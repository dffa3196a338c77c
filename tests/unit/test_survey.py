"""The survey: what is read for one request, and what a dead registry does to it."""

from __future__ import annotations

from typing import Any

import pytest

from commands.domain.errors import (
    EngineUnavailableError,
    PlanRefusedError,
    RegistryUnavailableError,
)
from commands.domain.facts import LedgerLine
from commands.planner.service import plan
from tests.fakes.config_files import FakeConfigFiles
from tests.fakes.containers import FakeImage
from tests.fakes.history import FakeHistory
from tests.unit.planner.world import REPOSITORY, line, proven, request, runbook
from tests.unit.steps.engine import PinnedEngine, SteppedClock
from tests.unit.steps.world import NEW, OLD, World, released, world
from workers.survey import Surveyor


def surveyor(w: World, **engines: Any) -> Surveyor:
    given: dict[str, Any] = {
        "runbook": w.book,
        "environment": "production",
        "containers": w.engine,
        "files": w.files,
        "history": FakeHistory(["older", "newer"], {OLD: 0, NEW: 1}),
        "clock": w.clock,
    }
    return Surveyor(**given | engines)


def ledger(*versions: str, service: str = "api") -> tuple[LedgerLine, ...]:
    return tuple(
        line(service, v, digest=released(service, v).digest, proven=proven()) for v in versions
    )


class WithoutRegistry(PinnedEngine):
    def registry_digest(self, repository: str, tag: str) -> str | None:
        raise RegistryUnavailableError(image=repository)

    def registry_tags(self, repository: str) -> tuple[str, ...]:
        raise RegistryUnavailableError(image=repository)


class WithSilentRegistry(PinnedEngine):
    """Docker itself does not answer while it waits for a registry that swallows packets."""

    def registry_digest(self, repository: str, tag: str) -> str | None:
        raise EngineUnavailableError(why="read timed out")

    def registry_tags(self, repository: str) -> tuple[str, ...]:
        raise EngineUnavailableError(why="read timed out")


def another(kind: type[PinnedEngine], w: World) -> PinnedEngine:
    """The same world behind a worse engine."""
    e = w.engine
    worse = kind(e.runbook, e.files)
    worse.published, worse.here, worse.project = e.published, e.here, e.project
    return worse


def test_a_named_version_is_found_with_everything_the_planner_asks() -> None:
    """Running image, target by the registry's digest, pin, sharing services, commits."""
    w = world("api")
    facts = surveyor(w).survey(request(), ())
    api = facts.of("api")
    assert api.running is not None
    assert api.running.version == NEW
    assert api.target is not None
    assert (api.target.digest, api.target.in_registry) == (released("api", OLD).digest, True)
    assert api.pin is not None
    assert (api.pin.path, api.pin.variable, api.pin.value) == (".env", "APP_VERSION", NEW)
    assert api.commits_undone == ("newer",)
    assert facts.sharing_variable == {"APP_VERSION": ("api", "worker", "frontend")}


def test_auto_takes_the_proven_image_and_no_other() -> None:
    """H9: the target is the digest that ran well, found by the planner's own choice."""
    w = world("api")
    facts = surveyor(w).survey(request(auto=True), ledger(OLD))
    made = plan(request(auto=True), facts, w.book)
    assert (made.targets[0].version, made.targets[0].digest) == (OLD, released("api", OLD).digest)
    assert made.evidence


def test_auto_refuses_a_tag_that_was_pushed_anew() -> None:
    """The proven image is gone; another under its name is not taken for it."""
    w = world("api")
    w.engine.publish(FakeImage.of(f"{REPOSITORY}-api", OLD, "pushed anew"))
    facts = surveyor(w).survey(request(auto=True), ledger(OLD))
    with pytest.raises(PlanRefusedError) as refused:
        plan(request(auto=True), facts, w.book)
    assert refused.value.key == "refused.proven_gone"


def test_auto_for_several_goes_where_all_can_go() -> None:
    """Each service's own ledger; one version for all."""
    w = world("api", "worker")
    known = (*ledger(OLD, "v1.2.2"), *ledger(OLD, service="worker"))
    asked = request("api", "worker", auto=True)
    made = plan(asked, surveyor(w).survey(asked, known), w.book)
    assert {t.version for t in made.targets} == {OLD}
    assert len(made.evidence) == 2


def test_an_unknown_version_brings_the_choices_along() -> None:
    """Only when it is going to be refused are registry and git asked for all they have."""
    w = world("api")
    facts = surveyor(w).survey(request(version="v1.23"), ())
    assert [r.version for r in facts.of("api").releases] == [NEW, OLD]
    with pytest.raises(PlanRefusedError) as refused:
        plan(request(version="v1.23"), facts, w.book)
    assert refused.value.facts["nearest"] == (OLD, NEW)


@pytest.mark.parametrize("kind", [WithoutRegistry, WithSilentRegistry])
def test_without_a_registry_local_images_still_do(kind: type[PinnedEngine]) -> None:
    """A registry outage during an incident is a warning, not a wall."""
    w = world("api")
    w.engine.pull(f"{REPOSITORY}-api", OLD, released("api", OLD).digest, 1)
    facts = surveyor(w, containers=another(kind, w)).survey(request(), ())
    assert not facts.registry_reached
    made = plan(request(), facts, w.book)
    assert made.targets[0].digest == released("api", OLD).digest
    assert "plan.registry_unreachable" in [warning.key for warning in made.warnings]


def test_without_an_engine_there_is_no_survey() -> None:
    """What runs is unknown: nothing is planned on a guess."""
    w = world("api")
    w.engine.away = True
    with pytest.raises(EngineUnavailableError):
        surveyor(w).survey(request(), ())


def test_surveying_again_gives_the_same_digest() -> None:
    """Also after prepare has brought the image: pulling changes nothing that was approved."""
    w = world("api")
    first = plan(request(), surveyor(w).survey(request(), ledger(OLD)), w.book)
    w.engine.pull(f"{REPOSITORY}-api", OLD, released("api", OLD).digest, 1)
    w.clock.sleep(60)
    again = plan(request(), surveyor(w).survey(request(), ledger(OLD)), w.book)
    assert again.digest() == first.digest()


@pytest.mark.parametrize("path", ["docker-compose.yml", ".env"])
def test_an_edited_file_changes_the_digest(path: str) -> None:
    """Whatever Compose reads decides what `up` does."""
    w = world("api")
    first = plan(request(), surveyor(w).survey(request(), ()), w.book)
    w.files.files[path] = w.files.files.get(path, b"") + b"# edited\n"
    again = plan(request(), surveyor(w).survey(request(), ()), w.book)
    assert again.digest() != first.digest()


def test_versions_merges_every_source() -> None:
    """Ledger, engine, registry and git, newest first; the registry may be away."""
    w = world("api")
    found = surveyor(w).releases("api", ledger("v1.1.0"))
    assert [(r.version, r.running, r.proven is not None) for r in found] == [
        (NEW, True, False),
        (OLD, False, False),
        ("v1.1.0", False, True),
    ]
    alone = surveyor(w, containers=another(WithoutRegistry, w)).releases("api", ())
    assert [r.version for r in alone] == [NEW, OLD]


def test_a_service_without_a_container_is_surveyed_too() -> None:
    """It is down, perhaps that is why somebody asks."""
    book = runbook()
    files = FakeConfigFiles()
    engine = PinnedEngine(book, files)
    engine.publish(released("api", OLD))
    down = Surveyor(book, "production", engine, files, FakeHistory(), SteppedClock())
    facts = down.survey(request(), ())
    assert facts.of("api").running is None
    assert plan(request(), facts, book).targets[0].before == ""
