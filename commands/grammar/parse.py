"""From a line to its meaning: the first word decides, looked up in verbs and services."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from commands.domain.errors import GrammarError
from commands.domain.runbook import Runbook
from commands.domain.spoken import DATABASE, LATER, SUBJECTS, VERBS, Menu, Spoken
from commands.grammar.database import database_words
from commands.grammar.ground import Ground, check_letters, subjects
from commands.grammar.rollback import not_yet, rollback_words
from commands.grammar.suggest import nearest
from commands.grammar.verbs import verb_words
from commands.grammar.words import SHELL, check_characters, short, split, without_program

ALIASES = {
    "?": "help",
    "помощь": "help",
    "справка": "help",
    "-h": "help",
    "--help": "help",
    "mark-done": "done",
    "mark_done": "done",
    "drop_kept": "drop-kept",
    "skip_rehearsal": "skip-rehearsal",
}
LOOKS_LIKE_A_VERSION = re.compile(r"v?[0-9]+\.[0-9A-Za-z._-]+", re.ASCII)


def parse(words: str, runbook: Runbook, environment: str | None) -> Spoken:
    """What a line means in an environment's channel. Raises GrammarError, nothing else.

    `words` is what follows `/rollback`. `environment` None (a shell): `--env` tells it, or the
    runbook's only environment is meant.
    """
    return _read(without_program(split(words)), Ground(runbook, environment), words)


def parse_arguments(
    arguments: Sequence[str], runbook: Runbook, environment: str | None = None
) -> Spoken:
    """The same for words that a shell has taken apart already. Raises GrammarError."""
    said = shlex.join(arguments)
    check_characters(said)
    return _read(tuple(arguments), Ground(runbook, environment), said)


def _read(arguments: tuple[str, ...], ground: Ground, said: str) -> Spoken:
    if not arguments:
        return Menu()
    first = arguments[0].lower()
    verb = ALIASES.get(first, first)
    if verb in LATER:
        raise _later(verb, ground)
    if verb in DATABASE:
        return database_words(verb, arguments[1:], ground, said)
    if verb in VERBS:
        return verb_words(verb, arguments[1:], ground)
    heads = {piece for piece in first.split(",") if piece}
    if first.startswith("-") or heads & {*ground.runbook.services, *SUBJECTS}:
        return rollback_words(arguments, ground, said)
    raise _unknown(arguments[0], ground)


def _later(verb: str, ground: Ground) -> GrammarError:
    """What is promised and not there yet; `check` is there, on the host."""
    if verb == "check":
        return GrammarError("grammar.check_on_host")
    return not_yet(verb, ground, ground.anywhere())


def _unknown(word: str, ground: Ground) -> GrammarError:
    services = ground.runbook.service_names(ground.anywhere())
    known = (*services, *SUBJECTS, *DATABASE, *VERBS)
    check_letters(word, known)
    if SHELL & set(word):
        return GrammarError("grammar.shell_characters", word=short(word))
    if LOOKS_LIKE_A_VERSION.fullmatch(word):
        return GrammarError(
            "grammar.version_without_service",
            version=short(word),
            service=services[0],
            services=services,
        )
    if near := nearest(word, known):
        return GrammarError("grammar.unknown_word_near", word=short(word), suggestions=near)
    return GrammarError("grammar.unknown_word", word=short(word), services=subjects(ground))
