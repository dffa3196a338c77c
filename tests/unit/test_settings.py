"""The environment: what is missing is named with its remedy, and secrets stay secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commands.domain.errors import SettingsError
from commands.locale import say
from commands.settings import SLACK_API, child_environment, read_settings

KEY = "k" * 32
HOOK = "https://rollbot.example.com/telegram/webhook"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("ROLLBOT_", "SLACK_", "TELEGRAM_", "REDIS_", "DOCKER_")):
            monkeypatch.delenv(name)


def test_nothing_set_is_a_worker_on_its_defaults() -> None:
    """No chat platform is configured, and the paths are those of design."""
    settings = read_settings()

    assert settings.slack is None
    assert settings.telegram is None
    assert settings.runbook == Path("runbook.toml")
    assert settings.served == ()


def test_both_platforms_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, addresses and the plan-block switch reach the platforms' settings."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    monkeypatch.setenv("SLACK_PLAN_BLOCKS", "true")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:a")
    monkeypatch.setenv("TELEGRAM_API_URL", "http://localhost:8081/")
    monkeypatch.setenv("ROLLBOT_ENV", "production, staging")

    settings = read_settings()

    assert settings.slack is not None
    assert settings.slack.plan_blocks
    assert settings.slack.api_url == SLACK_API
    assert settings.telegram is not None
    assert settings.telegram.api_url == "http://localhost:8081"
    assert settings.served == ("production", "staging")


def test_one_slack_token_of_two_names_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a configuration is an error with the variable and where to get its value."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")

    with pytest.raises(SettingsError) as caught:
        _ = read_settings().slack

    assert caught.value.variable == "SLACK_APP_TOKEN"
    assert "xapp-" in say(caught.value.text, "en")


def test_slack_calls_us_with_a_signing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP mode takes the place of an app token, which is preferred where both are set."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", KEY)
    monkeypatch.setenv("ROLLBOT_LISTEN", "127.0.0.1:8080")
    called = read_settings().slack
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    both = read_settings().slack

    assert called is not None
    assert called.app_token is None
    assert called.signing_secret is not None
    assert both is not None
    assert both.app_token is not None


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"SLACK_SIGNING_SECRET": KEY}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": KEY}, "ROLLBOT_LISTEN"),
        ({"TELEGRAM_WEBHOOK_URL": HOOK}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"TELEGRAM_WEBHOOK_URL": HOOK, "TELEGRAM_WEBHOOK_SECRET": KEY}, "ROLLBOT_LISTEN"),
        (
            {
                "TELEGRAM_WEBHOOK_URL": HOOK.replace("https", "http"),
                "TELEGRAM_WEBHOOK_SECRET": KEY,
                "ROLLBOT_LISTEN": ":8080",
            },
            "TELEGRAM_WEBHOOK_URL",
        ),
    ],
)
def test_half_a_door_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    """To be called takes a secret, a place to listen at, and for Telegram itself https."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:a")
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        _ = (read_settings().slack, read_settings().telegram)

    assert caught.value.variable == missing


def test_a_telegram_webhook_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address and its secret reach Telegram's settings, and the redactor knows the secret."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:a")
    monkeypatch.setenv("TELEGRAM_WEBHOOK_URL", HOOK)
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", KEY)
    monkeypatch.setenv("ROLLBOT_LISTEN", ":8080")

    settings = read_settings()

    assert settings.telegram is not None
    assert settings.telegram.webhook is not None
    assert settings.telegram.webhook.url == HOOK
    assert KEY in settings.secret_values()
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLACK_BOT_TOKEN", "xapp-swapped-canary"),
        ("SLACK_APP_TOKEN", "xoxb-swapped-canary"),
        ("TELEGRAM_BOT_TOKEN", "12 canary"),
        ("REDIS_URL", "localhost:6379/canary"),
        ("SLACK_API_URL", "slack.com/canary"),
        ("SLACK_PLAN_BLOCKS", "canary"),
        ("SLACK_SIGNING_SECRET", "canary"),
        ("TELEGRAM_WEBHOOK_SECRET", "canary with white space"),
        ("TELEGRAM_WEBHOOK_URL", "https://rollbot.example.com/canary"),
        ("ROLLBOT_LISTEN", "canary"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The message names the variable and a remedy, not the value that may be a secret."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as caught:
        read_settings()

    assert caught.value.variable == variable
    assert "canary" not in str(caught.value)


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Docker secrets work for tokens and journal keys alike; the newline at the end is not read."""
    (tmp_path / "token").write_text("1:from-file\n")
    (tmp_path / "key").write_text(KEY + "\n")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("ROLLBOT_JOURNAL_KEY_EU_PROD_FILE", str(tmp_path / "key"))

    settings = read_settings()

    assert settings.telegram is not None
    assert settings.telegram.bot_token.get_secret_value() == "1:from-file"
    assert settings.journal_key("eu-prod") == KEY.encode()


def test_a_secret_in_two_places_or_an_absent_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody has to find out at 3 a.m. which of two tokens won."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN_FILE"):
        read_settings()

    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:a")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "keep one of them" in say(caught.value.text, "en")


def test_a_journal_key_that_is_missing_or_short_tells_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The remedy can be pasted."""
    with pytest.raises(SettingsError) as unset:
        read_settings().journal_key("production")
    assert say(unset.value.text, "ru") == (
        "Переменная окружения ROLLBOT_JOURNAL_KEY_PRODUCTION: не задана; "
        "создайте ключ: openssl rand -hex 32."
    )

    monkeypatch.setenv("ROLLBOT_JOURNAL_KEY_PRODUCTION", "short")
    with pytest.raises(SettingsError) as short:
        read_settings().journal_key("production")
    assert "shorter than 32" in say(short.value.text, "en")


def test_secrets_are_known_to_the_redactor_and_absent_from_the_repr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tokens, journal keys and the Redis password: all handed over, none printed."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:canary-a")
    monkeypatch.setenv("ROLLBOT_JOURNAL_KEY_PRODUCTION", "canary-b" * 4)
    monkeypatch.setenv("REDIS_URL", "redis://:canary-c@localhost/0")

    settings = read_settings()

    assert set(settings.secret_values()) == {"1:canary-a", "canary-b" * 4, "canary-c"}
    assert "canary" not in repr(settings)


def test_the_addresses_of_databases_are_read_per_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each environment has its own, from a file too; the password in it is a known secret."""
    address = tmp_path / "scratch_url"
    address.write_text("postgresql://proof:canary%2Fe@scratch/postgres\n")
    monkeypatch.setenv("ROLLBOT_DATABASE_URL_STAGING_EU", "postgresql://app:canary-d@db/samokoder")
    monkeypatch.setenv("ROLLBOT_SCRATCH_URL_STAGING_EU_FILE", str(address))

    settings = read_settings()

    production = settings.database_url("staging-eu")
    scratch = settings.scratch_url("staging-eu")
    assert production is not None
    assert production.get_secret_value() == "postgresql://app:canary-d@db/samokoder"
    assert scratch is not None
    assert scratch.get_secret_value() == address.read_text().strip()
    assert settings.database_url("production") is None
    assert {"canary-d", "canary%2Fe", "canary/e"} <= set(settings.secret_values())
    assert "canary" not in repr(settings)


def test_a_child_inherits_no_secret_and_no_stale_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version variable of the worker's own shell cannot win over the env file (H6)."""
    monkeypatch.setenv("APP_VERSION", "v9")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")

    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")

    assert set(child_environment()) & {"APP_VERSION", "SLACK_BOT_TOKEN"} == set()
    assert child_environment()["DOCKER_HOST"] == "tcp://127.0.0.1:2375"
    assert child_environment()["PATH"] == os.environ["PATH"]
