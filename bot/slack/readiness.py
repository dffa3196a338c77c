"""What `rollbot check` asks Slack: tokens, scopes, channels, people. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import SecretStr

from bot.slack.door import PATH
from bot.slack.manifest import SCOPES
from bot.slack.standing import People
from bot.slack.wire import PLATFORM, Wire, translated
from commands.domain.conversation import Standing
from commands.domain.errors import ChatError
from commands.domain.runbook import Channel, Runbook
from commands.domain.text import Text, text
from commands.ports import Clock
from commands.settings import SlackSettings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `said` names it and, when it is not `ok`, what to do."""

    ok: bool
    said: Text


async def readiness(settings: SlackSettings, runbook: Runbook, clock: Clock) -> tuple[Finding, ...]:
    """Everything Slack must be ready for, in the order of dependence. Raises nothing of Slack's."""
    wire = Wire(settings)
    await wire.open()
    try:
        return tuple([finding async for finding in _findings(wire, settings, runbook, clock)])
    finally:
        await wire.close()


async def _findings(
    wire: Wire, settings: SlackSettings, runbook: Runbook, clock: Clock
) -> AsyncIterator[Finding]:
    try:
        with translated():
            me = await wire.cards.auth_test()
    except ChatError as error:
        yield _bad("slack.check_token_bad", variable="SLACK_BOT_TOKEN", why=error.why)
        return
    team = str(me["team_id"])
    granted = {scope.strip() for scope in str(me.headers.get("x-oauth-scopes", "")).split(",")}
    yield _scopes(team, set(SCOPES) - granted)
    if settings.app_token is None:
        yield _good("slack.check_http", path=PATH)
    else:
        yield await _app_token(wire, settings.app_token)
    for name, environment in runbook.environments.items():
        for channel in environment.channels:
            if channel.platform == PLATFORM:
                yield await _channel(wire, name, channel, team)
    people = People(wire, clock)
    people.team = team
    looks = [_person(people, name, account) for name, account in _accounts(runbook)]
    for finding in await asyncio.gather(*looks):
        yield finding


def _scopes(team: str, missing: set[str]) -> Finding:
    if missing:
        return _bad("slack.check_scopes_missing", scopes=tuple(sorted(missing)))
    return _good("slack.check_token", workspace=team)


async def _app_token(wire: Wire, token: SecretStr) -> Finding:
    try:
        with translated():
            await wire.cards.apps_connections_open(app_token=token.get_secret_value())
    except ChatError as error:
        return _bad("slack.check_token_bad", variable="SLACK_APP_TOKEN", why=error.why)
    return _good("slack.check_socket")


async def _channel(wire: Wire, environment: str, channel: Channel, team: str) -> Finding:
    known = {"channel": channel.channel, "environment": environment}
    if channel.workspace != team:
        return _bad("slack.check_workspace", **known, named=channel.workspace, actual=team)
    try:
        with translated():
            await wire.asides.conversations_history(channel=channel.channel, limit=1)
    except ChatError as error:
        return _bad("slack.check_channel_bad", **known, why=error.why)
    return _good("slack.check_channel", **known)


async def _person(people: People, name: str, account: str) -> Finding:
    team, _, user = account.partition(":")
    known = {"person": name, "account": account}
    try:
        sender = await people.sender(user, team)
    except ChatError as error:
        return _bad("slack.check_person_bad", **known, why=error.why)
    if sender.standing is not Standing.MEMBER:
        return _bad("slack.check_person_bad", **known, why=sender.standing.value)
    return _good("slack.check_person", **known)


def _accounts(runbook: Runbook) -> list[tuple[str, str]]:
    return [(name, one) for name, person in runbook.people.items() for one in person.slack]


def _good(key: str, /, **facts: str) -> Finding:
    return Finding(ok=True, said=text(key, **facts))


def _bad(key: str, /, **facts: str | tuple[str, ...]) -> Finding:
    return Finding(ok=False, said=text(key, **facts))
