"""Survey and plan: at first, and again just before the first changing step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from commands.domain.errors import PlanRefusedError, RollbotError, StoreError
from commands.domain.events import (
    Asked,
    EnvironmentEvent,
    Planned,
    PlanRefused,
    RollbackClosed,
    RollbackEvent,
)
from commands.domain.facts import Facts, LedgerLine
from commands.domain.masked import masked, places_of
from commands.domain.plan import COVERED, Plan
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.domain.state import RollbackState, Status
from commands.domain.text import text
from commands.ports import Clock
from commands.store.book import Book
from commands.store.witness import Witness
from workers.foreseen import foreseen

Survey = Callable[[Request, tuple[LedgerLine, ...]], Facts]
Planner = Callable[[Request, Facts, Runbook], Plan]
Claimed = Callable[[str], tuple[str, ...]]
"""Of the names that a rollback gives to copies of this database, those that exist already."""


def none_claimed(database: str) -> tuple[str, ...]:  # noqa: ARG001 -- as `Claimed` asks
    """What a host without a database says."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What a plan is made with: the world's survey, the pure planner, this host's runbook.

    `redact` takes out of data what this host knows for a secret, as its journal will.
    """

    survey: Survey
    planner: Planner
    runbook: Runbook
    clock: Clock
    redact: Callable[[object], object]
    claimed: Claimed = none_claimed

    def plan(self, book: Book, request: Request) -> Plan:
        """A plan of the world as it is now. Raises PlanRefusedError, EngineError and our others."""
        with foreseen():
            return self._plan(book, request)

    def _plan(self, book: Book, request: Request) -> Plan:
        environment = book.environment()
        facts = self.survey(request, environment.ledger_lines())
        plan = self.planner(request, facts, self.runbook)
        self._must_be_without_secrets(plan)
        expected_s = environment.expected_downtime_s(request.services)
        return plan.model_copy(update={"downtime_s": expected_s})

    def _must_be_without_secrets(self, plan: Plan) -> None:
        """The journal masks what it knows for a secret, and the worker runs what is journaled."""
        done = plan.model_dump(mode="json", include=COVERED - {"request"})
        for path, value in masked(done, self.redact).items():
            written = places_of(value, self.runbook.model_dump(mode="json"))
            raise PlanRefusedError("refused.secret_in_plan", where=(written or (path,))[0])

    def survey_and_plan(self, book: Book, state: RollbackState, witness: Witness) -> None:
        """Journal the plan and ask people, or journal why there is none."""
        began = time.monotonic()
        try:
            plan = self.plan(book, state.request)
            if state.plan is None:
                self._must_be_unclaimed(state.id, plan)
        except StoreError:
            # The journal was away, which says nothing about the plan.
            raise
        except RollbotError as error:
            refused = PlanRefused(reason=error.text)
            _close(book, state, Status.REFUSED, refused)
            return
        seconds = round(time.monotonic() - began, 3)
        planned = Planned(plan=plan, digest=plan.digest(), seconds=seconds)
        witness.planned(state.id, planned.digest)
        if state.request.dry_run:
            _close(book, state, Status.REHEARSED, planned)
            return
        asked = self.question(state, planned.digest, self.clock.now())
        if asked is None:
            row = text("refused.no_row", row=state.request.row)
            _close(book, state, Status.REFUSED, PlanRefused(reason=row))
            return
        book.append(state, planned, asked)

    def _must_be_unclaimed(self, rollback_id: str, plan: Plan) -> None:
        """Nothing of ours can be there yet: what is, is an earlier rollback's of that number.

        Numbers begin anew where journal and mirror were lost, and a copy would take its place.
        """
        change = plan.schema_change
        with foreseen():
            names = self.claimed(change.database) if change else ()
        if names:
            raise PlanRefusedError("refused.names_claimed", id=rollback_id, names=names)

    def question(self, state: RollbackState, digest: str, now: datetime) -> Asked | None:
        """Who has to approve this plan, by this host's runbook; None if no row says."""
        row = self.runbook.row(state.request.row)
        if row is None:
            return None
        return Asked(
            verb="execute",
            row=state.request.row,
            roles=row.roles,
            self_approval=row.self_approval,
            by=state.requester,
            digest=digest,
            expires_at=now + self.runbook.expiry(state.request.row),
        )


def _close(book: Book, state: RollbackState, status: Status, *events: RollbackEvent) -> None:
    book.environment()
    closed: tuple[EnvironmentEvent, ...] = (
        RollbackClosed(rollback_id=state.id, outcome=status.value),
    )
    book.append(state, *events, environment=closed)
