"""Cards as Block Kit: every limit, and nobody's words do anything."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from bot.slack.renderer import Rendered, render
from commands.domain.conversation import Card, Paragraph, Quote, StepLine, StepLook, Steps, Tone
from tests.servers import slack_blocks
from tests.servers.slack_world import Message
from tests.unit.bot.slack.cards import APPROVE, NASTY, hostile, ordinary


def seen(rendered: Rendered) -> Message:
    return Message("C1", "1.1", rendered.text, rendered.blocks)


def faults(rendered: Rendered) -> list[str]:
    """What Slack would refuse, by the reference and not by our own constants."""
    found = slack_blocks.message_faults(rendered.blocks)
    total = sum(map(slack_blocks.units, slack_blocks.texts(rendered.blocks)))
    if total > slack_blocks.MESSAGE_TEXT_MAX:
        found.append(f"{total} characters")
    if not rendered.text.strip() or slack_blocks.units(rendered.text) > 4000:
        found.append("text")
    rendered.text.encode()
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(card=hostile)
def test_no_card_breaks_a_limit(card: Card) -> None:
    """Whatever stands in a card, Slack takes it, and it wakes nobody."""
    for plan_blocks in (False, True):
        rendered = render(card, plan_blocks=plan_blocks)

        assert faults(rendered) == []
        assert seen(rendered).pings == set()


@pytest.mark.parametrize("words", [word for word in NASTY if word.strip()])
def test_words_of_people_do_nothing(words: str) -> None:
    """A reason cannot mention, link, format or close a code block, wherever it stands."""
    card = replace(
        ordinary(),
        plain=words,
        headline=words,
        blocks=(Quote(words, by=words), Paragraph(words, words)),
    )

    message = seen(render(card))

    assert message.pings == set()
    marked = [
        one["text"]["text"] for one in message.blocks if one.get("text", {}).get("type") == "mrkdwn"
    ]
    assert not any(re.search(r"<[^>]*[|!@#]|[`]", one) for one in marked)


def test_an_ordinary_card_says_everything() -> None:
    """Headline, reason, fields, steps with their time, checks, command, link, footer: all there."""
    message = seen(render(ordinary()))

    for part in (
        "🟡 production · RB-17",
        "ошибки 12 % после <деплоя>",
        "*Простой*\n≈ 2 с",
        "✅ Скачать образ `0:04`",
        "⏳ Переключить api `1:05` · sha256:ab",
        "❔ Error rate &lt; 1 % · нет данных",
        "```\ndocker compose up -d --no-deps api\n```",
        "<https://samokoder.pagerduty.com>",
        "12:00 MSK",
    ):
        assert part in message.all_text


def test_a_button_keeps_its_value_and_asks_again() -> None:
    """A hurting button carries its opaque value unchanged and a confirmation in the same style."""
    [button] = [one for one in seen(render(ordinary())).buttons if "confirm" in one]

    assert button["value"] == APPROVE.value
    assert (button["style"], button["confirm"]["style"]) == ("danger", "danger")
    assert button["confirm"]["confirm"]["text"] == "Откатить"


def test_an_answer_without_a_headline_starts_with_its_tone() -> None:
    """A private answer is one section, marked good or bad; without blocks it is the line itself."""
    answer = Card(plain="нет такой", headline="", tone=Tone.BAD, blocks=(Paragraph("нет такой"),))

    for card in (answer, replace(answer, blocks=())):
        [section] = render(card).blocks
        assert section["text"]["text"] == "🔴 нет такой"


def test_the_same_verb_twice_has_two_ids() -> None:
    """Two buttons of one verb differ in `action_id`, so that Slack takes the message."""
    card = replace(ordinary(), buttons=(APPROVE, APPROVE, APPROVE))

    ids = [one["action_id"] for one in seen(render(card)).buttons]

    assert ids == ["card:approve", "card:approve:2", "card:approve:3"]


def test_a_long_reason_is_cut_and_the_buttons_stay() -> None:
    """5,000 characters end in an ellipsis; what decides is never cut away."""
    card = replace(ordinary(), blocks=tuple(Quote("причина " * 700, by="Анна") for _ in range(9)))

    message = seen(render(card))

    assert "…»\n— Анна" in message.all_text
    assert message.blocks[-3]["text"]["text"] == "…"
    assert len(message.buttons) == 2


def test_steps_become_task_cards_when_asked() -> None:
    """Behind the setting, steps are a plan block whose statuses Slack knows."""
    card = replace(
        ordinary(), blocks=(Steps("Шаги", tuple(StepLine(look, "s") for look in StepLook)),)
    )

    [plan] = [block for block in render(card, plan_blocks=True).blocks if block["type"] == "plan"]

    assert [task["status"] for task in plan["tasks"]] == [
        "pending",
        "in_progress",
        "complete",
        "error",
        "error",
        "complete",
        "complete",
    ]
