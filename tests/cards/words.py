"""Every card of a story as plain words, for comparison with what was agreed on.

`python -m tests.cards.words` writes them down anew; look at the difference before you commit it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bot import cards
from bot.cards.view import View
from bot.console.renderer import lines
from commands.domain.conversation import Button, Card
from commands.domain.people import Language
from commands.domain.state import Status
from tests.cards.answers import ANSWERS, answer
from tests.cards.stories import STORIES

AGREED = Path(__file__).with_name("agreed")
ANSWERED = "answers_about_the_database.txt"
LANGUAGES: tuple[Language, ...] = ("ru", "en")


def cards_of(view: View) -> Iterator[tuple[str, Card]]:
    """The cards that this state can call for, by name."""
    state = view.state
    yield "card", cards.rollback_card(view)
    yield "asked", cards.approval_card(view, "ivan")
    yield "attention", cards.attention_card(view)
    if state.changed:
        yield "started", cards.started_card(view)
    if state.changed and state.status.ended:
        yield "resolved", cards.resolved_card(view)
    if state.succeeded:
        yield "checklist", cards.checklist_card(view)
    if state.closed_at is not None:
        yield "follow-ups", cards.follow_ups_card(view)
    if state.status in (Status.FAILED, Status.IN_DOUBT) and (blocked := state.blocked()):
        yield "step", cards.step_card(view, blocked.number)
    if state.status is Status.PLANNED:
        yield "whole plan", cards.rollback_card(view, whole_plan=True)


def view_of(story: str, language: Language) -> View:
    """The story as somebody reads it at its end."""
    told = STORIES[story]()
    return View(told.state, told.runbook, language, told.now)


def words_of(story: str) -> str:
    """All its cards in both languages."""
    said = []
    for language in LANGUAGES:
        for name, card in cards_of(view_of(story, language)):
            said += [f"=== {language}: {name}", f"[{card.plain}]", *lines(card)]
            said += [_button(button) for button in card.buttons]
            said.append("")
    return "\n".join(said)


def words_of_answers() -> str:
    """The answers about the database in both languages."""
    said = []
    for language in LANGUAGES:
        view = view_of("requested", language)
        for name in ANSWERS:
            card = answer(name, view)
            said += [f"=== {language}: {name}", f"[{card.plain}]", *lines(card), ""]
    return "\n".join(said)


def _button(button: Button) -> str:
    confirm = button.confirm
    asks = f" ? {confirm.title} {confirm.text}" if confirm else ""
    return f"  [{button.label}] {button.style.value} {button.value}{asks}"


def main() -> int:
    """Write them all down."""
    AGREED.mkdir(exist_ok=True)
    for story in STORIES:
        (AGREED / f"{story}.txt").write_text(words_of(story), encoding="utf-8")
    (AGREED / ANSWERED).write_text(words_of_answers(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
