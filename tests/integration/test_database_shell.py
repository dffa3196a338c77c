"""The database from the shell of its host, as a deploy script and CI use it."""

from __future__ import annotations

import gzip
import subprocess
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from commands.domain.command import Approve
from commands.domain.errors import RefusedError
from tests.engines.waiting import eventually
from tests.stack.compose import compose_v2
from tests.stack.database import DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import backups_of, database_runbook_for, older_copy
from tests.stack.installation import ROLLBOT, Installation
from tests.stack.rollbot_fixtures import InstallationFactory
from workers.lease import Lease

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2", "postgresql"),
    pytest.mark.timeout(600),
]
PEOPLE = {"anna": "root"}
QUICK = {"drain_s": 1}
FOREIGN = b"pg_dump: dumping contents of table\n"


@pytest.fixture
def place(
    database_stack: DatabaseStackFactory, installation: InstallationFactory
) -> tuple[DatabaseStack, Installation]:
    """Production at r06, and a host whose shell knows it."""
    stack = database_stack(compose_v2(), "v1.3.0", more=("v1.4.0",))
    return stack, installation(stack, edit=lambda _: database_runbook_for(stack, PEOPLE))


def test_a_deploy_asks_first(place: tuple[DatabaseStack, Installation]) -> None:
    """A proven backup and exit code 0; frozen, a wrong password or an old broken file: not 0.

    Nor is it for data that do not hold together.
    """
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
    locked_out = _with_another_password(host, stack, "pre-deploy")
    assert locked_out.returncode == 2
    assert "password authentication failed" in locked_out.stderr
    assert len(list(backups.glob("*.zst"))) == 1

    assert _verified(host, next(backups.glob("*.zst"))).returncode == 0
    old_files_are_proven_or_refused(host, stack)
    checked = host.run("check", "--side", "worker").stdout
    for line in (
        "PostgreSQL 15",
        "создана пустая и удалена",
        "DATABASE_URL ведёт в samokoder",
        "на ревизии r06",
        "Проверенная копия",
    ):
        assert line in checked
    nobody_is_let_into_copies(host, stack)
    assert host.run("integrity").returncode == 0
    host.run("rollback", "freeze", "release party")
    frozen = host.run("pre-deploy")
    assert frozen.returncode != 0
    assert "release party" in frozen.stderr
    with psycopg.connect(stack.dsn) as link:
        link.execute("SET session_replication_role = replica")
        link.execute("DELETE FROM users WHERE id = (SELECT max(owner_id) FROM projects)")
    unsound = host.run("integrity")
    assert unsound.returncode == 1
    assert "projects.projects_owner_id_fkey" in unsound.stdout
    said = (may, locked_out, frozen, unsound)
    assert not [one for one in said if stack.password in one.stdout + one.stderr]


def old_files_are_proven_or_refused(host: Installation, stack: DatabaseStack) -> None:
    """The runbook's own `mv` gives one a name that tells nothing of the database."""
    backups = backups_of(stack)
    old = backups / "samokoder_20251006_120000.sql.gz"
    plain = _plain_dump(stack)
    old.write_bytes(gzip.compress(plain))
    renamed = backups / "incident_20251006_120000.sql.gz"
    renamed.write_bytes(old.read_bytes())
    for file in (old, renamed):
        proven = _verified(host, file)
        assert proven.returncode == 0, proven.stderr
        assert stack.password not in proven.stdout + proven.stderr
    for broken in (plain[: len(plain) // 2], FOREIGN + plain):
        old.write_bytes(gzip.compress(broken))
        refused = _verified(host, old)
        assert refused.returncode != 0
        assert old.name in refused.stderr


def test_a_migration_is_validated_on_a_copy(place: tuple[DatabaseStack, Installation]) -> None:
    """`rehearse` there and back: what is lost, how long; production is as it was.

    CI names the image that is not deployed yet; where it fails on the copy, so does the build.
    """
    stack, host = place
    before, databases = stack.counts(), stack.databases()

    coming = host.run("rehearse", "--upgrade", "head", "--image", "v1.4.0", within_s=120)
    assert coming.returncode == 0, coming.stderr
    absent = host.run("rehearse", "--upgrade", "head", "--image", "v9.9.9", within_s=120)
    assert absent.returncode == 2
    assert "v9.9.9" in absent.stderr
    assert stack.revisions() == ["r06"]
    old = older_copy(next(backups_of(stack).glob("*.zst")), days=400)
    assert "projects.description" in _after_another(host, "rehearse", "--downgrade", "-1")
    assert not old.exists()
    refused = host.run("rehearse", "--downgrade", "r99", within_s=120)
    assert refused.returncode != 0
    assert "r99" in refused.stderr
    assert stack.alembic("downgrade", "r05").returncode == 0
    forth = host.run("rehearse", "--upgrade", "head", within_s=120)
    assert forth.returncode == 0, forth.stderr
    with psycopg.connect(stack.dsn) as link:
        link.execute("ALTER TABLE projects ALTER title DROP NOT NULL")
        link.execute("UPDATE projects SET title = NULL WHERE id = (SELECT min(id) FROM projects)")
    failed = host.run("rehearse", "--upgrade", "head", within_s=120)
    assert failed.returncode == 2
    assert "NotNullViolation" in failed.stderr

    assert stack.revisions() == ["r05"]
    assert stack.databases() == databases
    assert stack.counts()["projects"] == before["projects"]


def test_a_restore_asks_the_same_people_as_in_chat(
    database_stack: DatabaseStackFactory, installation: InstallationFactory
) -> None:
    """Who asks cannot approve, one of two is not enough, and meanwhile nobody deploys; then 0."""
    stack = database_stack(compose_v2(), "v1.2.3")
    host = installation(stack, edit=lambda _: database_runbook_for(stack, PEOPLE, changes=QUICK))
    before = stack.counts()
    assert host.run("backup").returncode == 0
    (taken,) = host.store().book.environment().backups
    assert (taken.by, taken.counts) == ("hand", before)
    assert taken.proven_at
    assert stack.write_project()[0] == 201
    host.start("worker")
    host.await_worker()
    assert host.run("restore", "absent.dump.zst").returncode == 1
    restore = host.begin("restore", taken.name, "--reason", "rows were deleted")
    rollback = host.await_status("planned", of="RB-2").id
    eventually(lambda: _question(host, rollback), within_s=120, what=host.logs)
    with pytest.raises(RefusedError):
        host.order(Approve(host.actor("anna")), rollback)
    host.order(Approve(host.actor("gleb")), rollback)
    waiting = host.state(rollback)
    assert waiting is not None
    assert (waiting.status.value, stack.counts() == before) == ("planned", False)
    host.order(Approve(host.actor("vera")), rollback)
    host.await_status("executing", of=rollback)
    host.kill("worker")
    refused = host.run("pre-deploy")
    assert (refused.returncode, rollback in refused.stderr) == (2, True), refused.stderr
    host.start("worker")
    assert restore.wait(timeout=300) == 0, host.log("restore")
    assert stack.counts() == before
    assert f"samokoder_before_{rollback.replace('-', '_')}" in stack.databases()
    assert "rows were deleted" in (host.directory / "restore.log").read_text()


def nobody_is_let_into_copies(host: Installation, stack: DatabaseStack) -> None:
    """The server's rules name production's database alone; the scratch server does not answer."""
    rules = "local all all trust\nhost postgres,samokoder all all scram-sha-256"
    written = ["sh", "-c", f"echo '{rules}' >\"$PGDATA/pg_hba.conf\""]
    assert stack.container("db").exec_run(written)[0] == 0
    with psycopg.connect(stack.dsn) as link:
        link.execute("SELECT pg_reload_conf()")
    eventually(lambda: _is_shut_out(stack), what="the rules are read")
    scratch = f"postgresql://samokoder:{stack.password}@127.0.0.1:1/postgres"
    host.chats["ROLLBOT_SCRATCH_URL_PRODUCTION"] = scratch
    found = host.run("check", "--side", "worker", "--language", "en")
    del host.chats["ROLLBOT_SCRATCH_URL_PRODUCTION"]
    assert found.returncode == 1
    assert "No copy can be made on the database server (connection" in found.stdout
    assert "no pg_hba.conf entry" in found.stdout
    assert "No copy can be made on the scratch server" in found.stdout
    assert not [name for name in stack.databases() if "scratch" in name]


def _is_shut_out(stack: DatabaseStack) -> bool:
    try:
        psycopg.connect(stack.dsn_of("template1")).close()
    except psycopg.OperationalError:
        return True
    return False


def _question(host: Installation, rollback: str) -> bool:
    state = host.state(rollback)
    return state is not None and state.question is not None


def _with_another_password(
    host: Installation, stack: DatabaseStack, *words: str
) -> subprocess.CompletedProcess[str]:
    variable = "ROLLBOT_DATABASE_URL_PRODUCTION"
    host.chats[variable] = stack.dsn.replace(stack.password, "mistyped")
    try:
        return host.run(*words)
    finally:
        del host.chats[variable]


def _after_another(host: Installation, *words: str) -> str:
    """Run it while a rollback of the worker's rehearses; what it said once that one was done."""
    lease = Lease(host.directory / "state", "production.rehearsal")
    with ExitStack() as work:
        with lease.acquire(0, "RB-1"):
            run = work.enter_context(
                subprocess.Popen(
                    [*ROLLBOT, *words],
                    env=host.environment(),
                    cwd=host.directory,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert run.stdout is not None
            assert "RB-1" in next(line for line in run.stdout if "Жду" in line)
        said = run.stdout.read()
        assert run.wait(60) == 0, said
    return said


def _verified(host: Installation, file: Path) -> subprocess.CompletedProcess[str]:
    return host.run("backup", "verify", str(file), within_s=120)


def _plain_dump(stack: DatabaseStack) -> bytes:
    """What the customer's own script writes, without the words it mixes in."""
    argv = ["pg_dump", "-U", "samokoder", "samokoder"]
    code, output = stack.container("db").exec_run(argv)
    assert code == 0, output
    assert isinstance(output, bytes)
    return output
