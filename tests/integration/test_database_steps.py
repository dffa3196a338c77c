"""Database rollbacks on a real stack: Compose, PostgreSQL 15, Alembic in its images, Traefik."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from commands.domain.events import ExecutionStarted, PlanChanged, StepDone, StepProbed
from commands.domain.keeping import kept_databases
from commands.domain.people import Scenario
from commands.domain.state import Status, StepStatus
from commands.locale import say
from tests.engines.postgres_server import PostgresServer
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.integration.database_rollback import DatabaseRollback
from tests.stack.asking import Asking
from tests.stack.compose import compose_v2
from tests.stack.database import NAME, DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import database_runbook_for
from tests.stack.locker import Locker
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
    """Proven and rehearsed, carried out behind the page; rows written before it come back whole.

    A tag pushed anew and an edited `.env` ask everybody anew before, and prepare anew.
    """
    stack = database_stack(compose_v2(), "v1.3.0", more=("v1.2.3",), own_images=True)
    proxy = traefik(stack.url("api", ""))
    book = database_runbook_for(stack, proxy=proxy, changes={"drain_s": 1})
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    rollback = case.asks(version="v1.2.3")
    state = case.drive(rollback)
    assert state.question is not None, state.reason
    said = [say(i.said, "en") for i in state.evidence.items if i.said]
    assert "2 columns dropped: projects.description, projects.priority" in said
    assert "100 rows lose data in projects.description" in said
    begins_anew_when_the_plan_has_changed(case, rollback)
    assert stack.write_project()[0] == 201
    before = stack.counts()
    case.approve(rollback)
    with Asking(proxy.url("/projects")) as users:
        state = case.drive(rollback)
        eventually(lambda: users.phases[-1:] == [200], what="users are served")
    assert state.status is Status.SUCCEEDED, (state.reason, state.steps)
    assert stack.revisions() == ["r05"]
    assert stack.write_project()[0] == 201
    assert users.phases == [200, 503, 200]
    assert f"{NAME}_before_RB_1" in stack.databases()

    with Asking(proxy.url("/projects")) as users:
        state = case.recover(rollback, "undo")
        eventually(lambda: users.phases[-1:] == [200], what="users are served")
    assert state.status is Status.UNDONE, (state.reason, state.steps)
    assert users.phases == [200, 503, 200]
    assert stack.revisions() == ["r06"]
    assert stack.counts() == before
    assert stack.write_project()[0] == 201
    assert proxy.get("/projects").status_code == 200
    state = case.recover(rollback, "drop_kept")
    assert state.kept_dropped, state.drop_kept_failed
    assert [name for name in stack.databases() if name.startswith(NAME)] == [NAME]


def begins_anew_when_the_plan_has_changed(case: DatabaseRollback, rollback: str) -> None:
    """Approved by both, and then it is another image and another `.env`: nothing is begun."""
    stack, databases = case.stack, case.stack.databases()
    case.approve(rollback)
    stack.images.publish("api", "v1.2.3", note="pushed anew")
    stack.env_file.write_text(stack.env_file.read_text() + "FEATURE=on\n")
    state = case.drive(rollback)
    assert (state.status, state.approved) == (Status.PLANNED, None), state.reason
    assert state.question is not None
    assert state.question.approvals == {}
    events = case.events(rollback)
    (changed,) = (event for event in events if isinstance(event, PlanChanged))
    assert {c.key for c in changed.changes} == {"plan.target_changed", "plan.config_changed"}
    backup, begun = case.planned(rollback, "take_backup").number, ExecutionStarted
    assert not [event for event in events if isinstance(event, begun)]
    assert [isinstance(e, StepDone) and e.step == backup for e in events].count(True) == 2
    assert (stack.revisions(), stack.databases()) == (["r06"], databases)
    assert state.plan is not None
    target = next(one for one in state.plan.targets if one.service == "api")
    assert target.digest == stack.images.digest("api", "v1.2.3")


@pytest.mark.long
def test_a_lock_is_given_up_then_a_managed_server_goes_back(
    database_stack: DatabaseStackFactory,
    managed_postgres: PostgresServer,
    own_postgres: Callable[..., PostgresServer],
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    """Case 50: the holder is named, nobody else waited, nothing is changed; later it goes through.

    Proof and rehearsal are on a server of their own: production's sees neither.
    """
    stack = database_stack(compose_v2(), "v1.3.0", managed=managed_postgres)
    apart = own_postgres(managed_postgres.host)
    quick = {"lock_timeout_s": 1, "drain_s": 1}
    book = database_runbook_for(stack, changes=quick)
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "r", apart.dsn("postgres"))
    rollback = case.asks(version="v1.2.3")
    assert case.drive(rollback).question is not None, case.state(rollback).reason
    assert [name for name in stack.databases() if name.startswith(NAME)] == [NAME]
    case.approve(rollback)
    with Locker(stack, after=lambda: case.is_under_way(rollback, "migrate_schema")) as report:
        state = case.drive(rollback)
    assert state.reason is not None
    assert (state.status, state.reason.key) == (Status.FAILED, "error.lock_timeout")
    assert "nightly report" in str(state.reason.params["holders"])
    assert report.others_waited_s < 10
    assert case.recover(rollback, "undo").status is Status.UNDONE, case.state(rollback).reason
    assert kept_databases(case.state(rollback)) == ()
    assert stack.revisions() == ["r06"]
    assert [name for name in stack.databases() if name.startswith(NAME)] == [NAME]

    state = case.carried_out(version="v1.2.3")
    assert state.status is Status.SUCCEEDED, state.reason
    assert stack.revisions() == ["r05"]
    assert [
        name
        for name in apart.query("SELECT datname FROM pg_database", "postgres")
        if NAME in str(name)
    ] == []


@pytest.mark.long
def test_half_a_migration_is_in_doubt_and_undone(
    database_stack: DatabaseStackFactory, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Case 49: rehearsed on an empty table, then a row was written; the lost index is named."""
    stack = database_stack(compose_v2(), "v1.4.0-halfway", projects=0, files=0)
    book = database_runbook_for(stack, changes={"drain_s": 1})
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    rollback = case.asks(version="v1.3.0")
    assert case.drive(rollback).question is not None, case.state(rollback).reason
    assert stack.write_project()[0] == 201
    case.approve(rollback)
    state = case.drive(rollback)
    assert state.status is Status.IN_DOUBT, state.reason
    assert state.reason is not None
    assert state.reason.params["objects"] == ("- index projects.ix_projects_title",)
    assert state.reason.params["now"] == ("r07h",)

    state = case.recover(rollback, "undo")
    assert state.status is Status.UNDONE, state.reason
    assert stack.counts()["projects"] == 1
    assert indexes(stack) >= {"ix_projects_title"}
    stack.await_version("api", "v1.4.0-halfway")
    assert stack.write_project()[0] == 201


@pytest.mark.long
def test_the_backup_from_before_the_deploy_comes_back_and_goes_again(
    database_stack: DatabaseStackFactory, redis_server: RedisServer, tmp_path: Path
) -> None:
    """H4, H5: the older one is restored; what was written since is kept, and swapped back."""
    stack = database_stack(compose_v2(), "v1.2.3")
    book = database_runbook_for(stack, changes={"drain_s": 1})
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    before = stack.counts()
    taken = case.backup()
    stack.migrate("v1.3.0")
    stack.deploy("v1.3.0")
    stack.await_version("api", "v1.3.0")
    assert stack.write_project()[0] == 201
    since = stack.counts()

    state = case.carried_out(scenario=Scenario.RESTORE, version="v1.2.3", backup=taken)
    assert state.status is Status.SUCCEEDED, state.reason
    assert (stack.revisions(), stack.counts()) == (["r05"], before)
    assert stack.write_project()[0] == 201

    state = case.recover(state.id, "undo")
    assert state.status is Status.UNDONE, state.reason
    assert (stack.revisions(), stack.counts()) == (["r06"], since)
    assert f"{NAME}_restored_{state.id.replace('-', '_')}" in stack.databases()


@pytest.mark.long
def test_a_migration_whose_worker_was_killed_is_taken_up(
    database_stack: DatabaseStackFactory, redis_server: RedisServer, tmp_path: Path
) -> None:
    """What still works in the engine is awaited or ended, then looked at: it is done once.

    The rehearsal before it takes as long: an approver leaves it while it runs.
    """
    stack = database_stack(compose_v2(), "v1.4.0-slow")
    book = database_runbook_for(stack, changes={"drain_s": 1})
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    rollback = case.asks(version="v1.2.3", revision="r05")
    with case.in_a_process(rollback) as job:
        eventually(lambda: sleeping(stack), within_s=120, what="the rehearsal is under way")
        case.skip(rollback)
        job.join(60)
        assert job.exitcode == 0
    assert case.record(rollback, "rehearse_migration").status is StepStatus.DONE
    case.approve(rollback)
    with case.in_a_process(rollback) as job:
        eventually(lambda: sleeping(stack), within_s=120, what="the migration is under way")
        job.kill()
    state = case.drive(rollback)
    assert state.status is Status.SUCCEEDED, state.reason
    assert stack.revisions() == ["r05"]
    probed = [e.found for e in case.events(rollback) if isinstance(e, StepProbed)]
    # The container outlives the worker: on a slow machine it is ended, else awaited.
    assert probed in (["done"], ["untouched"])


def sleeping(stack: DatabaseStack) -> bool:
    """Whether the way back is in the middle of its twenty seconds, on the copy or for real."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with psycopg.connect(stack.dsn_of("postgres")) as link:
        row = link.execute(asked).fetchone()
    return row is not None and row[0] > 0


def indexes(stack: DatabaseStack) -> set[str]:
    with psycopg.connect(stack.dsn) as link:
        rows = link.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'projects'")
        return {str(row[0]) for row in rows}
