"""The environment: secrets and addresses. The only place that reads it.

Every secret may stand in a file instead (`SLACK_BOT_TOKEN_FILE=/run/secrets/slack_bot_token`), as
Docker secrets and systemd credentials do. What people decide is in runbook.toml, never here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from commands.chat_settings import (
    MAKE_A_KEY,
    REMEDIES,
    SLACK_API,
    TELEGRAM_API,
    WEBHOOK_PATH,
    Place,
    SharedSecret,
    SlackSettings,
    TelegramSettings,
    Webhook,
    WebhookUrl,
)
from commands.database_settings import DATABASE_URL, SCRATCH_URL, DatabaseSettings
from commands.domain.errors import SettingsError
from commands.domain.text import text

__all__ = [
    "SLACK_API",
    "TELEGRAM_API",
    "WEBHOOK_PATH",
    "Settings",
    "SlackSettings",
    "TelegramSettings",
    "Webhook",
    "child_environment",
    "journal_variable",
    "read_settings",
    "secrets_for_logs",
]

JOURNAL_KEY = "ROLLBOT_JOURNAL_KEY_"
JOURNAL_KEY_LENGTH = 32
FILE_SUFFIX = "_FILE"
_PER_ENVIRONMENT = {"journal_keys": JOURNAL_KEY}
_PER_ENVIRONMENT |= {"database_urls": DATABASE_URL, "scratch_urls": SCRATCH_URL}
# What a child process of ours needs to find programs, its home and its locale; nothing else of
# ours reaches it, least of all a stale APP_VERSION (hazard H6) or a token.
INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"),
    *("DOCKER_HOST", "DOCKER_CONFIG"),
)


class Settings(DatabaseSettings):
    """Everything read from the environment, once. Secrets never show in its repr."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=False)

    runbook: Path = Field(Path("runbook.toml"), validation_alias="ROLLBOT_RUNBOOK")
    state_dir: Path = Field(Path("var"), validation_alias="ROLLBOT_STATE_DIR")
    environments: str = Field("", validation_alias="ROLLBOT_ENV")
    redis_url: str = Field("redis://localhost:6379/0", validation_alias="REDIS_URL", repr=False)
    listen: Place = Field("", validation_alias="ROLLBOT_LISTEN")
    slack_bot_token: SecretStr | None = Field(None, validation_alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    slack_signing_secret: SharedSecret | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_api_url: str = Field(SLACK_API, validation_alias="SLACK_API_URL")
    slack_plan_blocks: bool = Field(default=False, validation_alias="SLACK_PLAN_BLOCKS")
    telegram_bot_token: SecretStr | None = Field(None, validation_alias="TELEGRAM_BOT_TOKEN")
    telegram_api_url: str = Field(TELEGRAM_API, validation_alias="TELEGRAM_API_URL")
    webhook_url: WebhookUrl = Field("", validation_alias="TELEGRAM_WEBHOOK_URL")
    webhook_secret: SharedSecret | None = Field(None, validation_alias="TELEGRAM_WEBHOOK_SECRET")
    journal_keys: dict[str, SecretStr] = Field(default_factory=dict, validation_alias=JOURNAL_KEY)

    @field_validator("slack_bot_token", "slack_app_token", "telegram_bot_token")
    @classmethod
    def _looks_like_a_token(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        starts = {"slack_bot_token": "xoxb-", "slack_app_token": "xapp-"}.get(
            info.field_name or "", ""
        )
        said = token.get_secret_value() if token else starts
        if not said.startswith(starts) or any(c.isspace() for c in said):
            raise ValueError(f"is not a token that starts with {starts or 'digits'}")
        return token

    @field_validator("redis_url", "slack_api_url", "telegram_api_url")
    @classmethod
    def _is_an_address(cls, url: str, info: ValidationInfo) -> str:
        known = {"redis", "rediss", "unix"} if info.field_name == "redis_url" else {"http", "https"}
        if urlsplit(url).scheme not in known:
            raise ValueError(f"must start with one of {', '.join(sorted(known))}")
        return url.rstrip("/") + "/" if info.field_name == "slack_api_url" else url.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """One source: variables, or the files they name. No .env is searched for."""
        del init_settings, env_settings, dotenv_settings, file_secret_settings
        return (EnvironmentSource(settings_cls),)

    @property
    def slack(self) -> SlackSettings | None:
        """Slack's settings; None when nothing of it is set. Raises SettingsError for a half."""
        bot, app, signing = self.slack_bot_token, self.slack_app_token, self.slack_signing_secret
        if bot is None and app is None and signing is None:
            return None
        if bot is None or (app is None and signing is None):
            raise _missing("SLACK_BOT_TOKEN" if bot is None else "SLACK_APP_TOKEN")
        if app is None and not self.listen:
            raise _missing("ROLLBOT_LISTEN")
        return SlackSettings(bot, app, self.slack_api_url, self.slack_plan_blocks, signing)

    @property
    def telegram(self) -> TelegramSettings | None:
        """Telegram's settings; None when no token is set. Raises SettingsError for a half."""
        token = self.telegram_bot_token
        if token is None:
            return None
        return TelegramSettings(token, self.telegram_api_url, self._webhook())

    def _webhook(self) -> Webhook | None:
        url, secret = self.webhook_url, self.webhook_secret
        if not url:
            return None
        if secret is None or not self.listen:
            raise _missing("TELEGRAM_WEBHOOK_SECRET" if secret is None else "ROLLBOT_LISTEN")
        if self.telegram_api_url == TELEGRAM_API and not url.startswith("https:"):
            raise SettingsError("TELEGRAM_WEBHOOK_URL", text("wrong.webhook_not_https"))
        return Webhook(url, secret)

    @property
    def served(self) -> tuple[str, ...]:
        """The environments that this host's worker and observer serve (comma-separated)."""
        return tuple(name for part in self.environments.split(",") if (name := part.strip()))

    def journal_key(self, environment: str) -> bytes:
        """The key that signs this environment's journal. Raises SettingsError."""
        variable = journal_variable(environment)
        secret = self.journal_keys.get(variable)
        if secret is None:
            raise SettingsError(variable, text("wrong.not_set", remedy=MAKE_A_KEY))
        if len(value := secret.get_secret_value()) < JOURNAL_KEY_LENGTH:
            why = text("wrong.too_short", n=JOURNAL_KEY_LENGTH, remedy=MAKE_A_KEY)
            raise SettingsError(variable, why)
        return value.encode()

    def secret_values(self) -> tuple[str, ...]:
        """Every secret in plain, longest first, for the redactor alone."""
        tokens = (self.slack_bot_token, self.slack_app_token, self.telegram_bot_token)
        shared = (self.slack_signing_secret, self.webhook_secret, *self.journal_keys.values())
        found = {t.get_secret_value() for t in (*tokens, *shared) if t}
        found |= {urlsplit(self.redis_url).password or "", *self.database_secrets()}
        return tuple(sorted(found - {""}, key=lambda s: (-len(s), s)))


@dataclass(frozen=True, slots=True)
class Environ:
    """Environment variables, a secret's file standing in for its value."""

    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def get(self, name: str) -> str | None:
        """The value, or the content of the file that `<name>_FILE` names; None if neither is set.

        An empty value counts as not set: that is how Compose hands on what is missing. Raises
        SettingsError when both are set, or the file cannot be read.
        """
        value, path = self.variables.get(name), self.variables.get(name + FILE_SUFFIX)
        if not path:
            return value or None
        if value:
            raise SettingsError(name, text("wrong.set_twice", other=name + FILE_SUFFIX))
        try:
            return Path(path).read_text("utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            why = text("wrong.unreadable", why=str(error))
            raise SettingsError(name + FILE_SUFFIX, why) from error

    def starting_with(self, prefix: str) -> dict[str, str]:
        """What is set of the variables that start so, by name without their `_FILE`."""
        names = {n.removesuffix(FILE_SUFFIX) for n in self.variables if n.startswith(prefix)}
        return {n: value for n in sorted(names - {prefix}) if (value := self.get(n))}


class EnvironmentSource(PydanticBaseSettingsSource):
    """Feeds `Settings` from variables and secret files."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value under the field's alias."""
        alias = str(field.validation_alias)
        return Environ().get(alias), alias, field_name in _PER_ENVIRONMENT

    def __call__(self) -> dict[str, Any]:
        """Everything that is set."""
        environ = Environ()
        found: dict[str, Any] = {p: environ.starting_with(p) for p in _PER_ENVIRONMENT.values()}
        for name, wanted in self.settings_cls.model_fields.items():
            value, alias, nested = self.get_field_value(wanted, name)
            if value is not None and not nested:
                found[alias] = value
        return found


def _missing(variable: str) -> SettingsError:
    return SettingsError(variable, text("wrong.not_set", remedy=REMEDIES[variable]))


def journal_variable(environment: str) -> str:
    """The variable that holds an environment's journal key: ROLLBOT_JOURNAL_KEY_PRODUCTION."""
    return JOURNAL_KEY + environment.upper().replace("-", "_")


def read_settings() -> Settings:
    """The settings as they are now. Raises SettingsError naming the variable and the remedy."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        variable, said = str(first["loc"][0]), first["msg"].removeprefix("Value error, ")
        remedy = REMEDIES.get(variable, text("remedy.anew"))
        raise SettingsError(variable, text("wrong.value", said=said, remedy=remedy)) from None


def child_environment() -> dict[str, str]:
    """What a child process gets of our environment: where programs are, never a secret."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def secrets_for_logs() -> tuple[str, ...]:
    """Every secret that could show up in a log; none when the settings cannot be read."""
    try:
        return read_settings().secret_values()
    except SettingsError:
        return ()
