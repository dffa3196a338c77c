"""Backing up, proving, rehearsing, restoring beside: what is done while people decide."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import pytest

from commands.database_ports import Finding, ServerFacts, Watched
from commands.domain.errors import (
    BackupInvalidError,
    CheckFailedError,
    DiskFullError,
    LeaseHeldError,
)
from commands.domain.people import Scenario
from tests.fakes.database import FakeDatabase
from tests.fakes.database_plans import BACKUP, BEFORE, NAME
from tests.unit.steps.database_world import (
    NOW,
    OLDER,
    RESTORED,
    ROWS,
    SCRATCH,
    DatabaseWorld,
    database_world,
)
from workers.steps.progress import Outcome, Progress
from workers.steps.rehearse_migration import RehearseMigration

PREPARED = ("take_backup", "prove_backup")


def said(outcome: Outcome) -> dict[str, dict[str, object]]:
    """The lines of evidence that people read, by key."""
    return {i.said.key: dict(i.said.params) for i in outcome.evidence if i.said}


def backed_up(w: DatabaseWorld) -> str:
    w.do("take_backup")
    return w.backups.listed(NAME)[0].name


def test_a_backup_is_made_once_under_the_name_that_was_captured() -> None:
    """A worker that died after the dump finds the very file; its evidence is told all the same."""
    w = database_world()
    before = w.capture("take_backup")
    assert w.step("take_backup").probe(before) is Progress.UNTOUCHED
    first = w.step("take_backup").apply()
    assert w.step("take_backup").probe(before) is Progress.PARTIAL
    assert w.step("take_backup").apply().evidence == first.evidence
    assert [call for call in w.server.calls if call.startswith("dump")] == [
        f"dump {NAME} {before['path']}"
    ]
    assert said(first)["db.evidence_backup"]["sha"]


def test_a_proven_backup_was_restored_and_every_count_compared() -> None:
    """H3: the note says when, the environment is told, and the copy stays for the rehearsal."""
    w = database_world()
    proven = w.do(*PREPARED)
    assert said(proven)["db.proved"] == {"n": 4, "rows": 427, "seconds": pytest.approx(0, abs=1)}
    assert proven.backup == w.backups.listed(NAME)[0]
    assert proven.backup is not None
    assert proven.backup.proven_at is not None
    assert w.scratch.databases[SCRATCH] == NOW
    assert list(w.server.databases) == [NAME]


@pytest.mark.parametrize("why", ["truncated", "counts"])
def test_a_bad_backup_is_refused_and_leaves_nothing_on_the_server(why: str) -> None:
    """Case 45: invalid, said in its note too, production untouched, the half copy dropped."""
    w = database_world()
    path = f"/backups/{backed_up(w)}"
    if why == "truncated":
        w.backups.shelf.damaged.add(path)
    else:
        w.backups.shelf.files[path] = replace(NOW, counts={**ROWS, "tags": 6})
    with pytest.raises(BackupInvalidError) as refused:
        w.do("prove_backup")
    assert refused.value.why == why
    note = w.backups.listed(NAME)[0]
    assert (note.why, note.proven_at) == (why, None)
    assert w.scratch.databases == {}
    assert w.content == NOW


def test_no_room_for_the_copy_is_said_before_it_is_begun() -> None:
    """Case 46: the server that holds production is never filled up by a proof."""
    w = database_world()
    backed_up(w)
    w.server.facts = ServerFacts(150018, 150018, 1_000_000)
    with pytest.raises(DiskFullError):
        w.step("prove_backup", scratch=w.server).apply()
    w.server.facts = ServerFacts(150018, 150018, None)
    with pytest.raises(CheckFailedError) as unknown:
        w.step("prove_backup", scratch=w.server).apply()
    assert unknown.value.key == "check.room_unknown"
    assert list(w.server.databases) == [NAME]


def test_a_rehearsal_tells_what_the_migration_destroys_and_how_long_it_took() -> None:
    """Names, rows, time and lock stand on the approval card; production is not touched."""
    w = database_world()
    w.scratch.seen = Watched(held_s=0.4)
    rehearsed = w.do(*PREPARED, "rehearse_migration")
    lines = said(rehearsed)
    assert lines["db.rehearsed"] == {"seconds": 3.1, "held_s": 0.4}
    assert lines["db.drops_column"]["names"] == ("projects.archived_at", "projects.description")
    assert lines["db.drops_table"] == {"n": 1, "names": ("tags",)}
    assert lines["db.loses"]["name"] == "tags"
    assert "db.copy_sound" in lines
    assert all(item.ok for item in rehearsed.evidence)
    assert w.content == NOW
    assert w.scratch.databases[SCRATCH].shape == OLDER


def rehearsed_with(w: DatabaseWorld, finding: Finding) -> Outcome:
    """What a rehearsal says whose integrity check finds this on the copy."""
    w.do(*PREPARED)
    content = w.scratch.databases[SCRATCH]
    w.scratch.databases[SCRATCH] = replace(content, broken=(finding,))
    return w.do("rehearse_migration")


def test_an_unsound_copy_is_evidence_against() -> None:
    """What integrity finds after the rehearsal is shown as bad, by name."""
    w = database_world()
    orphan = Finding("foreign_key", "files_project_id_fkey", ok=False, found="3")
    rehearsed = rehearsed_with(w, orphan)
    bad = [item.name for item in rehearsed.evidence if not item.ok]
    assert bad == ["rehearsal_integrity"]
    assert said(rehearsed)["db.copy_unsound"]["names"] == ("foreign_key files_project_id_fkey",)


def test_what_cannot_be_told_of_a_copy_is_no_soundness() -> None:
    """A key that is NOT VALID is named as unknown: neither red, nor hidden behind a green line."""
    w = database_world()
    unsure = Finding("foreign_key", "files.owner", ok=None, found="NOT VALID 3")
    rehearsed = rehearsed_with(w, unsure)
    assert [i.ok for i in rehearsed.evidence if i.name.startswith("rehearsal_integrity")] == [None]
    assert said(rehearsed)["db.unsure"]["names"] == ("foreign_key files.owner (NOT VALID 3)",)


def test_a_rehearsal_that_fails_ends_it_before_production() -> None:
    """A migration that cannot run is found out on the copy, with the tail of what it said."""
    w = database_world()
    w.do(*PREPARED)
    w.tool.fails()
    with pytest.raises(CheckFailedError) as failed:
        w.do("rehearse_migration")
    assert failed.value.key == "check.rehearsal_failed"
    assert w.content == NOW
    assert w.tool.runs == [SCRATCH]


def test_a_rehearsal_that_does_nothing_is_no_rehearsal() -> None:
    """Exit code 0 is not believed: the revisions in the copy are read."""
    w = database_world()
    w.do(*PREPARED)
    w.tool.change = lambda content, _: content
    with pytest.raises(CheckFailedError) as failed:
        w.do("rehearse_migration")
    assert failed.value.key == "check.rehearsal_not_moved"


def test_a_rehearsal_that_was_cut_short_begins_with_a_fresh_copy() -> None:
    """Half a migrated copy would lie: the second attempt restores the backup anew."""
    w = database_world()
    w.do(*PREPARED)
    w.capture("rehearse_migration")
    content = w.scratch.databases[SCRATCH]
    w.scratch.databases[SCRATCH] = replace(content, shape=OLDER)
    before = w.before("rehearse_migration")
    assert w.step("rehearse_migration").probe(before) is Progress.PARTIAL
    again = w.do("rehearse_migration")
    assert said(again)["db.drops_table"]["n"] == 1


def test_a_backup_of_another_schema_is_not_rehearsed_on() -> None:
    """Somebody migrated between the plan and the backup: the plan is not from there."""
    w = database_world()
    w.server.databases[NAME] = replace(NOW, revisions=("0000",))
    w.do(*PREPARED)
    with pytest.raises(CheckFailedError) as failed:
        w.do("rehearse_migration")
    assert failed.value.facts["expected"] == BEFORE


@pytest.mark.parametrize("kind", ["prove_backup", "rehearse_migration", "restore_beside"])
def test_what_fills_a_server_waits_for_its_turn(kind: str) -> None:
    """It holds the turn while it works, and begins nothing when the turn does not come."""
    scenario = Scenario.RESTORE if kind == "restore_beside" else Scenario.DATABASE
    w = database_world(scenario)
    if scenario is Scenario.RESTORE:
        put_on_the_shelf(w)
    else:
        w.do(*PREPARED)
    done = len(w.server.calls), len(w.scratch.calls)

    def not_yet(*about: object) -> None:
        raise LeaseHeldError(environment="production.rehearsal", holder="71 rehearsal")

    with pytest.raises(LeaseHeldError):
        w.step(kind, turn=not_yet).apply()
    assert (len(w.server.calls), len(w.scratch.calls)) == done


def test_a_rehearsal_is_left_while_it_waits() -> None:
    """An approver skips it before its turn came: nothing was run, and nothing is evidence."""
    w = database_world()
    w.do(*PREPARED)
    w.capture("rehearse_migration")
    outcome = w.step("rehearse_migration", turn=lambda *_: nullcontext(enter_result=False)).apply()
    assert (outcome.is_moot, outcome.evidence, w.tool.runs) == (True, (), [])


def test_a_rehearsal_is_left_while_it_runs() -> None:
    """An approver skips it: its program and its sessions are ended, and nothing is evidence."""
    w = database_world()
    w.do(*PREPARED)
    w.capture("rehearse_migration")
    server = EndingServer(dict(w.scratch.databases), w.scratch.shelf, w.services.clock)
    w.tool.scratch = server
    w.tool.meanwhile = lambda: server.ended.wait(60)
    w.tool.fails()
    step = w.step("rehearse_migration", scratch=server, skipped=lambda: True)
    assert isinstance(step, RehearseMigration)
    outcome = replace(step, ask_every_s=0.01).apply()
    assert (outcome.is_moot, outcome.evidence) == (True, ())


def test_a_backup_is_restored_beside_and_nothing_is_swapped() -> None:
    """H5: the old database stays where it is; the new one is compared and marked whole."""
    w = database_world(Scenario.RESTORE)
    put_on_the_shelf(w)
    restored = w.do("restore_beside")
    assert said(restored)["db.restored"]["at"] == "2026-11-22 12:00 UTC"
    assert "db.restored_sound" in said(restored)
    assert w.server.is_whole(RESTORED)
    assert w.content == NOW
    w.do("restore_beside")
    assert set(w.server.databases) == {NAME, RESTORED}


def test_another_file_under_the_planned_name_is_not_restored() -> None:
    """People approved a backup by its SHA-256, not by its name."""
    w = database_world(Scenario.RESTORE)
    put_on_the_shelf(w, sha256="6" * 64)
    with pytest.raises(BackupInvalidError) as refused:
        w.do("restore_beside")
    assert refused.value.why == "changed"
    assert list(w.server.databases) == [NAME]


def put_on_the_shelf(w: DatabaseWorld, sha256: str = "5" * 64) -> None:
    """The backup that the plan of a restore names."""
    path = f"/backups/{BACKUP}"
    record = w.server.dump(NAME, path, 1)
    w.backups.shelf.notes[path] = record.model_copy(update={"sha256": sha256})


@dataclass(slots=True)
class EndingServer(FakeDatabase):
    """A server on which what runs ends when it is told so."""

    ended: threading.Event = field(default_factory=threading.Event)

    def settle(self) -> None:
        self.ended.set()


def test_a_backup_says_what_ran_when_it_was_taken() -> None:
    """H4: by that, one of the faulty release is told from those before it."""
    w = database_world()
    w.do("take_backup")
    (record,) = w.backups.listed(NAME)
    assert record.versions == {"api": "v1.3.0", "worker": "v1.3.0"}
