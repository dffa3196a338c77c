"""Words about the database: migrations back, restores, backups; each slip with its way on."""

from __future__ import annotations

import pytest

from commands.domain import spoken
from commands.domain.errors import GrammarError
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.domain.spoken import Help, RollbackWords, Spoken
from commands.grammar import help_page, parse, parse_arguments
from commands.locale import say

USERS = ("api", "worker")


def asked(words: str, runbook: Runbook) -> Request:
    said = parse(words, runbook, "production")
    assert isinstance(said, RollbackWords)
    return said.request


@pytest.mark.parametrize(
    ("words", "scenario", "revision", "version", "backup"),
    [
        ("db -1", Scenario.DATABASE, "-1", None, ""),
        ("db —1", Scenario.DATABASE, "-1", None, ""),
        ("DB –2", Scenario.DATABASE, "-2", None, ""),
        ("/rollback db 4f2a91c07d3e", Scenario.DATABASE, "4f2a91c07d3e", None, ""),
        ("db -1 --with api=v1.2.2", Scenario.DATABASE, "-1", "v1.2.2", ""),
        ("db —with api=v1.2.2 -1", Scenario.DATABASE, "-1", "v1.2.2", ""),
        ("db -1 --with api=v1.2.2,worker=v1.2.2", Scenario.DATABASE, "-1", "v1.2.2", ""),
        ("db --restore latest", Scenario.RESTORE, None, None, ""),
        ("db —restore=a_2.dump", Scenario.RESTORE, None, None, "a_2.dump"),
        ("restore latest", Scenario.RESTORE, None, None, ""),
        ("restore a.dump --with worker=v1", Scenario.RESTORE, None, "v1", "a.dump"),
    ],
)
def test_a_database_rollback_is_asked_for(
    words: str,
    scenario: Scenario,
    revision: str | None,
    version: str | None,
    backup: str,
    with_database: Runbook,
) -> None:
    """Each spelling, a phone's dashes too, names revision, version or backup, under the db row."""
    request = asked(words, with_database)

    found = (request.scenario, request.revision, request.version, request.backup)
    assert found == (scenario, revision, version, backup)
    assert (request.services, request.row, request.auto) == (USERS, "db", False)
    assert request.changes_database


def test_reason_and_dry_run_belong_to_it_too(with_database: Runbook) -> None:
    """A reason that looks like a revision is still a reason."""
    request = asked('db -1 --dry-run --reason "-2 было мало"', with_database)

    assert (request.revision, request.reason, request.dry_run) == ("-1", "-2 было мало", True)


@pytest.mark.parametrize(
    "words",
    [
        "full v1.2.3 --restore-db",
        "--full --to-version=v1.2.3 --restore-db",
        "./rollback.sh —full —to-version=v1.2.3 —restore-db",
        "--service=all --full --to-version=v1.2.3 --restore-db",
    ],
)
def test_a_full_rollback_with_the_database(words: str, with_database: Runbook) -> None:
    """`--restore-db` is a full rollback that changes the database, approved by the full row."""
    request = asked(words, with_database)

    assert (request.scenario, request.restore_db, request.row) == (Scenario.FULL, True, "full")
    assert (request.version, request.changes_database) == ("v1.2.3", True)


@pytest.mark.parametrize(
    ("words", "record"),
    [
        ("versions db", spoken.Schema()),
        ("versions DB", spoken.Schema()),
        ("versions api", spoken.Versions("api")),
        ("backups", spoken.Backups()),
        ("drop-kept RB-17", spoken.DropKept("RB-17")),
        ("drop—kept 17", spoken.DropKept("RB-17")),
        ("skip-rehearsal rb17", spoken.SkipRehearsal("RB-17")),
        ("skip-rehearsal RB-17 копия сутки", spoken.SkipRehearsal("RB-17", "копия сутки")),
        ("db --help", Help("db")),
        ("restore --help", Help("restore")),
        ("help migration", Help("db")),
        ("help drop-kept", Help("db")),
        ("help backups", Help("backups")),
    ],
)
def test_what_else_is_said_of_a_database(
    words: str, record: Spoken, with_database: Runbook
) -> None:
    """Questions and decisions about it have one meaning each."""
    assert parse(words, with_database, "production") == record


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        ("db", "grammar.revision_missing", "/rollback db -1"),
        ("db +1", "grammar.bad_revision", "+1"),
        ("db -0", "grammar.bad_revision", "-0"),
        ("db -1 -2", "grammar.extra_words", "-2"),
        ("db v1.2.2", "grammar.version_for_database", "--with api=v1.2.2"),
        ("db downgrade -1", "grammar.downgrade_is_meant", "/rollback db -1."),
        ("db 4f2a;id", "grammar.shell_characters", "4f2a;id"),
        ("db ../x", "grammar.bad_revision", "../x"),
        ("db -1 --restore latest", "grammar.restore_and_revision", "-1"),
        ("db --restore", "grammar.option_needs_value", "--restore=…"),
        ("db --restore /var/backups/a.dump", "grammar.backup_path", "a.dump"),
        ("db --restore a;b", "grammar.bad_backup", "a;b"),
        ("restore", "grammar.backup_missing", "/rollback backups"),
        ("restore a b", "grammar.extra_words", "b"),
        ("db -1 --with v1.2.2", "grammar.with_form", "--with api=v1.2.2"),
        ("db -1 --with api=", "grammar.with_form", "api="),
        ("db -1 --with frontend=v1", "grammar.with_service", "api, worker"),
        ("db -1 --with api=v1 --with worker=v2", "grammar.with_one_version", "v1, v2"),
        ("db -1 --with api=../v1", "grammar.bad_version", "../v1"),
        ("db -1 --rstore latest", "grammar.unknown_option_near", "--restore"),
        ("api v1 --with worker=v2", "grammar.with_is_for_database", "db -1"),
        ("api v1 --restore-db", "grammar.restore_needs_full", "full v1.2.3 --restore-db"),
        ("all v1 --restore-db", "grammar.restore_needs_full", "restore latest"),
        ("--service=db --to-version=v1", "grammar.database_service", "/rollback db -1"),
        ("backups now", "grammar.extra_words", "now"),
        ("drop-kept", "grammar.rollback_missing", "drop-kept RB-17"),
        ("restor latest", "grammar.unknown_word_near", "restore"),
        ("bd -1", "grammar.unknown_word_near", "Может быть: db?"),
        ("ви -1", "grammar.unknown_word_near", "Может быть: db?"),
        ("бд -1", "grammar.unknown_word_near", "Может быть: db?"),
        ("alembic downgrade -1", "grammar.unknown_word_near", "Может быть: db?"),
        ("drop RB-17", "grammar.unknown_word_near", "drop-kept"),
        ("versions bd", "grammar.unknown_service_near", "Может быть: db?"),
        ("versions", "grammar.service_missing", "frontend, db."),
        ("help bd", "grammar.unknown_topic", "Есть: db."),
        ("qqqqqqq", "grammar.unknown_word", "frontend, db, all, full."),
        ("db latest", "grammar.backup_is_meant", "/rollback db --restore latest."),
        ("db a.dump.zst", "grammar.backup_is_meant", "--restore a.dump.zst."),
    ],
)
def test_a_slip_says_what_to_type(words: str, key: str, said: str, with_database: Runbook) -> None:
    """Every mistake is named with the value in question and the words that would do."""
    with pytest.raises(GrammarError) as caught:
        parse(words, with_database, "production")

    assert caught.value.key == key
    assert said in say(caught.value.text, "ru")


@pytest.mark.parametrize(
    "words", ["db -1", "restore latest", "full v1 --restore-db", "versions db", "backups"]
)
def test_a_runbook_without_a_database_says_where_to_write_it(
    words: str, without_database: Runbook
) -> None:
    """Nothing is guessed: the answer names the section and the document."""
    with pytest.raises(GrammarError) as caught:
        parse(words, without_database, "production")

    assert caught.value.key == "grammar.no_database"
    assert "[environments.production.database]" in say(caught.value.text, "ru")
    assert "docs/runbook.md" in say(caught.value.text, "en")


def test_from_a_shell_the_same_words(with_database: Runbook) -> None:
    """Arguments that a shell took apart mean what the line means."""
    said = parse_arguments(["db", "-1", "--with", "api=v1.2.2"], with_database)

    assert isinstance(said, RollbackWords)
    assert (said.request.revision, said.request.version) == ("-1", "v1.2.2")


@pytest.mark.parametrize("page", ["", "db", "restore", "backups", "full"])
def test_help_teaches_only_what_can_be_typed(
    page: str, with_database: Runbook, without_database: Runbook
) -> None:
    """With a database its words are shown and can be typed; without one they are not shown."""
    shown = help_page(page, with_database).examples
    for words, _ in shown:
        parse(words, with_database, "production")
    kept = help_page(page, without_database).examples
    for words, _ in kept:
        parse(words, without_database, "production")

    assert len(kept) < len(shown)
