"""The lines that `rollbot runbook --print db …` prints, typed into bash against the real stack."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from rollbot.by_hand import runbook
from rollbot.init import init
from tests.stack.compose import Compose, compose_v1, compose_v2
from tests.stack.database import DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import backups_of, database_runbook_for

pytestmark = [
    pytest.mark.engine("docker", "compose_v1", "compose_v2", "registry", "postgresql", "zstd"),
    pytest.mark.timeout(600),
]
Described = Callable[[DatabaseStack, str], None]
CHOSEN = {"TO=": "TO=v1.2.2"}


def _printed(*words: str) -> list[str]:
    said = CliRunner().invoke(runbook, ["--print", *words], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return said.output.splitlines()


def _typed(compose: Compose, lines: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Every line, as a person would; the first that fails ends it."""
    # The tests' Compose v1 is a program somewhere of its own.
    place = Path(compose.argv[0]).parent
    environment = {**compose.environment, "PATH": f"{place}:{compose.environment['PATH']}"}
    lines = [CHOSEN.get(line, line) for line in lines]
    return subprocess.run(
        ["bash", "-euxc", "\n".join(lines)],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _types(stack: DatabaseStack, lines: Sequence[str]) -> str:
    done = _typed(stack.compose, lines)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Described:
    """Return a maker of the stack's runbook with one way to pin, which the program then reads."""

    def write(stack: DatabaseStack, pin: str) -> None:
        text = database_runbook_for(stack).replace('pin = "variable"', f'pin = "{pin}"')
        (tmp_path / "runbook.toml").write_text(text)
        monkeypatch.setenv("ROLLBOT_RUNBOOK", str(tmp_path / "runbook.toml"))

    return write


@pytest.mark.long
def test_the_lines_of_compose_v1_migrate_down_and_keep_a_copy(
    database_stack: DatabaseStackFactory, described: Described
) -> None:
    """Typed, they prove a backup, keep all beside, migrate, and run the version that fits."""
    stack = database_stack(compose_v1(), "v1.3.0")
    described(stack, "variable")

    _types(stack, _printed("db", "-1"))

    assert stack.revisions() == ["r05"]
    assert stack.write_project()[0] == 201
    assert stack.databases() == ["samokoder", "samokoder_before_hand"]
    assert stack.pinned() == "v1.2.2"
    assert len(list(backups_of(stack).glob("*.dump"))) == 1


def test_what_was_typed_is_taken_back_and_a_backup_swapped_in(
    database_stack: DatabaseStackFactory, described: Described
) -> None:
    """By Compose v2 and override files: down, all back by the copy, then back by a backup."""
    stack = database_stack(compose_v2(), "v1.3.0")
    described(stack, "override")
    before = stack.counts()
    lines = _printed("db", "-1")
    _types(stack, lines)
    assert stack.revisions() == ["r05"]
    older = stack.counts()
    dumped = subprocess.run(["pg_dump", "-Fc", stack.dsn], capture_output=True, check=True).stdout
    (backups_of(stack) / "samokoder_1.dump").write_bytes(dumped)

    needed = ("cd", "dc()", "in_db()", "alone()", "# alone")
    _types(stack, [line.removeprefix("# ") for line in lines if line.startswith(needed)])
    assert stack.revisions() == ["r06"]
    assert stack.counts() == before
    assert stack.databases() == ["samokoder", "samokoder_after_hand"]

    restored = _printed("db", "--restore", "samokoder_1.dump", "--with", "api=v1.2.2")
    assert f"projects|{older['projects']}" in _types(stack, restored)
    assert stack.revisions() == ["r05"]
    assert stack.counts() == older
    assert stack.write_project()[0] == 201
    assert stack.databases() == ["samokoder", "samokoder_after_hand", "samokoder_before_hand"]


@pytest.mark.long
def test_a_backup_that_was_cut_ends_the_lines_before_anything_is_touched(
    database_stack: DatabaseStackFactory,
    described: Described,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Half a file, or a foreign line in SQL: production and its services stay (H3, H5)."""
    stack = database_stack(compose_v2(), "v1.3.0")
    described(stack, "variable")
    folder, running = backups_of(stack), stack.identities()
    dumped = subprocess.run(["pg_dump", "-Fc", stack.dsn], capture_output=True, check=True).stdout
    (folder / "samokoder_1.dump").write_bytes(dumped[: len(dumped) // 2])
    foreign = b"pg_dump: reading schemas\nCREATE TABLE a (b int);\n"
    (folder / "samokoder_2.sql").write_bytes(foreign)

    for name in ("samokoder_1.dump", "samokoder_2.sql"):
        done = _typed(stack.compose, _printed("db", "--restore", name, "--with", "api=v1.2.2"))
        assert done.returncode != 0
        assert "dc stop" not in done.stderr

    assert stack.identities() == running
    assert stack.revisions() == ["r06"]
    # The Compose file of this very project tells init of the same database.
    output = tmp_path / "found.toml"
    argv = [str(stack.directory), "--yes", "--output", str(output)]
    assert CliRunner().invoke(init, argv, catch_exceptions=False).exit_code == 0
    monkeypatch.setenv("ROLLBOT_RUNBOOK", str(output))
    assert "pg_dump -Fc -Z 1 samokoder" in "\n".join(_printed("db", "-1"))
