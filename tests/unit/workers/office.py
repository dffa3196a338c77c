"""One environment without Redis and Docker: people, a journal in memory, a worker that may die."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from commands.domain import command as c
from commands.domain.decide import Case, Decision, decide
from commands.domain.events import EVENTS, AnyEvent, RollbackEvent
from commands.domain.people import Identity
from commands.domain.request import Request
from commands.domain.runbook import Channel, EscalationRow, Person, RoleDefinition, Runbook
from commands.domain.state import RollbackState
from commands.planner.service import plan
from commands.store.book import Book
from commands.store.codec import Codec
from commands.store.redaction import Redactor
from tests.fakes.store import MemoryJournal, MemoryStreams
from tests.fakes.witness import MemoryWitness
from tests.unit.planner.world import request
from tests.unit.steps.world import World, world
from workers.building import Builder
from workers.executor import Executor
from workers.planning import Planning
from workers.survey import Surveyor

HOME = Channel(platform="slack", workspace="T0", channel="C0")
KEY = b"k" * 32
ANNA, EGOR, IVAN, BOTH, DORA, ZOYA = "anna", "egor", "ivan", "both", "dora", "zoya"
FEDOR = "fedor"
API = request(reason="5xx")
TICKING = {
    "journal": ("append",),
    "engine": ("compose", "pull", "remove_image"),
    "files": ("write_pin", "remove_pin"),
}
"""The calls that change something: before and after each, a worker may die."""


class Killed(BaseException):
    """The worker process is gone: nothing catches this."""


@dataclass
class Points:
    """Counts the points between two calls, and lets something happen at one of them.

    `once`: what happens the first time at a point of that name, such as `before compose`.
    """

    at: int = 0
    happens: Callable[[], object] = lambda: None
    once: dict[str, Callable[[], object]] = field(default_factory=dict)
    passed: int = 0

    def tick(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.happens()
        self.once.pop(name, lambda: None)()


class Ticking:
    """Anything, with a point before and after each call of these methods."""

    def __init__(self, inner: object, methods: tuple[str, ...], points: Points) -> None:
        self._inner, self._methods, self._points = inner, methods, points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._methods:
            return found

        def called(*args: Any, **named: Any) -> Any:
            self._points.tick(f"before {name}")
            result = found(*args, **named)
            self._points.tick(f"after {name}")
            return result

        return called


def staffed(runbook: Runbook) -> Runbook:
    """On-call may approve api alone; everything needs the Incident Commander and the CTO.

    On call are two; somebody holds both of the other roles, and Zoya holds none.
    """
    people = {
        name: Person(name=name, slack=(f"T0:U{name.upper()}",))
        for name in (ANNA, EGOR, IVAN, BOTH, DORA, ZOYA, FEDOR)
    }
    members = {"oncall": (ANNA, DORA), "commander": (EGOR, FEDOR, BOTH), "cto": (IVAN, BOTH)}
    roles = {
        role: RoleDefinition.model_validate({"title": {"ru": role}, "members": found})
        for role, found in members.items()
    }
    approvers = {"api": ("oncall",), "full": ("commander", "cto")}
    common = {
        "sla_min": 5,
        "expires_min": 30,
        "self_approval": True,
        "may_ask": ("oncall", "commander"),
    }
    rows = {
        row: EscalationRow.model_validate({"title": {"ru": row}, "roles": needed, **common})
        for row, needed in approvers.items()
    }
    update = {"people": people, "roles": roles, "escalation": rows}
    return runbook.model_copy(update=update)


@dataclass
class Office:
    """The world, the journal, and everybody who writes to it."""

    world: World = field(default_factory=world)
    streams: MemoryStreams = field(default_factory=MemoryStreams)
    points: Points = field(default_factory=Points)
    witness: MemoryWitness = field(default_factory=MemoryWitness)
    redactor: Redactor = field(default_factory=Redactor)
    home: Channel = HOME
    bots: Runbook = field(init=False)
    workers: Runbook = field(init=False)
    recreated: list[str] = field(default_factory=list)
    settled: int = 0
    stopping: bool = False

    def __post_init__(self) -> None:
        self.bots = self.workers = staffed(self.world.book)
        self.bare = replace(self.world.ports, runbook=self.workers)
        engine = self.world.engine
        deploy = engine.start

        def counted(service: str, image: Any) -> Any:
            self.recreated.append(f"{service} {image.tag}")
            return deploy(service, image)

        cast(Any, engine).start = counted

    def journal(self) -> MemoryJournal[AnyEvent]:
        """A reader of its own, as every process has."""
        return MemoryJournal(Codec("production", EVENTS, KEY, self.redactor), self.streams)

    def book(self) -> Book:
        return Book(cast(Any, self.journal()), "production")

    def order(self, command: c.Command, rollback_id: str = "") -> Decision:
        """What the bot does with somebody's command. Raises RefusedError."""
        book = self.book()
        rollback = book.rollback(rollback_id) if rollback_id else None
        now = self.world.clock.now()
        decision = decide(Case(book.environment(), rollback), command, self.bots, now)
        if decision.rollback_id:
            book.rollback(decision.rollback_id)
        book.journal.append(book.folded.parts(decision))
        return decision

    def actor(self, person: str) -> c.Actor:
        return c.Actor(person, identity(person))

    def ask(self, asked: Request = API, by: str = ANNA) -> str:
        return self.order(c.Ask(self.actor(by), asked, HOME)).rollback_id

    def approve(self, rollback_id: str, *people: str) -> None:
        """By the button of the open question."""
        for person in people or (ANNA,):
            question = self.state(rollback_id).question
            nonce = question.nonce if question else ""
            self.order(c.Approve(self.actor(person), nonce), rollback_id)

    def recover(self, rollback_id: str, verb: c.RecoveryVerb, by: str = ANNA) -> None:
        self.order(c.Recover(self.actor(by), verb), rollback_id)

    def write(self, rollback_id: str, *events: RollbackEvent) -> None:
        """Somebody else's entries, as a process with the key would write them."""
        book = self.book()
        state = book.rollback(rollback_id)
        assert state is not None
        book.append(state, *events)

    def worker(self) -> Executor:
        """A fresh worker process: nothing is left of the one before but the journal."""
        ports = replace(
            self.bare,
            runbook=self.workers,
            containers=cast(Any, Ticking(self.world.engine, TICKING["engine"], self.points)),
            files=cast(Any, Ticking(self.world.files, TICKING["files"], self.points)),
        )
        surveyor = Surveyor(
            self.workers, "production", ports.containers, ports.files, ports.history, ports.clock
        )
        planning = Planning(
            survey=surveyor.survey,
            planner=plan,
            runbook=self.workers,
            clock=ports.clock,
            redact=self.redactor.data,
        )
        journal = Ticking(self.journal(), TICKING["journal"], self.points)
        return Executor(
            book=Book(cast(Any, journal), "production"),
            witness=cast(Any, self.witness),
            planning=planning,
            build=Builder(ports),
            clock=ports.clock,
            stopping=lambda: self.stopping,
            settle=self._settle,
        )

    def drive(self, rollback_id: str) -> RollbackState:
        """One job of a fresh worker; how the rollback stands then."""
        self.worker().drive(rollback_id)
        return self.state(rollback_id)

    def state(self, rollback_id: str) -> RollbackState:
        state = self.book().rollback(rollback_id)
        assert state is not None
        return state

    def events(self, rollback_id: str) -> list[AnyEvent]:
        return [entry.event for entry in self.journal().read(rollback_id)]

    def done(self, asked: Request = API) -> str:
        """A rollback that was asked for, approved by everybody and driven to its end."""
        rollback = self.approved(asked)
        self.drive(rollback)
        return rollback

    def approved(self, asked: Request = API) -> str:
        """A rollback that waits for its worker to begin."""
        rollback = self.ask(asked)
        self.drive(rollback)
        self.approve(rollback, *((ANNA,) if asked.row == "api" else (EGOR, IVAN)))
        return rollback

    def without_role(self, person: str, *, at_worker: bool = True) -> None:
        """One host's runbook knows that somebody's roles are gone; the other's does not."""
        book = self.workers if at_worker else self.bots
        roles = {
            name: role.model_copy(update={"members": tuple(m for m in role.members if m != person)})
            for name, role in book.roles.items()
        }
        changed = book.model_copy(update={"roles": roles})
        if at_worker:
            self.workers = changed
        else:
            self.bots = changed

    def allow_self_approval(self, allowed: bool) -> None:
        """Both hosts' runbooks say so."""
        rows = {
            name: row.model_copy(update={"self_approval": allowed})
            for name, row in self.bots.escalation.items()
        }
        self.bots = self.workers = self.bots.model_copy(update={"escalation": rows})

    def everybody_back(self) -> None:
        """All roles as they were, on both hosts."""
        roles = staffed(self.world.book).roles
        self.bots = self.bots.model_copy(update={"roles": roles})
        self.workers = self.workers.model_copy(update={"roles": roles})

    def _settle(self) -> None:
        self.settled += 1


def identity(person: str) -> Identity:
    """Somebody's Slack account."""
    return Identity(platform="slack", workspace="T0", user=f"U{person.upper()}")
