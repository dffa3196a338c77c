"""Telegram's HTML and keyboard on a phone 390 points wide, near enough to judge by."""

from __future__ import annotations

from html import escape

from telegram import InlineKeyboardButton

from bot.telegram.renderer import Rendered

STYLE = """
.phone { width: 390px; background: #d5e0cf; padding: 10px 8px; box-sizing: border-box;
  font: 15px/1.33 Roboto, sans-serif; color: #000 }
.phone .bubble { background: #fff; border-radius: 12px; padding: 8px 11px; width: 340px;
  box-sizing: border-box; white-space: pre-wrap; overflow-wrap: anywhere }
.phone .bubble b { font-weight: 700 }
.phone blockquote { margin: 0; display: inline-block; width: 100%; box-sizing: border-box;
  border-left: 3px solid #3a8ee6; background: #eaf3fc; padding: 4px 8px; border-radius: 4px }
.phone code, .phone pre { font: 13px monospace; color: #244f77; margin: 0; white-space: pre-wrap }
.phone i { color: #555 }
.phone .row { display: flex; gap: 4px; margin-top: 4px; width: 340px }
.phone .key { flex: 1; text-align: center; background: #7f9b77; color: #fff; font-weight: 500;
  border-radius: 8px; padding: 8px 4px; font-size: 14px }
.phone .primary { background: #2f7fd6 } .phone .danger { background: #d04040 }
"""


def page(rendered: Rendered, name: str) -> str:
    """One message as an element."""
    rows = rendered.keyboard.inline_keyboard if rendered.keyboard else ()
    keys = "".join(f'<div class="row">{"".join(map(_key, row))}</div>' for row in rows)
    return f'<div class="phone" id="{name}"><div class="bubble">{rendered.html}</div>{keys}</div>'


def _key(key: InlineKeyboardButton) -> str:
    return f'<span class="key {key.style or ""}">{escape(key.text)}</span>'
