"""The database from the shell of its host, as a deploy script and CI use it."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from tests.stack.compose import compose_v2
from tests.stack.database import DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import backups_of, database_runbook_for
from tests.stack.installation import Installation
from tests.stack.rollbot_fixtures import InstallationFactory

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2", "postgresql"),
    pytest.mark.timeout(600),
]
PEOPLE = {"anna": "root"}
FOREIGN = b"pg_dump: dumping contents of table\n"


@pytest.fixture
def place(
    database_stack: DatabaseStackFactory, installation: InstallationFactory
) -> tuple[DatabaseStack, Installation]:
    """Production at r06, and a host whose shell knows it."""
    stack = database_stack(compose_v2(), "v1.3.0")
    return stack, installation(stack, edit=lambda _: database_runbook_for(stack, PEOPLE))


def test_a_deploy_asks_first(place: tuple[DatabaseStack, Installation]) -> None:
    """A proven backup and exit code 0; frozen, a wrong password or an old broken file: not 0."""
    stack, host = place
    backups_of(stack)
    assert "нет ни одной проверенной копии" in host.run("check", "--side", "worker").stdout

    may = host.run("pre-deploy", "--version", "v1.4.0", within_s=120)
    assert may.returncode == 0, may.stderr
    assert "Можно деплоить" in may.stdout
    backups = backups_of(stack)
    assert len([file for file in backups.iterdir() if file.suffix == ".zst"]) == 1
    remembered = host.store().book.environment()
    assert [d.version for d in remembered.deploys] == ["v1.4.0"]
    assert remembered.backups[0].proven_at is not None
    assert remembered.backups[0].revisions == ("r06",)
    assert not [name for name in stack.databases() if "scratch" in name]

    assert _verified(host, next(backups.glob("*.zst"))).returncode == 0
    old = backups / "samokoder_20251006_120000.sql.gz"
    plain = _plain_dump(stack)
    old.write_bytes(gzip.compress(plain))
    # The runbook's own `mv` gives it a name that tells nothing of the database.
    renamed = backups / "incident_20251006_120000.sql.gz"
    renamed.write_bytes(old.read_bytes())
    for file in (old, renamed):
        proven = _verified(host, file)
        assert proven.returncode == 0, proven.stderr
    for broken in (plain[: len(plain) // 2], FOREIGN + plain):
        old.write_bytes(gzip.compress(broken))
        refused = _verified(host, old)
        assert refused.returncode != 0
        assert old.name in refused.stderr

    checked = host.run("check", "--side", "worker").stdout
    for line in (
        "PostgreSQL 15",
        "создана пустая и удалена",
        "на ревизии r06",
        "Проверенная копия",
    ):
        assert line in checked
    assert host.run("integrity").returncode == 0
    host.run("rollback", "freeze", "release party")
    frozen = host.run("pre-deploy")
    assert frozen.returncode != 0
    assert "release party" in frozen.stderr
    assert stack.password not in may.stdout + may.stderr + frozen.stderr + proven.stdout


def test_a_migration_is_validated_on_a_copy(place: tuple[DatabaseStack, Installation]) -> None:
    """`rehearse` there and back: what is lost, how long; production is as it was."""
    stack, host = place
    before, databases = stack.counts(), stack.databases()

    back = host.run("rehearse", "--downgrade", "-1", within_s=120)
    assert back.returncode == 0, back.stderr
    assert "projects.description" in back.stdout
    refused = host.run("rehearse", "--downgrade", "r99", within_s=120)
    assert refused.returncode != 0
    assert "r99" in refused.stderr
    assert stack.alembic("downgrade", "r05").returncode == 0
    forth = host.run("rehearse", "--upgrade", "head", within_s=120)
    assert forth.returncode == 0, forth.stderr

    assert stack.revisions() == ["r05"]
    assert stack.databases() == databases
    assert stack.counts()["projects"] == before["projects"]


def _verified(host: Installation, file: Path) -> subprocess.CompletedProcess[str]:
    return host.run("backup", "verify", str(file), within_s=120)


def _plain_dump(stack: DatabaseStack) -> bytes:
    """What the customer's own script writes, without the words it mixes in."""
    argv = ["pg_dump", "-U", "samokoder", "samokoder"]
    code, output = stack.container("db").exec_run(argv)
    assert code == 0, output
    assert isinstance(output, bytes)
    return output
