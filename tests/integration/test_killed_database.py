"""A database rollback whose worker is killed -9 at every step boundary, on real parts.

Nothing is lost or done twice, users see the service or the page and nothing else, and the database
ends where the plan says.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from commands.domain import events as e
from commands.domain.command import Approve, Recover
from commands.domain.people import Scenario
from commands.domain.plan import Phase
from commands.domain.request import Request
from commands.domain.state import RollbackState, Status, StepStatus
from tests.engines.postgres_server import PostgresServer
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.integration.database_rollback import ASKS, DatabaseRollback
from tests.integration.mortal_worker import killed_at_outcomes
from tests.stack.asking import Asking
from tests.stack.compose import compose_v2
from tests.stack.database import NAME, DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import backups_of, database_runbook_for
from tests.stack.installation import Installation
from tests.stack.proxies import Traefik
from tests.stack.rollbot_fixtures import InstallationFactory

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2", "postgresql"),
    pytest.mark.timeout(600),
]
APPROVERS = ("gleb", "vera")
"""The database team and the DevOps lead, of the shipped runbook's example people."""

CHANGING = (Phase.EXECUTE, Phase.VERIFY)
ENDS_WITHIN_S = 300.0
UNWANTED = (e.StepFailed, e.StepInDoubt, e.Stopped)


def kill_at_every_boundary(made: Installation, rollback: str, until: int) -> list[int]:
    """Kill the worker after each step's outcome, and start it again, up to that step."""
    store, position, killed = made.store(), 0, list[int]()
    while True:
        found = store.book.journal.follow({rollback: position}, block_s=1.0)
        for entry in found.get(rollback, []):
            position = entry.n
            assert not isinstance(entry.event, UNWANTED), entry.event
            if isinstance(entry.event, e.StepDone) and entry.event.step not in killed:
                strike(made)
                killed.append(entry.event.step)
                if entry.event.step == until:
                    return killed


def strike(made: Installation) -> None:
    """The whole worker, and one in its place."""
    worker = made.running.pop("worker")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(timeout=60)
    made.start("worker")
    made.await_worker()


def asked(made: Installation) -> str:
    """On-call wants back to before the branches, their merge and the migration under them."""
    words = Request(
        environment="production",
        scenario=Scenario.DATABASE,
        services=("api", "worker"),
        revision="r05",
        words="db r05",
    )
    return made.ask(words)


def clean(made: Installation, stack: DatabaseStack, rollback: str) -> RollbackState:
    """Wait until its clean-up is done; only production's database and the kept one are left."""
    eventually(
        lambda: (now := made.state(rollback)) is not None and now.cleaned_up(),
        within_s=60,
        what=made.logs,
    )
    kept = f"{NAME}_before_{rollback.replace('-', '_')}"
    assert {d for d in stack.databases() if d.startswith(NAME)} == {NAME, kept}
    state = made.state(rollback)
    assert state is not None
    return state


def test_worker_killed_at_every_step_boundary_of_a_database_rollback(
    database_stack: DatabaseStackFactory,
    installation: InstallationFactory,
    traefik: Callable[[str], Traefik],
) -> None:
    """Prepare, execute, verify: killed after every single step, it still ends proven.

    Down over a merge: four scripts, two revisions at once on the way.
    """
    stack = database_stack(compose_v2(), "v1.4.0", projects=50)
    proxy = traefik(stack.url("api", ""))
    changes = {"drain_s": 1}
    made = installation(
        stack,
        edit=lambda _: database_runbook_for(stack, proxy=proxy, changes=changes, stable_s=0.5),
    )
    made.start("bot", "worker")
    made.await_worker()

    rollback = asked(made)
    before = stack.counts()
    for person in APPROVERS:
        made.order(Approve(made.actor(person)), rollback)
    planned = made.state(rollback)
    assert planned is not None
    assert planned.plan is not None
    last = planned.plan.of_phase(*CHANGING)[-1].number
    with Asking(proxy.url("/projects")) as users:
        killed = kill_at_every_boundary(made, rollback, until=last)
        made.await_status("succeeded", of=rollback, within_s=ENDS_WITHIN_S)

    assert set(killed) >= {s.number for s in planned.plan.of_phase(*CHANGING)}
    state = clean(made, stack, rollback)
    assert state.plan is not None
    for step in state.plan.steps:
        outcomes = [v for v in made.events(rollback) if isinstance(v, e.StepDone)]
        assert sum(v.step == step.number for v in outcomes) == 1, step
    assert stack.revisions() == ["r05"]
    assert users.phases == [200, 503, 200]
    assert stack.write_project()[0] == 201
    assert stack.counts()["projects"] == before["projects"] + 1


@pytest.mark.long
def test_killed_before_and_after_every_outcome_of_a_restore_and_its_way_back(
    database_stack: DatabaseStackFactory,
    traefik: Callable[[str], Traefik],
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    """Prepared, swapped, undone, let go: each step's effect once made unknown, once its boundary.

    Users see the service or the page, there and back; what was put aside keeps its rows.
    """
    stack = database_stack(compose_v2(), "v1.2.3")
    proxy = traefik(stack.url("api", ""))
    book = database_runbook_for(stack, proxy=proxy, changes={"drain_s": 1}, stable_s=0.5)
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    before, taken = stack.counts(), case.backup()
    stack.migrate("v1.3.0")
    since = stack.counts()
    assert stack.write_project()[0] == 500

    rollback = case.asks(scenario=Scenario.RESTORE, version="v1.2.3", backup=taken)
    killed = killed_at_outcomes(case, rollback)
    assert killed == 2 * done(case.state(rollback))
    case.approve(rollback)
    with Asking(proxy.url("/projects")) as users:
        killed += killed_at_outcomes(case, rollback)
        eventually(lambda: users.phases[-1:] == [200], what="users are served")
    state = case.state(rollback)
    assert (state.status, killed) == (Status.SUCCEEDED, 2 * done(state)), state.reason
    assert (stack.revisions(), stack.counts()) == (["r05"], before)
    assert users.phases == [200, 503, 200]

    case.order(Recover(case.actor(ASKS), "undo"), rollback)
    case.approve(rollback)
    with Asking(proxy.url("/projects")) as users:
        assert killed_at_outcomes(case, rollback) > 2
        eventually(lambda: users.phases[-1:] == [200], what="users are served")
    state = case.state(rollback)
    assert (state.status, stack.revisions()) == (Status.UNDONE, ["r06"]), state.reason
    assert stack.counts() == since
    assert users.phases == [200, 503, 200]
    case.order(Recover(case.actor(ASKS), "drop_kept"), rollback)
    case.approve(rollback)
    assert killed_at_outcomes(case, rollback) == 2
    assert case.state(rollback).kept_dropped
    assert [name for name in stack.databases() if name.startswith(NAME)] == [NAME]


@pytest.mark.long
def test_killed_before_and_after_every_outcome_where_only_a_dump_is_kept(
    database_stack: DatabaseStackFactory,
    managed_postgres: PostgresServer,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    """A managed server: dumped, migrated down, then by `upgrade` up again, and nothing twice."""
    stack = database_stack(compose_v2(), "v1.3.0", managed=managed_postgres)
    kept = {"drain_s": 1, "clone": "never", "disk_gib": 1_000}
    book = database_runbook_for(stack, changes=kept, stable_s=0.5)
    case = DatabaseRollback(stack, book, redis_server.url, tmp_path / "rollbot")
    before, columns = stack.counts(), stack.columns("projects")
    rollback = case.asks(version="v1.2.3")
    killed = killed_at_outcomes(case, rollback)
    case.approve(rollback)
    killed += killed_at_outcomes(case, rollback)
    state = case.state(rollback)
    assert (state.status, killed) == (Status.SUCCEEDED, 2 * done(state)), state.reason
    assert (stack.revisions(), stack.write_project()[0]) == (["r05"], 201)
    assert len(list(backups_of(stack).glob(f"*_{rollback}-kept.dump.zst"))) == 1

    case.order(Recover(case.actor(ASKS), "undo"), rollback)
    case.approve(rollback)
    assert killed_at_outcomes(case, rollback) > 2
    state = case.state(rollback)
    assert (state.status, stack.revisions()) == (Status.UNDONE, ["r06"]), state.reason
    assert stack.columns("projects") == columns
    assert stack.counts() == {**before, "projects": before["projects"] + 1}
    assert [name for name in stack.databases() if name.startswith(NAME)] == [NAME]


def done(state: RollbackState) -> int:
    """How many steps have an outcome."""
    return sum(record.status is StepStatus.DONE for record in state.steps.values())
