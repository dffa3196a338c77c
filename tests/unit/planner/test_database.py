"""The plan of a database rollback: its steps, its way back, its warnings."""

from __future__ import annotations

from typing import Any

import pytest

from commands.domain.database import DatabaseFacts, Fit, Loss, Revision, Session, Tie
from commands.domain.errors import PlanRefusedError
from commands.domain.facts import Facts
from commands.domain.people import Language, Scenario
from commands.domain.plan import (
    KeepCopy,
    MigrateSchema,
    Phase,
    Plan,
    RehearseMigration,
    RestoreBeside,
    StartDependants,
    StopDependants,
    SwitchRelease,
    UndoKind,
)
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.locale import has
from commands.planner.plan import plan
from tests.unit.planner.world import digest, facts, request, service_facts
from tests.unit.planner.world_database import (
    LOSSES,
    RELEASES,
    back,
    backup,
    database,
    database_runbook,
    older,
    restore,
    scripts,
    with_database,
)

SMOKE = ({"title": {"ru": "Дым"}, "argv": ("./smoke-test.sh",)},)


def planned(
    asked: Request | None = None, found: Facts | None = None, rules: Runbook | None = None
) -> Plan:
    return plan(asked or back(), found or with_database(), rules or database_runbook())


def action(made: Plan, kind: type[Any]) -> Any:
    (found,) = (s.action for s in made.steps if isinstance(s.action, kind))
    return found


def warned(found: DatabaseFacts, asked: Request | None = None, **rules: Any) -> list[str]:
    made = planned(asked, with_database(found), database_runbook(**rules))
    return [warning.key for warning in made.warnings]


def test_a_downgrade_goes_through_all_phases_in_order() -> None:
    """Proven and rehearsed first; down before any pin moves; the page goes only after proof."""
    made = planned(rules=database_runbook(smoke=SMOKE))

    assert [(s.phase.value, s.action.kind) for s in made.steps] == [
        ("prepare", "pull_image"), ("prepare", "pull_image"), ("prepare", "take_backup"),
        ("prepare", "prove_backup"), ("prepare", "rehearse_migration"),
        ("execute", "enter_maintenance"), ("execute", "stop_dependants"),
        ("execute", "drain_sessions"), ("execute", "compare_schema"), ("execute", "keep_copy"),
        ("execute", "migrate_schema"), ("execute", "read_schema"), ("execute", "pin_version"),
        ("execute", "start_dependants"), ("execute", "await_healthy"),
        ("verify", "read_back"), ("verify", "hold_stable"), ("verify", "run_check"),
        ("verify", "check_integrity"), ("verify", "leave_maintenance"),
        ("clean_up", "end_maintenance"), ("clean_up", "drop_scratch"),
        ("clean_up", "drop_prepared"),
    ]  # fmt: skip
    reverted = {s.action.kind for s in made.steps if s.undo is UndoKind.REVERT}
    assert reverted == {
        "enter_maintenance", "stop_dependants", "keep_copy", "migrate_schema", "pin_version",
        "start_dependants", "leave_maintenance",
    }  # fmt: skip
    assert [s.number for s in made.steps] == list(range(1, len(made.steps) + 1))


def test_the_downgrade_runs_in_the_newer_image_without_its_entry_point() -> None:
    """H1, H2: a container of its own, the running image's version, the address by name only."""
    migration = action(planned(), MigrateSchema).migration

    assert migration == action(planned(), RehearseMigration).migration
    assert (migration.version, migration.digest) == ("v1.3.0", digest("api", "v1.3.0"))
    assert (migration.before, migration.after) == (("r06",), ("r05",))
    assert migration.command.argv == (
        "docker", "compose", "-p", "samokoder", "-f", "docker-compose.yml",
        "run", "--rm", "--no-deps", "-T", "--label", "rollbot.rollback={rollback}",
        "-e", "PGAPPNAME=rollbot {rollback}", "-e", "PGOPTIONS=-c lock_timeout=5000",
        "-e", "DATABASE_URL", "--entrypoint", "alembic", "api",
        "-c", "alembic.ini", "downgrade", "r05",
    )  # fmt: skip
    assert migration.command.secrets == ("DATABASE_URL",)
    assert migration.command.environment == {"APP_VERSION": "v1.3.0"}


def test_the_version_proposed_is_the_newest_proven_one_that_fits() -> None:
    """v1.2.3 fits as well and is newer, but nobody saw it run well here; `--with` decides."""
    assert {t.version for t in planned().targets} == {"v1.2.2"}
    assert {t.version for t in planned(back(version="v1.2.3")).targets} == {"v1.2.3"}


def test_what_ran_is_stopped_and_what_fits_is_started() -> None:
    """Both users of the database, by one call each way."""
    made = planned()
    stop, start = action(made, StopDependants), action(made, StartDependants)

    assert [(t.service, t.version) for t in stop.targets] == [
        ("api", "v1.3.0"), ("worker", "v1.3.0"),
    ]  # fmt: skip
    assert [t.version for t in start.targets] == ["v1.2.2", "v1.2.2"]
    assert stop.command.argv[-3:] == start.stop.argv[-3:] == ("stop", "api", "worker")


def test_undo_swaps_a_clone_back_where_there_is_room() -> None:
    """2.2 times the size when the scratch copy is on the same server, 1.2 times when not."""
    room = round(2.3 * 2**30)
    assert action(planned(), MigrateSchema).way_back == "swap"
    assert action(planned(), KeepCopy).way == "clone"
    tight = database(server_free_bytes=room // 2)
    made = planned(found=with_database(tight))
    assert action(made, KeepCopy) == KeepCopy(
        database="samokoder", way="dump", tables=("project_tags", "projects")
    )
    migrate = action(made, MigrateSchema)
    assert (migrate.way_back, migrate.back.command.argv[-2:]) == ("migrate", ("upgrade", "r06"))
    assert migrate.back.version == "v1.3.0"
    assert "plan.db_no_clone" in [w.key for w in made.warnings]
    backups_full = tight.model_copy(update={"backup_free_bytes": 2**29})
    assert action(planned(found=with_database(backups_full)), KeepCopy).tables
    apart = database(server_free_bytes=room // 2 + 2**28, scratch_apart=True)
    assert action(planned(found=with_database(apart)), MigrateSchema).way_back == "swap"
    unknown = database(server_free_bytes=None, scratch_apart=True)
    unsaid = planned(found=with_database(unknown))
    assert action(unsaid, MigrateSchema).way_back == "migrate"
    assert "plan.db_no_clone_unknown" in [w.key for w in unsaid.warnings]
    assert "plan.db_no_clone_wanted" in warned(database(), clone="never")
    vouched = database(server_free_bytes=None)
    for asked in (back(), restore()):
        assert "plan.db_no_clone_unknown" not in warned(vouched, asked, clone="always")


@pytest.mark.parametrize("what", ["rows", "type", "view", "sequence"])
def test_the_dump_instead_of_a_clone_is_of_everything_unless_tables_alone_lose(what: str) -> None:
    """Deleted rows take others with them by a foreign key; what is in no table is in no dump."""
    more = Loss.model_validate({"what": what, "name": "tags"})
    found = database(server_free_bytes=2**30, losses=(*LOSSES, more))
    assert action(planned(found=with_database(found)), KeepCopy).tables == ()
    no_room = found.model_copy(update={"backup_free_bytes": 2**30 - 1})
    with pytest.raises(PlanRefusedError, match="no_room_for_backup"):
        planned(found=with_database(no_room))


def test_what_is_tied_down_can_go_back_in_place() -> None:
    """Without a clone no name changes: a slot is told; what is prepared just now will end."""
    slot = Tie(what="slot", name="cdc")
    passing = Tie(what="prepared", name="tx", age_s=0.1)
    found = database(ties=(slot, passing))
    assert "plan.db_tied" in warned(found, clone="never")
    assert "plan.db_tied" not in warned(database(ties=(passing,)))


def test_a_plan_tells_what_is_lost_and_only_the_names_are_approved() -> None:
    """Rows move all the time: they are on the card, and not in the digest."""
    made = planned()
    assert made.schema_change is not None
    assert made.schema_change.loses == ("column projects.description", "table project_tags")
    assert (made.schema_change.path, made.schema_change.after) == (("r06",), ("r05",))
    assert made.losses[1].rows == 1_204
    more = tuple(loss.model_copy(update={"rows": 9}) for loss in database().losses)
    assert planned(found=with_database(database(losses=more))).digest() == made.digest()
    fewer = with_database(database(losses=more[:1]))
    assert planned(found=fewer).digest() != made.digest()


def test_what_a_script_cannot_promise_is_said() -> None:
    """H16: autocommit cannot be undone half-way; an empty way back; SQL that nobody can see."""
    fits: tuple[Fit, ...] = (older("v1.2.2", "r03").model_copy(update={"at_head": True}),)
    offline = database(losses_why="offline", fits=fits)
    assert warned(offline, back("r03"))[:2] == ["plan.db_autocommit", "plan.db_losses_offline"]
    empty = scripts(Revision(id="r07", down=("r06",), empty=True))
    fits = (older("v1.2.2", "r06").model_copy(update={"knows": True, "at_head": True}),)
    found = database(revisions=("r07",), graph=empty, fits=fits, losses_why="DO $$ …")
    assert warned(found)[:2] == ["plan.db_empty", "plan.db_losses_unread"]


def test_a_merge_may_well_have_nothing_to_do() -> None:
    """Its empty downgrade is no reason to warn."""
    merge = (
        Revision(id="r07a", down=("r06",)),
        Revision(id="r07b", down=("r06",)),
        Revision(id="r08", down=("r07a", "r07b"), empty=True),
    )
    fits = (older("v1.3.0", "r06").model_copy(update={"knows": True, "at_head": True}),)
    found = database(revisions=("r08",), graph=scripts(*merge), fits=fits)
    assert "plan.db_empty" not in warned(found, back("r06", version="v1.3.0"))


def test_who_is_in_the_way_is_said() -> None:
    """Long transactions, strangers who will be cut off, a page already there or none at all."""
    sessions = (
        Session(pid=71, user="anna", application="psql", transaction_s=12.4),
        Session(pid=72, user="anna", application="psql"),
        Session(pid=73, user="samokoder", application="api"),
    )
    found = database(sessions=sessions, maintenance=True)
    made = planned(found=with_database(found))
    said = {w.key: w.params for w in made.warnings}
    assert said["plan.db_long_transaction"] == {"who": "psql", "pid": 71, "seconds": 12}
    assert said["plan.db_sessions"] == {"who": ("psql ×2",)}
    assert "plan.db_maintenance_on" in said
    bare = planned(rules=database_runbook(maintenance=False))
    assert "plan.db_no_maintenance" in [w.key for w in bare.warnings]
    assert not any("maintenance" in s.action.kind for s in bare.steps)


def test_a_version_that_nobody_could_look_into_is_warned_of() -> None:
    """Its image is in the registry only: it starts behind the page, and that is the proof."""
    assert "plan.db_fit_unknown" in warned(database(fits=()), back(version="v1.2.3"))
    assert "plan.db_fit_unknown" not in warned(database(), back(version="v1.2.3"))


def test_a_restore_is_made_beside_and_swapped_in() -> None:
    """H5: no database is dropped; the version is that of the backup; no downgrade at all."""
    made = planned(restore())

    assert [s.action.kind for s in made.of_phase(Phase.PREPARE, Phase.EXECUTE)] == [
        "pull_image", "pull_image", "restore_beside", "enter_maintenance", "stop_dependants",
        "drain_sessions", "compare_schema", "swap_database", "pin_version", "read_schema",
        "start_dependants", "await_healthy",
    ]  # fmt: skip
    assert action(made, RestoreBeside).sha256 == "a" * 64
    assert {t.version for t in made.targets} == {"v1.2.3"}
    assert made.schema_change is not None
    assert (made.schema_change.backup, made.schema_change.after) == ("samokoder_1.dump", ("r05",))


def test_a_backup_of_an_older_schema_is_brought_up_to_the_version() -> None:
    """`upgrade head` in the image of the version returned to, unless the runbook says nothing."""
    old = backup(revisions=("r04",), versions={})
    fits = tuple(older(version, "r04") for version in ("v1.2.3", "v1.2.2"))
    found = with_database(database(backups=(old,), fits=fits))
    made = planned(restore(version="v1.2.3"), found)
    (step,) = (s for s in made.steps if isinstance(s.action, MigrateSchema))
    assert isinstance(step.action, MigrateSchema)
    assert step.action.migration.command.argv[-2:] == ("upgrade", "heads")
    assert (step.action.migration.version, step.undo) == ("v1.2.3", UndoKind.NOTHING)
    assert (step.action.migration.before, step.action.migration.after) == (("r04",), ("r05",))


def test_a_full_rollback_with_its_database_restores_and_switches_the_rest() -> None:
    """`full v1.2.3 --restore-db`: users of the database stop; the frontend is just switched."""
    everyone = ("api", "worker", "frontend")
    services = tuple(service_facts(name, releases=RELEASES) for name in everyone)
    asked = request(*everyone, scenario=Scenario.FULL, restore_db=True)
    made = planned(asked, with_database(services=services))

    assert [t.service for t in action(made, StopDependants).targets] == ["api", "worker"]
    assert [t.service for t in action(made, StartDependants).targets] == ["api", "worker"]
    assert [t.service for t in action(made, SwitchRelease).targets] == ["frontend"]


@pytest.mark.parametrize(
    ("found", "key", "is_warning"),
    [
        (database(revisions=("r05",)), "plan.db_schema_safe", False),
        (database(fits=(older("v1.2.3", "r04"),)), "plan.db_schema_behind", True),
        (database(fits=(older("v1.2.3", "r06"),)), "plan.db_needs_downgrade", True),
        (database(fits=()), "plan.db_schema_image_unasked", True),
        (None, "plan.db_schema_unasked", True),
    ],
)  # fmt: skip
def test_a_service_rollback_says_whether_the_old_code_suits_the_schema(
    found: DatabaseFacts | None, key: str, is_warning: bool
) -> None:
    """H18: safe, behind, needs a downgrade (with the command), or not known."""
    made = plan(request(), facts(service_facts("api"), database=found), database_runbook())
    told = made.warnings if is_warning else made.evidence
    (said,) = (text for text in told if ".db_" in text.key)
    assert said.key == key
    if key == "plan.db_needs_downgrade":
        assert said.params["command"] == "/rollback db r05 --with api=v1.2.3"


def test_a_service_without_migrations_is_not_judged() -> None:
    """The frontend has no schema; of the worker, which uses one, nobody knows."""
    said = {
        name: [
            warning.key
            for warning in plan(
                request(name), facts(service_facts(name)), database_runbook()
            ).warnings
            if "schema" in warning.key
        ]
        for name in ("frontend", "worker")
    }
    assert said == {"frontend": [], "worker": ["plan.schema_unknown"]}


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_warning_has_words_in_both_languages(language: Language) -> None:
    """Nobody reads a bare key."""
    keys = (
        "autocommit empty fit_unknown long_transaction losses_offline losses_unread maintenance_on "
        "needs_downgrade no_clone no_maintenance schema_behind schema_image_unasked schema_safe "
        "schema_unasked schema_unknown_revision sessions"
    )
    missing = [key for key in keys.split() if not has(f"plan.db_{key}", language)]
    assert missing == []
