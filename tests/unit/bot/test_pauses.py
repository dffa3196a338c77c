"""A full Redis: what people read of a rollback that stands still, and when it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cards.view import View
from bot.outbox import Wanted, paused
from bot.pauses import Pauses
from tests.cards.stories import approved, executing, requested, succeeded, undoing, waiting
from tests.cards.teller import HOME, Teller


def read(story: Teller, pauses: Pauses) -> list[Wanted]:
    """The messages of the channel about pauses."""
    view = View(story.state, story.runbook, "ru", story.now)
    return list(paused(view, pauses.of("production", story.state.id), (HOME,)))


@pytest.mark.parametrize(
    ("story", "words"),
    [
        (requested(), "RB-17 стоит, production ещё не тронут."),
        (executing(), "RB-17 стоит на шаге 4 «Дождаться health check: api»"),
        (approved().start().step(0.1), "RB-17 стоит перед шагом 3 «"),
        (undoing(), "RB-17 стоит на шаге 3 «Поднять прежнюю версию: api»"),
    ],
)
def test_where_it_stands_and_what_to_do_is_said(story: Teller, words: str) -> None:
    """Before its next step, or in one whose outcome cannot be written; and to free memory."""
    pauses = Pauses()
    assert pauses.begin("production", story.state, story.now)

    (message,) = read(story, pauses)

    assert words in message.card().plain
    assert "Освободите память" in message.card().plain
    assert (message.live, message.journaled) == (True, False)


@pytest.mark.parametrize("story", [waiting(), succeeded()])
def test_who_waits_for_nobodys_work_does_not_stand_still(story: Teller) -> None:
    """People decide, or all is done: a refused write holds up nothing that runs."""
    assert not Pauses().begin("production", story.state, story.now)


def test_a_pause_is_one_message_and_the_next_pause_another() -> None:
    """Told once however often a write is refused; it is over with the next progress."""
    story, pauses = approved().start(), Pauses()
    pauses.begin("production", story.state, story.now)
    story.now += timedelta(seconds=90)
    assert not pauses.begin("production", story.state, story.now)
    assert not pauses.look("production", story.state, story.now)

    story.step(0.1)
    assert pauses.look("production", story.state, story.now)
    assert not pauses.look("production", story.state, story.now)
    assert pauses.begin("production", story.state, story.now)
    over, now = read(story, pauses)

    assert "RB-17 продолжен, простоял" in over.card().plain
    assert "стоит перед шагом" in now.card().plain
    assert over.key != now.key
