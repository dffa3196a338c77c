"""What `rollbot check` finds at Slack before the night on which it matters."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from pydantic import SecretStr

from bot.slack.manifest import SCOPES
from bot.slack.readiness import readiness
from commands.domain.runbook import Runbook
from commands.locale import say
from commands.runbook import parse_runbook, shipped_runbook
from commands.settings import SlackSettings
from tests.servers.slack import BOT_TOKEN, Slack
from tests.unit.bot.slack.conftest import WallClock


@pytest.fixture
def runbook() -> Runbook:
    """The shipped runbook, moved into the stand-in's workspace."""
    named = shipped_runbook().decode().replace("T00000000", "T0HOME")
    assert tomllib.loads(named)
    return parse_runbook(named.encode())


def settle(slack: Slack, runbook: Runbook) -> list[str]:
    """Everybody of the runbook is a member, and the bot is in its channels."""
    users = [account.split(":")[1] for one in runbook.people.values() for account in one.slack]
    for user in users:
        slack.person(user)
    for environment in runbook.environments.values():
        for channel in environment.channels:
            if channel.platform == "slack":
                slack.channel(channel.channel, *users)
    return users


async def test_a_workspace_as_the_runbook_says_is_ready(
    slack: Slack, settings: SlackSettings, runbook: Runbook
) -> None:
    """With tokens, scopes, channels and people in place, nothing is red."""
    settle(slack, runbook)

    findings = await readiness(settings, runbook, WallClock())

    assert [say(one.said, "en") for one in findings if not one.ok] == []
    assert len(findings) > len(runbook.people)


async def test_each_gap_is_named_with_what_to_do(
    slack: Slack, settings: SlackSettings, runbook: Runbook
) -> None:
    """A guest, a person that is not there and a channel without the bot are each found."""
    users = settle(slack, runbook)
    slack.world.people[users[0]].is_guest = True
    del slack.world.people[users[1]]
    slack.world.channels["C00000001"].members.clear()

    found = [one for one in await readiness(settings, runbook, WallClock()) if not one.ok]

    said = "\n".join(say(one.said, "en") for one in found)
    assert len(found) == 3
    for part in (f"{users[0]}) can neither", "guest", "user_not_found", "/invite @rollbot"):
        assert part in said


async def test_missing_scopes_are_listed(settings: SlackSettings, runbook: Runbook) -> None:
    """An app installed from an older manifest is told which scopes it lacks."""
    async with Slack.running(frozenset(SCOPES) - {"im:write"}) as slack:
        settle(slack, runbook)
        older = SlackSettings(settings.bot_token, settings.app_token, slack.api_url)
        findings = await readiness(older, runbook, WallClock())

    assert [one.said.params for one in findings if not one.ok] == [{"scopes": ("im:write",)}]


async def test_refused_tokens_are_told_apart(slack: Slack, runbook: Runbook) -> None:
    """Which of the two tokens is wrong is said by the name of its variable."""
    settle(slack, runbook)
    settings = SlackSettings(SecretStr(BOT_TOKEN), SecretStr("xapp-no"), slack.api_url)
    app_token = await readiness(settings, runbook, WallClock())
    settings = SlackSettings(SecretStr("xoxb-no"), SecretStr("xapp-no"), slack.api_url)
    bot_token = await readiness(settings, runbook, WallClock())

    assert [one.said.params["variable"] for one in app_token if not one.ok] == ["SLACK_APP_TOKEN"]
    assert [one.said.params["variable"] for one in bot_token] == ["SLACK_BOT_TOKEN"]
    slack.violations.clear()


async def test_in_http_mode_no_app_token_is_asked_for(
    slack: Slack, settings: SlackSettings, runbook: Runbook
) -> None:
    """Nothing is red without an app token, and it is said where Slack must be told to call."""
    settle(slack, runbook)
    called = replace(settings, app_token=None, signing_secret=SecretStr("s" * 32))

    findings = await readiness(called, runbook, WallClock())

    assert [one.said for one in findings if not one.ok] == []
    assert any("/slack/events" in say(one.said, "en") for one in findings)
    assert slack.calls("apps.connections.open") == []
