"""Cases 45 to 51: what goes wrong around a database leaves it as it was, and is named.

Whole rollbacks by the worker's own executor, on Compose, PostgreSQL and Alembic. What the parts
do by themselves is in `integration/test_backups_refused.py` and `test_database_locks.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from commands.domain.command import Approve
from commands.domain.events import StepDone, StepIntended
from commands.domain.people import Scenario
from commands.domain.state import RollbackState, Status
from commands.locale import say
from tests.engines.postgres_server import PostgresServer
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.faults.database_world import (
    QUICK,
    Picture,
    WithPrograms,
    Wrapped,
    fill_with_noise,
    picture,
    runbook_with_smoke,
    said,
    small_disk,
)
from tests.integration.database_rollback import ASKS, DatabaseRollback
from tests.stack.asking import Asking
from tests.stack.compose import compose_v1, compose_v2
from tests.stack.database import NAME, DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import backups_of, database_runbook_for
from tests.stack.locker import Locker
from tests.stack.proxies import Nginx, Traefik

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "postgresql", "compose_v2"),
    pytest.mark.timeout(600),
]

EVER = datetime(1970, 1, 1, tzinfo=UTC)
BAD_DUMPS = {"killed": "-9", "cut": "could not read backup", "empty": "is no PostgreSQL dump"}
"""How pg_dump ends -> what people read of it."""


def refused(case: DatabaseRollback, **asked: Any) -> str:
    """Ask, see that there is no plan, and that production is as it was; the words for people."""
    before = picture(case.stack)
    state = case.drive(case.asks(**asked))
    assert (state.status, state.plan) == (Status.REFUSED, None), state.reason
    assert picture(case.stack) == before
    return said(state)


def test_what_cannot_be_rolled_back_is_refused_at_planning(
    database_stack: DatabaseStackFactory, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Cases 47 and 48, H15: by name, with the way out, and nothing is backed up or copied."""
    versions = ("v1.4.0-heads", "v1.4.0-dangling", "v1.4.0-irreversible")
    stack = database_stack(compose_v2(), "v1.3.0", more=versions)
    case = DatabaseRollback(
        stack, database_runbook_for(stack), redis_server.url, tmp_path / "rollbot"
    )

    unknown = refused(case, revision="r55")
    stack.deploy("v1.4.0-heads", "api")
    heads = refused(case)
    stack.deploy("v1.4.0-dangling", "api")
    dangling = refused(case)
    stack.migrate("v1.4.0-irreversible")
    stack.deploy("v1.4.0-irreversible", "api")
    irreversible = refused(case)

    assert "no revision r55" in unknown
    assert "/rollback versions db" in unknown
    assert "r07a, r07b" in heads
    assert "alembic merge" in heads
    assert "r07d → r06x" in dangling
    assert "down_revision" in dangling
    assert "r07i" in irreversible
    assert "/rollback db --restore latest" in irreversible
    assert list(backups_of(stack).iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_disk_without_room_and_one_that_fills_up(
    database_stack: DatabaseStackFactory, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Case 46: refused where too little is free; else not prepared, and no file is left."""
    stack = database_stack(compose_v2(), "v1.3.0")
    case = DatabaseRollback(
        stack, database_runbook_for(stack), redis_server.url, tmp_path / "rollbot"
    )
    fill_with_noise(stack, mib=16)
    with small_disk(backups_of(stack), "15m"):
        before = picture(stack)
        state = case.drive(case.asks(version="v1.2.3"))
        left = list(backups_of(stack).iterdir())
    assert (state.status, left) == (Status.NOT_PREPARED, []), state.reason
    assert "disk" in said(state)
    assert picture(stack) == before

    with small_disk(backups_of(stack), "1m"):
        answer = refused(case)
    assert str(backups_of(stack)) in answer
    assert "1 MiB are free" in answer


def test_a_managed_server_from_bad_dumps_to_a_whole_rollback(
    database_stack: DatabaseStackFactory,
    managed_postgres: PostgresServer,
    own_postgres: Callable[..., PostgresServer],
    nginx: Callable[[str], Nginx],
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    """Cases 45 and 51, then H1, H2, H18 on Compose 1 behind nginx: each dump but the good is found.

    The api went back alone before, against the plan's warning: the newer image is still the one
    that migrates. Nobody knows the room on such a server: the undo migrates forth again.
    """
    stack = database_stack(compose_v1(), "v1.3.0", managed=managed_postgres)
    proxy, apart = nginx(stack.url("api", "")), own_postgres(managed_postgres.host)
    programs = Wrapped.of(tmp_path / "programs", managed_postgres)
    case = WithPrograms(
        stack,
        database_runbook_for(stack, proxy=proxy, changes=QUICK),
        redis_server.url,
        tmp_path / "rollbot",
        apart.dsn("postgres"),
        programs.folder,
    )
    before = picture(stack)
    programs.fails("old")
    answer = refused(case)
    assert "pg_dump 14 (host) is older than the server, 15" in answer
    for how, words in BAD_DUMPS.items():
        programs.fails(how)
        is_left_alone(case, before, words)
    programs.fails("")

    gone_back_alone(case)
    rollback = case.asks(version="v1.2.3")
    assert case.drive(rollback).question is not None, case.state(rollback).reason
    assert databases(stack) == [NAME]
    case.approve(rollback)
    with Asking(proxy.url("/projects")) as users:
        state = case.drive(rollback)
        eventually(lambda: users.phases[-1:] == [200], what="users are served")
    assert state.status is Status.SUCCEEDED, (state.reason, state.steps)
    assert (stack.revisions(), stack.write_project()[0]) == (["r05"], 201)
    # On each reload nginx' old process answers a moment longer: where the two sides meet, no more.
    assert (users.phases[0], users.phases[-1], set(users.phases)) == (200, 200, {200, 503})
    stopped = told_at(case, rollback, "stop_dependants", StepDone)
    started = told_at(case, rollback, "start_dependants", StepIntended)
    assert users.between(stopped, started) == {503}
    entered = told_at(case, rollback, "enter_maintenance", StepIntended)
    assert users.between(EVER, entered) == {200}
    assert not [d for d in apart.query("SELECT datname FROM pg_database") if NAME in str(d)]
    goes_forth_by_migrating(case, rollback)
    eventually(lambda: proxy.get("/projects").status_code == 200, what="users are served")


def told_at(
    case: DatabaseRollback, rollback: str, kind: str, event: type[StepIntended | StepDone]
) -> datetime:
    """When the journal says so of that step."""
    number = case.planned(rollback, kind).number
    entries = case.store.book.entries(rollback)
    (at,) = (x.at for x in entries if isinstance(x.event, event) and x.event.step == number)
    return at


def goes_forth_by_migrating(case: DatabaseRollback, rollback: str) -> None:
    """The plan said that there is no copy, and the fresh dump of what was dropped is there."""
    plan, stack = case.state(rollback).plan, case.stack
    assert plan is not None
    assert "plan.db_no_clone_unknown" in [warning.key for warning in plan.warnings]
    (kept,) = backups_of(stack).glob(f"*_{rollback}-kept.dump.zst")
    assert kept.stat().st_size
    written = stack.counts()
    state = case.recover(rollback, "undo")
    assert (state.status, stack.revisions()) == (Status.UNDONE, ["r06"]), state.reason
    assert stack.counts() == {**written, "project_tags": 0}
    assert "description" in stack.columns("projects")
    assert databases(stack) == [NAME]


def is_left_alone(case: DatabaseRollback, before: Picture, words: str) -> None:
    """The dump goes wrong: nobody can approve, nothing is changed, nothing counts as a backup."""
    state = case.drive(case.asks(version="v1.2.3"))
    assert (state.status, state.question) == (Status.NOT_PREPARED, None)
    assert words in said(state)
    assert picture(case.stack) == before
    assert not case.store.book.environment().backups


def gone_back_alone(case: DatabaseRollback) -> None:
    """Somebody rolls the api back on its own, although the plan says what it needs (H18)."""
    asked = {"scenario": Scenario.SERVICE, "services": ("api",), "version": "v1.2.2"}
    state = case.drive(case.asks(**asked))
    assert state.plan is not None, state.reason
    (warned,) = (w for w in state.plan.warnings if w.key == "plan.db_needs_downgrade")
    assert "/rollback db r05 --with api=v1.2.2" in say(warned, "en")
    case.order(Approve(case.actor(ASKS)), state.id)
    state = case.drive(state.id)
    assert state.status is Status.SUCCEEDED, state.reason
    assert case.stack.write_project()[0] == 500


def databases(stack: DatabaseStack) -> list[str]:
    return [name for name in stack.databases() if name.startswith(NAME)]


def test_a_migration_that_fails_half_way_is_found_by_its_rehearsal(
    database_stack: DatabaseStackFactory, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Case 49, H16: nobody is asked; where the rehearsal is skipped, in doubt, and brought back."""
    stack = database_stack(compose_v2(), "v1.4.0-halfway")
    book = database_runbook_for(stack, changes=QUICK)
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    before = picture(stack)
    state = case.drive(case.asks(version="v1.3.0"))
    assert state.status is Status.NOT_PREPARED, state.reason
    assert "CheckViolation" in said(state)
    assert picture(stack) == before

    rollback = case.asks(version="v1.3.0")
    with case.in_a_process(rollback) as job:
        eventually(
            lambda: case.state(rollback).question is not None, within_s=120, what="people are asked"
        )
        case.skip(rollback)
        job.join(120)
    case.approve(rollback)
    state = case.drive(rollback)
    assert state.status is Status.IN_DOUBT, state.reason
    assert "projects.ix_projects_title" in said(state)
    assert picture(stack) != before
    state = case.recover(rollback, "undo")
    assert state.status is Status.UNDONE, state.reason
    after = picture(stack)
    assert (after.revisions, after.counts, after.indexes) == (
        before.revisions,
        before.counts,
        before.indexes,
    )
    stack.await_version("api", "v1.4.0-halfway")
    assert stack.write_project()[0] == 201


def test_a_lock_and_a_red_smoke_check_wait_for_people_behind_the_page(
    database_stack: DatabaseStackFactory,
    traefik: Callable[[str], Traefik],
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    """Case 50, H17: the holder is named, others wait no longer, Retry goes on when it is gone.

    The page stays while people decide; an undo takes it off, leaving it only if all are well.
    The api migrates to its newest revision whenever it starts, and undoes nothing by that (H18).
    """
    stack = database_stack(compose_v2(), "v1.3.0", more=("v1.2.1",), migrates_at_start=True)
    proxy, green = traefik(stack.url("api", "")), tmp_path / "green"
    book = runbook_with_smoke(stack, ("test", "-e", str(green)), proxy)
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    state = gives_up_at_a_lock(case)
    assert proxy.get("/projects").status_code == 503

    state = case.recover(state.id, "retry")
    assert (state.status, stack.revisions()) == (Status.FAILED, ["r05"]), state.reason
    assert "“дым” failed" in said(state)
    assert proxy.get("/projects").status_code == 503
    state = case.recover(state.id, "undo")
    assert (state.status, stack.revisions()) == (Status.UNDONE, ["r06"]), state.reason
    assert proxy.get("/projects").status_code == 200

    state = case.carried_out(version="v1.2.3")
    assert state.status is Status.FAILED, state.reason
    state = case.recover(state.id, "abandon")
    assert proxy.get("/projects").status_code == 200
    assert (stack.revisions(), stack.write_project()[0]) == (["r05"], 201)

    state = case.carried_out(version="v1.2.1")
    assert (state.status, stack.revisions()) == (Status.FAILED, ["r04"]), state.reason
    stack.container("api").stop(timeout=1)
    case.recover(state.id, "abandon")
    assert proxy.get("/projects").status_code == 503
    detail = case.record(state.id, "end_maintenance").detail
    assert detail is not None
    assert "The maintenance page stays: not well are api" in say(detail, "en")


def gives_up_at_a_lock(case: DatabaseRollback) -> RollbackState:
    """A report takes hold of the table behind the page; it is there no more afterwards."""
    stack, rollback = case.stack, case.asks(version="v1.2.3")
    assert case.drive(rollback).question is not None, case.state(rollback).reason
    case.approve(rollback)
    begins = partial(case.is_under_way, rollback, "migrate_schema")
    with Locker(stack, after=begins), Asking(stack.url("frontend", "/projects")) as readers:
        state = case.drive(rollback)
    assert state.status is Status.FAILED, state.reason
    assert "nightly report" in said(state)
    assert readers.slowest.took_s < 15
    assert stack.revisions() == ["r06"]
    return state
