"""Rows that would be lost silently, because the schema looks unchanged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.database_ports import Watched
from commands.domain.errors import CommandFailedError, CommandTimedOutError, InDoubtError
from commands.domain.text import text
from commands.planner.database_warnings import AUTOCOMMIT
from tests.fakes.database_plans import NAME
from tests.unit.steps.database_world import KEPT, LEFT, NOW, DatabaseWorld, database_world
from workers.steps.progress import Progress

EMPTIED = replace(NOW, counts={**NOW.counts, "files": 0})


def apart(way: str = "clone", is_known: bool = True) -> DatabaseWorld:
    """A script that empties a table outside of its transaction, then fails: H16 without a trace.

    `is_known`: its code says so.
    """
    w = database_world(way=way)
    if is_known:
        w.plan = w.plan.model_copy(update={"warnings": (text(AUTOCOMMIT, scripts=("8c1f",)),)})
    w.do("keep_copy")
    w.tool.fails(change=lambda *_: EMPTIED)
    return w


@pytest.mark.parametrize("is_known", [True, False])
def test_rows_changed_outside_of_a_transaction_come_back_with_the_undo(is_known: bool) -> None:
    """Revisions and schema are as before, the rows are not: the clone is not dropped.

    Whether or not anybody could read out of the script that it commits by itself.
    """
    w = apart(is_known=is_known)
    with pytest.raises(InDoubtError) as doubt:
        w.do("migrate_schema")
    assert doubt.value.key == "doubt.rows_changed"
    assert doubt.value.facts["tables"] == ("files 300 → 0",)
    with pytest.raises(InDoubtError):
        w.step("migrate_schema").probe(w.before("migrate_schema"))
    for _ in range(2):
        assert w.step("migrate_schema").changed_since(w.before("migrate_schema")) is None
        w.revert("migrate_schema", "keep_copy")
        assert w.server.databases == {NAME: NOW, LEFT: EMPTIED}


def test_rows_too_many_to_count_are_not_called_unchanged() -> None:
    """Nobody knows: the copy comes back, and what was there is put aside. Nothing is dropped."""
    w = apart(is_known=False)
    w.server.fails["counts"] = CommandTimedOutError("count", 20)
    with pytest.raises(CommandFailedError):
        w.do("migrate_schema")
    w.revert("migrate_schema", "keep_copy")
    assert w.server.databases == {NAME: NOW, LEFT: EMPTIED}


def test_without_a_clone_the_undo_says_which_rows_it_cannot_bring_back() -> None:
    """The schema never moved, and the scripts would find nothing to do: silence would be a lie."""
    w = apart("dump", is_known=False)
    with pytest.raises(InDoubtError):
        w.do("migrate_schema")
    said = w.step("migrate_schema").revert(w.before("migrate_schema"))
    assert said == text("db.rows_not_back", tables=("files 300 → 0",))


def test_a_cut_short_script_outside_of_a_transaction_is_not_run_again_unasked() -> None:
    """A crash or the time limit: it may have changed rows, and people decide whether to repeat."""
    w = apart()
    w.tool.fails()
    w.tool.dies = CommandTimedOutError("alembic", 600)
    with pytest.raises(InDoubtError):
        w.do("migrate_schema")
    with pytest.raises(InDoubtError):
        w.step("migrate_schema").probe(w.before("migrate_schema"))
    assert KEPT in w.server.databases


def test_a_lock_met_outside_of_a_transaction_is_no_clean_failure() -> None:
    """H17 and H16 at once: batches were committed before the lock; who holds it is told."""
    w = apart()
    w.tool.fails()
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
