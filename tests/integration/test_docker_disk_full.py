"""An engine of its own on a disk that is too small (case 44)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from commands.domain.errors import DiskFullError, EngineError
from commands.domain.runbook import Compose
from tests.engines.waiting import eventually
from tests.stack.images import Images
from workers.adapters.compose import DockerContainers
from workers.adapters.surroundings import Surroundings

TOO_SMALL = "size=30m"

pytestmark = [
    pytest.mark.engine("docker", "registry"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk"),
]


@pytest.fixture
def cramped_engine() -> Iterator[str]:
    """A second engine whose images are kept on 30 MiB; its address."""
    # A short path: a unix socket's may not be longer than 107 bytes.
    folder = Path(mkdtemp(prefix="cramped-"))
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", TOO_SMALL, "tmpfs", disk], check=True)
    address = f"unix://{folder}/docker.sock"
    # The first engine's, unused: told to have none, dockerd deletes docker0, whoever's it is.
    isolated = ["--bridge=docker0", "--iptables=false", "--ip-masq=false", "--ip-forward=false"]
    places = ["--data-root", f"{disk}", "--exec-root", f"{folder}/exec"]
    argv = ["/usr/sbin/dockerd", "--host", address, "--pidfile", f"{folder}/pid"]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen([*argv, *places, *isolated], stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(address), every_s=0.1, what="the engine answers")
        yield address
    finally:
        daemon.terminate()
        daemon.wait()
        subprocess.run(["umount", "--lazy", disk], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(address: str) -> bool:
    try:
        return bool(_port(address).ping())
    except EngineError:
        return False


def _port(address: str) -> DockerContainers:
    compose = Compose(project="cramped", directory="/", engine_url=address)
    return DockerContainers(compose, Surroundings({"PATH": os.environ["PATH"]}))


def test_a_pull_onto_a_full_disk_is_named_as_such(cramped_engine: str, images: Images) -> None:
    """The error says what is wrong, and nothing half-pulled is taken for the image."""
    repository = f"{images.prefix}/samokoder-api"
    containers = _port(cramped_engine)
    digest = containers.registry_digest(repository, "v1.2.3")
    assert digest

    with pytest.raises(DiskFullError):
        containers.pull(repository, "v1.2.3", digest, timeout_s=60)

    assert not containers.has_image(repository, "v1.2.3", digest)
    assert containers.local_images(repository) == ()
    free = containers.disk_free_bytes()
    assert free is not None
    assert free < 30 * 1024 * 1024
    containers.close()
