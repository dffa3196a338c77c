"""Rows that would be lost silently, because the schema looks unchanged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.database_ports import Watched
from commands.domain.errors import CommandTimedOutError, InDoubtError
from commands.domain.text import text
from commands.planner.database_warnings import AUTOCOMMIT
from tests.fakes.database_plans import NAME
from tests.unit.steps.database_world import KEPT, LEFT, NOW, DatabaseWorld, database_world
from workers.steps.progress import Progress

EMPTIED = replace(NOW, counts={**NOW.counts, "files": 0})


def apart(way: str = "clone") -> DatabaseWorld:
    """A script that empties a table outside of its transaction, then fails: H16 without a trace."""
    w = database_world(way=way)
    w.plan = w.plan.model_copy(update={"warnings": (text(AUTOCOMMIT, scripts=("8c1f",)),)})
    w.do("keep_copy")
    w.tool.fails(change=lambda *_: EMPTIED)
    return w


def test_rows_changed_outside_of_a_transaction_come_back_with_the_undo() -> None:
    """Revisions and schema are as before, the rows are not: the clone is not dropped."""
    w = apart()
    with pytest.raises(InDoubtError) as doubt:
        w.do("migrate_schema")
    assert doubt.value.key == "doubt.rows_perhaps_changed"
    w.revert("migrate_schema", "keep_copy")
    assert w.server.databases == {NAME: NOW, LEFT: EMPTIED}
    w.revert("migrate_schema", "keep_copy")
    assert w.server.databases == {NAME: NOW, LEFT: EMPTIED}


def test_a_cut_short_script_outside_of_a_transaction_is_not_run_again_unasked() -> None:
    """A crash or the time limit: it may have changed rows, and people decide whether to repeat."""
    w = apart()
    w.tool.dies = CommandTimedOutError("alembic", 600)
    with pytest.raises(InDoubtError):
        w.do("migrate_schema")
    with pytest.raises(InDoubtError):
        w.step("migrate_schema").probe(w.before("migrate_schema"))
    assert KEPT in w.server.databases


def test_a_lock_met_outside_of_a_transaction_is_no_clean_failure() -> None:
    """H17 and H16 at once: batches were committed before the lock; who holds it is told."""
    w = apart()
    w.server.seen = Watched(waited_s=4.9, holders=("psql (pid 71, 12 s)",))
    with pytest.raises(InDoubtError) as doubt:
        w.do("migrate_schema")
    assert doubt.value.key == "doubt.rows_perhaps_changed"
    assert doubt.value.facts["said"] == text("doubt.locked_out", holders=("psql (pid 71, 12 s)",))
    w.revert("migrate_schema", "keep_copy")
    assert w.content == NOW


def test_a_script_within_its_transaction_is_run_again_after_a_crash() -> None:
    """What the server rolled back has left nothing: no question is asked about it."""
    w = database_world()
    w.do("keep_copy")
    w.capture("migrate_schema")
    assert w.step("migrate_schema").probe(w.before("migrate_schema")) is Progress.UNTOUCHED
