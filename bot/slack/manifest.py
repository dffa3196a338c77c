"""The app manifest that `rollbot manifest` prints, to be pasted at api.slack.com/apps.

docs.slack.dev/reference/app-manifest (November 2026). Socket Mode needs no address of ours, and an
app-level token (`connections:write`) that is made by hand: a manifest cannot ask for it. In HTTP
mode everything comes by one address.
"""

from __future__ import annotations

from io import StringIO

from ruamel.yaml import YAML

SCOPES = {
    "channels:history": "find out whether a message arrived before it is sent again",
    "chat:write": "post and edit cards",
    "commands": "/rollback",
    "groups:history": "as channels:history, in private channels",
    "im:history": "as channels:history, in direct messages",
    "im:write": "ask approvers directly",
    "users:read": "tell members from guests",
}
"""What the bot token may do, and why."""


def manifest(command: str = "/rollback", name: str = "rollbot", url: str = "") -> str:
    """The manifest as YAML; with a `url`, for an app in HTTP mode that is called there."""
    called = {"url": url} if url else {}
    asked = {"request_url": url, "message_menu_options_url": url} if url else {}
    whole = {
        "display_information": {
            "name": name,
            "description": "Production back, safely, from the incident channel",
            "background_color": "#1f2937",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [
                {
                    "command": command,
                    "description": "Roll a service back; bare, it opens a form",
                    "usage_hint": "api v1.2.3 | status RB-17 | help",
                    "should_escape": False,
                    **called,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "interactivity": {"is_enabled": True, **asked},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
    text = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(whole, text)
    return text.getvalue()
