"""An image may answer anything: nobody's rollback and no look at the services hangs on it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from commands.domain.database import ScriptGraph
from commands.domain.database_definition import Migrations
from commands.domain.facts import RunningRelease
from commands.domain.observed import ObservedDatabase
from commands.domain.plan import Target
from commands.ports import OneOffOutcome
from tests.engines.waiting import eventually
from tests.fakes.clock import FixedClock
from tests.unit.test_survey_database import World, world
from workers.adapters.alembic import MARK, AlembicTool
from workers.observing_database import DatabaseWatch
from workers.survey_database import DatabaseLook
from workers.survey_glance import Glance

__all__ = ["world"]

ANSWERS = (
    '{"scripts": [{"id": 7',
    '{"scripts": 7}',
    '{"scripts": [{"id": "r01", "sql": "DROP TABLE users"}]}',
    '{"scripts": [{"id": "\\ud800"}]}',
    "[" * 5_000,
    "",
    '{"why": "' + "x" * 100_000 + '"}',
)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged."""
    with capture_logs() as lines:
        yield lines


def asking(world: World, folder: Path, answer: str) -> DatabaseLook:
    """The look with the real migration tool, whose images give that answer."""
    world.containers.played = lambda *_: OneOffOutcome(0, f"{MARK}{answer}\n", "", 0.1)
    tool = AlembicTool(world.containers, Migrations(), "api", folder, "RB-7")
    return replace(world.look, tool=tool)


def running(world: World) -> Future[RunningRelease | None]:
    found: Future[RunningRelease | None] = Future()
    found.set_result(world.containers.running("api"))
    return found


def seen(look: DatabaseLook) -> ObservedDatabase:
    """What the observer knows once its question was answered."""
    watch = DatabaseWatch(look, FixedClock())
    eventually(lambda: watch.seen() is not None, what="it is seen")
    found = watch.seen()
    assert found is not None
    return found


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[:20] or "nothing")
def test_an_answer_that_is_none_is_a_graph_that_nobody_knows(
    world: World, tmp_path: Path, answer: str
) -> None:
    """Survey and observer say why in one line, and the database's revisions are seen."""
    look = asking(world, tmp_path, answer)

    facts, why = Glance.begun(look, running(world)).facts(())
    observed = seen(look)

    assert why is None
    assert facts is not None
    for graph in (facts.graph, observed.graph):
        assert graph is not None
        assert graph.revisions == ()
        assert 0 < len(graph.why) <= 300
    assert observed.revisions == facts.revisions == ("r06",)


class BrokenTool(AlembicTool):
    """Fails as nobody foresaw."""

    def graph(self, target: Target) -> ScriptGraph:
        raise ValueError(target.version)


def test_what_nobody_foresaw_is_unknown_and_logged(
    world: World, tmp_path: Path, logged: list[MutableMapping[str, Any]]
) -> None:
    """The glance of a service's survey and the observer's watch go on without the scripts."""
    tool = BrokenTool(world.containers, Migrations(), "api", tmp_path)
    look = replace(world.look, tool=tool)

    facts, why = Glance.begun(look, running(world)).facts(())
    observed = seen(look)

    assert facts is None
    assert why is not None
    assert observed.why is not None
    assert "ValueError" in str(why.params)
    assert "ValueError" in str(observed.why.params)
    assert {"database_not_glanced_at", "observer_sees_no_database"} <= {
        line["event"] for line in logged if line["log_level"] == "error"
    }
