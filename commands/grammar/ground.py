"""What words are read against: the runbook, the place, and names that may be meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from commands.domain.errors import GrammarError
from commands.domain.people import Scenario
from commands.domain.request import VERSION_PATTERN
from commands.domain.runbook import Runbook
from commands.domain.spoken import SUBJECTS
from commands.grammar.suggest import foreign_letters, in_latin, nearest
from commands.grammar.words import SHELL, short

ROLLBACK_NUMBER = re.compile(r"(?:(?:RB|РВ)[-_ ]?)?([1-9][0-9]{0,8})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where something was said. `environment` None: from a shell, where `--env` may tell it."""

    runbook: Runbook
    environment: str | None

    def settled(self, asked: str | None) -> str:
        """The environment meant. Raises GrammarError: unknown, not this channel's, not told."""
        known = tuple(self.runbook.environments)
        if asked is None:
            if self.environment is None and len(known) > 1:
                raise GrammarError("grammar.environment_missing", environments=known)
            return self.environment or known[0]
        name = asked.lower()
        if name not in known:
            raise GrammarError(
                "grammar.unknown_environment", asked=short(asked), environments=known
            )
        if self.environment not in (None, name):
            raise GrammarError(
                "grammar.other_environment",
                asked=name,
                here=self.environment,
                channels=self._channels(name),
            )
        return name

    def anywhere(self) -> str:
        """This environment, or the runbook's first: for naming what there is in an error."""
        return self.environment or next(iter(self.runbook.environments))

    def service(self, word: str, environment: str) -> str:
        """A service that can be rolled back here, by its name. Raises GrammarError."""
        name, here = word.lower(), self.runbook.service_names(environment)
        if name in here:
            return name
        defined = self.runbook.services.get(name)
        if defined is None:
            raise unknown_service(word, here)
        database = self.runbook.environments[environment].database
        if defined.stateful and database is not None and name in ("db", database.service):
            raise GrammarError("grammar.database_service", service=name)
        if defined.stateful:
            raise GrammarError("grammar.stateful", service=name, services=here)
        raise GrammarError("grammar.not_here", service=name, environment=environment, services=here)

    def _channels(self, environment: str) -> tuple[str, ...]:
        bound = self.runbook.environments[environment].channels
        return tuple(f"{channel.platform} {channel.channel}" for channel in bound)


def subjects(ground: Ground) -> tuple[str, ...]:
    """Everything that can be rolled back here, as one types it."""
    return (*with_database(ground, ground.anywhere()), *SUBJECTS)


def with_database(ground: Ground, environment: str) -> tuple[str, ...]:
    """The services of an environment, and `db` where it has a database."""
    here = ground.runbook.service_names(environment)
    database = ground.runbook.environments[environment].database
    return here if database is None else (*here, Scenario.DATABASE.value)


def unknown_service(word: str, services: Iterable[str]) -> GrammarError:
    """No such service; the nearest ones, or all there are."""
    check_letters(word, services)
    known = tuple(services)
    if near := nearest(word, known):
        return GrammarError("grammar.unknown_service_near", word=short(word), suggestions=near)
    return GrammarError("grammar.unknown_service", word=short(word), services=known)


def version_of(word: str) -> str:
    """A version, as an image tag may be written. Raises GrammarError that says what is wrong."""
    if re.fullmatch(VERSION_PATTERN.strip("^$"), word):
        return word
    if not word.isascii() and re.fullmatch(VERSION_PATTERN.strip("^$"), in_latin(word)):
        raise _lookalike(word)
    if SHELL & set(word):
        raise GrammarError("grammar.shell_characters", word=short(word))
    raise GrammarError("grammar.bad_version", version=short(word))


def rollback_of(word: str) -> str:
    """A rollback's id as it is kept: `RB-17`, also from `rb17` or `17`. Raises GrammarError."""
    found = ROLLBACK_NUMBER.fullmatch(word)
    if found is None:
        raise GrammarError("grammar.bad_rollback", word=short(word))
    return f"RB-{found.group(1)}"


def check_letters(word: str, known: Iterable[str]) -> None:
    """Raises GrammarError when a word is a known name in letters of another alphabet."""
    if not word.isascii() and in_latin(word).lower() in set(known):
        raise _lookalike(word)


def _lookalike(word: str) -> GrammarError:
    return GrammarError(
        "grammar.lookalike",
        word=short(word),
        letters=foreign_letters(word),
        fixed=short(in_latin(word)),
    )
