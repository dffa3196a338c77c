"""Fault case 59: twenty planted secrets, a failing rollback, its undo and one that succeeds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.engines.found import address_of
from tests.engines.ports import free_port
from tests.engines.redis_server import RedisServer
from tests.faults.canaries import Canaries, CommandLines, everything_in, fresh, project_secrets
from tests.integration.incident import Incident, incident, own_check, phrase
from tests.integration.slack_people import ANNA
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Slack
from tests.servers.slack_fixture import slack
from tests.servers.telegram import TelegramServer
from tests.stack.compose import Compose, compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.installation import KEY
from tests.stack.project import Samokoder
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.timeout(600),
]

GROUP_ID = -1000000000001
# The customer's check tells everything it can find, as a careless script does, and fails at first.
CARELESS = "env >&2; cat {env} >&2; echo token={loose}; test -e {mended} || exit 7"
# A Compose that is as careless: it prints the project's env file at every call.
LOUD = '#!/bin/sh\ncat {env} >&2\nexec {docker} "$@"\n'


class GuardedRedis(RedisServer):
    """A Redis with a password."""

    password = fresh("redis")

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    directory = tmp_path / "redis"
    directory.mkdir()
    server = GuardedRedis(address_of("redis"), directory, free_port())
    server.start()
    with redis.Redis(port=server.port) as client:
        client.config_set("requirepass", server.password)
    yield server
    server.kill9()


def loud(folder: Path, project: Samokoder, compose: Compose) -> Path:
    """A folder with a `docker` that prints secrets to its standard error."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    program = bin_folder / "docker"
    program.write_text(LOUD.format(env=project.env_file, docker=compose.argv[0]))
    program.chmod(0o755)
    return bin_folder


async def fails_is_undone_and_succeeds(there: Incident, mended: Path) -> None:
    """The whole of a bad night: red check, Undo by button, the cause mended, a good one."""
    failed = await there.rolls_back(
        "/rollback api v1.2.3 --reason 'DB_PASSWORD=hunter2hunter2'", until="failed"
    )
    await there.presses(ANNA, failed, phrase("button.undo"))
    await there.until("undone", of=failed)
    await asyncio.to_thread(mended.touch)
    good = await there.rolls_back("/rollback api v1.2.3")
    await there.shows(good, phrase("status.succeeded"))


async def test_twenty_canaries_turn_up_nowhere(
    slack: Slack,
    telegram: TelegramServer,
    redis_server: RedisServer,
    samokoder: SamokoderFactory,
    installation: InstallationFactory,
    tmp_path: Path,
) -> None:
    """Not in chat, logs, Redis and its file, the mirror, the audit, or any command line."""
    telegram.group("Incidents", chat_id=GROUP_ID)
    compose = compose_v2()
    lines, planted = project_secrets()
    project = await asyncio.to_thread(samokoder, compose, "v1.3.0", canaries=lines)
    loose, mended = fresh("stray"), tmp_path / "mended"
    chats = {
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.api_url,
        "PATH": f"{loud(tmp_path, project, compose)}:{compose.environment['PATH']}",
        "LEFTOVER_PASSWORD": fresh("leftover"),
    }
    canaries = Canaries(
        planted
        | {"REDIS_URL": GuardedRedis.password, "journal key": KEY, "telegram": telegram.token}
        | {"slack bot": BOT_TOKEN, "slack app": APP_TOKEN, "worker": chats["LEFTOVER_PASSWORD"]}
    )
    assert len(canaries.planted) == 20
    script = tmp_path / "check.sh"
    script.write_text(CARELESS.format(env=project.env_file, loose=loose, mended=mended))
    check = own_check("Смок", "sh", str(script))

    with CommandLines().watched() as command_lines:
        there = await incident(project, slack, installation, check, chats=chats).begins()
        await fails_is_undone_and_succeeds(there, mended)
        audit = there.made.run("audit", "show", "RB-1")
        # It was printed, and only what knows it by value could take it out.
        await slack.wait_for(lambda: "LICENCE=***" in str(slack.all_calls()))

    said = [call for call in slack.all_calls() if not call.method.startswith("apps.")]
    assert len(telegram.calls) > 5
    assert canaries.found_in(str(said)) == set()
    assert canaries.found_in(str(telegram.calls)) == set()
    with redis.Redis.from_url(redis_server.url) as client:
        everything = everything_in(client)
    assert "LICENCE=***" in everything
    assert canaries.found_in(everything) == set()
    assert canaries.found_under(redis_server.directory) == {}
    assert canaries.found_under(there.made.directory) == {}
    assert audit.returncode == 0
    assert canaries.found_in(audit.stdout + audit.stderr) == set()
    assert any(str(sys.executable) in line for line in command_lines.seen)
    assert canaries.found_in("\n".join(command_lines.seen)) == set()
    assert loose not in everything + str(said) + str(telegram.calls)
