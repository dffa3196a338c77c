"""Fault case 42 on a Docker engine of the test's own: it is killed in the middle of `up`."""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from commands.domain import events as e
from commands.domain.command import Approve, Recover
from rollbot.demo.toml import dumps
from tests.engines.docker_server import SUBNET, DockerServer, docker_server
from tests.engines.waiting import eventually
from tests.faults.campaign_processes import compose_of
from tests.faults.embedded_host import to
from tests.integration.incident import engine_at
from tests.stack.compose import compose_v2
from tests.stack.images import Images
from tests.stack.installation import of_kind
from tests.stack.project import Samokoder
from tests.stack.rollbot_fixtures import InstallationFactory

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to start an engine"),
    pytest.mark.timeout(600),
]

# 15 s, where the machine is its own.
TOLD_WITHIN_S = 75.0


@pytest.fixture
def engine() -> Iterator[DockerServer]:
    """An engine that no other test sees."""
    with docker_server() as made:
        yield made


@pytest.fixture
def project(engine: DockerServer, images: Images, tmp_path: Path) -> Iterator[Samokoder]:
    """Samokoder on that engine, on v1.3.0, with images from the registry."""
    with ExitStack() as ending:
        client = docker.DockerClient(base_url=engine.url)
        ending.callback(client.close)
        shell = compose_v2()
        shell = replace(shell, environment={**shell.environment, "DOCKER_HOST": engine.url})
        folder = tmp_path / "samokoder"
        folder.mkdir()
        made = Samokoder(shell, Images(client, images.registry, images.namespace), folder)
        ending.callback(made.down)
        made.write("v1.3.0")
        with made.compose_file.open("a") as file:
            file.write(f"networks: {{default: {{ipam: {{config: [{{subnet: {SUBNET}}}]}}}}}}\n")
        made.deploy("v1.3.0")
        made.await_version("api", "v1.3.0")
        yield made


def test_an_engine_killed_in_mid_up_is_told_and_retried(
    engine: DockerServer, project: Samokoder, installation: InstallationFactory
) -> None:
    """Case 42: failed at once with its reason, also while it is away; back, Retry converges."""

    def there(runbook: str) -> str:
        document = tomllib.loads(runbook)
        engine_at(engine.url)(document)
        return dumps(document)

    made = installation(project, edit=there, stable_s=0.3)
    made.start("worker")
    made.await_worker()
    rollback = made.ask(to("v1.2.3"))
    made.order(Approve(made.actor("anna")), rollback)
    worker = made.running["worker"].pid
    eventually(lambda: compose_of(worker), every_s=0.002, what=made.logs)
    engine.kill9()
    killed_at = time.monotonic()
    failed = made.await_status("failed", of=rollback)
    assert time.monotonic() - killed_at < TOLD_WITHIN_S
    assert failed.reason is not None
    assert failed.reason.key == "error.engine_unavailable"
    made.order(Recover(made.actor("anna"), "retry"), rollback)
    made.await_status("failed", of=rollback)
    engine.start()
    made.order(Recover(made.actor("anna"), "retry"), rollback)
    made.await_status("succeeded", of=rollback, within_s=180)

    assert len(of_kind(made.events(rollback), e.StepFailed)) == 2
    done = [v.step for v in made.events(rollback) if isinstance(v, e.StepDone)]
    assert len(done) == len(set(done)), "no step has two outcomes"
    assert project.version("api") == "v1.2.3"
    assert len(project.containers("api")) == 1
