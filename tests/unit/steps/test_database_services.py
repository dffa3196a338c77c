"""Services stopped and started around the change, the page before them, the data after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.database_ports import Finding
from commands.domain.database import Session
from commands.domain.errors import CheckFailedError, EngineError, InDoubtError, ProxyError
from commands.domain.people import Scenario
from commands.domain.proof import Verdict
from commands.domain.text import text
from tests.fakes.database_plans import BACKUP, NAME
from tests.unit.steps.database_world import ROWS, DatabaseWorld, database_world
from tests.unit.steps.engine import looks_like
from tests.unit.steps.world import NEW, OLD
from workers.steps.progress import Outcome, Progress

CHANGES = ("stop_dependants", "keep_copy", "migrate_schema", "pin_version", "start_dependants")
ORPHAN = Finding("foreign_key", "files_project_id_fkey", ok=False, found="3")


def changed() -> DatabaseWorld:
    """Everything of the change is done; the services run the version that was gone back to."""
    w = database_world()
    for service in ("api", "worker"):
        image = w.services.engine.image(service, OLD)
        w.services.engine.here[f"{image.repository}:{image.tag}"] = image
    w.do("enter_maintenance", *CHANGES)
    return w


def verdicts(outcome: Outcome) -> dict[str, Verdict]:
    return {item.service: item.verdict for item in outcome.proof}


def test_services_stop_and_the_compatible_versions_start() -> None:
    """Exactly the dependants, by the planned command lines; others are left alone."""
    w = database_world()
    w.services.engine.deployed("frontend", NEW)
    w.do("stop_dependants")
    assert w.services.versions() == {"frontend": NEW}
    assert w.step("stop_dependants").probe(w.before("stop_dependants")) is Progress.DONE
    done = changed()
    assert done.services.versions() == {"api": OLD, "worker": OLD}


def test_a_stop_that_was_cut_short_is_repeated() -> None:
    """Killed between two services: partial; a stranger's image in between: in doubt."""
    w = database_world()
    before = w.capture("stop_dependants")
    assert w.step("stop_dependants").probe(before) is Progress.UNTOUCHED
    with w.services.engine.dying(after=1), pytest.raises(EngineError):
        w.step("stop_dependants").apply()
    assert w.step("stop_dependants").probe(before) is Progress.PARTIAL
    w.services.engine.becomes("worker", **looks_like(None))
    assert w.step("stop_dependants").probe(before) is Progress.IN_DOUBT


def test_a_service_that_does_not_stop_keeps_the_database_as_it_is() -> None:
    """Compose said yes, the engine says that it runs: nothing goes on."""
    w = database_world()
    # A Compose that knows none of them stops none of them.
    w.services.engine.runbook = w.services.book.model_copy(update={"services": {}})
    with pytest.raises(CheckFailedError) as running:
        w.do("stop_dependants")
    assert running.value.key == "check.not_stopped"


def test_an_undo_runs_again_what_ran_and_pins_what_was_pinned() -> None:
    """H6: what ran was started by a shell variable; the file says afterwards what it said."""
    w = database_world()
    files = dict(w.services.files.files)
    w = changed()
    for step in ("stop_dependants", "start_dependants", "pin_version", "migrate_schema"):
        assert w.step(step).changed_since(w.before(step)) is None
    w.revert("start_dependants")
    assert w.services.versions() == {}
    w.revert("pin_version", "migrate_schema", "keep_copy", "stop_dependants")
    w.revert("enter_maintenance")
    assert w.services.versions() == {"api": NEW, "worker": NEW}
    assert {path: w.services.files.files[path] for path in files} == files
    assert not w.proxy.is_entered()


def test_a_deploy_since_hinders_the_undo() -> None:
    """A service runs neither what ran before nor what this plan started."""
    w = changed()
    w.services.engine.becomes("api", **looks_like(None), version="v9")
    since = w.step("stop_dependants").changed_since(w.before("stop_dependants"))
    assert since is not None
    assert since.params == {"service": "api", "found": "v9"}


def test_who_was_in_the_database_is_told_without_what_they_asked() -> None:
    """Sessions end; their application, role and address are named."""
    w = database_world()
    psql = Session(pid=71, user="gleb", application="psql", client="10.0.0.7")
    w.server.clients[NAME] = (psql,)
    outcome = w.do("drain_sessions")
    assert outcome.detail is not None
    assert outcome.detail.params == {"n": 1, "who": ("psql (gleb, 10.0.0.7)",)}
    again = w.do("drain_sessions").detail
    assert again is not None
    assert again.key == "db.drained_by_themselves"


def test_a_page_that_is_not_seen_does_not_count() -> None:
    """The proxy took the words and shows the old page: maintenance has not begun."""
    w = database_world()
    w.proxy.deaf = True
    before = w.capture("enter_maintenance")
    with pytest.raises(ProxyError):
        w.step("enter_maintenance").apply()
    assert w.services.clock.elapsed_s >= 15
    assert w.step("enter_maintenance").probe(before) is Progress.PARTIAL
    w.proxy.deaf = False
    assert w.step("enter_maintenance").probe(before) is Progress.DONE


def test_the_page_goes_and_comes_back_with_an_undo() -> None:
    """Entered, left after the checks, entered again when what follows takes the services away."""
    w = database_world()
    before = w.capture("enter_maintenance")
    assert w.step("enter_maintenance").probe(before) is Progress.UNTOUCHED
    assert verdicts(w.step("enter_maintenance").apply()) == {"traefik": Verdict.OK}
    assert verdicts(w.do("leave_maintenance")) == {"traefik": Verdict.OK}
    assert not w.proxy.is_entered()
    w.revert("leave_maintenance")
    assert w.proxy.is_entered()
    w.revert("enter_maintenance")
    assert w.proxy.told == ["enter", "leave", "enter", "leave"]


def test_a_page_that_somebody_put_up_before_is_theirs() -> None:
    """An undo and the clean-up leave it, and both say that users still stand before it."""
    w = database_world()
    w.proxy.enter("by hand")
    w.do("enter_maintenance")
    undone = w.step("enter_maintenance").revert(w.before("enter_maintenance"))
    ended = w.do("end_maintenance").detail
    assert w.proxy.is_entered()
    assert undone == ended == text("db.maintenance_not_ours", file="/etc/traefik/rollbot.yml")


def test_the_page_stays_while_the_services_are_not_well() -> None:
    """People ended the run: the page goes by itself only when users can be served."""
    w = changed()
    w.services.answer("http://worker/health", 503)
    stays = w.do("end_maintenance").detail
    assert stays is not None
    assert stays.params == {"services": ("worker",), "file": "/etc/traefik/rollbot.yml"}
    assert w.proxy.is_entered()
    w.services.answer("http://worker/health", 200)
    assert verdicts(w.do("end_maintenance")) == {"traefik": Verdict.OK}
    assert not w.proxy.is_entered()


def test_rows_before_and_after_are_compared() -> None:
    """As many as the rehearsal expects, or more: the services run again behind the page."""
    w = changed()
    w.server.databases[NAME] = replace(w.content, counts={**ROWS, "users": 21})
    sound = w.do("check_integrity")
    assert verdicts(sound) == dict.fromkeys(ROWS, Verdict.OK)


def test_what_the_rehearsal_moved_is_expected() -> None:
    """A data migration deletes rows: the copy said how many, and production agrees."""
    w = database_world()
    w.tool.change = lambda content, migration: replace(
        w.tool.migrated(content, migration), counts={**ROWS, "files": 290}
    )
    w.do("take_backup", "prove_backup", "rehearse_migration", "keep_copy", "migrate_schema")
    assert verdicts(w.do("check_integrity")) == dict.fromkeys(ROWS, Verdict.OK)


def test_fewer_rows_than_expected_are_for_people_to_judge() -> None:
    """Nobody predicted that rows go: in doubt, with the table and both numbers."""
    w = changed()
    w.server.databases[NAME] = replace(w.content, counts={**ROWS, "users": 19})
    with pytest.raises(InDoubtError) as doubt:
        w.do("check_integrity")
    assert doubt.value.facts["tables"] == ("users: 19 (≥ 20)",)


def test_new_orphans_keep_users_out_and_old_ones_do_not() -> None:
    """What was unsound in the copy was approved as such; anything else is found out now."""
    w = database_world()
    w.do("take_backup", "prove_backup")
    w.do("keep_copy", "migrate_schema")
    w.server.databases[NAME] = replace(w.content, broken=(ORPHAN,))
    with pytest.raises(CheckFailedError) as unsound:
        w.do("check_integrity")
    assert unsound.value.facts["found"] == ("foreign_key files_project_id_fkey",)

    known = database_world()
    known.server.databases[NAME] = replace(known.content, broken=(ORPHAN,))
    known.do("take_backup", "prove_backup", "rehearse_migration", "keep_copy", "migrate_schema")
    found = known.do("check_integrity")
    assert verdicts(found)["foreign_key"] is Verdict.UNKNOWN

    skipped = database_world()
    skipped.server.databases[NAME] = replace(skipped.content, broken=(ORPHAN,))
    skipped.do("take_backup", "prove_backup", "keep_copy", "migrate_schema")
    assert verdicts(skipped.do("check_integrity"))["foreign_key"] is Verdict.UNKNOWN


def test_after_a_restore_the_backup_says_how_many_rows_there_must_be() -> None:
    """The counts of its own snapshot; what is unsound in it was told before the page went up."""
    w = database_world(Scenario.RESTORE)
    path = f"/backups/{BACKUP}"
    record = w.server.dump(NAME, path, 1)
    w.backups.shelf.notes[path] = record.model_copy(update={"sha256": "5" * 64})
    w.backups.shelf.files[path] = replace(w.backups.shelf.files[path], broken=(ORPHAN,))
    told = w.do("restore_beside").evidence
    assert [item.name for item in told if item.ok is False] == ["restore_integrity"]
    w.do("swap_database")
    found = verdicts(w.do("check_integrity"))
    assert found == {**dict.fromkeys(ROWS, Verdict.OK), "foreign_key": Verdict.UNKNOWN}
    w.server.databases[NAME] = replace(w.content, counts={"users": 20, "projects": 100})
    with pytest.raises(InDoubtError) as doubt:
        w.do("check_integrity")
    assert doubt.value.facts["tables"] == ("files: — (≥ 300)",)


def test_a_check_that_could_not_tell_is_unknown() -> None:
    """Green is only what was seen."""
    w = changed()
    unsure = Finding("index", "projects.ix_projects_name", ok=None, found="too large")
    w.server.databases[NAME] = replace(w.content, broken=(unsure,))
    assert verdicts(w.do("check_integrity"))["index"] is Verdict.UNKNOWN
