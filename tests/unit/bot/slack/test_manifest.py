"""The manifest asks for what the app uses, and for nothing else."""

from __future__ import annotations

from ruamel.yaml import YAML

from bot.slack.manifest import SCOPES, manifest
from tests.servers.slack_methods import METHODS

# Methods of the stand-in that the app does not call.
UNUSED = {"chat.getPermalink"}


def test_the_manifest_is_yaml_that_slack_takes() -> None:
    """Socket Mode, the command, interactivity and a bot user are all there."""
    read = YAML(typ="safe").load(manifest())

    assert read["settings"]["socket_mode_enabled"] is True
    assert read["settings"]["interactivity"]["is_enabled"] is True
    assert [one["command"] for one in read["features"]["slash_commands"]] == ["/rollback"]
    assert read["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)
    assert len(read["display_information"]["name"]) <= 35
    assert len(read["display_information"]["description"]) <= 140


def test_the_command_can_be_named_otherwise() -> None:
    """A workspace with two rollbots gives the second its own command."""
    read = YAML(typ="safe").load(manifest("/rollback-eu", "rollbot-eu"))

    assert read["features"]["slash_commands"][0]["command"] == "/rollback-eu"


def test_no_scope_is_asked_for_without_a_use() -> None:
    """Every scope is one that a called method, or the command, needs."""
    needed = {method.scope for name, method in METHODS.items() if name not in UNUSED}
    history = {"channels:history", "groups:history", "im:history"}

    assert set(SCOPES) == (needed | history | {"commands"}) - {""}


def test_in_http_mode_everything_comes_by_one_address() -> None:
    """Commands, buttons and the version picker's questions are all sent to the bot's address."""
    url = "https://rollbot.example.com/slack/events"
    read = YAML(typ="safe").load(manifest(url=url))
    asked = read["settings"]["interactivity"]

    assert read["settings"]["socket_mode_enabled"] is False
    assert asked == {"is_enabled": True, "request_url": url, "message_menu_options_url": url}
    assert [one["url"] for one in read["features"]["slash_commands"]] == [url]
