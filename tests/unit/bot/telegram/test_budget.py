"""Telegram's limits are counted, not tried."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.budget import GROUP, RESERVE, Budget
from commands.domain.errors import ChatError

GROUP_ID, PERSON_ID = -100123, 123


@dataclass
class Now:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


def taken(budget: Budget, chat_id: int, reserve: int = 0) -> bool:
    try:
        budget.take(chat_id, reserve=reserve)
    except ChatError:
        return False
    return True


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_minute_ever_has_more_than_twenty(pauses: list[float]) -> None:
    """However messages come, a group gets at most 20 in any 60 seconds."""
    now = Now()
    budget, sent = Budget(now), list[float]()
    for pause in pauses:
        now.at += pause
        if taken(budget, GROUP_ID):
            sent.append(now.at)

    for first in sent:
        assert sum(first <= at < first + 60 for at in sent) <= 20


def test_the_reserve_is_for_what_matters() -> None:
    """Progress stops two messages early; a final state and its announcement still go."""
    now = Now()
    budget = Budget(now)
    for _ in range(GROUP.burst - RESERVE):
        now.at += 1.0
        assert taken(budget, GROUP_ID, RESERVE)
    while taken(budget, GROUP_ID, RESERVE):
        now.at += 1.0

    assert taken(budget, GROUP_ID)
    now.at += 1.0
    assert taken(budget, GROUP_ID)


def test_a_refusal_says_when_there_is_room() -> None:
    """After exactly that time the message goes, and chats do not count for each other."""
    now = Now()
    budget = Budget(now)
    while taken(budget, PERSON_ID):
        pass

    with pytest.raises(ChatError) as refused:
        budget.take(PERSON_ID)
    assert taken(budget, GROUP_ID)
    now.at += (refused.value.retry_after_s or 0.0) + 1e-6
    assert taken(budget, PERSON_ID)


def test_progress_is_soon_asked_again_for_it_may_be_the_end() -> None:
    """What only the reserve holds back waits a second, not until the bucket is full again."""
    now = Now()
    budget = Budget(now)
    while taken(budget, GROUP_ID, RESERVE):
        now.at += 1.0

    with pytest.raises(ChatError) as refused:
        budget.take(GROUP_ID, reserve=RESERVE)

    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s <= 1
    assert taken(Budget(now), PERSON_ID, RESERVE)
