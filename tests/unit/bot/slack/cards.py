"""Cards to try a renderer with: an ordinary one, and hostile ones by the hundred."""

from __future__ import annotations

from hypothesis import strategies as st

from commands.domain.conversation import (
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

APPROVE = Button(
    label="Одобрить",
    action="approve",
    value="approve:production:RB-17:3fa9c1d2e0ab",
    style=ButtonStyle.DANGER,
    confirm=Confirm("Откатить?", "api вернётся на v1.2.3", "Откатить", "Нет"),
)
DENY = Button("Отклонить", "deny", "deny:production:RB-17:3fa9c1d2e0ab")


def ordinary() -> Card:
    """A card as the bot makes it."""
    return Card(
        plain="[production] RB-17: api v1.3.0 → v1.2.3, ждёт одобрения",
        headline="production · RB-17: api v1.3.0 → v1.2.3",
        tone=Tone.WAITING,
        blocks=(
            Quote("ошибки 12 % после <деплоя>", by="Анна"),
            Fields((("Простой", "≈ 2 с"), ("Как вернуть", "undo RB-17"))),
            Steps(
                "Шаги",
                (
                    StepLine(StepLook.DONE, "Скачать образ", seconds=4.2),
                    StepLine(StepLook.RUNNING, "Переключить api", "sha256:ab", 65.0),
                    StepLine(StepLook.PENDING, "Дождаться здоровья"),
                ),
            ),
            Checklist("Проверки", (CheckLine(Tick.UNKNOWN, "Error rate < 1 %", "нет данных"),)),
            Code("docker compose up -d --no-deps api", "Команда"),
            Paragraph("График дежурств: https://samokoder.pagerduty.com", "Кого звать"),
        ),
        buttons=(APPROVE, DENY),
        footer="12:00 MSK",
    )


NASTY = (
    "<!channel> @channel",
    "<@U0CTO> одобрил",
    "*ОДОБРЕНО* _CTO_ ~нет~ `да`",
    "```\nконец",
    "&lt;!here&gt; & <https://evil|ok>",
    "\ud800\u202eabc\x00\x07",
    "😀" * 40,
    "&" * 400,
    "> цитата\n> ещё",
    "   \n\t ",
    "",
)
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(), max_size=60),
    st.builds(
        str.__mul__,
        st.sampled_from(("x", "&", "<", "😀", "ж ", "*a ", "\n")),
        st.sampled_from((149, 151, 3001, 9000)),
    ),
)
names = st.text("abcdefgh_", min_size=1, max_size=20)
confirms = st.builds(Confirm, texts, texts, texts, texts)
buttons = st.builds(
    Button,
    texts,
    names,
    st.text("abc:0123456789", min_size=1, max_size=64),
    st.sampled_from(ButtonStyle),
    st.none() | confirms,
)
step_lines = st.builds(
    StepLine, st.sampled_from(StepLook), texts, texts, st.none() | st.floats(0, 1e6)
)
blocks = st.one_of(
    st.builds(Paragraph, texts, texts),
    st.builds(Fields, st.lists(st.tuples(texts, texts), max_size=25).map(tuple)),
    st.builds(Steps, texts, st.lists(step_lines, max_size=60).map(tuple)),
    st.builds(
        Checklist,
        texts,
        st.lists(st.builds(CheckLine, st.sampled_from(Tick), texts, texts), max_size=20).map(tuple),
    ),
    st.builds(Code, texts, texts),
    st.builds(Quote, texts, texts),
)
hostile = st.builds(
    Card,
    texts,
    texts,
    st.sampled_from(Tone),
    st.lists(blocks, max_size=60).map(tuple),
    st.lists(buttons, max_size=60).map(tuple),
    texts,
)
