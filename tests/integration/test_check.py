"""`rollbot check` on real parts: green where it was seen to work, red with what to do where not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from bot.telegram.readiness import introduce
from commands.domain.errors import ChatError
from commands.runbook import shipped_runbook
from commands.settings import TelegramSettings, read_settings
from commands.store.opening import Access, Store, open_store
from rollbot.check import check
from tests.engines.embedded import REPOSITORY, EmbeddedEngine
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.servers.telegram import TelegramServer

KEY = "k" * 64
HOST = """
[environments.production]
title = "PRODUCTION"
services = ["api"]
channels = [{{ platform = "console", channel = "production" }}]
compose = {{ generation = "embedded", project = "{project}", directory = "{directory}", \
engine_url = "{engine}" }}
smoke = [{{ title = {{ ru = "smoke" }}, argv = ["true"] }}]

[services.api]
image = "{image}"
health_url = "{url}/health"
version_url = "{url}/version"
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    """A real project on v1.3.0, with older releases in its registry."""
    engine = EmbeddedEngine(tmp_path)
    engine.deploy("v1.2.3")
    eventually(lambda: engine.status("/health") == 200, what="the api is healthy")
    yield engine
    engine.close()


@pytest.fixture
def host(
    engine: EmbeddedEngine,
    embedded_redis: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A worker's host, all set; returns its runbook.toml, with real people's accounts."""
    shipped = shipped_runbook().decode()
    people = shipped[shipped.index("[people.anna]") :]
    for number in range(1, 9):
        people = people.replace(f"T00000000:U0000000{number}", f"T0REAL:U0REAL{number}")
        people = people.replace(f"10000000{number}", f"55500000{number}")
    stack = HOST.format(
        project=engine.project.name,
        directory=engine.project,
        engine=engine.url,
        image=REPOSITORY,
        url=f"http://127.0.0.1:{engine.api_port}",
    )
    runbook = tmp_path / "runbook.toml"
    runbook.write_text(f'version = "7"\n{stack}\n{people}')
    for name, value in {
        "ROLLBOT_RUNBOOK": str(runbook),
        "ROLLBOT_STATE_DIR": str(tmp_path / "state"),
        "REDIS_URL": embedded_redis.url,
        "ROLLBOT_JOURNAL_KEY_PRODUCTION": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    return runbook


def checked(*arguments: str) -> Result:
    return CliRunner().invoke(check, ["--language", "en", *arguments], catch_exceptions=False)


@contextmanager
def memory() -> Iterator[Store]:
    settings = read_settings()
    store = open_store(
        Access(
            environment="production",
            redis_url=settings.redis_url,
            key=KEY.encode(),
            state_dir=settings.state_dir,
        )
    )
    yield store
    store.client.close()


def reds(result: Result) -> list[str]:
    return [line for line in result.output.splitlines() if line.startswith("✗")]


def test_a_ready_host_is_green_but_for_its_worker(host: Path) -> None:
    """Engine, images, health, Redis and keys are seen to work; only the absent worker is red."""
    result = checked()

    (red,) = reds(result)
    assert red.startswith("✗ production: the worker does not answer, rollbacks will not start.")
    assert red.endswith("rollbot worker --env production.")
    assert result.exit_code == 1
    for seen in (
        "api: runs version v1.2.3",
        "api: 4 versions to go back to",
        "/health answers",
        "appendfsync always",
        "its version is pinned by APP_VERSION",
        "escalation.full: can be approved",
    ):
        assert seen in result.output


def test_red_stands_first(host: Path) -> None:
    """What stops a rollback is read first, what works last."""
    marks = [line[0] for line in checked().output.splitlines() if line and line[0] in "✗!✓"]

    assert marks == sorted(marks, key="✗!✓".index)


def test_a_first_start_seeds_the_ledger_as_seen_not_proven(host: Path) -> None:
    """Engine and registry are noted once; nothing counts as proven, so --auto will refuse."""
    first, second = checked(), checked()
    with memory() as store:
        lines = store.book.environment().ledger_lines()

    assert {"v1.2.2", "v1.2.3", "v1.3.0"} <= {line.version for line in lines}
    assert not any(line.proven for line in lines)
    assert "ledger was seeded" in first.output
    assert "ledger was seeded" not in second.output
    assert "no release is proven yet" in second.output


def test_what_is_broken_is_red_with_its_remedy(
    host: Path, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another image, an unread version variable, a lost command, a dead address: each is named."""
    said = host.read_text()
    said = said.replace(f'image = "{REPOSITORY}"', 'image = "registry.test:5000/other"')
    said = said.replace('argv = ["true"]', 'argv = ["/nowhere/smoke.sh"]')
    said = said.replace("/health", "/missing")
    host.write_text(said.replace("[services.api]", '[services.api]\nversion_variable = "API_TAG"'))

    output = "\n".join(reds(checked()))

    assert "the runbook says registry.test:5000/other" in output
    assert "nowhere to go back to" in output
    assert "do not read $API_TAG" in output
    assert "/nowhere/smoke.sh" in output
    assert "/missing answers 404" in output


def test_engine_and_redis_away_are_one_red_each(
    host: Path, engine: EmbeddedEngine, embedded_redis: RedisServer
) -> None:
    """What is down is said once, and the checks that could be made are made all the same."""
    engine.kill9()
    embedded_redis.kill9()

    result = checked()

    assert sum("Redis does not answer" in line for line in reds(result)) == 1
    assert any("Docker does not answer" in line for line in reds(result))
    assert "escalation.full: can be approved" in result.output


def test_redis_that_forgets_is_red(host: Path) -> None:
    """Without an append-only file a crash would lose decisions: red, with the settings to make."""
    with memory() as store:
        store.client.config_set("appendonly", "no")
        store.client.config_set("maxmemory-policy", "allkeys-lru")

    output = "\n".join(reds(checked("--side", "bot")))

    assert "appendonly yes" in output
    assert "noeviction" in output


def test_a_wrong_runbook_is_all_that_is_said(host: Path) -> None:
    """Every problem of the file in one go, with its path, and exit code 1."""
    host.write_text(host.read_text().replace("stable_s = 30", "stable_s = 0"))

    result = checked()

    assert result.exit_code == 1
    assert "timing.stable_s: must be > 0" in result.output


def test_the_shipped_example_people_are_red(
    host: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody goes live with Anna's example account as an approver."""
    example = tmp_path / "example.toml"
    example.write_bytes(shipped_runbook())
    monkeypatch.setenv("ROLLBOT_RUNBOOK", str(example))

    output = "\n".join(reds(checked("--side", "bot")))

    assert "the example's people" in output
    assert "C00000001" in output


async def test_telegram_says_who_we_are_and_where_we_are_not(telegram: TelegramServer) -> None:
    """The token is tried for real; a foreign group and who never pressed Start are named."""
    group = telegram.group("Incidents")
    anna, boris = telegram.user("Anna"), telegram.user("Boris", started=False)
    settings = TelegramSettings(SecretStr(telegram.token), telegram.api_url)

    me = await introduce(settings, (str(group.id), "-1009999999999"), (anna.id, boris.id))

    assert me.absent == ("-1009999999999",)
    assert me.mute == (boris.id,)


async def test_where_telegram_brings_updates_is_known(telegram: TelegramServer) -> None:
    """Where it was told to, and what it met there while updates wait, can be asked of Telegram."""
    settings = TelegramSettings(SecretStr(telegram.token), telegram.api_url)
    telegram.webhook = "http://127.0.0.1:1/telegram/webhook"
    telegram.webhook_kinds = {"message"}
    await telegram.say(telegram.user("Anna"), telegram.group("Incidents"), "/rollback help")
    await telegram.wait_for(lambda: telegram.webhook_error)

    me = await introduce(settings, ())

    assert me.called_at == telegram.webhook
    assert me.last_error


def test_half_a_door_is_red(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook without its secret, a signing secret without an address: each is named."""
    for name, value in {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": KEY,
        "TELEGRAM_BOT_TOKEN": "700:canary-token-0123456789012345678",
        "TELEGRAM_WEBHOOK_URL": "https://rollbot.example.com/telegram/webhook",
    }.items():
        monkeypatch.setenv(name, value)

    output = "\n".join(reds(checked("--side", "bot")))

    assert "variable ROLLBOT_LISTEN" in output
    assert "variable TELEGRAM_WEBHOOK_SECRET" in output


async def test_a_token_that_telegram_does_not_know_is_a_chat_error() -> None:
    """A copied half of a token is found before the first incident."""
    async with TelegramServer() as server:
        wrong = TelegramSettings(SecretStr("1:" + "x" * 35), server.api_url)
        with pytest.raises(ChatError, match="TELEGRAM_BOT_TOKEN"):
            await introduce(wrong, ())


def test_no_secret_is_printed(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and keys are used and never shown, not even when the platform cannot be reached."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "700:canary-token-0123456789012345678")
    monkeypatch.setenv("TELEGRAM_API_URL", "http://127.0.0.1:1")

    output = checked().output

    assert "Telegram does not let us in" in output
    assert "canary" not in output
    assert KEY not in output
