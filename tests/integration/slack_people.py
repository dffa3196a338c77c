"""The shipped runbook's example people, as the Slack stand-in has them."""

from __future__ import annotations

from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Slack

CHANNEL = "C0INCIDENTS"
ANNA, VERA, EGOR, IVAN = "U0ANNA", "U0VERA", "U0EGOR", "U0IVAN"
SHIPPED = {ANNA: "U00000001", VERA: "U00000003", EGOR: "U00000006", IVAN: "U00000008"}


def on_slack(slack: Slack) -> dict[str, str]:
    """People and a channel there; how the bot finds it."""
    for user in SHIPPED:
        slack.person(user)
    slack.channel(CHANNEL, *SHIPPED)
    return {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": slack.api_url,
    }


def slack_people(runbook: str) -> str:
    """The runbook with the stand-in's accounts."""
    changed = runbook.replace("T00000000", "T0HOME").replace("C00000001", CHANNEL)
    for real, example in SHIPPED.items():
        changed = changed.replace(example, real)
    return changed
