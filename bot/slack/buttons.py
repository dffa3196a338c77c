"""Buttons of a card. What they carry is opaque, and the same comes back.

docs.slack.dev/reference/block-kit/block-elements/button-element (November 2026).
"""

from __future__ import annotations

from bot.slack.objects import Json, plain
from commands.domain.conversation import Button, ButtonStyle, Confirm

BUTTON_MAX = 75
BUTTONS_MAX = 25
ACTION_ROWS_MAX = 2
ACTION_PREFIX = "card:"


def action_rows(buttons: tuple[Button, ...]) -> list[Json]:
    """Rows of buttons, in order."""
    seen: dict[str, int] = {}
    elements = []
    for button in buttons[: BUTTONS_MAX * ACTION_ROWS_MAX]:
        seen[button.action] = seen.get(button.action, 0) + 1
        elements.append(_button(button, seen[button.action]))
    return [
        {"type": "actions", "elements": elements[first : first + BUTTONS_MAX]}
        for first in range(0, len(elements), BUTTONS_MAX)
    ]


def _button(button: Button, nth: int) -> Json:
    """`action_id` must be unique within the message: the second of a verb gets a number."""
    action = f"{ACTION_PREFIX}{button.action[:200]}" + (f":{nth}" if nth > 1 else "")
    element: Json = {
        "type": "button",
        "text": plain(button.label, BUTTON_MAX),
        "action_id": action,
        "value": button.value,
    }
    if button.style is not ButtonStyle.PLAIN:
        element["style"] = button.style.value
    if button.confirm:
        element["confirm"] = _confirm(button.confirm, button.style)
    return element


def _confirm(confirm: Confirm, style: ButtonStyle) -> Json:
    asked: Json = {
        "title": plain(confirm.title, 100),
        "text": plain(confirm.text, 300),
        "confirm": plain(confirm.yes, 30),
        "deny": plain(confirm.no, 30),
    }
    if style is not ButtonStyle.PLAIN:
        asked["style"] = style.value
    return asked
