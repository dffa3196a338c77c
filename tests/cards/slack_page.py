"""Block Kit as Slack shows it, near enough to judge words and layout."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from bot.slack.renderer import Rendered

STYLE = """
.slack { width: 620px; padding: 16px 20px; background: #fff; color: #1d1c1d;
  font: 15px/1.47 Lato, sans-serif; }
.slack .who { font-weight: 900; margin-bottom: 2px }
.slack .who .app { font-size: 10px; font-weight: 700; background: #ddd; color: #616061;
  border-radius: 2px; padding: 1px 3px; margin: 0 6px; vertical-align: 2px }
.slack .who time { font-weight: 400; font-size: 12px; color: #616061 }
.slack h3 { font-size: 18px; font-weight: 900; margin: 6px 0 }
.slack .section { margin: 8px 0; white-space: pre-wrap; overflow-wrap: anywhere }
.slack .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px }
.slack .actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 10px 0 }
.slack .button { border: 1px solid #bbb; border-radius: 4px; padding: 3px 12px;
  font-weight: 700; font-size: 13px; line-height: 26px }
.slack .primary { background: #007a5a; border-color: #007a5a; color: #fff }
.slack .danger { background: #e01e5a; border-color: #e01e5a; color: #fff }
.slack .context { font-size: 12px; color: #616061; margin: 8px 0 }
.slack code { font: 12px monospace; color: #e01e5a; background: #f6f6f6;
  border: 1px solid #ddd; border-radius: 3px; padding: 1px 3px }
.slack pre { font: 12px/1.5 monospace; background: #f6f6f6; border: 1px solid #ddd;
  border-radius: 4px; padding: 8px; margin: 4px 0; white-space: pre-wrap }
"""


def page(rendered: Rendered, name: str, at: str) -> str:
    """One message as an element."""
    blocks = "".join(map(_block, rendered.blocks))
    who = f'<div class="who">rollbot<span class="app">APP</span><time>{escape(at)}</time></div>'
    return f'<div class="slack" id="{name}">{who}{blocks}</div>'


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{_text(block['text'])}</h3>"
        case "section":
            said = _text(block["text"]) if "text" in block else ""
            fields = "".join(f"<div>{_text(f)}</div>" for f in block.get("fields", ()))
            inside = said + (f'<div class="fields">{fields}</div>' if fields else "")
            return f'<div class="section">{inside}</div>'
        case "actions":
            return f'<div class="actions">{"".join(map(_button, block["elements"]))}</div>'
        case "context":
            return f'<div class="context">{"".join(map(_text, block["elements"]))}</div>'
        case other:
            return f'<div class="section">[{escape(other)}]</div>'


def _button(button: dict[str, Any]) -> str:
    return f'<span class="button {button.get("style", "")}">{_text(button["text"])}</span>'


def _text(said: dict[str, Any]) -> str:
    if said["type"] == "plain_text":
        return escape(said["text"])
    # Entities are in the text already; what is left is Slack's own marks.
    html = re.sub(r"```\n?(.*?)\n?```", r"<pre>\1</pre>", said["text"], flags=re.DOTALL)
    html = re.sub(r"<(https?://[^|>]+)(?:\|([^>]+))?>", r'<a href="\1">\1</a>', html)
    html = re.sub(r"<[!@](\w+)>", r"<b>@\1</b>", html)
    html = re.sub(r"(?m)^\*([^*\n]+)\*", r"<b>\1</b>", html)
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html)
