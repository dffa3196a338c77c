"""The same steps on the demo's embedded engine: one port, one behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.domain.proof import Verdict
from commands.domain.runbook import Compose, ServiceDefinition
from tests.engines.embedded import REPOSITORY, EmbeddedEngine
from tests.engines.waiting import eventually
from tests.integration.walk import Walk, small_runbook
from workers.adapters.config_files import FilesOnDisk
from workers.adapters.git import GitHistory
from workers.adapters.process import EmbeddedContainers
from workers.adapters.programs import ProgramsOnHost
from workers.adapters.surroundings import Surroundings
from workers.adapters.web import HttpWeb
from workers.jobs import SystemClock
from workers.steps.ports import Ports


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    """An engine with a project that runs v1.3.0."""
    made = EmbeddedEngine(tmp_path)
    made.deploy("v1.3.0")
    yield made
    made.close()


@pytest.fixture(params=["variable", "override"])
def walk(engine: EmbeddedEngine, request: pytest.FixtureRequest) -> Iterator[Walk]:
    """The walk with each kind of pin."""
    compose = Compose.model_validate(
        {
            "generation": "embedded",
            "project": "project",
            "directory": str(engine.project),
            "pin": request.param,
            "engine_url": engine.url,
        }
    )
    url = f"http://127.0.0.1:{engine.api_port}"
    api = ServiceDefinition(
        image=REPOSITORY, health_url=f"{url}/health", version_url=f"{url}/version"
    )
    around, containers, web = Surroundings({}), EmbeddedContainers(compose), HttpWeb()
    yield Walk(
        Ports(
            containers=containers,
            files=FilesOnDisk(engine.project),
            web=web,
            programs=ProgramsOnHost(around),
            history=GitHistory("", around),
            clock=SystemClock(),
            runbook=small_runbook(compose, {"api": api}),
            environment="production",
            rollback_id="RB-1",
        )
    )
    containers.close()
    web.close()


def test_a_rollback_is_proven_and_can_be_undone(engine: EmbeddedEngine, walk: Walk) -> None:
    """Digest, version, health and check are read back; the undo brings v1.3.0 back."""
    planned = walk.plan("v1.2.3", "api")

    proof = walk.carry_out(planned)

    assert {item.what for item in proof} == {"health", "digest", "version", "stable", "smoke"}
    assert {item.verdict for item in proof} == {Verdict.OK}
    assert engine.get("/version").json()["version"] == "v1.2.3"

    walk.undo(planned)

    eventually(lambda: engine.status("/version") == 200, what="the undone api answers")
    assert engine.get("/version").json()["version"] == "v1.3.0"
