"""The stack of the database tests is a whole Samokoder: database, migrations, readers, proxies."""

from collections.abc import Callable

import psycopg
import pytest

from commands.runbook import parse_runbook
from tests.engines.postgres_server import PostgresServer
from tests.engines.waiting import eventually
from tests.stack.asking import Asking
from tests.stack.compose import compose_v1, compose_v2
from tests.stack.database import NAME
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import database_runbook_for
from tests.stack.proxies import Nginx, Traefik
from tests.stack.runbook_file import ENVIRONMENT

pytestmark = pytest.mark.engine("docker", "registry", "postgresql", "nginx")
_SESSIONS = "SELECT count(DISTINCT application_name) FROM pg_stat_activity WHERE datname = %s"


def test_the_story_of_a_migration(
    database_stack: DatabaseStackFactory,
    traefik: Callable[[str], Traefik],
    nginx: Callable[[str], Nginx],
) -> None:
    """On v1.3.0's schema v1.2.2 cannot write; after the downgrade in the newer image it can."""
    stack = database_stack(compose_v2(), "v1.3.0")
    stack.await_version("api", "v1.3.0")
    assert stack.revisions() == ["r06"]
    assert stack.write_project()[0] == 201
    assert "r06 (head)" in stack.alembic("current").stdout
    with Asking(stack.url("api", "/projects")) as reader:
        stack.deploy("v1.2.2")
        stack.await_version("api", "v1.2.2")
        eventually(lambda: reader.phases[-1] == 200, what="the older code reads")
    assert reader.phases[0] == 200
    assert 0 in reader.phases
    assert stack.write_project()[0] == 500
    # H2: the older image does not know the revision that the database stands at.
    assert "Can't locate revision identified by 'r06'" in stack.alembic("downgrade", "-1").stderr
    stack.pin("APP_VERSION", "v1.3.0")
    assert stack.alembic("downgrade", "-1").returncode == 0
    assert stack.revisions() == ["r05"]
    stack.pin("APP_VERSION", "v1.2.2")
    assert stack.write_project()[0] == 201
    assert stack.counts()["projects"] == 102
    assert "description" not in stack.columns("projects")
    upstream = stack.url("api", "")
    for proxy in (traefik(upstream), nginx(upstream)):
        assert proxy.get("/projects").json()["count"] == 102
        runbook = parse_runbook(database_runbook_for(stack, proxy=proxy).encode())
        database = runbook.environments[ENVIRONMENT].database
        assert database is not None
        assert database.maintenance is not None


def test_a_managed_server_is_reached_from_containers(
    database_stack: DatabaseStackFactory, managed_postgres: PostgresServer
) -> None:
    """Without a `db` in the project its services use the managed server, as a role of no power.

    The api of this one upgrades the database whenever it starts.
    """
    stack = database_stack(
        compose_v1(), "v1.2.3", managed=managed_postgres, migrates_at_start=True, projects=7
    )
    stack.await_version("api", "v1.2.3")
    assert b"Context impl PostgresqlImpl" in stack.container("api").logs()
    assert stack.get("api", "/projects")[1]["count"] == 7
    assert stack.alembic("current").stdout.startswith("r05")
    assert stack.containers("db") == []
    assert stack.databases() == [NAME]

    def sessions() -> bool:
        with psycopg.connect(stack.dsn, application_name="api") as link:
            return link.execute(_SESSIONS, [NAME]).fetchone() == (3,)

    eventually(sessions, within_s=30, what="api, worker and frontend hold sessions, by name")
