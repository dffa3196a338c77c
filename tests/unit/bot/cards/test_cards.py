"""What cards say, of every story, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import cards
from bot.cards.view import REASON_SHOWN, View
from bot.console.renderer import lines
from bot.slack import renderer as slack
from bot.telegram import renderer as telegram
from bot.telegram.markup import TEXT_LIMIT, units
from commands.domain import events as e
from commands.domain.conversation import Card, Checklist, Quote, Steps, Tick, Tone
from commands.domain.people import Language
from commands.domain.proof import Verdict
from commands.domain.reply import HelpReply
from commands.domain.text import text
from commands.grammar import Token, read_token
from tests.cards.stories import STORIES, waiting_full
from tests.cards.words import AGREED, LANGUAGES, cards_of, view_of, words_of
from tests.servers.telegram_html import parse_html

RAW_KEY = re.compile(
    r"\b(?:card|button|status|approval|checklist|proof|log|plan|step|check)\.[a-z]"
)
HOSTILE = "<b>&amp; *bold* `x` <!channel> @here </pre>\u202e\x1b[31m" * 120
ROWS_ON_A_PHONE, LETTERS_IN_A_ROW = 36, 40

every_story = pytest.mark.parametrize("story", STORIES)
both_languages = pytest.mark.parametrize("language", LANGUAGES)


def every_card(story: str, language: Language) -> Iterator[Card]:
    for _, card in cards_of(view_of(story, language)):
        yield card


@every_story
def test_cards_say_what_was_agreed(story: str) -> None:
    """No word of a card changes unseen: `python -m tests.cards.words` writes them down anew."""
    agreed = (AGREED / f"{story}.txt").read_text(encoding="utf-8")

    assert words_of(story) == agreed


@every_story
@both_languages
def test_a_card_begins_with_its_environment(story: str, language: Language) -> None:
    """Nobody approves production for staging: the first words say where, on a lock screen too."""
    for card in every_card(story, language):
        assert card.plain.startswith("PRODUCTION")
        assert card.headline.startswith("PRODUCTION")
        assert "RB-17" in card.headline


@every_story
@both_languages
def test_no_card_shows_a_key_or_a_hole(story: str, language: Language) -> None:
    """People read sentences: no message key, no unfilled brace, no None."""
    for card in every_card(story, language):
        said = "\n".join((card.plain, *lines(card), *(b.label for b in card.buttons)))
        assert not RAW_KEY.search(said), said
        assert not re.search(r"[{}]|\bNone\b", said), said


@every_story
@both_languages
def test_every_button_can_be_pressed(story: str, language: Language) -> None:
    """Its value is a token of this rollback that fits Telegram; what hurts asks first."""
    for card in every_card(story, language):
        for button in card.buttons:
            token = read_token(button.value)
            assert (token.environment, token.rollback) == ("production", "RB-17")
            assert token.verb == button.action
            assert len(button.value.encode()) <= 64
            assert (button.confirm is None) == (button.action in ("tick", "untick"))
        assert len({b.value for b in card.buttons}) == len(card.buttons)


def marked(blocks: object) -> Iterator[str]:
    """Every text that Slack reads marks in; plain text is shown as it is."""
    match blocks:
        case {"type": "mrkdwn", "text": str(said)}:
            yield said
        case dict():
            yield from (said for value in blocks.values() for said in marked(value))
        case list():
            yield from (said for value in blocks for said in marked(value))


@both_languages
def test_a_hostile_reason_stays_in_its_place(language: Language) -> None:
    """5,000 characters of markup are trimmed, and every platform still takes the card."""
    story = waiting_full()
    request = story.state.request.model_copy(update={"reason": HOSTILE})
    story.state.request = request
    story.tell(e.Denied(person="ivan", reason=HOSTILE))
    view = View(story.state, story.runbook, language, story.now)

    for _, card in cards_of(view):
        quotes = [block for block in card.blocks if isinstance(block, Quote)]
        assert all(len(quote.text) <= REASON_SHOWN for quote in quotes)
        parsed = parse_html(telegram.render(card).html)
        assert units(parsed.text) <= TEXT_LIMIT
        assert not any("<!channel>" in said for said in marked(slack.render(card).blocks))
        assert "\x1b" not in "".join(lines(card))


@both_languages
def test_the_approvers_card_fits_one_screen(language: Language) -> None:
    """A CTO decides on a full rollback without scrolling far."""
    card = cards.approval_card(view_of("waiting_half", language), "ivan")
    told = parse_html(telegram.render(card).html).text

    rows = sum(1 + len(row) // LETTERS_IN_A_ROW for row in told.splitlines())

    assert rows <= ROWS_ON_A_PHONE


def test_unknown_is_never_green() -> None:
    """A service that did not name its version is not ticked, nor is a point nobody measured."""
    view = view_of("unproven", "ru")
    proof = next(b for b in cards.rollback_card(view).blocks if isinstance(b, Checklist))
    points = next(b for b in cards.checklist_card(view).blocks if isinstance(b, Checklist))

    assert proof.lines[0].title == "api"
    assert proof.lines[0].tick is Tick.UNKNOWN
    measured = {check.check for check in view.state.checks}
    for point, line in zip(view.runbook.checklist, points.lines, strict=True):
        assert (line.tick is Tick.DONE) == (point.check in measured - {""})


def test_a_bad_watch_is_seen_after_success() -> None:
    """What the observer saw during the watch stands on the card, red when it was bad."""
    story = STORIES["succeeded"]()
    figure = text("watch.bad", services=("api",))
    story.tell(e.Closed(verdict=Verdict.BAD, figure=figure))
    card = cards.rollback_card(View(story.state, story.runbook, "ru", story.now))

    ticks = [line.tick for b in card.blocks if isinstance(b, Checklist) for line in b.lines]

    assert Tick.BAD in ticks


def test_a_failure_says_what_runs_and_offers_every_way_on() -> None:
    """At three in the morning: what is half done, what runs now, and what can be pressed."""
    card = cards.attention_card(view_of("failed", "ru"))

    assert card.tone is Tone.BAD
    assert "HTTP 503" in card.plain
    assert "api v1.2.3 (уже переключено)" in "\n".join(lines(card))
    assert [b.action for b in card.buttons] == ["retry", "undo", "done", "cancel"]


def test_an_open_recovery_question_is_answered_before_another_is_asked() -> None:
    """While people are asked whether to undo, the card offers yes and no, nothing else."""
    card = cards.rollback_card(view_of("undo_asked", "ru"))

    assert [b.action for b in card.buttons] == ["approve", "deny"]


def test_an_overrun_shows_while_it_lasts() -> None:
    """A step over its budget says by how much, on every card drawn while it runs."""
    story = STORIES["over_budget"]()
    view = View(story.state, story.runbook, "en", story.now + timedelta(seconds=15))

    running = next(b for b in cards.rollback_card(view).blocks if isinstance(b, Steps)).lines[1]

    assert running.seconds == 165
    assert "the stage is over its budget of 2 min by 45 sec" in running.detail


def test_a_stage_is_all_its_steps() -> None:
    """110 s to switch and 60 s to get well are over two minutes together; the last step says it."""
    story = STORIES["approved"]().start().step(0.1).step(110).begin(60)

    view = View(story.state, story.runbook, "en", story.now)
    shown = next(b for b in cards.rollback_card(view).blocks if isinstance(b, Steps))

    assert "the stage is over its budget of 2 min by 50 sec" in shown.lines[2].detail
    assert not any("budget" in line.detail for line in (*shown.lines[:2], *shown.lines[3:]))


def test_a_plan_that_took_too_long_says_so_where_it_is_approved() -> None:
    """The runbook gives a minute to find what to go back to."""
    story = STORIES["requested"]()
    story.now += timedelta(seconds=74)

    said = cards.rollback_card(View(story.plan().state, story.runbook, "en", story.now))

    words = "The plan took 1 min 15 sec · the stage is over its budget of 1 min by 15 sec"
    assert words in str(said)


def test_the_way_back_is_shown_in_its_order() -> None:
    """An undo shows what is walked back, the last step first, and nothing that leaves no trace."""
    card = cards.rollback_card(view_of("undone", "en"))

    shown = [line.title for b in card.blocks if isinstance(b, Steps) for line in b.lines]

    assert shown == ["Start the previous version: api", "Bring the previous APP_VERSION back"]


def test_a_question_that_was_decided_has_no_buttons() -> None:
    """Nobody is left with a button that decides nothing."""
    for story in ("denied", "expired", "cancelled", "executing", "succeeded_full", "undone"):
        assert cards.approval_card(view_of(story, "ru"), "ivan").buttons == ()


def test_approve_carries_the_plan_that_was_shown() -> None:
    """An old button never approves a new plan: its value names the plan's digest."""
    view = view_of("waiting", "ru")
    approve = cards.rollback_card(view).buttons[0]

    nonce = view.state.plan_digest[:12]

    assert approve.value == str(Token("approve", "production", "RB-17", nonce))


def test_a_success_whose_health_nobody_measured_is_not_green() -> None:
    """Unknown is never green: the line says what was not measured, and of which service."""
    view = view_of("succeeded", "ru")
    proof = tuple(
        item.model_copy(update={"verdict": Verdict.UNKNOWN}) if item.what == "health" else item
        for item in view.state.proof
    )
    assert any(item.what == "health" for item in proof)

    card = cards.rollback_card(replace(view, state=replace(view.state, proof=proof)))

    assert card.tone is Tone.WARNING
    assert "здоровье не измерено: api" in card.plain


@both_languages
def test_help_says_which_other_pages_there_are(language: Language) -> None:
    """Nobody has to guess a topic; the plain line alone says what the page is about."""
    view = view_of("waiting", language)

    card = cards.reply_card(HelpReply(""), view.runbook, language, view.now)

    assert "restore, backups, approve" in card.footer
    assert len(card.plain) > len(card.headline) + 40


def test_nobody_is_told_to_ask_themselves() -> None:
    """Who decides hears that no reason was given, and by whom; who asked knows."""
    view = view_of("auto", "en")

    others, own = (str(cards.approval_card(view, person)) for person in ("boris", "anna"))

    assert "No reason was given" in others
    assert "No reason was given" not in own
