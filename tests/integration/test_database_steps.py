"""Database rollbacks on a real stack: Compose, PostgreSQL 15, Alembic in its images, Traefik."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commands.domain.state import Status
from commands.locale import say
from tests.engines.redis_server import RedisServer
from tests.integration.database_rollback import DatabaseRollback
from tests.stack.asking import Asking
from tests.stack.compose import compose_v2
from tests.stack.database import NAME
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import database_runbook_for
from tests.stack.proxies import Traefik

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "postgresql", "compose_v2"),
    pytest.mark.timeout(600),
]


def test_back_one_revision_and_undone(
    database_stack: DatabaseStackFactory,
    traefik: Callable[[str], Traefik],
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    """Proven and rehearsed, carried out behind the page; rows written before it come back whole."""
    stack = database_stack(compose_v2(), "v1.3.0")
    proxy = traefik(stack.url("api", ""))
    book = database_runbook_for(stack, proxy=proxy, changes={"drain_s": 1})
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    rollback = case.asks(version="v1.2.3")
    state = case.drive(rollback)
    assert state.question is not None, state.reason
    said = [say(i.said, "en") for i in state.evidence.items if i.said]
    assert "2 columns dropped: projects.description, projects.priority" in said
    assert "100 rows lose data in projects.description" in said
    assert stack.write_project()[0] == 201
    before = stack.counts()
    case.approve(rollback)
    with Asking(proxy.url("/projects")) as users:
        state = case.drive(rollback)
    assert state.status is Status.SUCCEEDED, (state.reason, state.steps)
    assert stack.revisions() == ["r05"]
    assert stack.write_project()[0] == 201
    assert users.phases == [200, 503, 200]
    assert f"{NAME}_before_RB_1" in stack.databases()

    state = case.recover(rollback, "undo")
    assert state.status is Status.UNDONE, (state.reason, state.steps)
    assert stack.revisions() == ["r06"]
    assert stack.counts() == before
    assert stack.write_project()[0] == 201
    assert proxy.get("/projects").status_code == 200
    state = case.recover(rollback, "drop_kept")
    assert state.kept_dropped, state.drop_kept_failed
    assert [name for name in stack.databases() if name.startswith(NAME)] == [NAME]
