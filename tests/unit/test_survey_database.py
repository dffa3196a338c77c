"""The survey of a database on engines in memory: what is found, and what holds still."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from commands.database_ports import ServerFacts
from commands.domain.database import DatabaseFacts, ScriptGraph
from commands.domain.errors import (
    CommandFailedError,
    ImageNotFoundError,
    PlanRefusedError,
)
from commands.domain.facts import LedgerLine
from commands.domain.plan import Migration, Target
from commands.domain.request import Request
from commands.planner.graph import graph_of
from commands.ports import OneOffOutcome
from tests.fakes.clock import FixedClock
from tests.fakes.containers import FakeContainers, FakeImage
from tests.fakes.database import FakeBackups, FakeContent, FakeDatabase
from tests.unit.planner.world import REPOSITORY
from tests.unit.planner.world_database import (
    BEFORE_R06,
    SCRIPTS,
    back,
    backup,
    database_runbook,
    restore,
)
from workers.survey_database import DatabaseLook

GIB = 2**30
IMAGE = f"{REPOSITORY}-api"


@dataclass(slots=True)
class FakeTool:
    """`MigrationTool` whose images know their scripts by version; `asked` are the versions."""

    containers: FakeContainers
    sql_of: str = "ALTER TABLE projects DROP COLUMN description"
    asked: list[str] = field(default_factory=list)

    def graph(self, target: Target) -> ScriptGraph:
        self.asked.append(target.version)
        if not self.containers.has_image(target.repository, target.version, target.digest):
            raise ImageNotFoundError(target.version)
        scripts = SCRIPTS if target.version == "v1.3.0" else BEFORE_R06
        return graph_of(target.service, target.version, target.digest, scripts)

    def sql(self, migration: Migration) -> str:
        if not self.sql_of:
            raise CommandFailedError("alembic", 1, "NoneType")
        return self.sql_of

    def run(
        self, migration: Migration, database: str, timeout_s: float, *, scratch: bool
    ) -> OneOffOutcome:
        raise AssertionError("a survey changes nothing")


@dataclass(slots=True)
class World:
    """v1.3.0 runs on r06; v1.2.3 and v1.2.2 are here."""

    containers: FakeContainers
    server: FakeDatabase
    tool: FakeTool
    look: DatabaseLook

    def facts(self, request: Request, *ledger: LedgerLine) -> DatabaseFacts:
        with ThreadPoolExecutor(4) as pool:
            return self.look.whole(pool, request, self.containers.running("api"), ledger)


@pytest.fixture
def world() -> World:
    containers = FakeContainers(lambda _: f"{IMAGE}:v1.3.0")
    for tag in ("v1.2.2", "v1.2.3"):
        containers.here[f"{IMAGE}:{tag}"] = FakeImage.of(IMAGE, tag)
    containers.start("api", FakeImage.of(IMAGE, "v1.3.0"))
    containers.variables["api"] = {"DATABASE_URL": "postgresql://db/samokoder"}
    content = FakeContent(counts={"users": 3, "projects": 9}, revisions=("r06",))
    server = FakeDatabase({"samokoder": content}, facts=ServerFacts(150_018, 150_018, 4 * GIB))
    runbook = database_runbook()
    definition = runbook.environments["production"].database
    assert definition is not None
    tool = FakeTool(containers)
    look = DatabaseLook(
        runbook=runbook,
        environment="production",
        definition=definition,
        containers=containers,
        database=server,
        backups=FakeBackups(server.shelf, FixedClock()),
        tool=tool,
        rollback_id="RB-7",
    )
    return World(containers, server, tool, look)


def test_a_downgrade_is_surveyed_whole(world: World) -> None:
    """Scripts on the way back, what they destroy, who fits; images are asked, none is pulled."""
    found = world.facts(back())

    assert (found.revisions, found.target) == (("r06",), ("r05",))
    assert [one.id for one in found.path] == ["r06"]
    assert [f"{one.what} {one.name}" for one in found.losses] == ["column projects.description"]
    assert {fit.version: fit.at_head for fit in found.fits} == {
        "v1.3.0": False, "v1.2.3": True, "v1.2.2": True,
    }  # fmt: skip
    assert world.containers.log == []


def test_what_cannot_be_printed_is_called_offline(world: World) -> None:
    """Then the rehearsal is the truth."""
    world.tool.sql_of = ""
    found = world.facts(back())
    assert (found.losses, found.losses_why) == ((), "offline")


def test_an_image_that_knows_no_more_is_passed_over_for_one_that_does(world: World) -> None:
    """H2: after the api alone went back, the scripts come from the image that brought r06."""
    world.containers.start("api", FakeImage.of(IMAGE, "v1.2.3"))
    found = world.facts(back())
    assert found.graph is not None
    assert found.graph.version == "v1.3.0"


def test_a_service_that_does_not_know_its_database_is_refused(world: World) -> None:
    """The variable is named that the runbook says."""
    world.containers.variables.clear()
    with pytest.raises(PlanRefusedError) as refused:
        world.facts(back())
    assert refused.value.facts == {"service": "api", "variable": "DATABASE_URL"}


def test_what_preparing_used_up_still_counts_as_room(world: World) -> None:
    """The survey before the first change must not find less room than the first one did."""
    before = world.facts(back())
    for copy in ("samokoder_scratch_RB_7", "samokoder_restored_RB_7"):
        world.server.databases[copy] = FakeContent()
    used = sum(world.server.size_bytes(n) for n in world.server.databases if n != "samokoder")
    world.server.facts = ServerFacts(150_018, 150_018, 4 * GIB - used)
    assert world.facts(back()).server_free_bytes == before.server_free_bytes


def test_what_was_written_since_a_backup_is_counted(world: World) -> None:
    """Per table, both ways; a backup from before the running version is the one."""
    taken = backup(counts={"users": 3, "projects": 5, "old": 2}, database="samokoder")
    world.server.shelf.files[taken.name] = FakeContent()
    world.server.shelf.notes[taken.name] = taken
    seen = LedgerLine(
        service="api",
        version="v1.3.0",
        digest=FakeImage.of(IMAGE, "v1.3.0").digest,
        first_seen_at=taken.taken_at + timedelta(hours=1),
    )
    found = world.facts(restore(), seen)
    assert found.faulty_since_at == seen.first_seen_at
    assert found.written_since == {"projects": 4, "old": -2}
    assert {fit.version: fit.at_head for fit in found.fits}["v1.2.3"] is True


def test_after_the_api_went_back_alone_the_release_left_behind_is_the_faulty_one(
    world: World,
) -> None:
    """The backup to restore is from before its deploy, not from before the old release's."""
    old, bad = FakeImage.of(IMAGE, "v1.2.3"), FakeImage.of(IMAGE, "v1.3.0")
    world.containers.start("api", old)
    deployed_at = world.server.clock.now() - timedelta(hours=1)
    lines = (
        LedgerLine(
            service="api",
            version="v1.2.3",
            digest=old.digest,
            first_seen_at=deployed_at - timedelta(days=90),
        ),
        LedgerLine(
            service="api",
            version="v1.3.0",
            digest=bad.digest,
            first_seen_at=deployed_at,
            rolled_back_by="RB-1",
        ),
    )

    found = world.facts(restore(), *lines)

    assert (found.faulty_version, found.faulty_since_at) == ("v1.3.0", deployed_at)
