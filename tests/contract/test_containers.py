"""What every container engine must do: one suite, run on each of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.domain.errors import (
    CommandTimedOutError,
    EngineError,
    EngineUnavailableError,
    ImageNotFoundError,
)
from tests.contract.containers_worlds import (
    ContainersWorld,
    FakeWorld,
    docker_v1,
    docker_v2,
    embedded,
    published,
)
from tests.stack.images import Images


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    """The releases of the Docker worlds, published once."""
    yield from published()


@pytest.fixture(params=["fake", "embedded", "docker-v1", "docker-v2"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ContainersWorld]:
    """The same project on each engine in turn."""
    if request.param == "fake":
        yield FakeWorld()
    elif request.param == "embedded":
        yield from embedded(tmp_path)
    else:
        docker = docker_v1 if request.param == "docker-v1" else docker_v2
        yield from docker(tmp_path, request.getfixturevalue("images"))


def fetch(world: ContainersWorld, version: str) -> str:
    """Pull a version by the digest that the registry names; the digest."""
    digest = world.containers.registry_digest(world.repository, version)
    assert digest
    world.containers.pull(world.repository, version, digest, timeout_s=60)
    return digest


def test_the_running_release_is_named_by_id_digest_and_version(world: ContainersWorld) -> None:
    """Container, image id, registry digest, tag, state and start are all read."""
    running = world.containers.running("api")

    assert running is not None
    assert (running.service, running.version, running.state) == ("api", "v1.2.3", "running")
    assert running.reference == f"{world.repository}:v1.2.3"
    assert running.digest == world.containers.registry_digest(world.repository, "v1.2.3")
    assert running.image_id.startswith("sha256:")
    assert running.runs(running.image_id)
    assert running.runs(running.digest)
    assert running.started_at is not None
    assert running.started_at.tzinfo is not None
    assert running.restart_count == 0


def test_a_service_without_a_container_runs_nothing(world: ContainersWorld) -> None:
    """None, not an error: a survey says so."""
    assert world.containers.running("nobody") is None


def test_the_registry_lists_its_tags_and_their_digests(world: ContainersWorld) -> None:
    """A digest is told without pulling; what is not there is None or empty."""
    assert {"v1.2.2", "v1.2.3", "v1.3.0"} <= set(world.containers.registry_tags(world.repository))
    digest = world.containers.registry_digest(world.repository, "v1.2.2")
    assert digest is not None
    assert digest.startswith("sha256:")
    assert not world.containers.has_image(world.repository, "v1.2.2", digest)
    assert world.containers.registry_digest(world.repository, "v0.0.1") is None


def test_a_pull_brings_the_image_under_its_tag_and_may_be_repeated(world: ContainersWorld) -> None:
    """After it, and after a second one, the image is here once, by tag and digest."""
    digest = fetch(world, "v1.2.2")
    fetch(world, "v1.2.2")

    assert world.containers.has_image(world.repository, "v1.2.2", digest)
    here = [i for i in world.containers.local_images(world.repository) if i.version == "v1.2.2"]
    assert len(here) == 1
    assert (here[0].repository, here[0].local) == (world.repository, True)
    assert digest in (here[0].digest, *here[0].repo_digests)


def test_a_digest_that_nobody_has_cannot_be_pulled(world: ContainersWorld) -> None:
    """The image is named in the error."""
    with pytest.raises(ImageNotFoundError, match="sha256:0000"):
        world.containers.pull(world.repository, "v1.2.2", "sha256:" + "0" * 64, timeout_s=60)


def test_up_switches_only_what_was_named(world: ContainersWorld) -> None:
    """The api runs the pinned release in a new container; the database keeps its own (H21)."""
    before, database = world.containers.running("api"), world.containers.running("db")
    digest = fetch(world, "v1.2.2")
    world.pin("v1.2.2")

    outcome = world.containers.compose(world.up(), timeout_s=60)

    now = world.containers.running("api")
    assert (outcome.exit_code, outcome.seconds > 0) == (0, True)
    assert before is not None
    assert now is not None
    assert now.runs(digest)
    assert now.container_id != before.container_id
    assert world.containers.running("db") == database


def test_up_of_what_runs_already_changes_nothing(world: ContainersWorld) -> None:
    """The engine is asked for a state, so a repeated switch keeps the container."""
    world.pin("v1.2.3")
    before = world.containers.running("api")

    world.containers.compose(world.up(), timeout_s=60)

    assert world.containers.running("api") == before


def test_a_missing_image_fails_and_the_old_release_stays(world: ContainersWorld) -> None:
    """Compose's exit code and words come back, and what ran still runs."""
    world.pin("v7.7.7")
    before = world.containers.running("api")

    outcome = world.containers.compose(world.up(), timeout_s=60)

    assert outcome.exit_code != 0
    assert "v7.7.7" in outcome.tail
    assert world.containers.running("api") == before


def test_an_image_is_removed_unless_it_is_in_use(world: ContainersWorld) -> None:
    """A prepared image goes, a running one stays, one that is not there is no error."""
    digest = fetch(world, "v1.2.2")
    running = world.containers.running("api")
    assert running is not None

    for version in ("v1.2.2", "v1.2.2", "v1.2.3", "v0.0.1"):
        world.containers.remove_image(world.repository, version)

    assert not world.containers.has_image(world.repository, "v1.2.2", digest)
    assert world.containers.has_image(world.repository, "v1.2.3", running.digest)


def test_the_engine_tells_its_version_and_its_free_disk(world: ContainersWorld) -> None:
    """What `check` asks for; settling with nothing under way returns at once."""
    assert world.containers.ping()
    free = world.containers.disk_free_bytes()
    assert free is None or free > 0
    world.containers.settle("RB-1", timeout_s=10)


def test_an_image_is_asked_by_a_program_of_its_own(world: ContainersWorld) -> None:
    """Exit code and whole output come back; an image that is not here is named, not pulled."""
    asked = ("python3", "-c", "import sys; print('x' * 9_000); sys.exit(3)")

    said = world.containers.ask_image(world.repository, "v1.2.3", asked, timeout_s=60)

    assert (said.exit_code, said.output) == (3, "x" * 9_000 + "\n")
    assert 0 < len(said.tail) <= 1024
    with pytest.raises(ImageNotFoundError, match=r"v0\.0\.1"):
        world.containers.ask_image(world.repository, "v0.0.1", ("true",), timeout_s=60)


def test_a_one_off_program_gets_its_secret_and_never_tells_it(world: ContainersWorld) -> None:
    """Its name stands in the output instead. One that takes too long is ended, and told of."""
    told = "import os; v = os.environ['DATABASE_URL']; print(len(v), v)"
    secret = "postgresql://samokoder:canary-83521@db/samokoder"

    said = world.containers.one_off(
        world.one_off("python3", "-c", told), timeout_s=60, secrets={"DATABASE_URL": secret}
    )

    assert (said.exit_code, said.output.split()) == (0, [str(len(secret)), "<DATABASE_URL>"])
    assert "canary-83521" not in said.tail
    running = world.containers.running("api")
    assert running is not None
    assert running.version == "v1.2.3"

    line = world.one_off("python3", "-c", "import time; time.sleep(600)")

    with pytest.raises(CommandTimedOutError):
        world.containers.one_off(line, timeout_s=3, secrets={"DATABASE_URL": "x"})
    world.containers.settle("RB-1", timeout_s=0.1)


def test_a_services_variable_and_address_are_told(world: ContainersWorld) -> None:
    """None for what is not set, and for a service without a container."""
    name, value = world.secret()

    assert world.containers.variable("api", name) == value
    assert world.containers.variable("api", "NO_SUCH") is None
    assert world.containers.variable("nobody", name) is None
    assert world.containers.address("api")
    assert world.containers.address("nobody") is None


def test_a_program_is_run_inside_a_running_container(world: ContainersWorld) -> None:
    """Its words are kept apart, and a value reaches it by the child's environment alone."""
    asked = ("python3", "-c", "import os; print(os.environ['PGPASSWORD'] + ' $HOME;')")
    line = world.containers.in_container("api", asked, {"PGPASSWORD": "canary-4711"})

    assert not any("canary-4711" in word for word in line)
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": "canary-4711"}
    said = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "canary-4711 $HOME;\n"
    with pytest.raises(EngineError):
        world.containers.in_container("nobody", asked, {})


def test_an_engine_that_is_away_is_named_as_such(world: ContainersWorld) -> None:
    """Every question raises the same error, from which the card says what to do."""
    world.go_away()

    with pytest.raises(EngineUnavailableError):
        world.containers.ping()
    with pytest.raises(EngineUnavailableError):
        world.containers.running("api")
