"""Which card of which story is drawn how, and the drawing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from bot import cards
from bot.cards.view import View
from bot.slack import renderer as slack
from bot.telegram import renderer as telegram
from commands.domain.conversation import Card
from commands.domain.people import Language
from commands.locale import when
from tests.cards import browser, slack_page, telegram_page
from tests.cards.answers import answer
from tests.cards.stories import STORIES

Platform = Literal["slack", "telegram"]
WIDTH = 700
CARDS: dict[str, Callable[[View], Card]] = {
    "card": cards.rollback_card,
    "asked": lambda view: cards.approval_card(view, "ivan"),
    "attention": cards.attention_card,
    "started": cards.started_card,
    "resolved": cards.resolved_card,
    "checklist": cards.checklist_card,
    "follow-ups": cards.follow_ups_card,
    "backups": partial(answer, "backups"),
    "versions-db": partial(answer, "versions_db"),
    "versions-db-two-heads": partial(answer, "versions_db_two_heads"),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One card, of one story, on one platform, in one language."""

    story: str
    card: str = "card"
    platform: Platform = "slack"
    language: Language = "ru"
    file: str = ""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        if self.file:
            return self.file
        return "-".join((self.story.replace("_", "-"), self.card, self.platform, self.language))

    def html(self) -> str:
        """The message as an element of a page."""
        told = STORIES[self.story]()
        view = View(told.state, told.runbook, self.language, told.now)
        card = CARDS[self.card](view)
        if self.platform == "telegram":
            return telegram_page.page(telegram.render(card), self.name)
        at = when(told.now, told.runbook.timezone, self.language)
        return slack_page.page(slack.render(card), self.name, at)


SHOWN = (
    Picture("waiting_half", "asked", "telegram", file="readme"),
    Picture("waiting_half", "asked", "telegram", "en"),
    Picture("waiting_full"),
    Picture("verifying"),
    Picture("succeeded_full"),
    Picture("failed"),
    Picture("failed", "attention", "telegram"),
    Picture("closed", "checklist"),
    Picture("succeeded", "card", "slack", "en"),
    Picture("waiting_db_rehearsed", "asked", "telegram", "en"),
    Picture("waiting_db_rehearsed"),
    Picture("db_lock"),
)
"""The pictures that the documents show."""


def everything() -> tuple[Picture, ...]:
    """Every story's live card on both platforms in both languages."""
    platforms: tuple[Platform, ...] = ("slack", "telegram")
    languages: tuple[Language, ...] = ("ru", "en")
    return tuple(
        Picture(story, "card", platform, language)
        for story in STORIES
        for platform in platforms
        for language in languages
    )


def draw(pictures: Iterable[Picture], folder: Path, chromium: str) -> Iterator[Path]:
    """Draw them and yield the files' paths. Raises OSError when the browser is not there."""
    wanted = tuple(pictures)
    folder.mkdir(parents=True, exist_ok=True)
    for picture, png in zip(wanted, asyncio.run(_drawn(wanted, chromium)), strict=True):
        path = folder / f"{picture.name}.png"
        path.write_bytes(png)
        yield path


async def _drawn(pictures: tuple[Picture, ...], chromium: str) -> list[bytes]:
    async with browser.opened(chromium) as page:
        await page.show(_document(picture.html() for picture in pictures), WIDTH)
        return [await page.picture(picture.name) for picture in pictures]


def _document(elements: Iterable[str]) -> str:
    style = f"body {{ margin: 0 }} .slack, .phone {{ margin: 12px }} {slack_page.STYLE}"
    head = f"<meta charset='utf-8'><style>{style}{telegram_page.STYLE}</style>"
    return f"<!doctype html><html><head>{head}</head><body>{''.join(elements)}</body></html>"
