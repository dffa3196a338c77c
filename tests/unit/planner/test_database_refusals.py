"""Why a database rollback is refused before anything is done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from commands.domain.database import DatabaseFacts, Revision, Tie
from commands.domain.errors import DatabaseUnavailableError, PlanRefusedError
from commands.domain.people import Language
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.locale import say
from commands.planner.plan import plan
from tests.unit.planner.world import NOW, facts, pin, runbook, service_facts
from tests.unit.planner.world_database import (
    RELEASES,
    USERS,
    back,
    backup,
    database,
    database_runbook,
    older,
    restore,
    scripts,
    with_database,
)

GIB = 2**30
FORGOTTEN = Tie(what="prepared", name="cdc_1", age_s=60)
TIES = (
    FORGOTTEN,
    Tie(what="subscription", name="cdc_1"),
    Tie(what="slot", name="cdc_1"),
    Tie(what="sender", name="cdc_1"),
    Tie(what="worker", name="cdc_1"),
)


def refusal(
    asked: Request, found: DatabaseFacts | None, rules: Runbook | None = None, **more: Any
) -> PlanRefusedError:
    with pytest.raises(PlanRefusedError) as refused:
        plan(asked, with_database(found, **more), rules or database_runbook())
    return refused.value


OLD = backup("old.sql.gz", proven_at=None, sha256="")
LATE = backup(taken_at=NOW)
GONE = Revision(id="r07i", down=("r06",), title="Events go", irreversible=True)


@pytest.mark.parametrize(
    ("asked", "changed", "key", "named"),
    [
        (back(), {"graph": None}, "image_unknown", "api"),
        (back(), {"graph": scripts(Revision(id="r07d", down=("r06x",)))}, "broken_reference",
         "r07d → r06x"),
        (back(), {"graph": scripts(Revision(id="r06b", down=("r05",)))}, "several_heads", "r06b"),
        (back(), {"graph": scripts().model_copy(update={"why": "No module named alembic"})},
         "scripts_unread", "No module"),
        (back(), {"revisions": ()}, "no_revision", "samokoder"),
        (back(), {"revisions": ("r09",)}, "current_unknown", "r09"),
        (back("r99"), {}, "revision_unknown", "r06"),
        (back("r06"), {}, "already_there", "r06"),
        (back("base"), {}, "to_base", "r03"),
        (back(), {"revisions": ("r07i",), "graph": scripts(GONE)}, "irreversible",
         "r07i (Events go)"),
        (back(), {"server_version": 140_011}, "server_old", "14"),
        (back(), {"client_version": 140_011}, "client_old", "14"),
        (back(), {"client_version": None}, "no_client", "db"),
        (back(), {"backup_free_bytes": GIB // 4}, "no_room_for_backup", "256"),
        (back(), {"fits": ()}, "no_version", "r05"),
        (back(version="v1.2.1"), {"fits": (older("v1.2.1", "r06"), older("v1.2.2"))},
         "version_unaware", "v1.2.2"),
        (back("r04", version="v1.2.2"), {"fits": (older("v1.2.2", "r04"),)}, "version_ahead",
         "r05"),
        (restore(), {"backups": (LATE, OLD)}, "no_backup", "old.sql.gz"),
        (restore("nothing.dump"), {}, "backup_unknown", "samokoder_1.dump"),
        (restore("old.sql.gz"), {"backups": (OLD,)}, "backup_unproven", "rollbot backup verify"),
        (restore("bad.dump"), {"backups": (backup("bad.dump", why="truncated"),)}, "backup_bad",
         "bad.dump"),
        (restore(), {"server_free_bytes": GIB}, "no_room_beside", "1024"),
        (back(), {"server_free_bytes": None}, "room_unknown", "disk_gib"),
        (restore(), {"server_free_bytes": None, "scratch_apart": True}, "room_unknown", "1228"),
        *(
            (asked, {"ties": (tie,)}, f"tied_{tie.what}", "cdc_1")
            for asked in (back(), restore())
            for tie in TIES
        ),
        (back(), {"server_free_bytes": GIB, "ties": (FORGOTTEN,)}, "tied_prepared",
         "pg_prepared_xacts"),
    ],
)  # fmt: skip
def test_a_rollback_that_is_not_safe_is_refused_with_names_and_a_way_out(
    asked: Request, changed: dict[str, Any], key: str, named: str
) -> None:
    """Cases 47, 48, 51, H2, H4, H15: both languages say what stands in the way."""
    error = refusal(asked, database(**changed))

    assert error.key == f"refused.db_{key}"
    for language in ("ru", "en"):
        said = say(error.text, language)
        assert named in said
        assert "{" not in said


def test_without_a_database_in_the_runbook_there_is_nothing_to_roll_back() -> None:
    """The section is named that must be written."""
    assert refusal(back(), None, runbook()).key == "refused.db_none"


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_database_that_could_not_be_asked_says_so_itself(language: Language) -> None:
    """The survey's own error is the refusal; the same is only a warning for a service."""
    why = DatabaseUnavailableError(database="samokoder", why="connection refused").text
    found = facts(*(service_facts(name) for name in USERS), database_why=why)
    with pytest.raises(PlanRefusedError) as refused:
        plan(back(), found, database_runbook())
    assert say(refused.value.text, language) == say(why, language)


def test_an_image_that_an_override_file_does_not_pin_cannot_be_run() -> None:
    """The one-off container would be of another version than the scripts."""
    rules = database_runbook(compose={"pin": "override"})
    pinned = pin("api", value="registry:5000/samokoder-api:v1.2.2", variable="")
    services = (
        service_facts("api", releases=RELEASES, pin=pinned),
        service_facts("worker", releases=RELEASES),
    )
    error = refusal(back(), database(), rules, services=services)
    assert error.key == "refused.db_image_not_pinned"


def test_the_newest_proven_backup_from_before_the_faulty_deploy_is_taken() -> None:
    """H4: not the one that was just made of the damaged state; not an unproven one."""
    new = backup("after.dump", taken_at=NOW - timedelta(minutes=5))
    good = backup("before.dump", taken_at=NOW - timedelta(hours=2))
    older_one = backup("long_before.dump", taken_at=NOW - timedelta(days=2))
    # Rollbot itself came after the deploy, and saw the faulty version for the first time then.
    late = backup("of_the_faulty.dump", taken_at=NOW - timedelta(hours=1.5))
    late = late.model_copy(update={"versions": {"api": "v1.3.0"}})
    found = database(backups=(new, OLD, late, good, older_one))
    made = plan(restore(), with_database(found), database_runbook())
    assert made.schema_change is not None
    assert made.schema_change.backup == "before.dump"
    unknown = database(faulty_since_at=None)
    assert refusal(restore(), unknown).key == "refused.db_no_backup"
