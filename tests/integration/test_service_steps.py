"""A service rollback's plan on real Docker with both Compose generations: forth, proven, back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from commands.domain.errors import CheckFailedError, RollbotError
from commands.domain.proof import Verdict
from commands.domain.runbook import Compose as ComposeSettings
from commands.domain.runbook import ServiceDefinition
from tests.contract.containers_worlds import docker_containers
from tests.integration.walk import Walk, small_runbook
from tests.stack.compose import Compose
from tests.stack.project import Samokoder
from workers.adapters.compose import DockerContainers
from workers.adapters.config_files import FilesOnDisk
from workers.adapters.git import GitHistory
from workers.adapters.programs import ProgramsOnHost
from workers.adapters.surroundings import Surroundings
from workers.adapters.web import HttpWeb
from workers.jobs import SystemClock
from workers.steps.ports import Ports
from workers.steps.progress import Progress
from workers.steps.registry import build

SERVICES = ("api", "worker", "frontend")
OVERRIDE = "docker-compose.override.yml"


class Rollback(Walk):
    """The walk on one Compose project."""

    def __init__(self, project: Samokoder, ports: Ports) -> None:
        super().__init__(ports)
        self.project = project


def ports_of(project: Samokoder, pin: str, containers: DockerContainers, web: HttpWeb) -> Ports:
    around = Surroundings(project.compose.environment)
    compose = ComposeSettings.model_validate(
        {
            "generation": project.compose.generation,
            "project": project.name,
            "directory": str(project.directory),
            "pin": pin,
        }
    )
    services = {
        name: ServiceDefinition(
            image=f"{project.images.prefix}/samokoder-{name}",
            health_url=project.url(name),
            version_url=project.url(name, "/version"),
            health_timeout_s=20,
        )
        for name in SERVICES
    }
    return Ports(
        containers=containers,
        files=FilesOnDisk(project.directory),
        web=web,
        programs=ProgramsOnHost(around),
        history=GitHistory("", around),
        clock=SystemClock(),
        runbook=small_runbook(compose, services),
        environment="production",
        rollback_id="RB-1",
    )


Start = Callable[..., Rollback]
ONE_GENERATION = pytest.mark.parametrize(
    "compose", ["v2", pytest.param("v1", marks=pytest.mark.long)], indirect=True
)
"""Where both generations were seen to do the same, the other one is a long test."""


@pytest.fixture
def start(samokoder: Any, compose: Compose) -> Iterator[Start]:
    """Make a project on v1.3.0 (or another) and its rollback."""
    opened: list[DockerContainers | HttpWeb] = []

    def make(pin: str = "variable", version: str = "v1.3.0", **more: Any) -> Rollback:
        project = samokoder(compose, version, **more)
        if pin == "override":
            (project.directory / OVERRIDE).write_text("services: {}\n")
        containers, web = docker_containers(project), HttpWeb()
        opened.extend((containers, web))
        return Rollback(project, ports_of(project, pin, containers, web))

    yield make
    for port in opened:
        port.close()


@pytest.mark.parametrize("pin", ["variable", "override"])
def test_a_rollback_is_proven_and_can_be_undone(start: Start, pin: str) -> None:
    """Only api moves; digest, version, health and check are read back; undo restores all."""
    rollback = start(pin)
    project = rollback.project
    before, env = project.identities(), project.env_file.read_bytes()
    planned = rollback.plan("v1.2.3", "api")

    proof = rollback.carry_out(planned)

    assert {item.what for item in proof} == {"health", "digest", "version", "stable", "smoke"}
    assert {item.verdict for item in proof} == {Verdict.OK}
    assert project.version("api") == "v1.2.3"
    assert moved(before, project) == {"api"}

    rollback.undo(planned)

    project.await_version("api", "v1.3.0")
    assert moved(before, project) <= {"api"}
    assert project.env_file.read_bytes() == env
    override = project.directory / OVERRIDE
    assert not override.exists() or "image" not in override.read_text()


@ONE_GENERATION
def test_a_half_made_container_in_the_way_is_cleared_away(start: Start) -> None:
    """The engine made it for a Compose that was dead by then: the switch settles and repeats."""
    rollback = start()
    planned = rollback.plan("v1.2.3", "api")
    half_make(rollback.project)

    rollback.carry_out(planned)

    assert rollback.project.version("api") == "v1.2.3"
    assert len(rollback.project.containers("api")) == 1


def half_make(project: Samokoder) -> None:
    """What a recreate makes first: another container of the service, under a name of its own."""
    old = project.container("api")
    name = f"{str(old.id)[:12]}_{old.name}"
    project.engine.containers.create(old.attrs["Config"]["Image"], name=name, labels=old.labels)


@ONE_GENERATION
def test_all_services_go_side_by_side_and_state_stays(start: Start) -> None:
    """H21: database and Redis keep their containers; one Compose call moves the three."""
    rollback = start()
    before = rollback.project.identities()
    rollback.carry_out(rollback.plan("v1.2.3", *SERVICES))
    assert {rollback.project.version(name) for name in SERVICES} == {"v1.2.3"}
    assert moved(before, rollback.project) == set(SERVICES)


@ONE_GENERATION
@pytest.mark.parametrize("pin", ["variable", pytest.param("override", marks=pytest.mark.long)])
def test_an_undo_finds_an_image_whose_tag_was_taken(start: Start, pin: str) -> None:
    """The tag of what ran before names another image by now: the very image returns, by id."""
    rollback = start(pin, own_images=True)
    project = rollback.project
    ran = project.container("api").attrs["Image"]
    planned = rollback.plan("v1.2.3", "api")
    rollback.carry_out(planned)
    repository = f"{project.images.prefix}/samokoder-api"
    project.engine.api.tag(f"{repository}:v1.2.3", repository, "v1.3.0", force=True)

    rollback.undo(planned)

    assert project.container("api").attrs["Image"] == ran
    project.await_version("api", "v1.3.0")


@ONE_GENERATION
def test_a_stale_shell_variable_is_gone_after_an_undo_too(start: Start) -> None:
    """H6: v1.3.0 was started by an exported variable while `.env` said v1.2.2; both return."""
    rollback = start()
    project = rollback.project
    project.pin("APP_VERSION", "v1.2.2")
    planned = rollback.plan("v1.2.3", "api")
    rollback.carry_out(planned)
    rollback.undo(planned)
    project.await_version("api", "v1.3.0")
    assert project.pinned() == "v1.2.2"


@ONE_GENERATION
def test_a_crashing_target_is_noticed_and_undone(start: Start) -> None:
    """H13: a crash loop fails the wait before its limit; the undo brings the old release back."""
    rollback = start(version="v1.2.3")
    planned = rollback.plan("v1.9.8-crash", "api")
    with pytest.raises(CheckFailedError) as failed:
        rollback.carry_out(planned)
    assert failed.value.key in ("check.crash_loop", "check.exited")
    rollback.undo(planned)
    rollback.project.await_version("api", "v1.2.3")


@ONE_GENERATION
def test_a_target_that_is_never_healthy_fails_in_its_time(start: Start) -> None:
    """Fault case 40: Compose says 0, the wait says no."""
    rollback = start(version="v1.2.3")
    rollback.with_service("api", health_timeout_s=2)
    planned = rollback.plan("v1.9.9-never-healthy", "api")
    with pytest.raises(CheckFailedError) as failed:
        rollback.carry_out(planned)
    assert failed.value.key == "check.unhealthy"
    assert failed.value.facts["last"] == "HTTP 503"


def test_a_port_that_is_taken_leaves_a_way_back(start: Start) -> None:
    """Fault case 41: Compose fails, the probe says "partial", the undo restores what ran."""
    rollback = start()
    project = rollback.project
    planned = rollback.plan("v1.2.3", "api")
    compose_file = project.compose_file.read_text()
    taken, own = (f"127.0.0.1:{project.ports[name]}:8000" for name in ("worker", "api"))
    project.compose_file.write_text(compose_file.replace(own, taken))
    with pytest.raises(RollbotError):
        rollback.carry_out(planned)
    switch = next(s for s in planned.steps if s.action.kind == "switch_release")
    step = build(switch, rollback.ports, planned)
    assert step.probe(rollback.captured[switch.number]) is Progress.PARTIAL
    project.compose_file.write_text(compose_file)
    rollback.undo(planned)
    project.await_version("api", "v1.3.0")


@pytest.mark.parametrize("left_behind", ["stopped", "removed", "created"])
def test_a_switch_cut_off_in_the_middle_heals_by_repeating(start: Start, left_behind: str) -> None:
    """Fault case 43: whatever a killed Compose left, the probe says "partial", repeating heals."""
    rollback = start()
    project = rollback.project
    planned = rollback.plan("v1.2.3", "api")
    by_kind = {s.action.kind: build(s, rollback.ports, planned) for s in planned.steps}
    switch = by_kind["switch_release"]
    before = switch.capture()
    by_kind["pull_image"].apply()
    by_kind["pin_version"].apply()
    project.container("api").stop(timeout=0)
    if left_behind != "stopped":
        project.container("api").remove()
    if left_behind == "created":
        project.compose.run(project.directory, "up", "--no-deps", "--no-start", "api")

    assert switch.probe(before) is Progress.PARTIAL
    switch.apply()
    assert switch.probe(before) is Progress.DONE
    by_kind["await_healthy"].apply()
    assert project.version("api") == "v1.2.3"


@ONE_GENERATION
def test_a_survey_again_is_quick_and_gives_the_same_digest(start: Start) -> None:
    """After approval the same survey runs once more: and nothing has changed."""
    rollback = start()
    first = rollback.plan("v1.2.3", "api")
    pull = next(s for s in first.steps if s.action.kind == "pull_image")
    build(pull, rollback.ports, first).apply()
    took: list[float] = []
    for _ in range(20):
        began = time.monotonic()
        again = rollback.plan("v1.2.3", "api")
        took.append(time.monotonic() - began)
        assert again.digest() == first.digest()
    # Under 100 ms, where the machine is its own. The best of them: other tests may be busy here.
    assert min(took) < 0.5


def moved(before: dict[str, str], project: Samokoder) -> set[str]:
    now = project.identities()
    return {name for name, container in now.items() if before.get(name) != container}
