"""The image that a team deploys: built without a network, run without root."""

import shutil
from pathlib import Path

import docker
import pytest

from tests.engines.found import ROOT
from tests.stack.compose import Compose
from tests.stack.rollbot_image import RollbotImage

pytestmark = [pytest.mark.engine("docker", "compose_v2"), pytest.mark.timeout(600)]


def _run(engine: docker.DockerClient, image: RollbotImage, *argv: str) -> str:
    answer = engine.containers.run(
        image.tag, list(argv), entrypoint="", remove=True, network_mode="none", read_only=True
    )
    return bytes(answer).decode().strip()


def test_the_command_runs_in_the_image(
    docker_engine: docker.DockerClient, rollbot_image: RollbotImage
) -> None:
    """`rollbot --help` works in the image, without a network and on a read-only disk."""
    assert "Usage:" in _run(docker_engine, rollbot_image, "rollbot", "--help")


def test_nothing_in_the_image_runs_as_root_unasked(
    docker_engine: docker.DockerClient, rollbot_image: RollbotImage
) -> None:
    """The image's own user is not root, and may write its state."""
    said = _run(
        docker_engine,
        rollbot_image,
        "python",
        "-c",
        "import os, pwd; me = pwd.getpwuid(os.getuid());"
        " print(me.pw_uid, me.pw_name, os.access(me.pw_dir, os.W_OK))",
    )

    assert said == "10001 rollbot True"


def test_the_label_says_which_compose_it_carries(
    docker_engine: docker.DockerClient, rollbot_image: RollbotImage
) -> None:
    """The label is what the Compose in the image says of itself."""
    labels = docker_engine.images.get(rollbot_image.tag).labels

    said = _run(docker_engine, rollbot_image, "docker", "compose", "version", "--short")

    assert said == labels["org.rollbot.compose-version"] == rollbot_image.compose_version


# A job process is killed; its program has a grandchild that left the session and closed the lease.
_OUTLIVED = """
import pathlib, subprocess, sys, time
from workers.lease import Lease
told = pathlib.Path("told")
stray = '''
import os, pathlib, time
if os.fork() == 0:
    os.setsid()
    os.closerange(0, 256)
    pathlib.Path("part").write_text(str(os.getpid()))
    pathlib.Path("part").rename("told")
time.sleep(60)
'''
job = subprocess.Popen([sys.executable, "-c", f'''
import pathlib, sys
from workers.adapters.children import run
from workers.lease import Lease
with Lease(pathlib.Path("state"), "production").acquire(0) as held:
    run([sys.executable, "-c", {stray!r}], timeout_s=60, lease_fd=held.fd)
'''])
while not told.exists(): time.sleep(0.01)
job.kill(); job.wait()
stat = pathlib.Path("/proc", told.read_text(), "stat")
before = stat.read_text().split()[2] != "Z"
with Lease(pathlib.Path("state"), "production").acquire(5):
    print(before, stat.read_text().split()[2] == "Z")
"""


def test_what_outlived_its_job_is_ended_in_a_container_too(
    docker_engine: docker.DockerClient, rollbot_image: RollbotImage
) -> None:
    """Its processes are seen there by their environment, with nobody's rights but the image's."""
    assert _run(docker_engine, rollbot_image, "python", "-c", _OUTLIVED) == "True True"


def test_the_compose_file_gives_the_engine_to_those_who_need_it(
    compose: Compose, tmp_path: Path
) -> None:
    """Both generations read compose.yml; the bot sees no engine, worker and observer no tokens."""
    shutil.copy(ROOT / "compose.yml", tmp_path)
    (tmp_path / ".env").write_text(_SETTINGS)
    shown = compose.run(tmp_path, "--file", "compose.yml", "config").stdout

    processes = _services(shown)
    assert "docker.sock" not in processes["bot"]
    assert "postgresql://" not in processes["bot"]
    assert "/backups/" not in processes["bot"]
    for name in ("worker", "observer"):
        assert "/var/run/docker.sock" in processes[name]
        assert "network_mode: host" in processes[name]
        assert "/backups/of/the/runbook" in processes[name]
        assert "/etc/traefik/dynamic" in processes[name]
        assert "postgresql://database-of-production" in processes[name]
        assert "postgresql://scratch-of-staging" in processes[name]
        assert "SLACK" not in processes[name]
        assert "TELEGRAM" not in processes[name]
    assert "appendfsync" in processes["redis"]


_SETTINGS = """\
REDIS_PASSWORD=secret
BACKUPS_DIR=/backups/of/the/runbook
PROXY_DIR=/etc/traefik/dynamic
ROLLBOT_DATABASE_URL_PRODUCTION=postgresql://database-of-production/shop
ROLLBOT_SCRATCH_URL_STAGING=postgresql://scratch-of-staging/postgres
"""


def _services(config: str) -> dict[str, str]:
    """Service -> its part of a file that `compose config` printed."""
    parts: dict[str, str] = {}
    name = ""
    for line in config.partition("services:\n")[2].splitlines():
        if line.startswith("  ") and not line.startswith("   "):
            name = line.strip(" :")
            parts[name] = ""
        elif line.startswith("   "):
            parts[name] += line + "\n"
        else:
            break
    return parts
