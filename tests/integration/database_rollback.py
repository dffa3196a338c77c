"""A rollback of a real database in this process: people decide, the worker's own executor acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path

from pydantic import SecretStr

from commands.domain import command as c
from commands.domain.decide import Case, Decision, decide
from commands.domain.errors import JournalConflictError
from commands.domain.events import AnyEvent
from commands.domain.people import PersonId, Scenario
from commands.domain.plan import PlannedStep
from commands.domain.request import Request
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import RollbackState, StepRecord, StepStatus
from commands.runbook import parse_runbook
from commands.store.book import Book
from commands.store.opening import Access, Store, open_store
from tests.stack.database import DatabaseStack
from workers import jobs
from workers.database_engines import Addresses
from workers.lease import Lease
from workers.proving import Proof

ASKS, TEAM, LEAD = "anna", "gleb", "vera"
"""Who is on call and asks; who approves: the database team and the DevOps lead."""

HOME = Channel(platform="slack", workspace="T00000000", channel="C00000001")
KEY = b"k" * 32
SERVICES = ("api", "worker")


@dataclass
class DatabaseRollback:
    """One worker host and the people around it. `scratch` is a server of its own for copies."""

    stack: DatabaseStack
    text: str
    redis_url: str
    folder: Path
    scratch: str = ""
    runbook: Runbook = field(init=False)
    access: Access = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.runbook = parse_runbook(self.text.encode())
        self.folder.mkdir(exist_ok=True)
        self.access = Access(
            environment="production",
            redis_url=self.redis_url,
            key=KEY,
            state_dir=self.folder,
            secrets=(self.stack.password,),
        )
        self.store = open_store(self.access, mirrored=True)

    def host(self) -> jobs.Host:
        managed = SecretStr(self.stack.dsn) if self.stack.managed else None
        return jobs.Host(
            access=self.access,
            read_runbook=lambda: self.runbook,
            environment_variables=dict(self.stack.compose.environment),
            clock=jobs.SystemClock(),
            addresses=Addresses(managed, SecretStr(self.scratch) if self.scratch else None),
        )

    def asks(self, **request: object) -> str:
        """`db -1`, or what is given."""
        given: dict[str, object] = {
            "environment": "production",
            "scenario": Scenario.DATABASE,
            "services": SERVICES,
        }
        if request.get("scenario", Scenario.DATABASE) is Scenario.DATABASE:
            given["revision"] = "-1"
        asked = Request.model_validate(given | request)
        return self.order(c.Ask(self.actor(ASKS), asked, HOME)).rollback_id

    def approve(self, rollback: str) -> None:
        """The database team and the DevOps lead say yes to what is asked now."""
        for person in (TEAM, LEAD):
            question = self.state(rollback).question
            assert question is not None
            if person not in question.approvals:
                self.order(c.Approve(self.actor(person), question.nonce), rollback)

    def recover(self, rollback: str, verb: c.RecoveryVerb) -> RollbackState:
        """Asked for and approved; how it stands after the worker has acted."""
        self.order(c.Recover(self.actor(ASKS), verb), rollback)
        self.approve(rollback)
        return self.drive(rollback)

    def carried_out(self, **request: object) -> RollbackState:
        """Asked, prepared, approved by both roles, driven to where it ends or stops."""
        rollback = self.asks(**request)
        state = self.drive(rollback)
        assert state.question is not None, state.reason
        self.approve(rollback)
        return self.drive(rollback)

    def drive(self, rollback: str) -> RollbackState:
        """One job, by a process that remembers nothing."""
        with Lease(self.folder, "production").acquire(60, rollback) as held:
            jobs.assemble(self.host(), self.store, rollback, held.fd).drive(rollback)
        return self.state(rollback)

    def order(self, command: c.Command, rollback: str = "") -> Decision:
        """Decided on what is written, and anew when a worker wrote meanwhile, as the bot does."""
        while True:
            with suppress(JournalConflictError):
                return self._order(command, rollback)

    def _order(self, command: c.Command, rollback: str) -> Decision:
        book: Book = open_store(self.access).book
        case = Case(book.environment(), book.rollback(rollback) if rollback else None)
        decision = decide(case, command, self.runbook, datetime.now(UTC))
        if decision.rollback_id:
            book.rollback(decision.rollback_id)
        book.journal.append(book.folded.parts(decision))
        return decision

    def actor(self, person: PersonId) -> c.Actor:
        return c.Actor(person, min(self.runbook.people[person].identities(), key=str))

    def state(self, rollback: str) -> RollbackState:
        state = open_store(self.access).book.rollback(rollback)
        assert state is not None
        return state

    def events(self, rollback: str) -> list[AnyEvent]:
        return [entry.event for entry in self.store.book.entries(rollback)]

    def record(self, rollback: str, kind: str) -> StepRecord:
        """What is known of the plan's step of that kind."""
        state = self.state(rollback)
        return state.record(self.planned(rollback, kind).number)

    def is_under_way(self, rollback: str, kind: str) -> bool:
        """Whether the worker is in the step of that kind now."""
        return self.record(rollback, kind).status is StepStatus.RUNNING

    def planned(self, rollback: str, kind: str) -> PlannedStep:
        plan = self.state(rollback).plan
        assert plan is not None
        return next(step for step in plan.steps if step.action.kind == kind)

    def times(self, rollback: str) -> dict[str, float | None]:
        """How long each step took, for a look at what is slow."""
        state = self.state(rollback)
        steps = state.plan.steps if state.plan else ()
        return {step.action.kind: state.record(step.number).seconds for step in steps}

    def skip(self, rollback: str) -> None:
        """The database team leaves the rehearsal."""
        self.order(c.SkipRehearsal(self.actor(TEAM)), rollback)

    def backup(self) -> str:
        """A proven backup, as a deploy takes one before it begins; its name."""
        ports = jobs.open_ports(self.host(), self.runbook, "pre-deploy")
        path = ports.folder.new_path(ports.limits.name, "pre-deploy")
        record = ports.production.dump(ports.limits.name, path, 60)
        copy = f"{ports.limits.name}_scratch_pre_deploy"
        Proof(ports.folder, ports.production, ports.clock).of(record, copy, 60)
        ports.production.drop(copy)
        return record.name

    @contextmanager
    def in_a_process(self, rollback: str) -> Iterator[SpawnProcess]:
        """A job in a process of its own, which can be killed; ended with the block."""
        job = get_context("spawn").Process(target=drive_apart, args=(self.apart(), rollback))
        job.start()
        try:
            yield job
        finally:
            job.kill()
            job.join()

    def apart(self) -> Apart:
        return Apart(
            self.text,
            self.redis_url,
            self.folder,
            dict(self.stack.compose.environment),
            self.stack.password,
            self.stack.dsn if self.stack.managed else "",
        )


@dataclass(frozen=True, slots=True)
class Apart:
    """What a job process must be told, and can be sent. `managed`: that server's address."""

    text: str
    redis_url: str
    folder: Path
    environment: dict[str, str]
    password: str
    managed: str = ""

    def host(self) -> jobs.Host:
        """The worker host, in that process."""
        access = Access(
            environment="production",
            redis_url=self.redis_url,
            key=KEY,
            state_dir=self.folder,
            secrets=(self.password,),
        )
        runbook = parse_runbook(self.text.encode())
        return jobs.Host(
            access=access,
            read_runbook=lambda: runbook,
            environment_variables=self.environment,
            clock=jobs.SystemClock(),
            addresses=Addresses(SecretStr(self.managed) if self.managed else None),
        )


def drive_apart(told: Apart, rollback: str) -> None:
    """The job process: the lease, then the executor."""
    jobs.prepare(told.host())
    jobs.drive(rollback)
