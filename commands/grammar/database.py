"""`db -1`, `db <revision> --with api=v1.2.2`, `db --restore latest`: words about the database."""

from __future__ import annotations

import re
from collections.abc import Sequence

from commands.domain.errors import GrammarError
from commands.domain.people import Scenario
from commands.domain.request import BACKUP_PATTERN, REVISION_PATTERN, Request
from commands.domain.runbook import Database
from commands.domain.spoken import Help, RollbackWords
from commands.grammar.ground import Ground, version_of
from commands.grammar.options import Taken, database_command, take_apart
from commands.grammar.words import SHELL, short

LATEST = "latest"
VALUED = ("--with", "--restore", "--reason", "--env")
RELATIVE = re.compile(r"-[0-9]+", re.ASCII)
A_BACKUP = re.compile(r"^latest$|\.(?:dump|sql)\b", re.ASCII | re.IGNORECASE)
A_VERSION = re.compile(r"v[0-9]+\.[0-9][0-9A-Za-z._-]*", re.ASCII | re.IGNORECASE)


def database_words(
    verb: str, arguments: Sequence[str], ground: Ground, said: str
) -> RollbackWords | Help:
    """What `db …` or `restore …` asks for. Raises GrammarError."""
    relative, rest = _relative(arguments)
    taken = take_apart(database_command(verb), rest)
    if taken.flag("help"):
        return Help(verb)
    environment = ground.settled(taken.text("env"))
    database = database_of(ground, environment)
    words = (*relative, *taken.words)
    backup = taken.text("restore")
    if verb == "restore":
        backup, words = _named_backup(words, backup)
    elif backup is None:
        _one_revision(words)
    elif words:
        raise GrammarError("grammar.restore_and_revision", revision=short(words[0]))
    return RollbackWords(
        Request(
            environment=environment,
            scenario=Scenario.DATABASE if backup is None else Scenario.RESTORE,
            services=_dependants(ground, environment, database),
            version=with_version(taken, database),
            revision=revision_of(words[0]) if backup is None else None,
            backup=backup_of(backup) if backup is not None else "",
            dry_run=taken.flag("dry_run"),
            reason=(taken.text("reason") or "").strip(),
            words=said,
        )
    )


def database_of(ground: Ground, environment: str) -> Database:
    """The environment's database. Raises GrammarError when the runbook names none."""
    database = ground.runbook.environments[environment].database
    if database is None:
        raise GrammarError("grammar.no_database", environment=environment)
    return database


def with_version(taken: Taken, database: Database) -> str | None:
    """The version of `--with api=v1.2.2`; None when it was not given. Raises GrammarError."""
    versions: set[str] = set()
    for pair in (p for value in taken.options["with"] for p in value.split(",")):
        service, equals, version = pair.partition("=")
        if not equals or not version:
            example = database.dependants[0]
            raise GrammarError("grammar.with_form", word=short(pair), service=example)
        if service.lower() not in database.dependants:
            raise GrammarError(
                "grammar.with_service", service=short(service), services=database.dependants
            )
        versions.add(version_of(version))
    if len(versions) > 1:
        raise GrammarError("grammar.with_one_version", versions=tuple(sorted(versions)))
    return next(iter(versions), None)


def revision_of(word: str) -> str:
    """A revision as the migration tool names it, or `-1`. Raises GrammarError."""
    if SHELL & set(word):
        raise GrammarError("grammar.shell_characters", word=short(word))
    if A_VERSION.fullmatch(word):
        raise GrammarError("grammar.version_for_database", version=short(word))
    if A_BACKUP.search(word):
        raise GrammarError("grammar.backup_is_meant", backup=short(word))
    if not re.fullmatch(REVISION_PATTERN.strip("^$"), word):
        raise GrammarError("grammar.bad_revision", word=short(word))
    return word


def backup_of(word: str) -> str:
    """A backup's name; `latest` is "". Raises GrammarError."""
    if word.lower() == LATEST:
        return ""
    if "/" in word:
        name = short(word.rstrip("/").rpartition("/")[2])
        raise GrammarError("grammar.backup_path", word=short(word), name=name)
    if not re.fullmatch(BACKUP_PATTERN.strip("^$"), word):
        raise GrammarError("grammar.bad_backup", word=short(word))
    return word


def _relative(arguments: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`-1` taken out of the line, which would else look like an option; not an option's value."""
    found: list[str] = []
    rest: list[str] = []
    for before, word in zip(("", *arguments), arguments, strict=False):
        known = RELATIVE.fullmatch(word) and before.lower() not in VALUED
        (found if known else rest).append(word)
    return tuple(found), tuple(rest)


def _named_backup(words: tuple[str, ...], given: str | None) -> tuple[str, tuple[str, ...]]:
    """The one backup that `restore` names, and no word left over."""
    names = (*words, *([given] if given is not None else []))
    if not names:
        raise GrammarError("grammar.backup_missing")
    _no_more(names[1:])
    return names[0], ()


def _one_revision(words: tuple[str, ...]) -> None:
    if not words:
        raise GrammarError("grammar.revision_missing")
    named = tuple(word for word in words if word.lower() != "downgrade")
    if named and named != words:
        raise GrammarError("grammar.downgrade_is_meant", revision=short(named[0]))
    _no_more(words[1:])


def _no_more(words: tuple[str, ...]) -> None:
    if any(SHELL & set(word) for word in words):
        raise GrammarError("grammar.shell_characters", word=short(" ".join(words)))
    if words:
        raise GrammarError("grammar.extra_words", words=short(" ".join(words)))


def _dependants(ground: Ground, environment: str, database: Database) -> tuple[str, ...]:
    """Those that use it, in the runbook's order."""
    here = ground.runbook.service_names(environment)
    return tuple(name for name in here if name in database.dependants) or database.dependants
