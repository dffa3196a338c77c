"""A backup brought back on a real stack: which one, what it costs, and the way back from it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands.domain.command import Approve, Deny, Recover, RecoveryVerb
from commands.domain.people import Scenario
from commands.domain.plan import Plan
from commands.domain.state import RollbackState, Status
from commands.locale import say
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.integration.database_rollback import ASKS, TEAM, DatabaseRollback
from tests.integration.mortal_worker import LETTING_GO, killed_at_outcomes
from tests.stack import schema
from tests.stack.asking import Asking
from tests.stack.compose import compose_v2
from tests.stack.database import NAME, DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import (
    backups_of,
    database_runbook_for,
    maintenance_of,
    older_copy,
)
from tests.stack.proxies import Traefik
from workers import jobs
from workers.proving import Proof

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "postgresql", "compose_v2"),
    pytest.mark.timeout(600),
]
ALL = ("api", "worker", "frontend")
SERVED = {"health_path": "/version"}
"""v1.3.0 is ill to its health path, and an undo would wait for it."""


@dataclass
class Restores(DatabaseRollback):
    """Its users come through a proxy, and what they ask for is what rollbot looks at."""

    users_url: str = ""

    @contextmanager
    def seen_by_users(self) -> Iterator[None]:
        """They never stop asking: they see the service, the page, the service, and no error."""
        with Asking(self.users_url) as users:
            yield
            eventually(lambda: users.phases[-1:] == [200], what="users are served")
        assert users.phases == [200, 503, 200]


@pytest.fixture
def case(
    database_stack: DatabaseStackFactory,
    traefik: Callable[[str], Traefik],
    redis_server: RedisServer,
    tmp_path: Path,
) -> Restores:
    """v1.2.2 on a schema that is one revision behind it."""
    stack = database_stack(compose_v2(), "v1.2.2")
    schema.alembic(schema.lay_out(tmp_path, "v1.2.2"), stack.dsn, "downgrade", "r04")
    proxy = traefik(stack.url("api", ""))
    url = proxy.url("/projects")
    page = maintenance_of(proxy) | SERVED | {"public_url": url}
    book = database_runbook_for(stack, changes={"drain_s": 1, "maintenance": page})
    return Restores(stack, book, redis_server.url, tmp_path / "rollbot", users_url=url)


def test_the_newest_proven_backup_from_before_the_faulty_deploy(case: Restores) -> None:
    """H4, H5: the faulty release's own backup is never chosen; full back, and forth again.

    The worker is killed round both swaps, once the names are changed and once it is written.
    """
    stack = case.stack
    before, old = stack.counts(), written_by_the_customers_script(stack)
    good = case.backup()
    forgotten = older_copy(backups_of(stack) / good, days=400)
    deploy_the_faulty_release(case)
    assert stack.write_project()[0] == 201
    since = stack.counts()
    bad = backup_of_a_rollback_that_was_denied(case)
    stack.container("api").restart(timeout=1)
    # By what ran when they were taken: the restarted container alone says that `bad` is older.
    assert good != bad
    assert chosen(case) == good

    rollback = case.asks(scenario=Scenario.FULL, services=ALL, version="v1.2.2", restore_db=True)
    state = case.drive(rollback)
    plan = planned(state)
    assert plan.backup is not None
    assert (plan.backup.name, plan.written_since) == (good, {"projects": 1})
    assert stack.counts() == since
    with case.seen_by_users():
        state = approved(case, rollback)
    assert state.status is Status.SUCCEEDED, (state.reason, state.steps)
    assert not forgotten.exists()
    assert (stack.revisions(), stack.counts()) == (["r05"], before)
    for service in ALL:
        stack.await_version(service, "v1.2.2")
    assert (stack.write_project()[0], counted(stack, kept(rollback))) == (201, since)

    goes_forth_again(case, rollback, since)
    a_file_that_changed_is_refused(case, backups_of(stack) / good)
    an_old_file_of_the_customers_comes_back(case, old)
    assert (stack.revisions(), stack.counts()) == (["r05"], before)


def goes_forth_again(case: Restores, rollback: str, since: dict[str, int]) -> None:
    """Undo: rows written after the backup are there; what was put aside stays until let go."""
    stack = case.stack
    with case.seen_by_users():
        state = recovered(case, rollback, "undo")
    assert state.status is Status.UNDONE, state.reason
    assert (stack.revisions(), stack.counts()) == (["r06"], since)
    stack.await_version("api", "v1.3.0")
    assert stack.write_project()[0] == 201
    assert ours(stack) == [NAME, f"{NAME}_restored_{rollback.replace('-', '_')}"]
    state = recovered(case, rollback, "drop_kept")
    assert state.kept_dropped, state.drop_kept_failed
    assert ours(stack) == [NAME]


def a_file_that_changed_is_refused(case: DatabaseRollback, file: Path) -> None:
    """It was proven, then cut: nobody is asked, and production stays what it is (case 45)."""
    stack, whole = case.stack, file.read_bytes()
    before = (stack.revisions(), stack.counts(), stack.databases())
    file.write_bytes(whole[:-100])
    state = case.drive(case.asks(scenario=Scenario.RESTORE, version="v1.2.2", backup=file.name))
    assert state.status in (Status.REFUSED, Status.NOT_PREPARED), state.status
    assert state.reason is not None
    assert "not as long as its note says" in say(state.reason, "en")
    assert (stack.revisions(), stack.counts(), stack.databases()) == before


def written_by_the_customers_script(stack: DatabaseStack) -> str:
    """Plain SQL of the good state, with no note beside it; its name."""
    code, plain = stack.container("db").exec_run(["pg_dump", "-U", "samokoder", NAME])
    assert code == 0, plain
    assert isinstance(plain, bytes)
    file = backups_of(stack) / f"{NAME}_20251006_120000.sql.gz"
    file.write_bytes(gzip.compress(plain))
    return file.name


def an_old_file_of_the_customers_comes_back(case: DatabaseRollback, name: str) -> None:
    """Refused with the way out until it is proven, then restored as ours are (H3)."""
    asked = {"scenario": Scenario.RESTORE, "version": "v1.2.2", "backup": name}
    state = case.drive(case.asks(**asked))
    assert state.reason is not None, state.status
    assert f"rollbot backup verify {name}" in say(state.reason, "en")
    proven(case, name)
    state = case.carried_out(**asked)
    assert state.status is Status.SUCCEEDED, state.reason


def proven(case: DatabaseRollback, name: str) -> None:
    """As `rollbot backup verify` does it."""
    ports = jobs.open_ports(case.host(), case.runbook, "verify")
    record = next(one for one in ports.folder.listed(NAME) if one.name == name)
    Proof(ports.folder, ports.production, ports.clock, NAME).of(record, f"{NAME}_scratch_v", 60)
    ports.production.drop(f"{NAME}_scratch_v")


def deploy_the_faulty_release(case: DatabaseRollback) -> None:
    case.stack.migrate("v1.3.0")
    case.stack.deploy("v1.3.0")
    case.stack.await_version("api", "v1.3.0")


def backup_of_a_rollback_that_was_denied(case: DatabaseRollback) -> str:
    """The newest proven one: of the damaged state. It says which releases ran then."""
    rollback = case.asks()
    state = case.drive(rollback)
    assert state.question is not None, state.reason
    case.order(Deny(case.actor(TEAM), "a restore is wanted"), rollback)
    case.drive(rollback)
    newest = case.store.book.environment().backups[-1]
    assert newest.proven_at is not None
    assert newest.versions == {"api": "v1.3.0", "worker": "v1.3.0"}
    return newest.name


def chosen(case: DatabaseRollback) -> str:
    """What `--restore latest` would take; nothing is done."""
    asked = {"scenario": Scenario.RESTORE, "version": "v1.2.2", "dry_run": True}
    plan = planned(case.drive(case.asks(**asked)))
    assert plan.backup is not None
    return plan.backup.name


def planned(state: RollbackState) -> Plan:
    assert state.plan is not None, state.reason
    return state.plan


def recovered(case: DatabaseRollback, rollback: str, verb: RecoveryVerb) -> RollbackState:
    case.order(Recover(case.actor(ASKS), verb), rollback)
    return approved(case, rollback)


def approved(case: DatabaseRollback, rollback: str) -> RollbackState:
    """The incident commander and the CTO say yes to what is asked now; two workers die over it."""
    question = case.state(rollback).question
    assert question is not None
    for person in ("egor", "ivan"):
        case.order(Approve(case.actor(person), question.nonce), rollback)
    assert killed_at_outcomes(case, rollback, "swap_database", LETTING_GO) == 2
    return case.state(rollback)


def kept(rollback: str) -> str:
    return f"{NAME}_before_{rollback.replace('-', '_')}"


def ours(stack: DatabaseStack) -> list[str]:
    return [name for name in stack.databases() if name.startswith(NAME)]


def counted(stack: DatabaseStack, database: str) -> dict[str, int]:
    return schema.counts(stack.dsn_of(database))
