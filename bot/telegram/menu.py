"""What a bare `/rollback` opens: a service, then a version; and "are you sure?".

Pure: language and suggestions in, message out. Everything a press needs later is in its callback
data, so that a menu survives a restart of the bot.
"""

from __future__ import annotations

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import KeyboardButtonStyle

from bot.telegram.incoming import (
    CONFIRMED,
    DISMISS,
    MENU_HOME,
    MENU_SERVICE,
    MENU_WORDS,
)
from bot.telegram.markup import Span, cut, line, one_line, write
from bot.telegram.renderer import DATA_LIMIT_BYTES, Rendered
from commands.domain.conversation import Confirm, Suggestions
from commands.domain.people import Language
from commands.domain.spoken import SUBJECTS
from commands.domain.text import text
from commands.locale import say

MOST_VERSIONS = 8
_Row = list[InlineKeyboardButton]


def services(offered: Suggestions, language: Language) -> Rendered:
    """The first page: which service."""
    title = say(text("telegram.menu_services", environment=offered.environment), language)
    buttons = [_button(name, MENU_SERVICE + name) for name in offered.services]
    known = [button for button in buttons if button is not None]
    rows = [known[at : at + 2] for at in range(0, len(known), 2)]
    for subject in SUBJECTS:
        whole = _button(say(text(f"form.{subject}"), language), MENU_SERVICE + subject)
        rows += [[whole]] if whole else []
    return _page(title, [*rows, [_cancel(language)]])


def versions(offered: Suggestions, service: str, language: Language) -> Rendered:
    """The second page: which version of it, newest first, or the last one that was proven."""
    facts = {"environment": offered.environment, "service": service}
    listed = offered.of(service)[:MOST_VERSIONS]
    key = "telegram.menu_versions" if listed else "telegram.menu_no_versions"
    auto = say(text("telegram.menu_auto"), language)
    choices = [_button(auto, f"{MENU_WORDS}{service} --auto")]
    for version, note in listed:
        label = " · ".join(filter(None, (version, note)))
        choices.append(_button(label, f"{MENU_WORDS}{service} {version}"))
    rows = [[button] for button in choices if button is not None]
    back = InlineKeyboardButton(say(text("telegram.menu_back"), language), callback_data=MENU_HOME)
    return _page(say(text(key, **facts), language), [*rows, [back, _cancel(language)]])


def chosen(name: str, words: str) -> Rendered:
    """What stays of a menu: who asked for what."""
    shown = cut(one_line(f"/rollback {words}"), 300)
    return Rendered(write([line(Span(f"{name}: ", "b"), Span(shown, "code"))]), None)


def question(confirm: Confirm | None, value: str, label: str, language: Language) -> Rendered:
    """Asked once more, in the card's words when they are known, else in general ones."""
    asked = confirm or Confirm(
        title=say(text("telegram.confirm_title"), language),
        text=label,
        yes=say(text("telegram.confirm_yes"), language),
        no=say(text("telegram.confirm_no"), language),
    )
    yes = InlineKeyboardButton(
        cut(one_line(asked.yes), 64) or "✓",
        callback_data=CONFIRMED + value,
        style=KeyboardButtonStyle.DANGER,
    )
    no = InlineKeyboardButton(cut(one_line(asked.no), 64) or "✗", callback_data=DISMISS)
    title, body = cut(one_line(asked.title), 200), cut(one_line(asked.text), 600)
    lines = [line("❗️ ", Span(title or "?", "b"))] + ([line(body)] if body else [])
    return Rendered(write(lines), InlineKeyboardMarkup([[yes, no]]))


def _page(title: str, rows: list[_Row]) -> Rendered:
    shown = line(Span(cut(one_line(title), 400), "b"))
    return Rendered(write([shown]), InlineKeyboardMarkup([row for row in rows if row]))


def _button(label: str, data: str) -> InlineKeyboardButton | None:
    """None when the data does not fit: such a version is typed, not pressed."""
    if len(data.encode()) > DATA_LIMIT_BYTES:
        return None
    return InlineKeyboardButton(cut(one_line(label), 64) or "•", callback_data=data)


def _cancel(language: Language) -> InlineKeyboardButton:
    return InlineKeyboardButton(say(text("telegram.menu_cancel"), language), callback_data=DISMISS)
