"""Pytest plugin: Docker, a registry, both Compose generations and Samokoder projects on them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest

from tests.engines.found import address_of
from tests.stack.compose import Compose, compose_v1, compose_v2
from tests.stack.images import RELEASES, Images
from tests.stack.project import Samokoder, remove_orphans

SamokoderFactory = Callable[..., Samokoder]


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[docker.DockerClient]:
    """The real engine."""
    client = docker.DockerClient(base_url=address_of("docker"))
    remove_orphans(client)
    yield client
    client.close()


@pytest.fixture(scope="session")
def registry() -> str:
    """Address of a real registry on loopback: `host:port`."""
    return address_of("registry")


@pytest.fixture(scope="session")
def images(docker_engine: docker.DockerClient, registry: str) -> Images:
    """Every release of the stand-in, published. Shared: a test that breaks some wants its own."""
    shared = Images(docker_engine, registry)
    shared.publish_all()
    return shared


@pytest.fixture(params=["v1", "v2"])
def compose(request: pytest.FixtureRequest) -> Compose:
    """Each Compose generation in turn."""
    return compose_v1() if request.param == "v1" else compose_v2()


@pytest.fixture
def samokoder(
    request: pytest.FixtureRequest, docker_engine: docker.DockerClient, tmp_path: Path
) -> Iterator[SamokoderFactory]:
    """Return a maker of Compose projects, removed when the test ends.

    `samokoder(compose, "v1.3.0")` is a project that runs this version. `own_images=True` gives it
    a namespace in the registry that no other test sees; `start=False` only writes its files.
    """
    with ExitStack() as removal:

        def make(
            compose: Compose,
            version: str = "v1.2.3",
            *,
            own_images: bool = False,
            start: bool = True,
            **settings: object,
        ) -> Samokoder:
            images: Images = request.getfixturevalue("images")
            directory = tmp_path / f"samokoder-{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            project = Samokoder(compose, images, directory, **settings)  # type: ignore[arg-type]
            if own_images:
                project.images = Images(docker_engine, images.registry, project.name)
                project.images.publish_all(RELEASES)
                removal.callback(project.images.discard)
            removal.callback(project.down)
            project.write(version)
            if start:
                project.deploy(version)
            return project

        yield make
