"""The office with a database: a rollback of it, driven by workers that may die anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from commands.domain.events import AnyEvent
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.state import RollbackState
from commands.store.book import Book
from commands.store.keys import ENVIRONMENT_JOURNAL
from tests.fakes.database_plans import NAME, database_plan, database_request
from tests.unit.planner.world import facts
from tests.unit.steps.database_world import DatabaseWorld, database_world, with_digests
from tests.unit.steps.world import OLD
from tests.unit.workers.office import EGOR, IVAN, TICKING, Killed, Office, Ticking
from workers.building import Builder
from workers.executor import Executor
from workers.leaving import is_left
from workers.letting_go import drop_kept, there_already
from workers.needing import needed_by
from workers.planning import Planning
from workers.steps.ports import Ports

SERVER = ("clone", "swap", "drop", "create", "restore", "dump", "mark_whole")
DOWN = database_request(version=OLD)
RESTORE = database_request(scenario=Scenario.RESTORE, version=OLD)


@dataclass
class DatabaseOffice(Office):
    """`Office` whose plans are of the database; approved by Egor and Ivan."""

    place: DatabaseWorld = field(default_factory=database_world)

    def __post_init__(self) -> None:
        self.world = self.place.services
        super().__post_init__()
        for name in ("bots", "workers"):
            book = getattr(self, name)
            rows = {**book.escalation, "db": book.escalation["full"]}
            setattr(self, name, book.model_copy(update={"escalation": rows}))

    def worker(self) -> Executor:
        """A fresh worker process with everything of the database."""
        ports = self._ports()
        book = Book(cast(Any, self._ticking(self.journal(), TICKING["journal"])), "production")
        planning = Planning(
            survey=lambda request, ledger: facts(),
            planner=lambda request, surveyed, runbook: self.plan(request),
            runbook=self.workers,
            clock=ports.clock,
            redact=self.redactor.data,
            claimed=lambda database: there_already(ports, database),
        )
        return Executor(
            book=book,
            witness=cast(Any, self.witness),
            planning=planning,
            build=Builder(
                replace(
                    ports,
                    skipped=lambda: is_left(book.rollback("RB-1")),
                    needed=lambda: needed_by(book),
                )
            ),
            clock=ports.clock,
            stopping=lambda: self.stopping,
            settle=self._settle,
            drop_kept=lambda state: drop_kept(ports, state),
        )

    def plan(self, request: Request) -> Any:
        return with_digests(database_plan(request))

    def prepared(self, asked: Request = DOWN) -> str:
        """Asked for, planned, backed up and rehearsed: people are to approve."""
        rollback = self.ask(asked)
        self.drive(rollback)
        return rollback

    def carried_out(self, asked: Request = DOWN) -> RollbackState:
        """Approved by both roles, and driven to its end."""
        rollback = self.prepared(asked)
        self.approve(rollback, EGOR, IVAN)
        return self.drive(rollback)

    def undone(self, rollback: str) -> RollbackState:
        self.recover(rollback, "undo", EGOR)
        self.approve(rollback, IVAN)
        return self.drive(rollback)

    def killed(self, rollback: str, at: int) -> tuple[bool, RollbackState]:
        """Drive with the worker killed at a point; whether it was, and how the next left it."""
        self.points.at, self.points.passed, self.points.happens = at, 0, _kill
        try:
            self.worker().drive(rollback)
        except Killed:
            self.points.at = 0
            return True, self.drive(rollback)
        return False, self.state(rollback)

    def kinds(self, rollback: str) -> list[str]:
        return [event.kind for event in self.events(rollback)]

    def told(self) -> list[AnyEvent]:
        """What the environment's journal says."""
        return [entry.event for entry in self.journal().read(ENVIRONMENT_JOURNAL)]

    def _ports(self) -> Ports:
        place, engine, files = self.place, self.world.engine, self.world.files
        return replace(
            self.bare,
            runbook=self.workers,
            rollback_id="RB-1",
            containers=cast(Any, self._ticking(engine, TICKING["engine"])),
            files=cast(Any, self._ticking(files, TICKING["files"])),
            database=cast(Any, self._ticking(place.server, SERVER)),
            scratch=cast(Any, self._ticking(place.scratch, SERVER)),
            backups=cast(Any, self._ticking(place.backups, ("note",))),
            migrations=cast(Any, self._ticking(place.tool, ("run",))),
            proxy=cast(Any, self._ticking(place.proxy, ("enter", "leave"))),
        )

    def _ticking(self, inner: object, methods: tuple[str, ...]) -> Ticking:
        return Ticking(inner, methods, self.points)


def _kill() -> None:
    raise Killed


def named(rollback: str, what: str) -> str:
    """`samokoder_before_RB_1`."""
    return f"{NAME}_{what}_{rollback.replace('-', '_')}"
