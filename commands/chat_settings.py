"""What each chat platform needs of the environment, and where to get what is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, SecretStr

SLACK_API = "https://slack.com/api/"
TELEGRAM_API = "https://api.telegram.org"
WEBHOOK_PATH = "/telegram/webhook"
MAKE_A_KEY = "make one with: openssl rand -hex 32"

REMEDIES = {
    "ROLLBOT_RUNBOOK": "give the path of runbook.toml",
    "ROLLBOT_STATE_DIR": "give a folder that rollbot may write, on a disk that stays",
    "REDIS_URL": "give redis://[:password@]host:port/number",
    "SLACK_BOT_TOKEN": "copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions",
    "SLACK_APP_TOKEN": "copy an App-Level Token (xapp-…) with connections:write; or, for HTTP "
    "mode, set SLACK_SIGNING_SECRET and ROLLBOT_LISTEN",
    "SLACK_SIGNING_SECRET": "copy the Signing Secret from Basic Information",
    "SLACK_API_URL": f"leave it out for {SLACK_API}",
    "SLACK_PLAN_BLOCKS": "give true or false",
    "TELEGRAM_BOT_TOKEN": "copy the token from @BotFather (123456:ABC…)",
    "TELEGRAM_API_URL": f"leave it out for {TELEGRAM_API}",
    "TELEGRAM_WEBHOOK_URL": f"give https://your.host{WEBHOOK_PATH}, or leave it out for polling",
    "TELEGRAM_WEBHOOK_SECRET": MAKE_A_KEY,
    "ROLLBOT_LISTEN": "give host:port, as 127.0.0.1:8080, where your proxy reaches the bot",
}


def _shared_secret(secret: SecretStr) -> SecretStr:
    # Telegram takes these characters alone, up to 256 of them; Slack's are 32 hexadecimal digits.
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", secret.get_secret_value()):
        raise ValueError("is not 16 to 256 letters, digits, _ and -")
    return secret


def _place(listen: str) -> str:
    if listen and not re.fullmatch(r"[^:\s]*:[0-9]{1,5}", listen):
        raise ValueError("is not host:port")
    return listen


def _webhook_url(url: str) -> str:
    if url and not re.fullmatch(rf"https?://\S+{WEBHOOK_PATH}", url):
        raise ValueError(f"is not an address that ends with {WEBHOOK_PATH}")
    return url


SharedSecret = Annotated[SecretStr, AfterValidator(_shared_secret)]
Place = Annotated[str, AfterValidator(_place)]
WebhookUrl = Annotated[str, AfterValidator(_webhook_url)]


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """What a connection to Slack needs. `api_url` ends with a slash.

    With an app token it is in Socket Mode; without one Slack calls us, and signs what it says with
    the signing secret (HTTP mode).
    """

    bot_token: SecretStr
    app_token: SecretStr | None
    api_url: str = SLACK_API
    plan_blocks: bool = False
    signing_secret: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram calls us, and what it says to show that it is Telegram."""

    url: str
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """What a Telegram bot needs. `api_url` has no trailing slash and no `/bot`.

    Without a webhook the bot polls.
    """

    bot_token: SecretStr
    api_url: str = TELEGRAM_API
    webhook: Webhook | None = None
