"""Pytest plugin: Samokoder with a real database, and the proxies that stand before it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import docker
import docker.errors
import pytest

from tests.engines.postgres_server import PostgresServer
from tests.stack.compose import Compose
from tests.stack.database import DatabaseStack
from tests.stack.database_images import DatabaseImages
from tests.stack.proxies import Nginx, Traefik

DatabaseStackFactory = Callable[..., DatabaseStack]
_NETWORK = "rollbot-tests-managed"
_PUBLISHED = ("v1.2.2", "v1.2.3", "v1.3.0")


@pytest.fixture(scope="session")
def database_images(docker_engine: docker.DockerClient, registry: str) -> DatabaseImages:
    """The releases with migrations; those before `v1.4.0` are published, others by name."""
    shared = DatabaseImages(docker_engine, registry)
    for tag in _PUBLISHED:
        shared.publish_release(tag)
    return shared


@pytest.fixture
def database_stack(
    database_images: DatabaseImages, tmp_path: Path
) -> Iterator[DatabaseStackFactory]:
    """Return a maker of Compose projects with a database, removed when the test ends.

    `database_stack(compose_v2(), "v1.3.0")` runs that release on its schema, rows in it.
    `managed=server` uses that server instead of a `db` of the project; `start=False` only writes.
    `more=("v1.4.0-heads",)` are further releases that the registry shall have. `own_images=True`
    gives it these releases alone, in a namespace that no other test sees.
    """
    with ExitStack() as removal:

        def make(
            compose: Compose,
            version: str = "v1.3.0",
            *,
            managed: PostgresServer | None = None,
            start: bool = True,
            more: tuple[str, ...] = (),
            migrates_at_start: bool = False,
            own_images: bool = False,
            **rows: int,
        ) -> DatabaseStack:
            images, known = database_images, set(_PUBLISHED)
            if own_images:
                images, known = _own(images), set()
                removal.callback(images.discard)
            for tag in {version, *more} - known:
                images.publish_release(tag)
            directory = tmp_path / f"samokoder-{token_hex(2)}"
            directory.mkdir()
            stack = DatabaseStack(
                compose,
                images,
                directory,
                managed=managed,
                migrates_at_start=migrates_at_start,
            )
            removal.callback(stack.down)
            if start:
                stack.up(version, **rows)
            else:
                stack.write(version)
            return stack

        yield make


@pytest.fixture
def managed_postgres(
    docker_engine: docker.DockerClient, own_postgres: Callable[..., PostgresServer]
) -> PostgresServer:
    """A server of the test's own outside Docker, which containers can reach."""
    return own_postgres(_address_for_containers(docker_engine))


def _own(shared: DatabaseImages) -> DatabaseImages:
    return replace(shared, namespace=f"rollbot-tests-{token_hex(4)}", published=set())


def _address_for_containers(engine: docker.DockerClient) -> str:
    """An address of the host's own on a network that stays: docker0 comes and goes with daemons."""
    found = engine.networks.list(names=[_NETWORK])
    with suppress(docker.errors.APIError):  # another run made it just now
        found = found or [engine.networks.create(_NETWORK)]
    network = found[0] if found else engine.networks.list(names=[_NETWORK])[0]
    network.reload()
    return str(network.attrs["IPAM"]["Config"][0]["Gateway"])


@pytest.fixture
def traefik(tmp_path: Path) -> Iterator[Callable[[str], Traefik]]:
    """Return a maker: `traefik(project.url("api", ""))` leads there, until the test ends."""
    with ExitStack() as ending:

        def make(upstream: str) -> Traefik:
            proxy = Traefik(tmp_path / f"traefik-{token_hex(2)}", upstream)
            ending.callback(proxy.stop)
            proxy.start()
            return proxy

        yield make


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[[str], Nginx]]:
    """Return a maker: `nginx(project.url("api", ""))` leads there, until the test ends."""
    with ExitStack() as ending:

        def make(upstream: str) -> Nginx:
            proxy = Nginx(tmp_path / f"nginx-{token_hex(2)}", upstream)
            ending.callback(proxy.stop)
            proxy.start()
            return proxy

        yield make
