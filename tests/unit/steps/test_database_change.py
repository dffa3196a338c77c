"""The change itself: kept whole, migrated or swapped, and every way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from commands.database_ports import Shape, Watched
from commands.domain.errors import (
    CheckFailedError,
    CommandFailedError,
    CommandTimedOutError,
    EngineUnavailableError,
    InDoubtError,
    LockTimeoutError,
)
from commands.domain.keeping import COPY_STAYS
from commands.domain.people import Scenario
from commands.domain.plan import MigrateSchema
from commands.domain.text import text
from tests.fakes.database import FakeContent
from tests.fakes.database_plans import AFTER, BEFORE, NAME
from tests.unit.planner.world import REPOSITORY
from tests.unit.steps.database_world import (
    KEPT,
    LEFT,
    NEWER,
    NOW,
    OLDER,
    RESTORED,
    ROWS,
    SCRATCH,
    DatabaseWorld,
    database_world,
)
from tests.unit.steps.world import NEW
from workers.steps.progress import Progress

HALF = Shape({**NEWER.names, "index": frozenset()})


def half_way(w: DatabaseWorld) -> None:
    """The migration drops an index outside of its transaction, then fails (H16)."""
    w.tool.fails(change=lambda content, _: replace(content, shape=HALF))


def locked(w: DatabaseWorld, waited_s: float = 4.9) -> None:
    """The migration waits for somebody's lock, and is ended for it."""
    w.server.seen = Watched(waited_s=waited_s, holders=("psql (pid 71, 12 s)",))
    w.tool.fails()


def migrated(way: str = "clone") -> DatabaseWorld:
    w = database_world(way=way)
    w.do("keep_copy", "migrate_schema")
    return w


def test_nothing_was_migrated_since_people_approved() -> None:
    """The last look compares revisions; rows always move and are not compared."""
    w = database_world()
    w.server.databases[NAME] = replace(NOW, counts={"users": 21})
    w.do("compare_schema")
    w.server.databases[NAME] = replace(NOW, revisions=("0007",))
    with pytest.raises(CheckFailedError) as moved:
        w.do("compare_schema")
    assert moved.value.facts == {"database": NAME, "expected": BEFORE, "found": ("0007",)}


def test_the_image_is_still_the_one_that_was_approved() -> None:
    """Compose goes by the tag: another image under it, or other scripts, and nothing runs."""
    w = database_world()
    w.tool.shapes = {BEFORE: NEWER}
    with pytest.raises(CheckFailedError) as other:
        w.do("compare_schema")
    assert (other.value.key, other.value.facts["expected"]) == ("check.other_scripts", AFTER)
    w.do("keep_copy")
    here = w.services.engine.here
    here[f"{REPOSITORY}-api:{NEW}"] = here[f"{REPOSITORY}-worker:{NEW}"]
    for kind in ("compare_schema", "rehearse_migration", "migrate_schema"):
        if kind == "rehearse_migration":
            w.scratch.databases[SCRATCH] = NOW
            w.scratch.mark_whole(SCRATCH)
        with pytest.raises(CheckFailedError) as other:
            w.do(kind)
        assert other.value.key == "check.another_image"
    assert w.tool.runs == []


def test_a_clone_whose_end_nobody_saw_is_made_again() -> None:
    """Killed while it copied, or just after: what is not marked, or may lack rows, is no copy."""
    w = database_world()
    before = w.capture("keep_copy")
    assert w.step("keep_copy").probe(before) is Progress.UNTOUCHED
    w.server.databases[KEPT] = FakeContent()
    for _ in range(2):
        assert w.step("keep_copy").probe(before) is Progress.PARTIAL
        w.step("keep_copy").apply()
        assert w.server.databases[KEPT] == NOW


def test_a_clone_is_dropped_by_the_undo_only_before_the_change_was_begun() -> None:
    """Afterwards it stays, however unchanged all looks: nobody can read every script."""
    w = database_world()
    w.do("keep_copy")
    w.revert("keep_copy")
    assert list(w.server.databases) == [NAME]
    w.do("keep_copy")
    locked(w)
    with pytest.raises(LockTimeoutError):
        w.do("migrate_schema")
    assert w.step("migrate_schema").revert(w.before("migrate_schema")) == text("db.unchanged")
    said = w.step("keep_copy").revert(w.before("keep_copy"))
    assert said == text(COPY_STAYS, name=KEPT)
    assert w.server.databases == {NAME: NOW, KEPT: NOW}


def test_a_clone_of_something_else_than_what_is_there_stays() -> None:
    """Only a database that is as it was lets its clone go."""
    w = migrated()
    w.revert("keep_copy")
    assert set(w.server.databases) == {NAME, KEPT}


def test_without_room_what_the_migration_touches_is_dumped() -> None:
    """The dump is made again after a crash, and stays after an undo: it is for people."""
    w = database_world(way="dump")
    before = w.capture("keep_copy")
    for _ in range(2):
        w.step("keep_copy").apply()
        assert w.step("keep_copy").probe(before) is Progress.PARTIAL
    w.revert("keep_copy")
    kept = w.backups.listed(NAME)
    assert [record.counts for record in kept] == [{"projects": 100}]
    assert kept[0].by == "RB-17-kept"


def test_a_migration_is_proven_by_the_revisions_in_the_database() -> None:
    """It ran on production in its image, and the database says so."""
    w = migrated()
    assert (w.content.revisions, w.content.shape) == (AFTER, OLDER)
    assert w.tool.runs == [NAME]
    proof = w.do("read_schema").proof
    assert [(item.what, item.found) for item in proof] == [("schema", AFTER[0])]
    before = w.before("migrate_schema")
    assert w.step("migrate_schema").probe(before) is Progress.DONE


def test_a_bad_exit_after_everything_was_done_is_no_failure() -> None:
    """What the program says is not believed against what the database shows."""
    w = database_world()
    w.do("keep_copy")
    w.tool.fails(change=w.tool.migrated)
    w.do("migrate_schema")
    assert w.content.revisions == AFTER


def test_an_upgrade_to_whatever_the_image_has_ends_at_its_heads() -> None:
    """After a restore the plan may not know them yet: the image is asked, before and after."""
    w = migrated()
    number = w.planned("migrate_schema").number
    action = w.planned("migrate_schema").action
    assert isinstance(action, MigrateSchema)
    open_end = action.migration.model_copy(update={"after": ()})
    changed = action.model_copy(update={"migration": open_end})
    steps = [
        s if s.number != number else s.model_copy(update={"action": changed}) for s in w.plan.steps
    ]
    w.plan = w.plan.model_copy(update={"steps": tuple(steps)})
    w.tool.change = lambda content, _: replace(content, revisions=AFTER, shape=OLDER)
    assert w.step("migrate_schema").probe(w.before("migrate_schema")) is Progress.DONE
    w.do("migrate_schema")
    w.tool.heads = ("other",)
    with pytest.raises(InDoubtError):
        w.step("migrate_schema").apply()


def test_a_lock_is_given_up_with_its_holder_named() -> None:
    """Case 50, H17: everything is as before, and the way to go on is known."""
    w = database_world()
    locked(w)
    with pytest.raises(LockTimeoutError) as given_up:
        w.do("migrate_schema")
    assert given_up.value.holders == ("psql (pid 71, 12 s)",)
    assert w.content == NOW
    assert w.step("migrate_schema").probe(w.before("migrate_schema")) is Progress.UNTOUCHED


def test_a_short_wait_is_not_blamed_for_another_failure() -> None:
    """Somebody held a lock for a moment; it failed by itself."""
    w = database_world()
    locked(w, waited_s=0.3)
    with pytest.raises(CommandFailedError) as failed:
        w.do("migrate_schema")
    assert failed.value.program == "alembic"
    assert failed.value.tail == "psycopg.errors.CheckViolation"


@pytest.mark.parametrize("ends", ["fails", "times out", "engine away", "killed worker"])
def test_half_a_migration_is_in_doubt_and_its_objects_are_named(ends: str) -> None:
    """Case 49, H16: revisions as before, an index gone; only people may say how it goes on."""
    w = database_world()
    w.capture("migrate_schema")
    half_way(w)
    if ends == "times out":
        w.tool.dies = CommandTimedOutError("alembic", 60)
    if ends == "engine away":
        w.tool.dies = EngineUnavailableError(engine="docker", why="restarted")
    step = w.step("migrate_schema")
    with pytest.raises(InDoubtError) as doubt:
        step.apply()
    if ends == "killed worker":
        with pytest.raises(InDoubtError) as doubt:
            step.probe(w.before("migrate_schema"))
    assert doubt.value.key == "doubt.schema_half_way"
    assert doubt.value.facts["objects"] == ("- index projects.ix_projects_archived",)
    assert doubt.value.facts["now"] == BEFORE


def test_a_retry_half_way_is_still_measured_by_what_was_first() -> None:
    """The second attempt starts half-way; it is no clean failure for leaving it there."""
    w = database_world()
    half_way(w)
    for _ in range(2):
        with pytest.raises(InDoubtError):
            w.do("migrate_schema")


def test_an_index_that_was_left_invalid_is_half_way_too() -> None:
    """DROP INDEX CONCURRENTLY was ended for a lock: the name is there, the index is not."""
    w = database_world()
    invalid = frozenset({"projects.ix_projects_archived"})
    left = Shape({**NEWER.names, "invalid index": invalid})
    w.tool.fails(change=lambda content, _: replace(content, shape=left))
    with pytest.raises(InDoubtError) as doubt:
        w.do("migrate_schema")
    assert doubt.value.facts["objects"] == ("! invalid index projects.ix_projects_archived",)


def test_what_was_cut_short_is_ended_before_it_is_looked_at() -> None:
    """A session that outlived its program could commit after our look."""
    w = database_world()
    w.tool.fails()
    w.tool.dies = CommandTimedOutError("alembic", 60)
    with pytest.raises(CommandTimedOutError):
        w.do("migrate_schema")
    assert "settle" in w.server.calls


def test_an_undo_swaps_the_clone_in_and_puts_aside_what_was_written_since() -> None:
    """Rows written after the backup come back; those written after the rollback stay beside."""
    w = migrated()
    w.server.databases[NAME] = replace(w.content, counts={**ROWS, "users": 21})
    step, before = w.step("migrate_schema"), w.before("migrate_schema")
    assert step.changed_since(before) is None
    for _ in range(2):
        w.revert("migrate_schema")
    w.revert("keep_copy")
    assert w.content == NOW
    assert w.server.databases[LEFT].counts["users"] == 21
    assert set(w.server.databases) == {NAME, LEFT}
    assert step.changed_since(before) is None


def test_half_a_migration_is_undone_by_the_clone() -> None:
    """In doubt, and people say undo: the whole database comes back as it was."""
    w = database_world()
    w.do("keep_copy")
    half_way(w)
    with pytest.raises(InDoubtError):
        w.do("migrate_schema")
    assert w.step("migrate_schema").changed_since(w.before("migrate_schema")) is None
    w.revert("migrate_schema", "keep_copy")
    assert w.content == NOW


@pytest.mark.parametrize(
    ("gone", "key"), [("whole", "doubt.kept_half"), ("there", "doubt.kept_missing")]
)
def test_nothing_but_a_whole_clone_is_swapped_in(gone: str, key: str) -> None:
    """Without it only people can help; the database is left as it is."""
    w = migrated()
    w.server.whole.discard(KEPT)
    if gone == "there":
        del w.server.databases[KEPT]
    with pytest.raises(InDoubtError) as doubt:
        w.revert("migrate_schema")
    assert doubt.value.key == key
    assert w.content.revisions == AFTER


def test_an_undo_without_a_clone_migrates_back() -> None:
    """The scripts bring the schema back; what was dropped stays lost, which was said before."""
    w = migrated(way="dump")
    w.tool.change = lambda content, _: replace(content, revisions=BEFORE, shape=NEWER)
    for _ in range(2):
        w.revert("migrate_schema")
    assert (w.content.revisions, w.content.counts) == (BEFORE, ROWS)
    assert w.tool.runs == [NAME, NAME]


def test_a_way_back_that_leaves_something_out_is_in_doubt() -> None:
    """The revisions are back, an index is not: the scripts do not undo each other."""
    w = migrated(way="dump")
    w.tool.change = lambda content, _: replace(content, revisions=BEFORE, shape=HALF)
    with pytest.raises(InDoubtError) as doubt:
        w.revert("migrate_schema")
    assert doubt.value.facts["objects"] == ("- index projects.ix_projects_archived",)


def test_a_deploy_since_is_not_overwritten() -> None:
    """A revision that this migration does not know was somebody else's work."""
    w = migrated()
    w.server.databases[NAME] = replace(w.content, revisions=("0009",))
    since = w.step("migrate_schema").changed_since(w.before("migrate_schema"))
    assert since is not None
    assert since.key == "db.migrated_since"


def test_an_undo_is_not_begun_without_the_clone() -> None:
    """Somebody dropped it: that is found out before the services are stopped."""
    w = migrated()
    w.server.drop(KEPT)
    since = w.step("migrate_schema").changed_since(w.before("migrate_schema"))
    assert since is not None
    assert since.key == "db.kept_gone"


def test_a_restored_database_takes_the_name_and_gives_it_back() -> None:
    """H5: the old one is kept, the swap shows by the names alone, forth and back and again."""
    w = database_world(Scenario.RESTORE)
    beside(w)
    before = w.capture("swap_database")
    assert w.step("swap_database").probe(before) is Progress.UNTOUCHED
    for _ in range(2):
        w.step("swap_database").apply()
    assert w.step("swap_database").probe(before) is Progress.DONE
    assert (w.content.revisions, w.server.databases[KEPT]) == (AFTER, NOW)
    for _ in range(2):
        assert w.step("swap_database").changed_since(before) is None
        w.revert("swap_database")
    assert w.content == NOW
    assert w.server.databases[RESTORED].revisions == AFTER


def test_half_a_restored_database_is_not_swapped_in() -> None:
    """Its mark is missing: whoever made it did not finish."""
    w = database_world(Scenario.RESTORE)
    beside(w)
    w.server.whole.clear()
    with pytest.raises(CheckFailedError) as refused:
        w.do("swap_database")
    assert refused.value.key == "check.restored_half"
    assert w.content == NOW


def test_clean_up_drops_what_served_nobody_and_nothing_else() -> None:
    """Scratch and a restored one that was never swapped in go; what users wrote to stays."""
    w = database_world(Scenario.RESTORE)
    beside(w)
    w.scratch.databases[SCRATCH] = NOW
    w.server.databases["samokoder_restored_RB_16"] = NOW
    _, needed, new = (dumped(w, day) for day in (1, 2, 100))
    w.services.clock.sleep(100 * 86_400)
    told = w.step("drop_scratch", needed=lambda: (needed,)).apply().detail
    assert told is not None
    assert (told.key, told.params["n"]) == ("db.dropped_and_pruned", 1)
    assert [one.name for one in w.backups.listed(NAME)] == [new, needed]
    assert w.scratch.databases == {}
    assert set(w.server.databases) == {NAME, "samokoder_restored_RB_16"}

    beside(w)
    w.do("swap_database")
    w.revert("swap_database")
    w.do("drop_scratch")
    assert RESTORED in w.server.databases


def dumped(w: DatabaseWorld, day: int) -> str:
    """A backup of long ago, or of now."""
    name = f"{NAME}_day_{day}_RB-{day}.dump.zst"
    record = w.server.dump(NAME, f"/backups/{name}", 1)
    taken_at = w.services.clock.now() + timedelta(days=day)
    w.backups.note(record.model_copy(update={"taken_at": taken_at}))
    return name


def beside(w: DatabaseWorld) -> None:
    """A backup was restored beside production, whole."""
    w.server.databases[RESTORED] = FakeContent(ROWS, AFTER, OLDER)
    w.server.mark_whole(RESTORED)
