"""Pytest plugin: rollbot's own image, built as a team builds it, on a base made on the spot."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.engines.alone import alone
from tests.engines.found import ROOT
from tests.stack.compose import compose_v2
from tests.stack.deployment import Deployment
from tests.stack.machine_image import machine_image

_TAG = "rollbot:tests"


@dataclass(frozen=True, slots=True)
class RollbotImage:
    """What was built, and the Compose version that was put into it."""

    tag: str
    compose_version: str


@pytest.fixture(scope="session")
def rollbot_image(
    docker_engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> RollbotImage:
    """The image of this checkout. The wheels are fetched first; the build has no network."""
    with alone("rollbot-image"):
        return _made(docker_engine, tmp_path_factory.mktemp("image"))


def _made(docker_engine: docker.DockerClient, context: Path) -> RollbotImage:
    made = subprocess.run(
        ["make", "wheels", f"WHEELS={context}/wheels"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    compose_version = (context / "wheels/bin/compose-version").read_text().strip()
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, context)
    docker_engine.images.build(
        path=str(context),
        tag=_TAG,
        buildargs={
            "BASE_IMAGE": machine_image(docker_engine),
            "COMPOSE_VERSION": compose_version,
        },
        network_mode="none",
        rm=True,
    )
    shutil.rmtree(context)
    docker_engine.images.prune({"dangling": True, "label": "org.rollbot.stage=build"})
    return RollbotImage(_TAG, compose_version)


@pytest.fixture
def deployment(
    docker_engine: docker.DockerClient, rollbot_image: RollbotImage, tmp_path: Path
) -> Iterator[Deployment]:
    """A deployment of this checkout's image: call `write`, then `up`. Removed afterwards."""
    directory = tmp_path / "rollbot"
    directory.mkdir()
    made = Deployment(docker_engine, compose_v2(), rollbot_image.tag, directory)
    yield made
    made.down()
