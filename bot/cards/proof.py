"""What was read back, as people read it. What got no answer is unknown, never green."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.cards.view import DIGEST_SHOWN, View, Words
from commands.domain.conversation import Block, CheckLine, Checklist, Tick
from commands.domain.proof import ProofItem, Verdict
from commands.locale import has

TICKS = {Verdict.OK: Tick.DONE, Verdict.BAD: Tick.BAD, Verdict.UNKNOWN: Tick.UNKNOWN}
TOGETHER = ("integrity", "maintenance")
WORST_LAST = (Verdict.OK, Verdict.UNKNOWN, Verdict.BAD)
HELD = re.compile(r"(?P<seconds>[0-9.]+) s(?:, (?P<good>\d+)/(?P<asked>\d+))?")
"""How the record says that a service held: `30 s, 28/28`."""


def proof(view: View) -> Iterator[Block]:
    """What was read back, one line per service."""
    words = view.words
    by_service: dict[str, list[ProofItem]] = {}
    for item in view.state.proof:
        # What is asked of the whole stands on a line of its own, whoever answered.
        kind = item.what if item.what in TOGETHER else item.service
        by_service.setdefault(kind, []).append(item)
    lines = tuple(_line(words, service, items) for service, items in by_service.items())
    if lines:
        yield Checklist(words.say("card.proof"), lines)


def unmeasured(view: View) -> tuple[str, ...]:
    """The services whose health nobody could measure: unknown is never green."""
    unknown = _unknown(view)
    return tuple(dict.fromkeys(item.service for item in unknown if item.what == "health"))


def unread(view: View) -> tuple[str, ...]:
    """What else could not be read back, as people name it: `api: версия`, `Целостность данных`."""
    return tuple(dict.fromkeys(_named(view.words, i) for i in _unknown(view) if i.what != "health"))


def _unknown(view: View) -> tuple[ProofItem, ...]:
    return tuple(item for item in view.state.proof if item.verdict is Verdict.UNKNOWN)


def _named(words: Words, item: ProofItem) -> str:
    if item.what in TOGETHER:
        return words.say("db.integrity" if item.what == "integrity" else "db.page")
    return f"{item.service}: {words.say(f'proof.{item.what}')}"


def _line(words: Words, service: str, items: list[ProofItem]) -> CheckLine:
    match service:
        case "integrity":
            note = " · ".join(_sound(words, item) for item in items)
            return CheckLine(_worst(items), words.say("db.integrity"), note)
        case "maintenance":
            seen = tuple(dict.fromkeys(item.found for item in items if item.found))
            title = words.say("db.page")
            return CheckLine(_worst(items), title, " → ".join(seen) or words.say("db.page_unseen"))
        case _:
            note = " · ".join(_read_back(words, item) for item in items)
            return CheckLine(_worst(items), service, note)


def _sound(words: Words, item: ProofItem) -> str:
    """`users 1 204` for a table's rows, `foreign keys 6 of 6` for a kind of check."""
    key = f"db.check_{item.service}"
    if has(key, words.language):
        found = item.found or "0"
        return words.say("db.checked", what=words.say(key), found=found, of=item.expected)
    rows = words.rows(int(item.found)) if item.found.isdecimal() else item.found
    if item.verdict is Verdict.BAD:
        said = {"what": item.service, "found": rows or "—", "expected": item.expected}
        return words.say("proof.bad", **said)
    return f"{item.service} {rows}" if rows else words.say("proof.unknown", what=item.service)


def _worst(items: list[ProofItem]) -> Tick:
    return TICKS[max((item.verdict for item in items), key=WORST_LAST.index)]


def _read_back(words: Words, item: ProofItem) -> str:
    what = words.say(f"proof.{item.what}")
    if item.verdict is Verdict.UNKNOWN:
        return words.say("proof.unknown", what=what)
    found = _shown(words, item.found)
    if item.verdict is Verdict.BAD:
        return words.say("proof.bad", what=what, found=found, expected=_shown(words, item.expected))
    return words.say("proof.found", what=what, found=found)


def _shown(words: Words, found: str) -> str:
    """A value as people read it: digests short, durations in the reader's language."""
    if held := HELD.fullmatch(found):
        took = words.took(float(held["seconds"]))
        if held["asked"] is None:
            return took
        answers = words.say("proof.answers", good=held["good"], n=held["asked"])
        return f"{took}, {answers}"
    if found.startswith("sha256:"):
        return found.removeprefix("sha256:")[:DIGEST_SHOWN]
    return found.removeprefix("exit ")
