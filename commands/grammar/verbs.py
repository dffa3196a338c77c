"""Every verb that is not a rollback: what may follow it, and the record it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from commands.domain import spoken
from commands.domain.errors import GrammarError
from commands.domain.spoken import Spoken
from commands.grammar.database import database_of
from commands.grammar.ground import Ground, rollback_of, unknown_service, with_database
from commands.grammar.help import topic_of
from commands.grammar.options import take_apart, verb_command
from commands.grammar.suggest import nearest
from commands.grammar.words import short

FREE_TEXT = frozenset({"deny", "undo", "skip-rehearsal", "note", "freeze", "unfreeze"})


@dataclass(frozen=True, slots=True)
class Said:
    """A verb and what followed it."""

    verb: str
    words: tuple[str, ...]
    reason: str
    ground: Ground
    environment: str

    def rollback(self) -> str:
        """The rollback named first. Raises GrammarError."""
        if not self.words:
            raise GrammarError("grammar.rollback_missing", verb=self.verb)
        return rollback_of(self.words[0])

    def rest(self, after: int) -> str:
        """The free words that follow, or those of `--reason`."""
        return " ".join(self.words[after:]).strip() or self.reason

    def only(self, count: int) -> None:
        """Raises GrammarError when more words follow than mean something."""
        if len(self.words) > count:
            words = short(" ".join(self.words[count:]))
            raise GrammarError("grammar.extra_words", words=words)


def verb_words(verb: str, arguments: Sequence[str], ground: Ground) -> Spoken:
    """The record that a verb and its words become. Raises GrammarError."""
    taken = take_apart(verb_command(verb, free_text=verb in FREE_TEXT), arguments)
    if taken.flag("help"):
        return spoken.Help(topic_of(verb, ground.runbook))
    environment = ground.settled(taken.text("env"))
    reason = (taken.text("reason") or "").strip()
    return READERS[verb](Said(verb, taken.words, reason, ground, environment))


def _of_one(record: Callable[[str], Spoken]) -> Callable[[Said], Spoken]:
    def read(said: Said) -> Spoken:
        rollback = said.rollback()
        said.only(1)
        return record(rollback)

    return read


def _of_one_or_none(record: Callable[[str | None], Spoken]) -> Callable[[Said], Spoken]:
    def read(said: Said) -> Spoken:
        said.only(1)
        return record(said.rollback() if said.words else None)

    return read


def _alone(record: Callable[[], Spoken]) -> Callable[[Said], Spoken]:
    def read(said: Said) -> Spoken:
        said.only(0)
        return record()

    return read


def _with_reason(record: Callable[[str, str], Spoken]) -> Callable[[Said], Spoken]:
    return lambda said: record(said.rollback(), said.rest(1))


def _help(said: Said) -> Spoken:
    said.only(1)
    return spoken.Help(topic_of(said.words[0], said.ground.runbook) if said.words else "")


def _versions(said: Said) -> Spoken:
    said.only(1)
    here = with_database(said.ground, said.environment)
    if not said.words and len(here) > 1:
        raise GrammarError("grammar.service_missing", services=here)
    word = said.words[0] if said.words else here[0]
    if word.lower() == "db":
        database_of(said.ground, said.environment)
        return spoken.Schema()
    if word.lower() not in said.ground.runbook.services:
        raise unknown_service(word, here)
    return spoken.Versions(said.ground.service(word, said.environment))


def _backups(said: Said) -> Spoken:
    said.only(0)
    database_of(said.ground, said.environment)
    return spoken.Backups()


def _note(said: Said) -> Spoken:
    rollback, words = said.rollback(), said.rest(1)
    if not words:
        raise GrammarError("grammar.note_missing", rollback=rollback)
    return spoken.Note(rollback, words)


def _tick(said: Said) -> Spoken:
    rollback = said.rollback()
    points = tuple(point.id for point in said.ground.runbook.checklist)
    if len(said.words) == 1:
        raise GrammarError("grammar.point_missing", rollback=rollback, points=points)
    said.only(2)
    word = said.words[1].lower()
    if word not in points:
        near = nearest(word, points) or points
        raise GrammarError("grammar.unknown_point", word=short(word), points=near)
    return spoken.Tick(rollback, word, done=said.verb == "tick")


READERS: Mapping[str, Callable[[Said], Spoken]] = {
    "status": _of_one_or_none(spoken.Status),
    "plan": _of_one(spoken.PlanOf),
    "log": _of_one(spoken.Log),
    "versions": _versions,
    "backups": _backups,
    "history": _alone(spoken.History),
    "oncall": _alone(spoken.Oncall),
    "help": _help,
    "approve": _of_one(spoken.Approve),
    "deny": _with_reason(spoken.Deny),
    "withdraw": _of_one(spoken.Withdraw),
    "cancel": _of_one(spoken.Cancel),
    "stop": _of_one_or_none(spoken.Stop),
    "undo": _with_reason(spoken.Undo),
    "retry": _of_one(spoken.Retry),
    "done": _of_one(spoken.MarkDone),
    "drop-kept": _of_one(spoken.DropKept),
    "skip-rehearsal": _with_reason(spoken.SkipRehearsal),
    "note": _note,
    "tick": _tick,
    "untick": _tick,
    "freeze": lambda said: spoken.Freeze(said.rest(0)),
    "unfreeze": lambda said: spoken.Unfreeze(said.rest(0)),
}
