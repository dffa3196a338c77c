"""A database that is a Compose service: its client programs are those of its own container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import docker
import pytest

from commands.domain.database_definition import Database
from commands.domain.errors import (
    CommandFailedError,
    CommandTimedOutError,
    DatabaseUnavailableError,
    RollbotError,
)
from commands.domain.runbook import Compose
from tests.engines.found import address_of
from tests.engines.waiting import eventually
from tests.fakes.clock import FixedClock
from tests.integration.postgres_port import LONG_S, NAMED, ODD
from tests.stack.postgres_image import postgres_image
from workers.adapters.backups import BackupFolder
from workers.adapters.compose import DockerContainers
from workers.adapters.postgres.building import in_compose
from workers.adapters.postgres.database import Postgres
from workers.adapters.surroundings import Surroundings
from workers.proving import Proof

pytestmark = pytest.mark.engine("docker", "postgresql")

PASSWORD = f"canary-{token_hex(12)}"


@pytest.fixture(scope="module")
def project(docker_engine: docker.DockerClient) -> Iterator[str]:
    """The name of a Compose project with one container: PostgreSQL as `db`."""
    name = f"backups-{token_hex(4)}"
    labels = {
        "com.docker.compose.project": name,
        "com.docker.compose.service": "db",
        "com.docker.compose.oneoff": "False",
        "org.rollbot.tests.owner": str(os.getpid()),
    }
    container = docker_engine.containers.run(
        postgres_image(docker_engine),
        ["postgres", "-c", "fsync=off"],
        detach=True,
        environment={
            "POSTGRES_USER": "samokoder",
            "POSTGRES_PASSWORD": PASSWORD,
            "POSTGRES_DB": "samokoder",
        },
        labels=labels,
    )
    try:
        yield name
    finally:
        container.remove(force=True, v=True)


@pytest.fixture
def database(project: str) -> Iterator[Postgres]:
    around = Surroundings({"PATH": os.environ["PATH"]})
    compose = Compose(project=project, directory="/", engine_url=address_of("docker"))
    containers = DockerContainers(compose, around)
    definition = Database(name="samokoder", backups="/backups")
    found = in_compose(definition, containers, around, NAMED)
    eventually(lambda: _answers(found), within_s=120, what="PostgreSQL answers")
    yield found
    containers.close()


def _answers(database: Postgres) -> bool:
    try:
        return database.exists("samokoder")
    except RollbotError:
        return False


def test_a_backup_is_taken_proven_and_copied_by_the_containers_own_programs(
    database: Postgres, tmp_path: Path
) -> None:
    """The host needs no PostgreSQL; versions and room are the container's."""
    backups = BackupFolder(tmp_path, FixedClock())
    with database.where().connected("samokoder", "test") as link:
        # Our sessions look nowhere by themselves; the customer's do.
        link.execute("SET search_path = public")
        link.execute(ODD.encode())

    record = database.dump("samokoder", backups.new_path("samokoder", "RB-17"), LONG_S)
    proof = Proof(backups, database, backups.clock, like="samokoder")
    proven = proof.of(record, "samokoder_scratch_RB_17", LONG_S)

    server = database.server()
    assert server.client_version == server.version
    assert server.free_bytes
    assert proven.proven_at is not None
    assert proven.counts["words"] == 3
    assert PASSWORD not in repr(database)


def test_a_dump_that_is_ended_ends_in_the_container_too(database: Postgres, tmp_path: Path) -> None:
    """Killing the client of `docker exec` does not: its session is ended by its name."""
    path = tmp_path / "samokoder_20261123T024100Z_RB-17.dump.zst"
    with database.where().connected("samokoder", "test") as link:
        link.execute("CREATE TABLE IF NOT EXISTS public.held (id int)")
        with link.transaction():
            link.execute("LOCK TABLE public.held IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(CommandTimedOutError):
                database.dump("samokoder", str(path), timeout_s=4)
            ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s"

            def is_gone() -> bool:
                return link.execute(ours, [f"{NAMED}%"]).fetchone() == (0,)

            eventually(is_gone, what="pg_dump is gone")
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_fails_in_there_shows_no_password(
    database: Postgres, tmp_path: Path
) -> None:
    """What it says comes out redacted, and the command line names variables only."""
    path = str(tmp_path / "samokoder_20261123T024100Z_RB-17.dump.zst")

    with pytest.raises(CommandFailedError) as caught:
        database.dump("samokoder", path, LONG_S, tables=("absent",))

    assert "no matching tables" in caught.value.tail
    assert PASSWORD not in str(caught.value)
    given = {"PGPASSWORD": PASSWORD}
    assert PASSWORD not in " ".join(database.programs.argv(("pg_dump",), given))


def test_a_service_that_does_not_run_is_named(project: str) -> None:
    """Without a container there is no address to guess."""
    around = Surroundings({"PATH": os.environ["PATH"]})
    compose = Compose(project=f"{project}-other", directory="/", engine_url=address_of("docker"))
    containers = DockerContainers(compose, around)
    definition = Database(name="samokoder", backups="/backups")

    with pytest.raises(DatabaseUnavailableError, match="db does not run"):
        in_compose(definition, containers, around, NAMED).server()
    containers.close()
