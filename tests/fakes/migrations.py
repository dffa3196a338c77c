"""A migration tool in memory: what it does to the databases of fake servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from commands.database_ports import Shape
from commands.domain.database import Revision, ScriptGraph
from commands.domain.errors import RollbotError
from commands.domain.plan import Migration, Target
from commands.ports import OneOffOutcome
from tests.fakes.database import FakeContent, FakeDatabase

Change = Callable[[FakeContent, Migration], FakeContent]
FINE = OneOffOutcome(0, "", "", 3.1)


@dataclass(slots=True)
class FakeMigrations:
    """`MigrationTool`. A run gives the database its revisions and the shape that belongs to them.

    `change` is what a run does to the content before it ends with `outcome`, or raises `dies`.
    `runs` lists the databases that it ran on.
    """

    production: FakeDatabase
    scratch: FakeDatabase
    shapes: Mapping[tuple[str, ...], Shape] = field(default_factory=dict)
    heads: tuple[str, ...] = ()
    change: Change | None = None
    outcome: OneOffOutcome = FINE
    dies: RollbotError | None = None
    runs: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def graph(self, target: Target) -> ScriptGraph:
        return ScriptGraph(
            service=target.service,
            version=target.version,
            digest=target.digest,
            revisions=tuple(Revision(id=one) for known in self.shapes for one in known),
            heads=self.heads,
        )

    def sql(self, migration: Migration) -> str:
        return f"-- {' '.join(migration.after)}"

    def run(
        self, migration: Migration, database: str, timeout_s: float, *, scratch: bool
    ) -> OneOffOutcome:
        server = self.scratch if scratch else self.production
        self.runs.append(database)
        content = server.databases[database]
        change = self.change or self.migrated
        server.databases[database] = change(content, migration)
        self.meanwhile()
        if self.dies is not None:
            raise self.dies
        return self.outcome

    def migrated(self, content: FakeContent, migration: Migration) -> FakeContent:
        """What a migration does that ends well: a dropped table takes its rows along."""
        shape = self.shapes.get(migration.after, content.shape)
        tables = shape.names.get("table")
        counts = {t: n for t, n in content.counts.items() if tables is None or t in tables}
        return replace(content, revisions=migration.after, shape=shape, counts=counts)

    def fails(self, exit_code: int = 1, change: Change | None = None) -> None:
        """From now on runs end badly; without `change` having done nothing."""
        self.outcome = OneOffOutcome(exit_code, "", "psycopg.errors.CheckViolation", 0.4)
        self.change = change or (lambda content, _: content)
