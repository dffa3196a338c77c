"""The preparing steps of a plan, carried out by hand: no rollback, no approval, nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from commands.domain.database_definition import Database
from commands.domain.errors import RollbotError
from commands.domain.events import EnvironmentEvent
from commands.domain.people import Scenario
from commands.domain.plan import (
    Action,
    DropScratch,
    Evidence,
    Phase,
    Plan,
    PlannedStep,
    ProveBackup,
    TakeBackup,
)
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.domain.state import EnvironmentState
from commands.domain.text import Text
from commands.settings import Settings, child_environment
from commands.store.opening import Access, Store, open_store
from workers import jobs
from workers.lease import Lease
from workers.steps.ports import Known, Ports
from workers.steps.progress import Outcome
from workers.steps.registry import build

log = structlog.get_logger()

PATIENCE_S = 5.0
DROP_S = 60.0
BY_HAND = "by-hand"

Tell = Callable[[Text], None]


@dataclass(frozen=True, slots=True)
class Hand:
    """One environment's engines in the hands of a person or a script on its host.

    `by` names what is made: `pre-deploy`, `hand`. `tell` shows a line as it becomes true.
    """

    settings: Settings
    access: Access
    runbook: Runbook
    environment: str
    ports: Ports
    tell: Tell

    @property
    def has_database(self) -> bool:
        """Whether the runbook names one for this environment."""
        return self.runbook.environments[self.environment].database is not None

    @property
    def database(self) -> Database:
        """The database as the runbook has it. Raises RunbookError when it names none."""
        return self.ports.limits

    def carry_out(self, plan: Plan) -> tuple[Outcome, ...]:
        """Its preparing steps in their order, then its clean-up, whatever happened.

        Raises what the first step that fails raises.
        """
        known, done = Known(), list[Outcome]()
        try:
            for step in plan.of_phase(Phase.PREPARE):
                captured = build(step, replace(self.ports, known=known), plan).capture()
                known = replace(known, captured={**known.captured, step.number: captured})
                outcome = build(step, replace(self.ports, known=known), plan).apply()
                items = (*known.evidence.items, *outcome.evidence)
                known = replace(known, evidence=Evidence(items=items))
                self._told(outcome)
                done.append(outcome)
        finally:
            self._clean_up(plan, known)
        return tuple(done)

    def note(self, decide: Callable[[EnvironmentState], tuple[EnvironmentEvent, ...]]) -> None:
        """Append to the environment's journal. Raises store errors."""
        self.store().book.note(decide)

    def store(self) -> Store:
        """The journal, by this host's key. Raises SettingsError without one."""
        key = self.settings.journal_key(self.environment)
        return open_store(replace(self.access, key=key), mirrored=True)

    def plan_of(self, *prepared: tuple[Action, float]) -> Plan:
        """These, each with its time limit, then the scratch copy dropped.

        Nobody approves it, and nothing in it changes production.
        """
        drafts = [(Phase.PREPARE, *one) for one in prepared]
        drafts.append((Phase.CLEAN_UP, DropScratch(database=self.database.name), DROP_S))
        steps = tuple(
            PlannedStep(number=number, phase=phase, action=action, timeout_s=timeout_s)
            for number, (phase, action, timeout_s) in enumerate(drafts, start=1)
        )
        request = Request(
            environment=self.environment,
            scenario=Scenario.DATABASE,
            services=self.database.dependants,
            dry_run=True,
        )
        return Plan(request=request, runbook_digest=self.runbook.digest, targets=(), steps=steps)

    def plan_of_backup(self, *then: tuple[Action, float]) -> Plan:
        """Take a backup, prove it, and do what needs the proven copy."""
        name, limit_s = self.database.name, self.database.backup_timeout_s
        taken, proven = TakeBackup(database=name), ProveBackup(database=name)
        return self.plan_of((taken, limit_s), (proven, limit_s), *then)

    def _told(self, outcome: Outcome) -> None:
        told: list[Text] = []
        for line in (outcome.detail, *(item.said for item in outcome.evidence)):
            if line and line not in told:
                told.append(line)
                self.tell(line)

    def _clean_up(self, plan: Plan, known: Known) -> None:
        for step in plan.of_phase(Phase.CLEAN_UP):
            try:
                build(step, replace(self.ports, known=known), plan).apply()
            except RollbotError as error:
                # What it was made for is told; a scratch copy that stays is found by its name.
                log.warning("clean_up_failed", why=str(error))
                self.tell(error.text)


@contextmanager
def by_hand(
    settings: Settings, runbook: Runbook, environment: str, by: str, tell: Tell
) -> Iterator[Hand]:
    """Hold the environment's shell for one such run at a time; a rollback needs not wait for it.

    Raises LeaseHeldError while another run is at work.
    """
    access = Access(
        environment=environment,
        redis_url=settings.redis_url,
        # Only who writes to the journal needs its key; a rehearsal in CI has none.
        key=b"",
        state_dir=settings.state_dir.expanduser().absolute(),
        secrets=settings.secret_values(),
    )
    lease = Lease(access.state_dir, f"{environment}.{BY_HAND}")
    with lease.acquire(PATIENCE_S, holder=by) as held:
        host = jobs.Host(
            access=access,
            read_runbook=lambda: runbook,
            environment_variables=child_environment(),
            clock=jobs.SystemClock(),
            addresses=jobs.addresses_of(settings, environment),
        )
        ports = replace(
            jobs.open_ports(host, runbook, by, held.fd),
            told=lambda item: tell(item.said) if item.said else None,
        )
        hand = Hand(settings, access, runbook, environment, ports, tell)
        if hand.has_database:
            # What an earlier run was killed over still works on the server.
            ports.production.settle()
        yield hand
