"""Do the chat platforms know us? Only what is configured is imported."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from commands.domain.errors import ChatError, SettingsError
from commands.domain.people import PersonId
from commands.domain.runbook import Runbook
from rollbot.check.finding import Check, Finding, Ground, Level, green, red, yellow


def slack_knows_us(ground: Ground) -> Iterator[Finding]:
    """Tokens, scopes, channels and people, as Slack itself sees them."""
    try:
        settings = ground.settings.slack
    except SettingsError as error:
        yield Finding(Level.RED, error.text)
        return
    if settings is None:
        return
    from bot.slack.readiness import readiness

    clock = ground.ports.clock
    for found in asyncio.run(readiness(settings, ground.runbook, clock)):
        yield Finding(Level.GREEN if found.ok else Level.RED, found.said)


def telegram_knows_us(ground: Ground) -> Iterator[Finding]:
    """The token is accepted, and the bot is a member of every group that is bound."""
    try:
        settings = ground.settings.telegram
    except SettingsError as error:
        yield Finding(Level.RED, error.text)
        return
    if settings is None:
        return
    from bot.telegram.readiness import introduce

    chats = tuple(c.channel for c in ground.definition.channels if c.platform == "telegram")
    accounts = {
        account: ground.runbook.people[person].name
        for person in approvers(ground.runbook)
        for account in ground.runbook.people[person].telegram
    }
    try:
        me = asyncio.run(introduce(settings, chats, tuple(accounts)))
    except ChatError as error:
        yield red("ready.chat_refuses", platform="Telegram", why=error.why)
        return
    yield green("ready.chat_knows_us", platform="Telegram", name=me.name, place="@" + me.name)
    for chat in me.absent:
        yield red("ready.not_in_group", chat=chat, name=me.name)
    if me.mute:
        people = tuple(dict.fromkeys(accounts[account] for account in me.mute))
        yield yellow("ready.never_started", people=people, name=me.name)
    if settings.webhook is not None:
        yield _webhook(settings.webhook.url, me.called_at, me.last_error)


def approvers(runbook: Runbook) -> tuple[PersonId, ...]:
    """Everybody whom a row may ask, each once."""
    roles = dict.fromkeys(role for row in runbook.escalation.values() for role in row.roles)
    return tuple(dict.fromkeys(p for role in roles for p in runbook.holders(role)))


def _webhook(wanted: str, called_at: str, last_error: str) -> Finding:
    if called_at != wanted:
        return yellow("ready.webhook_unset", url=wanted)
    if last_error:
        return red("ready.webhook_failing", url=wanted, why=last_error)
    return green("ready.webhook", url=wanted)


def some_chat(ground: Ground) -> Iterator[Finding]:
    """Without a platform only the terminal is left."""
    if not (ground.settings.slack_bot_token or ground.settings.telegram_bot_token):
        yield yellow("ready.no_chat")


CHECKS: tuple[Check, ...] = (some_chat, slack_knows_us, telegram_knows_us)
