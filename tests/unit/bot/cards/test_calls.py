"""Who is mentioned: everybody when it begins and ends, those it needs when it needs people."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot import cards
from bot.cards.view import View
from bot.slack import renderer as slack
from bot.telegram import renderer as telegram
from commands.domain.conversation import Card
from commands.domain.procedure import Mentioned, Mentions
from tests.cards.people import NAMES
from tests.cards.stories import closed_badly, denied, executing, failed, succeeded
from tests.cards.teller import Teller
from tests.servers.telegram_html import parse_html

EVERYBODY = {f"10000000{n}" for n in range(1, 9)}
"""All that the shipped runbook gives a role, on Telegram."""


def view_of(story: Teller, **mentions: Mentioned) -> View:
    """The story as a channel reads it, with other mentions than the shipped runbook has."""
    production = story.runbook.environments["production"]
    changed = production.model_copy(update={"mentions": Mentions(**mentions)})
    runbook = story.runbook.model_copy(update={"environments": {"production": changed}})
    return View(story.state, runbook, "ru", story.now)


def on_slack(card: Card) -> str:
    """The line of the message that rings."""
    said = [block.get("text", {}).get("text", "") for block in slack.render(card).blocks]
    return next((text for text in said if re.match(r"<[!@]", text)), "")


def on_telegram(card: Card) -> dict[str, str]:
    """Whom it rings for, and by which name."""
    parsed = parse_html(telegram.render(card).html)
    assert parsed.complaints == []
    sent = parsed.text.encode("utf-16-le")  # Telegram counts its units.
    return {
        e["url"].removeprefix("tg://user?id="): sent[
            2 * e["offset"] : 2 * (e["offset"] + e["length"])
        ].decode("utf-16-le")
        for e in parsed.entities
        if e["type"] == "text_link"
    }


@pytest.mark.parametrize(
    "card",
    [cards.started_card(view_of(executing())), cards.resolved_card(view_of(succeeded()))],
)
def test_the_incident_and_its_end_call_everybody(card: Card) -> None:
    """The runbook's `@channel`; on Telegram, which has none, each of its people by name."""
    assert on_slack(card) == "<!channel>"
    assert on_telegram(card).keys() == EVERYBODY
    # What a phone shows is plain words; when Slack refuses the blocks, they ring too.
    assert "<!" not in slack.render(card).text
    assert slack.render_plainly(card).text.startswith("<!channel> PRODUCTION")


@pytest.mark.parametrize(
    ("story", "people"),
    [
        (failed(), {"anna", "boris"}),
        (closed_badly(), {"anna", "boris"}),
        (denied(), {"anna"}),
    ],
)
def test_a_call_for_people_rings_for_them(story: Teller, people: set[str]) -> None:
    """Whoever asked and whoever can still decide, by account and never by name."""
    card = cards.attention_card(view_of(story))

    numbers = {p: i for i, p in enumerate(story.runbook.people, start=1)}
    assert on_slack(card) == " ".join(f"<@U0000000{numbers[p]}>" for p in sorted(people))
    assert on_telegram(card) == {f"10000000{numbers[p]}": NAMES[p] for p in people}


def test_the_runbook_says_whom() -> None:
    """Nobody, those here, or all also when people are needed."""
    quiet = view_of(failed(), announcement="here", attention="nobody")
    assert on_slack(cards.started_card(quiet)) == "<!here>"
    assert on_slack(cards.attention_card(quiet)) == ""
    assert on_telegram(cards.attention_card(quiet)) == {}
    loud = view_of(failed(), announcement="people", attention="channel")
    assert on_slack(cards.attention_card(loud)) == "<!channel>"
    assert on_telegram(cards.started_card(loud)).keys() == {"100000001", "100000002"}


def test_a_name_of_the_runbook_is_only_a_name() -> None:
    """It stands inside the link, escaped and cut; a card without a call is as it was."""
    card = cards.attention_card(view_of(failed()))
    ((_, account), *_) = card.call.people
    telegrams = next(one for _, one in card.call.people if one.platform == "telegram")
    hostile = replace(card.call, people=(("</a><b>" + "x" * 80, telegrams), ("y", account)))

    assert on_telegram(replace(card, call=hostile)) == {telegrams.user: "</a><b>" + "x" * 32 + "…"}
    assert on_slack(cards.rollback_card(view_of(failed()))) == ""
