"""Read an environment's database before planning: read-only, asked side by side.

`lean` is for every service rollback (H18): one question to the database, scripts that are
remembered by digest, no Compose. `whole` is for rollbacks that change the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from commands.database_ports import Backups, Database, MigrationTool, Proxy
from commands.domain import naming
from commands.domain.database import BackupRecord, DatabaseFacts, Loss, RevisionId, ScriptGraph
from commands.domain.database_definition import Database as Definition
from commands.domain.errors import (
    CommandFailedError,
    CommandTimedOutError,
    PlanRefusedError,
    ProxyError,
)
from commands.domain.facts import LedgerLine, ReleaseImage, RunningRelease
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.planner.database_refusals import backup_for, sound_graph, way_back
from commands.planner.database_warnings import OFFLINE
from commands.planner.graph import Walk
from commands.planner.losses import losses_of
from commands.planner.migrating import Migrating
from commands.planner.pins import compose_name
from commands.ports import Containers
from workers.survey_scripts import ScriptsLook

COUNT_S = 5.0
"""Counting on production while people wait; what takes longer is estimated."""

UNREAD_SHOWN = 3
"""Statements of which nobody can tell what they take away; more are only counted."""


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """Looks at one environment's database. Raises EngineError and SettingsError.

    `scratch_apart`: proofs and rehearsals have a server of their own. `rollback_id` is the one
    planned for ("" for none): its own copies and backup count as room.
    """

    runbook: Runbook
    environment: str
    definition: Definition
    containers: Containers
    database: Database
    backups: Backups
    tool: MigrationTool
    proxy: Proxy | None = None
    scratch_apart: bool = False
    rollback_id: str = ""

    @property
    def service(self) -> str:
        """Whose image has the migrations."""
        return self.definition.migrations.service

    @property
    def scripts(self) -> ScriptsLook:
        """At the scripts in the images of that service."""
        definition = self.runbook.services[self.service]
        return ScriptsLook(self.service, definition, self.containers, self.tool)

    def revisions(self) -> tuple[RevisionId, ...]:
        """What alembic_version says now."""
        return self.database.revisions(self.definition.name)

    def lean(
        self,
        revisions: tuple[RevisionId, ...],
        running: RunningRelease | None,
        target: ReleaseImage | None,
    ) -> DatabaseFacts:
        """Whether the image gone to suits what is in the database."""
        scripts = self.scripts
        asked = [scripts.fit(target.version, target.digest, revisions)] if target else []
        return DatabaseFacts(
            database=self.definition.name,
            server_version=0,
            client_version=None,
            revisions=revisions,
            graph=self.scripts.running(running),
            fits=tuple(asked),
            is_lean=True,
        )

    def whole(
        self,
        pool: Executor,
        request: Request,
        running: RunningRelease | None,
        ledger: tuple[LedgerLine, ...],
    ) -> DatabaseFacts:
        """Everything that the planner of a database rollback must know."""
        name = self.definition.name
        server = pool.submit(self.database.server)
        sessions = pool.submit(self.database.sessions, name)
        ties = pool.submit(self.database.ties, name)
        size = pool.submit(self.database.size_bytes, name)
        backups = pool.submit(self.backups.listed, name)
        free = pool.submit(self.backups.free_bytes)
        own = pool.submit(self._own_bytes)
        page = pool.submit(self._has_page)
        revisions = self.revisions()
        graph = self.scripts.newest(running, revisions)
        on_server = server.result().free_bytes
        faulty = _Faulty.of(running, self.service, ledger)
        facts = DatabaseFacts(
            database=name,
            server_version=server.result().version,
            client_version=server.result().client_version,
            revisions=revisions,
            graph=graph,
            size_bytes=size.result(),
            server_free_bytes=None if on_server is None else on_server + own.result(),
            backup_free_bytes=self._with_own(free.result(), backups.result()),
            sessions=sessions.result(),
            ties=ties.result(),
            backups=backups.result(),
            maintenance=page.result(),
            faulty_version=faulty.version,
            faulty_since_at=faulty.since_at,
            scratch_apart=self.scratch_apart,
        )
        ran = {line.version for line in ledger if line.service == self.service}
        look = self._of_downgrade if request.revision is not None else self._of_restore
        return look(pool, facts, request, ran)

    def _of_downgrade(
        self, pool: Executor, facts: DatabaseFacts, request: Request, ran: set[str]
    ) -> DatabaseFacts:
        """Nothing more about what will be refused: the planner says why, by the same rules."""
        try:
            graph = sound_graph(facts, self.definition)
            walk = way_back(request, facts, graph)
        except PlanRefusedError:
            return facts
        self._refuse_without_address()
        fits = self.scripts.fits(pool, walk.after, {request.version or "", *ran})
        losses, why = self._losses(graph, walk, facts.revisions)
        return facts.model_copy(
            update={
                "target": walk.after,
                "path": walk.path,
                "losses": losses,
                "losses_why": why,
                "fits": fits(),
            }
        )

    def _of_restore(
        self, pool: Executor, facts: DatabaseFacts, request: Request, ran: set[str]
    ) -> DatabaseFacts:
        """What was written since the backup, per table, and which versions suit it."""
        try:
            backup = backup_for(facts, self.definition, request.backup)
        except PlanRefusedError:
            return facts
        named = {request.version or "", backup.versions.get(self.service, ""), *ran}
        fits = self.scripts.fits(pool, backup.revisions, named)
        now = self.database.counts(self.definition.name, COUNT_S * 4) if backup.counts else {}
        since = {t: n - backup.counts.get(t, 0) for t, n in now.items()}
        gone = {t: -n for t, n in backup.counts.items() if now and t not in now}
        written = {t: n for t, n in {**since, **gone}.items() if n}
        return facts.model_copy(
            update={"target": backup.revisions, "written_since": written, "fits": fits()}
        )

    def _losses(
        self, graph: ScriptGraph, walk: Walk, before: tuple[RevisionId, ...]
    ) -> tuple[tuple[Loss, ...], str]:
        """What the printed SQL destroys, with rows; and why that may not be everything."""
        migrating = Migrating.of(self.runbook, self.environment, self.definition)
        try:
            found = losses_of(self.tool.sql(migrating.downgrade(graph, walk, before)))
        except (CommandFailedError, CommandTimedOutError):
            return (), OFFLINE
        counted = found.known
        if counted:
            counted = self.database.rows_at_risk(self.definition.name, counted, COUNT_S)
        more = len(found.unread) - UNREAD_SHOWN
        said = "; ".join(found.unread[:UNREAD_SHOWN])
        return counted, f"{said} (+{more})" if more > 0 else said

    def _refuse_without_address(self) -> None:
        """The migrations' service knows where its database is, or no migration can be run."""
        name = compose_name(self.service, self.runbook.services[self.service])
        variable = self.definition.migrations.url_variable
        if not self.containers.variable(name, variable):
            raise PlanRefusedError("refused.db_no_url", service=self.service, variable=variable)

    def _has_page(self) -> bool | None:
        """None without a proxy, or when its file cannot be read: entering it will tell."""
        try:
            return self.proxy.is_entered() if self.proxy else None
        except ProxyError:
            return None

    def _with_own(self, free: int | None, backups: tuple[BackupRecord, ...]) -> int | None:
        if free is None or not self.rollback_id:
            return free
        return free + sum(one.size_bytes for one in backups if one.by == self.rollback_id)

    def _own_bytes(self) -> int:
        """What this rollback has put beside production already, in preparing."""
        if not self.rollback_id:
            return 0
        name = self.definition.name
        copies = [naming.restored(name, self.rollback_id)]
        if not self.scratch_apart:
            copies.append(naming.scratch(name, self.rollback_id))
        return sum(self.database.size_bytes(o) for o in copies if self.database.exists(o))


@dataclass(frozen=True, slots=True)
class _Faulty:
    """The release whose deploy a restore goes back behind, and when it was first seen here."""

    version: str = ""
    since_at: datetime | None = None

    @classmethod
    def of(
        cls, running: RunningRelease | None, service: str, ledger: Iterable[LedgerLine]
    ) -> _Faulty:
        """What runs now; or what a rollback left behind to return to it."""
        if running is None:
            return cls()
        lines = [line for line in ledger if line.service == service]
        own = [line.first_seen_at for line in lines if running.runs(line.digest)]
        since_at = min(own) if own else running.started_at
        left = [
            line
            for line in lines
            if line.rolled_back_by and since_at and line.first_seen_at > since_at
        ]
        if not left:
            return cls(running.version, since_at)
        newest = max(left, key=lambda line: line.last_seen_at or line.first_seen_at)
        return cls(newest.version, newest.first_seen_at)
