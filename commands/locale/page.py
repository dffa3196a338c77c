"""The maintenance page: what users read while the database is changed. One file, no assets."""

from __future__ import annotations

from html import escape

from commands.domain.people import Language
from commands.domain.text import text
from commands.locale import say

_PAGE = (
    "<!doctype html><html lang={language}><head><meta charset=utf-8>"
    "<meta name=viewport content='width=device-width, initial-scale=1'>"
    "<meta name=robots content=noindex><title>{title}</title>"
    "<style>body{{font:18px/1.5 system-ui,sans-serif;max-width:32em;margin:20vh auto;"
    "padding:0 1em;color:#222;background:#fff}}"
    "@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#111}}}}</style></head>"
    "<body><h1>{title}</h1><p>{words}</p></body></html>"
)


def maintenance_page(language: Language) -> str:
    """The whole page as HTML, on one line, without quotation marks (nginx takes it as a string)."""
    title, words = (say(text(f"maintenance.{part}"), language) for part in ("title", "words"))
    return _PAGE.format(language=language, title=escape(title), words=escape(words))
