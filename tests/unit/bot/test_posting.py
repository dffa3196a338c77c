"""How messages find room on Slack: what ends or decides a rollback is not held up by details."""

from __future__ import annotations

from dataclasses import dataclass

from bot.outbox import Wanted
from bot.posting import DETAIL_EVERY_S, PACE_S, Posting
from commands.domain.conversation import Address, Card, Paragraph
from commands.domain.errors import ChatError, ChatNoAccountError
from tests.cards.stories import executing
from tests.cards.teller import HOME
from tests.fakes.chat import FakeChat


def wanted(key: str, words: str = "", *, live: bool = False, under: str = "") -> Wanted:
    """A message of the channel."""
    card = Card(plain=words, headline="RB-17", blocks=(Paragraph(words),))
    return Wanted(key, Address(HOME), lambda: card, live=live, under=under)


async def sent(posting: Posting, message: Wanted) -> bool:
    """Try once, as the relay does at every look."""
    return await posting.deliver("production", executing().state, message)


@dataclass
class Watch:
    """Seconds that pass when the test says so."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


def on_slack() -> tuple[FakeChat, Posting, Watch]:
    """A Slack that takes everything unless told."""
    chat, watch = FakeChat(platform="slack"), Watch()
    return chat, Posting(chat=chat, services={}, keep=False, now=watch), watch


async def test_a_refused_post_does_not_hold_up_the_card() -> None:
    """Slack counts posts and edits apart: the card shows the end while a channel is full."""
    chat, posting, watch = on_slack()
    assert await sent(posting, wanted("card:1", "идёт", live=True))
    chat.failures.append(ChatError("slack", "ratelimited", retry_after_s=30))
    assert not await sent(posting, wanted("resolved:1", "конец"))
    watch.at += PACE_S["slack"]
    assert not await sent(posting, wanted("resolved:1", "конец"))

    assert await sent(posting, wanted("card:1", "готово", live=True))

    assert [post.card.plain for post in chat.posts] == ["готово"]


async def test_details_leave_room_for_what_matters() -> None:
    """Threads fill at a pace of their own; an announcement among them is posted at once."""
    chat, posting, watch = on_slack()
    await sent(posting, wanted("card:1", "идёт", live=True))
    first, second = (wanted(f"step:{n}", f"шаг {n}", under="card:1") for n in range(2))

    assert not await sent(posting, first)
    watch.at += DETAIL_EVERY_S["slack"]
    assert await sent(posting, first)
    assert not await sent(posting, second)
    assert await sent(posting, wanted("resolved:1", "конец"))
    watch.at += DETAIL_EVERY_S["slack"]
    assert await sent(posting, second)

    assert [post.card.plain for post in chat.posts] == ["идёт", "шаг 0", "конец", "шаг 1"]


async def test_an_account_that_does_not_exist_is_tried_once_a_question() -> None:
    """What no repetition mends is not repeated; everybody else is written to."""
    chat, posting, _ = on_slack()
    chat.failures.append(ChatNoAccountError("slack", "user_not_found"))

    assert await sent(posting, wanted("dm:1", "одобрите", live=True))
    assert await sent(posting, wanted("dm:1", "одобрите", live=True))
    assert chat.posts == []
    assert await sent(posting, wanted("dm:2", "одобрите", live=True))
    assert len(chat.posts) == 1
