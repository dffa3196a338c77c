"""What each chat platform needs of the environment, and where to get what is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from commands.domain.text import text

SLACK_API = "https://slack.com/api/"
TELEGRAM_API = "https://api.telegram.org"
WEBHOOK_PATH = "/telegram/webhook"
MAKE_A_KEY = text("remedy.make_a_key")

REMEDIES = {
    "ROLLBOT_RUNBOOK": text("remedy.runbook"),
    "ROLLBOT_STATE_DIR": text("remedy.state_dir"),
    "REDIS_URL": text("remedy.redis_url"),
    "SLACK_BOT_TOKEN": text("remedy.slack_bot_token"),
    "SLACK_APP_TOKEN": text("remedy.slack_app_token"),
    "SLACK_SIGNING_SECRET": text("remedy.slack_signing_secret"),
    "SLACK_API_URL": text("remedy.leave_out", usual=SLACK_API),
    "SLACK_PLAN_BLOCKS": text("remedy.true_or_false"),
    "TELEGRAM_BOT_TOKEN": text("remedy.telegram_bot_token"),
    "TELEGRAM_API_URL": text("remedy.leave_out", usual=TELEGRAM_API),
    "TELEGRAM_WEBHOOK_URL": text("remedy.webhook_url", path=WEBHOOK_PATH),
    "TELEGRAM_WEBHOOK_SECRET": MAKE_A_KEY,
    "ROLLBOT_LISTEN": text("remedy.listen"),
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
