"""Which messages a rollback's state calls for: a pure function, compared with what was posted.

A message has a key, unique per rollback and address. `live` ones are edited as the state moves;
the others are said once, so that phones ring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot import cards
from bot.attention import EVERYWHERE, LOST, WATCH, attention_key
from bot.cards.view import View
from bot.homes import homes_of, name_of
from bot.pauses import Pause
from commands.domain.conversation import Address, Card
from commands.domain.people import Identity, PersonId, Platform
from commands.domain.plan import RunCheck
from commands.domain.runbook import Channel
from commands.domain.state import (
    EnvironmentState,
    RollbackState,
    Status,
    StepRecord,
    StepStatus,
)

RECENT = 30
"""So many of an environment's newest rollbacks are looked at, besides every open one."""

PAGE_STAYS = ("db.maintenance_stays", "db.maintenance_not_ours")
"""What a step says when users still get the maintenance page after all."""

PRUNED = ("db.pruned", "db.dropped_and_pruned")
"""What the clean-up says when it deleted backups for their age."""

TOLD_WITHIN = timedelta(days=1)
"""For so long after its end a rollback is still told where it was not."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One message that should be there. `under` is the key of the message it is a thread of.

    `journaled` False: it is said while nothing can be written, and remembered in memory alone.
    """

    key: str
    address: Address
    card: Callable[[], Card]
    live: bool = False
    under: str = ""
    journaled: bool = True


def wanted(view: View, platform: Platform, channels: tuple[Channel, ...]) -> Iterator[Wanted]:
    """Everything a platform should show for this rollback, most important first.

    `channels` are the environment's channels on the platform. Of one that ended long ago nothing
    new is told, as when a channel was bound since: what stands there is kept up.
    """
    homes = homes_of(view, platform, channels)
    old = view.state.ended_at is not None and view.now - view.state.ended_at > TOLD_WITHIN
    for message in _everything(view, platform, homes, channels):
        if not old or message.key in view.state.posted or message.address.person is not None:
            yield message


def _everything(
    view: View, platform: Platform, homes: tuple[Channel, ...], channels: tuple[Channel, ...]
) -> Iterator[Wanted]:
    for home in homes:
        card = partial(cards.rollback_card, view)
        yield Wanted(f"card:{name_of(home)}", Address(home), card, live=True)
    yield from _direct(view, platform)
    yield from _announcements(view, channels)
    for home in homes:
        yield from _in(home, view)
    for channel in channels:
        if channel not in homes:
            yield from _elsewhere(channel, view)


def paused(
    view: View, pauses: tuple[Pause, ...], channels: tuple[Channel, ...]
) -> Iterator[Wanted]:
    """That it stands still, and that it went on: one message a pause, in every channel."""
    for pause in pauses:
        card = partial(cards.pause_card, view, pause.since_at)
        if pause.over_at is not None:
            card = partial(cards.pause_over_card, view, pause.since_at, pause.over_at)
        for channel in channels:
            # The same after a restart of the bot, so that it is found again and not repeated.
            key = f"pause:{pause.position}:{name_of(channel)}"
            yield Wanted(key, Address(channel), card, live=True, journaled=False)


def _in(home: Channel, view: View) -> Iterator[Wanted]:
    state, at = view.state, name_of(home)
    attention = attention_key(state)
    if attention is not None:
        live = attention.startswith((LOST, WATCH))
        card = partial(cards.attention_card, view)
        yield Wanted(f"{attention}:{at}", Address(home), card, live=live)
    for key in state.posted:
        if key.endswith(f":{at}") and key != f"{attention}:{at}":
            now = _no_longer(key, view)
            if now is not None:
                yield Wanted(key, Address(home), now, live=True)
    if state.succeeded:
        card = partial(cards.checklist_card, view)
        yield Wanted(f"checklist:{at}", Address(home), card, live=True)
    for number in worth_a_thread(state):
        attempt = state.record(number).attempt
        card = partial(cards.step_card, view, number)
        yield Wanted(f"step:{number}:{attempt}:{at}", Address(home), card, under=f"card:{at}")
    if state.closed_at is not None and state.succeeded:
        card = partial(cards.follow_ups_card, view)
        yield Wanted(f"follow-ups:{at}", Address(home), card, under=f"card:{at}")


def _elsewhere(channel: Channel, view: View) -> Iterator[Wanted]:
    """A channel that heard of the incident also hears that it needs people, and that it goes on."""
    at, attention = name_of(channel), attention_key(view.state)
    current = f"{attention}:{at}" if attention and attention.startswith(EVERYWHERE) else ""
    if current:
        yield Wanted(current, Address(channel), partial(cards.elsewhere_card, view), live=True)
    for key in view.state.posted:
        if key.startswith(EVERYWHERE) and key.endswith(f":{at}") and key != current:
            yield Wanted(key, Address(channel), partial(cards.went_on_card, view), live=True)


def _no_longer(key: str, view: View) -> Callable[[], Card] | None:
    """What an earlier call for people becomes once it is answered; None: it stays as it is."""
    if key.startswith(LOST):
        back = view.state.worker_lost_at is None
        return partial(cards.worker_back_card if back else cards.attention_card, view)
    return partial(cards.went_on_card, view) if key.startswith(WATCH) else None


def _announcements(view: View, channels: tuple[Channel, ...]) -> Iterator[Wanted]:
    state = view.state
    for channel in channels:
        at = name_of(channel)
        if state.started_at is not None:
            card = partial(cards.started_card, view)
            yield Wanted(f"started:{at}", Address(channel), card)
        if state.status in (Status.SUCCEEDED, Status.UNDONE, Status.CANCELLED) and state.changed:
            card = partial(cards.resolved_card, view)
            yield Wanted(f"resolved:{state.status.value}:{at}", Address(channel), card)


def _direct(view: View, platform: Platform) -> Iterator[Wanted]:
    """Everybody who is asked gets the buttons directly; edited when it is decided."""
    question = view.state.question
    asked = dict(_asked(view, platform)) if question else {}
    for key in view.state.posted:
        if key.startswith("dm:") and key.split(":")[2] == platform and key not in asked:
            person = key.split(":")[3]
            asked[key] = (person, None)
    for key, (person, account) in asked.items():
        card = partial(cards.approval_card, view, person)
        yield Wanted(key, Address(nowhere(platform), person=account), card, live=True)


def _asked(
    view: View, platform: Platform
) -> Iterator[tuple[str, tuple[PersonId, Identity | None]]]:
    question, runbook = view.state.question, view.runbook
    if question is None:
        return
    people = dict.fromkeys(p for role in question.roles for p in runbook.holders(role))
    for person in people:
        if person == question.by and not question.self_approval:
            continue
        for account in runbook.people[person].identities():
            if account.platform == platform:
                key = f"dm:{question.nonce}:{platform}:{person}:{account.user}"
                yield key, (person, account)


def looked_at(state: EnvironmentState) -> tuple[str, ...]:
    """The rollbacks of an environment that may call for a message, oldest first."""
    recent = {*tuple(state.opened)[-RECENT:], *state.open}
    return tuple(name for name in state.opened if name in recent)


def place(address: Address) -> str:
    """One conversation, whatever the thread."""
    person = address.person.user if address.person else ""
    return f"{address.channel.channel}:{person}"


def nowhere(platform: Platform) -> Channel:
    """The channel of a direct message: only its platform says something."""
    return Channel(platform=platform, channel="")


def worth_a_thread(state: RollbackState) -> Iterator[int]:
    """Steps whose details belong into the thread: failures, own checks, what no card tells.

    Every other step says all it has to say on its line of the card, and a Telegram group takes
    twenty messages a minute.
    """
    for number, record in sorted(state.steps.items()):
        failed = record.status in (
            StepStatus.FAILED,
            StepStatus.REVERT_FAILED,
            StepStatus.IN_DOUBT,
        )
        checked = record.status is StepStatus.DONE and _is_check(state, number)
        if failed or checked or _is_told_nowhere_else(record):
            yield number


def _is_told_nowhere_else(record: StepRecord) -> bool:
    """No card has a line for the clean-up: the page stays, or old backups are gone."""
    return record.detail is not None and record.detail.key in (*PAGE_STAYS, *PRUNED)


def _is_check(state: RollbackState, number: int) -> bool:
    return state.plan is not None and isinstance(state.plan.step(number).action, RunCheck)


def final_first(item: tuple[tuple[str, str], RollbackState]) -> tuple[bool, int]:
    """Sorts what ended or waits for people first, then the newest."""
    state = item[1]
    return (not (state.status.ended or state.status.waits_for_people), -state.number)
