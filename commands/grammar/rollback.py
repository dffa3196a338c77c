"""`api v1.2.3`, `full v1.2.3`, `--service=api --auto`: words that ask for a rollback."""

from __future__ import annotations

from collections.abc import Sequence

from commands.domain.errors import GrammarError
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.spoken import SUBJECTS, Help, RollbackWords
from commands.grammar.database import database_of
from commands.grammar.ground import Ground, unknown_service, version_of
from commands.grammar.options import Taken, rollback_command, take_apart
from commands.grammar.suggest import nearest
from commands.grammar.words import SHELL, short

NOT_YET = {"config": "--config"}


def rollback_words(arguments: Sequence[str], ground: Ground, said: str) -> RollbackWords | Help:
    """The rollback that these words ask for. Raises GrammarError."""
    taken = take_apart(rollback_command(), arguments)
    if taken.flag("help"):
        return Help("rollback")
    environment = ground.settled(taken.text("env"))
    for option, name in NOT_YET.items():
        if taken.flag(option):
            raise not_yet(name, ground, environment)
    if taken.flag("with"):
        raise GrammarError("grammar.with_is_for_database")
    here = ground.runbook.service_names(environment)
    named, versions = _sorted(_pieces(taken), here, ground)
    scenario, services = _subject(named, taken, ground, environment)
    restore_db = taken.flag("restore_db")
    if restore_db:
        _may_restore(scenario, ground, environment)
    whole = (str(scenario.value),) if scenario in (Scenario.ALL, Scenario.FULL) else ()
    service = (*services, *here)[0]
    version = _version(versions, taken, {"subject": (*whole, service)[0], "service": service})
    return RollbackWords(
        Request(
            environment=environment,
            scenario=scenario,
            services=services,
            version=version,
            auto=version is None,
            restore_db=restore_db,
            dry_run=taken.flag("dry_run"),
            reason=(taken.text("reason") or "").strip(),
            words=said,
        )
    )


def _may_restore(scenario: Scenario, ground: Ground, environment: str) -> None:
    """Data come back only with everything that wrote them: the whole deployment."""
    if scenario is not Scenario.FULL:
        raise GrammarError("grammar.restore_needs_full")
    database_of(ground, environment)


def not_yet(what: str, ground: Ground, environment: str) -> GrammarError:
    """Promised, not built yet; what can be had instead."""
    services = (*ground.runbook.service_names(environment), *SUBJECTS)
    return GrammarError("grammar.not_yet", what=what, services=services)


def _pieces(taken: Taken) -> list[str]:
    """The plain words, lists taken apart: `api,worker v1` and `api, worker v1`."""
    return [piece for word in taken.words for piece in word.split(",") if piece]


def _sorted(
    pieces: list[str], here: tuple[str, ...], ground: Ground
) -> tuple[list[str], list[str]]:
    """Which of the words name services, and which may be a version."""
    known = {*ground.runbook.services, *SUBJECTS}
    named = [piece for piece in pieces if piece.lower() in known]
    rest = [piece for piece in pieces if piece.lower() not in known]
    if len(rest) > 1 and nearest(rest[0], here) and not any(c.isdigit() for c in rest[0]):
        raise unknown_service(rest[0], here)
    return named, rest


def _subject(
    named: list[str], taken: Taken, ground: Ground, environment: str
) -> tuple[Scenario, tuple[str, ...]]:
    """What is rolled back. Naming every service one by one is `all`: it needs the same row."""
    given = [piece for value in taken.options["service"] for piece in value.split(",")]
    subjects = [word.lower() for word in (*named, *given)]
    for name in ("all", "full"):
        subjects += [name] * taken.flag(name)
    here = ground.runbook.service_names(environment)
    asked = {ground.service(word, environment) for word in subjects if word not in SUBJECTS}
    whole = next((word for word in ("full", "all") if word in subjects), None)
    if whole and asked:
        raise GrammarError("grammar.whole_and_services", whole=whole, services=tuple(asked))
    if whole:
        return Scenario(whole), here
    if not asked:
        raise GrammarError("grammar.service_missing", services=(*here, *SUBJECTS))
    services = tuple(name for name in here if name in asked)
    everything = len(here) > 1 and services == here
    return (Scenario.ALL if everything else Scenario.SERVICE), services


def _version(words: list[str], taken: Taken, example: dict[str, str]) -> str | None:
    """The version asked for; None means `--auto`. An `example` helps who named none."""
    given = taken.text("to_version")
    candidates = [*words, *([given] if given is not None else [])]
    if not candidates and taken.flag("auto"):
        return None
    if not candidates:
        raise GrammarError("grammar.version_missing", **example)
    if taken.flag("auto"):
        raise GrammarError("grammar.version_and_auto", version=short(candidates[0]))
    version = version_of(candidates[0])
    extra = candidates[1:]
    if any(SHELL & set(word) for word in extra):
        raise GrammarError("grammar.shell_characters", word=short(" ".join(extra)))
    if extra:
        raise GrammarError("grammar.extra_words", words=short(" ".join(extra)))
    return version
