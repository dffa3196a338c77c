"""Cards on Telegram: readable, and within every limit whatever stands in them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.telegram.markup import ENTITY_LIMIT, TEXT_LIMIT, cut, units
from bot.telegram.renderer import Rendered, render, whole_in_short
from commands.domain.conversation import (
    Block,
    Button,
    ButtonStyle,
    Card,
    CheckLine,
    Checklist,
    Code,
    Confirm,
    Fields,
    Paragraph,
    Quote,
    StepLine,
    StepLook,
    Steps,
    Tick,
    Tone,
)
from tests.servers.telegram_html import Parsed, parse_html

HOSTILE = (
    "</b><script>alert(1)</script>",
    '<a href="tg://user?id=1">CTO</a>',
    "&lt;&amp;&#0;&unknown;",
    "<" * 5000,
    "&" * 5000,
    "🔥" * 3000,
    "\u202egnp.exe",
    "\ud800 alone",
    "\x00\x1b[31m",
    "строка\r\n\r\n\r\n\r\nдругая",
    " ",
    "</pre></blockquote>",
)
nasty = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec=None), max_size=60),
    st.text(alphabet="<>&\"'/ab я🔥\n", max_size=6000),
)
blocks: st.SearchStrategy[Block] = st.one_of(
    st.builds(Paragraph, nasty, nasty),
    st.builds(Fields, st.lists(st.tuples(nasty, nasty), max_size=120).map(tuple)),
    st.builds(
        Steps,
        nasty,
        st.lists(
            st.builds(
                StepLine,
                st.sampled_from(StepLook),
                nasty,
                nasty,
                st.none() | st.floats(0, 1e6, allow_nan=False),
            ),
            max_size=60,
        ).map(tuple),
    ),
    st.builds(
        Checklist,
        nasty,
        st.lists(st.builds(CheckLine, st.sampled_from(Tick), nasty, nasty), max_size=40).map(tuple),
    ),
    st.builds(Code, nasty, nasty),
    st.builds(Quote, nasty, nasty),
)
buttons = st.builds(
    Button,
    nasty,
    st.just("act"),
    st.text(alphabet="abc:-я", max_size=80),
    st.sampled_from(ButtonStyle),
    st.none() | st.builds(Confirm, nasty, nasty, nasty, nasty),
)
cards = st.builds(
    Card,
    plain=nasty,
    headline=nasty,
    tone=st.sampled_from(Tone),
    blocks=st.lists(blocks, max_size=12).map(tuple),
    buttons=st.lists(buttons, max_size=40).map(tuple),
    footer=nasty,
)


def accepted(rendered: Rendered) -> Parsed:
    """What Telegram makes of it, by the stand-in's own reading of the rules."""
    parsed = parse_html(rendered.html)
    assert parsed.complaints == []
    assert 1 <= units(parsed.text) <= TEXT_LIMIT
    assert len(parsed.entities) <= ENTITY_LIMIT
    rendered.html.encode()
    return parsed


def pressed(rendered: Rendered) -> list[tuple[str, str]]:
    """Labels and callback data, row by row."""
    rows = rendered.keyboard.inline_keyboard if rendered.keyboard else ()
    return [(b.text, str(b.callback_data)) for row in rows for b in row]


@settings(max_examples=150, deadline=None)
@given(cards)
def test_any_card_is_within_telegram_limits(card: Card) -> None:
    """Whatever people and programs wrote, the message is well-formed and short enough."""
    rendered = render(card)

    accepted(rendered)
    for label, data in pressed(rendered):
        assert label.strip()
        assert 1 <= len(data.encode()) <= 64
    assert len(pressed(rendered)) <= 100


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec=None), max_size=80), st.integers(0, 80))
def test_cutting_never_exceeds_and_never_splits(text: str, limit: int) -> None:
    """A cut text is within the limit, and is a beginning of the text."""
    short = cut(text, limit)

    assert units(short) <= limit
    assert text.startswith(short.removesuffix("…").rstrip()) or short == text


@pytest.mark.parametrize("words", HOSTILE)
def test_markup_in_words_is_shown_not_obeyed(words: str) -> None:
    """Somebody's own words bring no style, no link and no turned line into a card."""
    said = Card(plain="p", headline="RB-17", blocks=(Quote(words, by=words),))

    parsed = accepted(render(said))

    assert {e["type"] for e in parsed.entities} <= {"bold", "blockquote"}
    assert "\u202e" not in parsed.text


def test_a_card_reads_well_on_a_phone() -> None:
    """Tone, headline, plain line, blocks in their order, small print last."""
    card = Card(
        plain="production: RB-17 ждёт одобрения",
        headline="RB-17 · api → v1.2.3",
        tone=Tone.WAITING,
        blocks=(
            Fields((("Простой", "≈ 2 с"),)),
            Steps("Шаги", (StepLine(StepLook.DONE, "Скачать образ", "v1.2.3", 75.4),)),
            Checklist("Проверки", (CheckLine(Tick.UNKNOWN, "Ошибки", "нет данных"),)),
            Code("docker compose up -d", title="Команда"),
            Quote("5xx > 5 %", by="Анна"),
        ),
        buttons=(Button("Одобрить", "approve", "approve:x"), Button("Отклонить", "deny", "deny:x")),
        footer="03:14 МСК",
    )

    rendered = render(card)

    assert accepted(rendered).text == (
        "⏳ RB-17 · api → v1.2.3\nproduction: RB-17 ждёт одобрения\n\nПростой: ≈ 2 с\n\n"
        "Шаги\n✅ Скачать образ · 1:15 — v1.2.3\n\nПроверки\n❔ Ошибки — нет данных\n\n"
        "Команда\ndocker compose up -d\n\n5xx > 5 %\n— Анна\n\n03:14 МСК"
    )
    assert pressed(rendered) == [("Одобрить", "approve:x"), ("Отклонить", "deny:x")]


def test_what_is_too_long_loses_its_middle_not_its_end() -> None:
    """A 5,000-character reason is trimmed; headline, buttons and small print stay."""
    reason = "очень длинная причина " * 250
    long = tuple(Paragraph(reason) for _ in range(6))
    button = Button("Одобрить", "approve", "approve:x")
    card = Card("p", "RB-17", blocks=long, buttons=(button,), footer="03:14 МСК")

    parsed = accepted(render(card))

    assert parsed.text.startswith("ℹ️ RB-17")
    assert parsed.text.endswith("…\n\n03:14 МСК")
    assert pressed(render(card)) == [("Одобрить", "approve:x")]


def test_the_plain_line_is_not_said_twice() -> None:
    """A plain line that the headline or the first paragraph says already is left out."""
    card = Card(
        plain="Не ваша роль", headline="Отказ", blocks=(Paragraph("Не ваша роль: нужен CTO"),)
    )

    assert accepted(render(card)).text.count("Не ваша роль") == 1
    assert accepted(render(replace(card, headline="Не ваша роль"))).text.count("\n") == 2
    both = Card("RB-17 · api: ждёт", "RB-17 · api", blocks=(Paragraph("ждёт одобрения"),))
    assert accepted(render(both)).text == "ℹ️ RB-17 · api\n\nждёт одобрения"
    step = Card("RB-17 · Переключить api: готово", "Переключить api", blocks=(Paragraph("Готово"),))
    assert accepted(render(step)).text == "ℹ️ Переключить api · RB-17\n\nГотово"


def test_a_refusal_is_one_sentence_said_once() -> None:
    """A card without a headline is its sentence, with its tone before it."""
    long = "Нет сервиса ap. " * 40
    refusal = Card("Нет сервиса ap.", "", Tone.BAD, (Paragraph("Нет сервиса ap."),))
    output = Card("Код 1", "", Tone.BAD, (Paragraph("Код 1"), Code("tail")))

    assert accepted(render(refusal)).text == "🔴 Нет сервиса ap."
    assert accepted(render(output)).text == "🔴 Код 1\n\ntail"
    assert accepted(render(Card(long, "", Tone.BAD, (Paragraph(long),)))).text.count("ap.") <= 80


def test_a_hurting_button_is_marked_and_an_impossible_one_left_out() -> None:
    """Callback data says "ask first"; a value over 64 bytes never reaches Telegram."""
    ask = Button("Стоп", "stop", "stop:x", confirm=Confirm("?", "", "да", "нет"))
    huge = Button("Нет места", "x", "x" * 65)

    assert pressed(render(Card("p", "h", buttons=(ask, huge)))) == [("Стоп", "?stop:x")]


def test_short_answers_know_whether_they_say_it_all() -> None:
    """A refusal fits the box of a press; a card with steps does not."""
    refusal = Card("Не ваша роль", "Отказ", blocks=(Paragraph("Нужен CTO."),))
    whole = Card("План", "План", blocks=(Steps("Шаги", ()),))

    assert whole_in_short(refusal, 200) == ("Не ваша роль\nНужен CTO.", True)
    assert whole_in_short(whole, 200) == ("План", False)
