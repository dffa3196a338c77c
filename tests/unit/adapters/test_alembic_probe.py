"""The program that reads migration scripts: the same answer as Alembic's, and more patient."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stack.schema import HEADS, RELEASED, lay_out
from workers.adapters.alembic import MARK, probe


def asked(folder: Path, config: str = "alembic.ini") -> dict[str, Any]:
    """What it prints in that working directory."""
    argv = [sys.executable, "-c", probe(), config]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(MARK))
    told: dict[str, Any] = json.loads(line.removeprefix(MARK))
    return told


def scripts(folder: Path) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in asked(folder)["scripts"]}


def write(folder: Path, name: str, text: str) -> None:
    (folder / "migrations/versions" / name).write_text(text)


@pytest.mark.parametrize("tag", ["v1.4.0", "v1.4.0-heads", "v1.4.0-dangling"])
def test_every_script_of_a_release_is_told(tag: str, tmp_path: Path) -> None:
    """Also of a history in which one names a file that is not there."""
    found = scripts(lay_out(tmp_path, tag))

    assert len(found) == len(RELEASED[tag])
    downs = {down for one in found.values() for down in one["down"]}
    assert set(found) - downs == set(HEADS[tag])


def test_what_the_way_back_is_like_is_read_from_its_code(tmp_path: Path) -> None:
    """Autocommit, reading, nothing to do, refusing: each where it is, and nowhere else."""
    said = {}
    for tag in ("v1.4.0", "v1.4.0-empty", "v1.4.0-irreversible", "v1.4.0-halfway"):
        for id_, one in scripts(lay_out(tmp_path, tag)).items():
            said[id_] = {k for k in ("irreversible", "empty", "autocommit", "reads") if one[k]}
    assert said == {
        **{id_: set() for id_ in ("r01", "r02", "r03", "r06", "r07a", "r07b", "r08")},
        "r04": {"autocommit"},
        "r05": {"reads"},
        "r07e": {"empty"},
        "r07i": {"irreversible"},
        "r07h": {"autocommit"},
    }


@pytest.mark.parametrize(
    ("does", "is_apart"),
    [
        ('op.execute("COMMIT")', True),
        ('op.execute(sa.text("DELETE FROM files; commit; SELECT 1"))', True),
        ('op.execute("""CALL purge(1)""")', True),
        ("op.execute(ENDING)", True),
        ("batches(op.get_bind())", True),
        ("op.get_bind().connection.commit()", True),
        ("op.get_bind().connection.dbapi_connection.autocommit = True", True),
        ('psycopg.connect("", autocommit=True)', True),
        ('op.drop_column("builds", "commit")', False),
        ('op.execute("DO $$ BEGIN DELETE FROM files; END $$")', False),
        ('op.execute("UPDATE builds SET commit = NULL")', False),
        ("op.execute(\"COMMENT ON TABLE builds IS 'the end; committed'\")", False),
        ("session = orm.Session(bind=op.get_bind()); session.commit()", False),
    ],
)
def test_a_script_that_commits_by_itself_is_told(does: str, is_apart: bool, tmp_path: Path) -> None:
    """By SQL, by the driver, in a helper; a column of that name commits nothing."""
    folder = lay_out(tmp_path, "v1.3.0")
    head = 'revision = "r09"\ndown_revision = "r06"\nENDING = "COMMIT"\n'
    helper = "def batches(bind):\n    bind.exec_driver_sql('COMMIT WORK')\n"
    body = f"def upgrade():\n    pass\ndef downgrade():\n    {does}\n"
    write(folder, "a.py", head + helper + body)
    assert scripts(folder)["r09"]["autocommit"] is is_apart


def test_a_helper_of_the_same_file_counts_as_its_caller(tmp_path: Path) -> None:
    """Also when downgrade is missing: then there is no way back."""
    folder = lay_out(tmp_path, "v1.3.0")
    head = 'revision: str = "r09"\ndown_revision: tuple[str, ...] = ("r06",)\n'
    body = "def rows():\n    return op.get_bind()\ndef upgrade():\n    pass\n"
    write(folder, "a.py", head + body + "def downgrade():\n    rows()\n")
    write(folder, "b.py", head.replace("r09", "r10") + body)
    found = scripts(folder)
    assert found["r09"]["reads"] is True
    assert found["r10"]["irreversible"] is True


def test_other_places_are_asked_of_alembic(tmp_path: Path) -> None:
    """Several version locations, computed identifiers, branch labels and dependencies."""
    folder = lay_out(tmp_path, "v1.3.0")
    (folder / "billing").mkdir()
    (folder / "billing/x.py").write_text(
        'N = 1\nrevision = f"b{N:02}"\ndown_revision = None\nbranch_labels = ("billing",)\n'
        'depends_on = "r06"\ndef upgrade(): pass\ndef downgrade(): pass\n'
    )
    (folder / "alembic.ini").write_text(
        "[alembic]\nscript_location = migrations\n"
        "version_locations = %(here)s/migrations/versions %(here)s/billing\n"
    )
    found = scripts(folder)
    assert len(found) == len(RELEASED["v1.3.0"]) + 1
    assert (found["b01"]["labels"], found["b01"]["depends"]) == (["billing"], ["r06"])


def test_a_file_that_is_no_python_is_named(tmp_path: Path) -> None:
    """Alembic would not run at all: that is what people must hear."""
    folder = lay_out(tmp_path, "v1.3.0")
    write(folder, "broken.py", "def upgrade(:\n")
    assert asked(folder)["why"].startswith("broken.py: SyntaxError")
