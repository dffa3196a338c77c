"""The shell follows the rollback that was answered, to its end, and asks for what exists."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bot.main import open_services
from commands.domain.errors import RefusedError
from commands.domain.events import StepFailed, StepIntended
from commands.domain.plan import Phase
from commands.domain.runbook import Runbook
from commands.domain.state import StepStatus
from commands.domain.state.step import StepRecord
from commands.domain.text import text
from commands.grammar import parse_arguments
from commands.handlers import Service
from commands.locale import say
from commands.runbook import read_runbook
from commands.settings import Settings, read_settings
from rollbot import shell
from rollbot.cli import main
from rollbot.demo import toml
from rollbot.manifest import manifest
from rollbot.shell import console, is_over, rollback
from tests.cards.stories import executing, succeeded
from tests.engines.found import ROOT
from tests.engines.redis_server import RedisServer

RUNBOOK = ROOT / "commands/data/runbook.toml"


@pytest.fixture
def misspelt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose ROLLBOT_ENV is no environment of its runbook, and that has no key."""
    monkeypatch.setenv("ROLLBOT_RUNBOOK", str(RUNBOOK))
    monkeypatch.setenv("ROLLBOT_ENV", "nope")
    monkeypatch.delenv("ROLLBOT_JOURNAL_KEY_NOPE", raising=False)


@pytest.mark.usefixtures("misspelt")
@pytest.mark.parametrize("words", [("status",), ("api", "v1.2.3")])
def test_an_unknown_environment_is_named_before_a_key_is_asked_for(words: tuple[str, ...]) -> None:
    """For a misspelt name there is no key either; asking for that one misleads."""
    with pytest.raises(RefusedError) as refused:
        CliRunner().invoke(rollback, words, catch_exceptions=False)

    assert refused.value.key == "shell.no_such_environment"
    assert refused.value.facts["environment"] == "nope"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (rollback, ("--service=api", "--to-version=v1.2.3", "--env=staging")),
        (console, ("--env=staging",)),
    ],
)
def test_an_environment_of_another_host_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: click.Command, words: tuple[str, ...]
) -> None:
    """The runbook knows it and this host does not serve it: who does is said, not a traceback."""
    document = tomllib.loads(RUNBOOK.read_text())
    document["people"]["anna"]["login"] = shell.login()
    staging = document["environments"]["production"] | {"channels": []}
    document["environments"]["staging"] = staging
    own = tmp_path / "runbook.toml"
    own.write_text(toml.dumps(document))
    monkeypatch.setenv("ROLLBOT_RUNBOOK", str(own))
    monkeypatch.setenv("ROLLBOT_ENV", "production")
    monkeypatch.setenv("ROLLBOT_JOURNAL_KEY_PRODUCTION", "k" * 64)

    with pytest.raises(RefusedError) as refused:
        CliRunner().invoke(command, words, catch_exceptions=False)

    assert refused.value.key == "shell.not_served"
    said = say(refused.value.text, "en")
    assert "serves production, not staging" in said


@pytest.mark.usefixtures("misspelt")
def test_errors_are_in_the_runbooks_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Russian with the shipped runbook, English when there is none that can be read."""
    monkeypatch.setattr(sys, "argv", ["rollbot", "rollback", "status"])
    with pytest.raises(SystemExit):
        main()
    assert "Нет такого окружения: nope" in capsys.readouterr().err

    monkeypatch.setenv("ROLLBOT_RUNBOOK", str(tmp_path / "absent.toml"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "Mend the file" in capsys.readouterr().err


def test_a_failed_clean_up_is_the_end_too() -> None:
    """Whoever follows a rollback is let go when its clean-up failed, not before."""
    story = succeeded()
    state = story.state
    cleaning = state.planned(Phase.CLEAN_UP)
    assert cleaning
    for step in cleaning:
        state.steps[step.number] = StepRecord(step.number)
    assert not is_over(state)

    story.tell(*(StepIntended(step=step.number) for step in cleaning))
    assert not is_over(state)
    failed = text("error.engine")
    story.tell(*(StepFailed(step=s.number, seconds=1, error=failed) for s in cleaning))
    assert state.record(cleaning[0].number).status is StepStatus.FAILED
    assert is_over(state)


async def test_who_joined_follows_the_one_they_joined(
    monkeypatch: pytest.MonkeyPatch, embedded_redis: RedisServer, tmp_path: Path
) -> None:
    """Asking again for what is already asked for follows that one, not the newest."""
    own = tmp_path / "runbook.toml"
    own.write_text(RUNBOOK.read_text().replace('login = "anna"', f'login = "{shell.login()}"'))
    monkeypatch.setenv("ROLLBOT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("ROLLBOT_JOURNAL_KEY_PRODUCTION", "k" * 64)
    monkeypatch.setenv("ROLLBOT_ENV", "production")
    monkeypatch.setenv("REDIS_URL", embedded_redis.url)
    followed: list[str] = []

    async def follow(*given: object) -> int:
        followed.append(str(given[-1]))
        return 0

    monkeypatch.setattr(shell, "follow", follow)
    opened: list[Service] = []

    def remembered(settings: Settings, runbook: Runbook) -> dict[str, Service]:
        found = open_services(settings, runbook)
        opened.extend(found.values())
        return found

    monkeypatch.setattr(shell, "open_services", remembered)
    runbook = read_runbook(own)
    for words in (("api", "v1.2.3"), ("worker", "v1.2.3", "--dry-run"), ("api", "v1.2.3")):
        spoken = parse_arguments(words, runbook)
        assert await shell.say_once(read_settings(), runbook, spoken) == 0

    for service in opened:
        await service.store.client.aclose()
    assert followed == ["RB-1", "RB-2", "RB-1"]


def test_what_runs_is_not_over() -> None:
    """A rollback that still goes on is followed on."""
    assert not is_over(executing().state)


@pytest.mark.parametrize("url", ["http://a.example/slack/events", "a.example", "https://"])
def test_slack_is_told_secure_addresses_alone(url: str) -> None:
    """Slack refuses anything but https://, so no manifest is printed with it."""
    assert CliRunner().invoke(manifest, ["--url", url]).exit_code == 2


def test_by_hand_with_an_override_says_what_must_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The last line is a comment of the shell that names the file and the image."""
    from rollbot.by_hand import runbook

    own = tmp_path / "runbook.toml"
    own.write_text(RUNBOOK.read_text().replace('pin = "variable"', 'pin = "override"'))
    monkeypatch.setenv("ROLLBOT_RUNBOOK", str(own))
    said = CliRunner().invoke(runbook, ["--print", "api", "v1.2.3"], catch_exceptions=False)

    last = said.output.splitlines()[-1]
    assert last.startswith("# ")
    assert "docker-compose.override.yml" in last
    assert "-api:v1.2.3" in last
