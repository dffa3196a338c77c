"""An incident channel on Slack before a real stack: people type, read and press, rollbot runs.

`async with`-free on purpose: processes belong to the `installation` fixture, which ends them.
"""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from bot.cards.buttons import NO_QUESTION, NONCE
from commands.domain.command import RecoveryVerb
from commands.domain.decide.recovering import recovery_digest
from commands.domain.state import RollbackState
from commands.grammar.buttons import read_token
from commands.locale.catalogue import catalogue
from rollbot.demo.toml import dumps
from tests.integration.slack_people import ANNA, CHANNEL, on_slack, slack_people
from tests.servers.slack import Message, Slack
from tests.stack.installation import Installation
from tests.stack.project import Samokoder
from tests.stack.rollbot_fixtures import InstallationFactory

STABLE_S = 0.3
PATIENCE_S = 120.0
# Slack's limits are the Slack tests' matter; here they would only make everybody wait.
POSTS_AT_ONCE = 100

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Incident:
    """One installation and the channel where its rollbacks are asked for."""

    made: Installation
    slack: Slack

    @property
    def project(self) -> Samokoder:
        """What is rolled back."""
        return self.made.project

    async def begins(self, *processes: str) -> Incident:
        """Start the processes (default: all) and wait until they are there."""
        self.made.start(*processes)
        if not processes or "worker" in processes:
            await asyncio.to_thread(self.made.await_worker)
        await self.slack.wait_for(lambda: self.slack.socket.connected, timeout_s=PATIENCE_S)
        return self

    async def says(self, user: str, words: str) -> None:
        """Somebody types a command into the channel."""
        await self.slack.slash(user, CHANNEL, words)

    async def asks(self, words: str, user: str = ANNA) -> str:
        """Somebody asks for a rollback that was not asked for yet; its id."""
        number = self._asked_so_far() + 1
        await self.says(user, words)
        await asyncio.to_thread(self.made.await_opened, number)
        return f"RB-{number}"

    async def asks_and_sees(self, words: str, user: str = ANNA) -> str:
        """The same, and the plan is in the channel with its buttons."""
        rollback = await self.asks(words, user)
        await self.until("planned", of=rollback)
        await self.shows(rollback, phrase("status.planned"))
        return rollback

    async def rolls_back(self, words: str, until: str = "succeeded") -> str:
        """Ask, approve by button as on-call, and wait for the end."""
        rollback = await self.asks_and_sees(words)
        await self.presses(ANNA, rollback, phrase("button.approve"))
        await self.until(until, of=rollback)
        return rollback

    async def until(self, *statuses: str, of: str, within_s: float = PATIENCE_S) -> RollbackState:
        """Wait until a rollback stands there."""
        return await asyncio.to_thread(self.made.await_status, *statuses, of=of, within_s=within_s)

    async def shows(self, rollback: str, *words: str, within_s: float = PATIENCE_S) -> Message:
        """The newest message of the channel about a rollback that says all of this."""

        def found() -> Message | None:
            about = [rollback, *words]
            said = [m for m in self.slack.messages(CHANNEL) if _says(m, about)]
            return said[-1] if said else None

        message = await self._awaited(found, within_s, (rollback, *words))
        assert message is not None
        return message

    async def threads_say(self, rollback: str, *words: str) -> Message:
        """What the thread under the rollback's card says, all of this in one message."""

        def found() -> Message | None:
            roots = [m for m in self.slack.messages(CHANNEL) if _says(m, [rollback])]
            threads = (m for root in roots for m in self.slack.messages(CHANNEL, root))
            return next((m for m in threads if _says(m, words)), None)

        message = await self._awaited(found, PATIENCE_S, ("thread", rollback, *words))
        assert message is not None
        return message

    async def told(self, user: str, *words: str, within_s: float = PATIENCE_S) -> Message:
        """What one person alone was told that says all of this."""

        def found() -> Message | None:
            said = [m for m in self.slack.ephemerals(user) if _says(m, words)]
            return said[-1] if said else None

        message = await self._awaited(found, within_s, (user, *words))
        assert message is not None
        return message

    async def asked_directly(self, user: str, rollback: str) -> Message:
        """The direct message with the question that is open now."""
        current = self._current(rollback)

        def found() -> Message | None:
            mine = [m for m in self.slack.directs(user) if _says(m, [rollback])]
            return next((m for m in reversed(mine) if any(map(current, m.buttons))), None)

        message = await self._awaited(found, PATIENCE_S, (user, rollback))
        assert message is not None
        return message

    async def presses(self, user: str, rollback: str, label: str) -> None:
        """Press a button that stands under the rollback's newest message that has it.

        A message that was posted once keeps its buttons, and one that is edited lags behind the
        journal: only a button that belongs to what is asked or possible now is pressed.
        """
        current = self._current(rollback)

        def found() -> Message | None:
            about = [m for m in self.slack.messages(CHANNEL) if _says(m, [rollback])]
            with_it = (m for m in reversed(about) if any(map(current, _labelled(m, label))))
            return next(with_it, None)

        message = await self._awaited(found, PATIENCE_S, (rollback, label))
        assert message is not None
        await self.clicks(user, message, label)

    async def clicks(self, user: str, message: Message, label: str) -> None:
        """Press a button of this message, and answer yes where it asks once more."""
        action = self.slack.button(message, label)
        button = next(one for one in message.buttons if one["action_id"] == action)
        await self.slack.click(user, message, action, confirm="confirm" in button)

    async def answers_directly(self, user: str, rollback: str, label: str) -> None:
        """Press a button of the direct message that asks."""
        await self.clicks(user, await self.asked_directly(user, rollback), label)

    async def _awaited(
        self, found: Callable[[], Message | None], within_s: float, what: tuple[str, ...]
    ) -> Message | None:
        try:
            return await self.slack.wait_for(found, timeout_s=within_s)
        except TimeoutError:
            said = "\n---\n".join(m.all_text for m in self.slack.messages(CHANNEL))
            raise AssertionError(f"{what} not within {within_s} s:\n{said}") from None

    def _current(self, rollback: str) -> Callable[[dict[str, Any]], bool]:
        """Tells a button of what is asked now from one of what was asked before."""
        book = self.made.store().book

        def current(button: dict[str, Any]) -> bool:
            state, token = book.rollback(rollback), read_token(button["value"])
            return "tick" in token.verb or (state is not None and token.nonce in _nonces(state))

        return current

    def _asked_so_far(self) -> int:
        return self.made.store().book.environment().last_number


def phrase(key: str) -> str:
    """The longest part of a message that holds no parameter, as the channel reads it."""
    parts = re.split(r"\{[a-z_0-9]+\}", catalogue("ru").texts[key][0])
    return max((part.strip() for part in parts), key=len)


def incident(
    project: Samokoder,
    slack: Slack,
    installation: InstallationFactory,
    *changes: Change,
    chats: dict[str, str] | None = None,
    **timing: float,
) -> Incident:
    """An installation that talks on Slack. `changes` edit the runbook's document in place."""

    def edit(runbook: str) -> str:
        document = tomllib.loads(slack_people(runbook))
        for change in changes:
            change(document)
        return dumps(document)

    slack.rates.post_burst = POSTS_AT_ONCE
    windows = {"stable_s": STABLE_S, **timing}
    on_chats = {**on_slack(slack), **(chats or {})}
    return Incident(installation(project, chats=on_chats, edit=edit, **windows), slack)


def patience(service: str, seconds: float) -> Change:
    """How long a service may take to become healthy."""

    def change(runbook: dict[str, Any]) -> None:
        runbook["services"][service]["health_timeout_s"] = seconds

    return change


def pinned_by(kind: str) -> Change:
    """Where the environment pins its versions."""

    def change(runbook: dict[str, Any]) -> None:
        runbook["environments"]["production"]["compose"]["pin"] = kind

    return change


def history_in(repository: Path) -> Change:
    """Where the tags are."""

    def change(runbook: dict[str, Any]) -> None:
        runbook["environments"]["production"]["repository"] = str(repository)

    return change


def engine_at(url: str) -> Change:
    """By which way the engine is reached."""

    def change(runbook: dict[str, Any]) -> None:
        runbook["environments"]["production"]["compose"]["engine_url"] = url

    return change


def own_check(title: str, *argv: str) -> Change:
    """One more check of the customer's own, called the same in both languages."""

    def change(runbook: dict[str, Any]) -> None:
        check = {"title": {"ru": title, "en": title}, "argv": list(argv), "timeout_s": 60}
        runbook["environments"]["production"]["smoke"].append(check)

    return change


def expiring_in(row: str, minutes: int) -> Change:
    """When an unanswered request of this row dies."""

    def change(runbook: dict[str, Any]) -> None:
        runbook["escalation"][row] |= {"sla_min": 0, "expires_min": minutes}

    return change


def _says(message: Message, words: list[str] | tuple[str, ...]) -> bool:
    return all(word in message.all_text for word in words)


def _labelled(message: Message, label: str) -> list[dict[str, Any]]:
    """The buttons of a message whose label holds these words."""
    return [one for one in message.buttons if label in one.get("text", {}).get("text", "")]


def _nonces(state: RollbackState) -> set[str]:
    """What a button that decides something now carries: the open question's, or a way out's."""
    ways_out = {recovery_digest(state, verb)[:NONCE] for verb in get_args(RecoveryVerb)}
    return {NO_QUESTION, *ways_out} | ({state.question.nonce} if state.question else set())
