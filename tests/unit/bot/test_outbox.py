"""Where a rollback is told: in its home, in the incident channels, and in every channel."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cards.view import View
from bot.outbox import Wanted, wanted
from commands.domain import events as e
from commands.domain.conversation import MessageRef
from commands.domain.people import Platform
from commands.domain.runbook import Channel
from tests.cards.stories import (
    closed_badly,
    failed,
    in_doubt,
    stopped,
    succeeded,
    waiting,
    worker_lost,
)
from tests.cards.teller import HOME, Teller

GROUP = Channel(platform="telegram", channel="-1000000000001")
SHELL = Channel(platform="console", channel="production")
DIRECT = Channel(platform="slack", workspace="T00000000", channel="D0ANNA")
BOUND: dict[Platform, tuple[Channel, ...]] = {"slack": (HOME,), "telegram": (GROUP,)}


def asked_in(story: Teller, home: Channel) -> Teller:
    """The same story, asked for there."""
    story.state.homes = (home,)
    return story


def told(story: Teller, platform: Platform, home: Channel | None = None) -> dict[str, Wanted]:
    """What a channel (or all of a platform's) should show, by the key's first word."""
    view = View(story.state, story.runbook, "ru", story.now)
    found = wanted(view, platform, BOUND[platform])
    return {
        w.key.partition(":")[0]: w
        for w in found
        if w.address.person is None and home in (None, w.address.channel)
    }


@pytest.mark.parametrize("home", [SHELL, DIRECT])
@pytest.mark.parametrize(("platform", "channel"), [("slack", HOME), ("telegram", GROUP)])
def test_what_no_channel_asked_for_is_shown_in_all(
    home: Channel, platform: Platform, channel: Channel
) -> None:
    """From a shell or a direct message: plan, call for people and checklist reach every channel."""
    plan = told(asked_in(waiting(), home), platform, channel)
    assert {b.action for b in plan["card"].card().buttons} >= {"approve", "deny"}

    trouble = told(asked_in(failed(), home), platform, channel)
    assert trouble["failed"].card().buttons
    assert {"card", "started", "step"} <= set(trouble)
    assert {"card", "resolved", "checklist"} <= set(told(asked_in(succeeded(), home), platform))


def test_a_direct_message_keeps_its_own_card() -> None:
    """Who asked in private reads it there too; a shell has no such place on Slack."""
    story = asked_in(waiting(), DIRECT)

    assert "card" in told(story, "slack", DIRECT)
    assert "card" not in told(asked_in(story, SHELL), "slack", DIRECT)


@pytest.mark.parametrize(
    ("story", "key"),
    [(failed(), "failed"), (in_doubt(), "in_doubt"), (stopped(), "stopped")],
)
def test_every_channel_hears_that_it_needs_people_and_that_it_goes_on(
    story: Teller, key: str
) -> None:
    """Asked on Slack, told on Telegram: what is wrong, who may decide, the number, the buttons."""
    assert set(told(story, "telegram")) == {"started", key}
    message = told(story, "telegram")[key]
    card = message.card()
    assert card.buttons
    said = "".join(getattr(block, "text", "") for block in card.blocks)
    assert "Решают: Дежурный DevOps" in said
    assert "/rollback status RB-17" in said

    reference = MessageRef(platform="telegram", channel=GROUP.channel, message_id="7")
    story.tell(e.Posted(key=message.key, message=reference))
    story.recover("retry")
    again = told(story, "telegram")[key]
    step = story.state.blocked()
    story.tell(e.RetryOrdered(step=step.number if step else 0, people=("anna",)))
    after = told(story, "telegram")[key]

    assert (again.key, after.key) == (message.key, message.key)
    assert after.live
    assert after.card().plain.startswith("PRODUCTION · RB-17 · api → v1.2.3: Решение принято.")
    assert after.card().buttons == ()


def test_a_bad_watch_is_told_where_the_recovery_was() -> None:
    """Whoever read "recovered" reads that it did not last; nobody else's trouble is repeated."""
    assert set(told(closed_badly(), "telegram")) == {"started", "resolved", "watch"}
    assert set(told(worker_lost(), "telegram")) == {"started"}


def test_what_ended_long_ago_is_not_told_anew() -> None:
    """A channel that is bound today reads no old incidents; what stands there is kept up."""
    story = succeeded()
    assert "resolved" in told(story, "telegram")
    story.now += timedelta(days=2)

    assert told(story, "telegram") == {}
    reference = MessageRef(platform="slack", channel=HOME.channel, message_id="7")
    key = f"card:slack:{HOME.channel}"
    story.tell(e.Posted(key=key, message=reference))
    assert set(told(story, "slack")) == {"card"}
