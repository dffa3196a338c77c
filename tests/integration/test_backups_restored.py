"""What a backup brings back: ours, and the customer's old ones (hazards H3 and H5)."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commands.domain.errors import BackupInvalidError, DatabaseError
from tests.engines.postgres_server import SUPERUSER, PostgresServer
from tests.integration.postgres_port import LONG_S, Stage, port, staged
from workers.proving import Proof

pytestmark = pytest.mark.engine("postgresql")

OLD = "restored_20261101_020000.sql.gz"
TABLES = ('"Odd, names"', "words", "empty_one", "noise")


@pytest.fixture
def stage(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Stage]:
    made = staged(postgres_server, tmp_path / "backups", "restored")
    made.folder.mkdir()
    yield made
    for name in (made.name, made.copy):
        postgres_server.drop_database(name)


def _old(stage: Stage, pipeline: str, name: str = OLD) -> Path:
    """What a shell line of the customer's writes; `$dump` is pg_dump with all that it needs."""
    path = stage.folder / name
    dump = f"{stage.server.programs}/pg_dump --dbname {stage.server.dsn(stage.name)}"
    script = pipeline.replace("$dump", dump)
    subprocess.run(["sh", "-c", f"{script} > {path}"], check=True, capture_output=True)
    return path


def _content(stage: Stage, database: str) -> list[object]:
    """Every row of every table, and what the function and the view say."""
    with stage.server.connect(database) as link:
        rows: list[object] = [
            link.execute(f"SELECT t.* FROM {table} t ORDER BY t::text".encode()).fetchall()
            for table in TABLES
        ]
        rows.append(link.execute("SELECT says(), count(*) FROM loud").fetchall())
        rows.append(link.execute("""SELECT nextval('"Odd, names_id_seq"')""").fetchall())
    return rows


@pytest.mark.parametrize(
    "taken",
    [
        "ours",
        "$dump | gzip",
        "$dump --inserts --rows-per-insert=7 | gzip",
        "$dump | zstd -q",
        "$dump -Fc",
        "$dump",
        "($dump | head -c 9000 | gzip; $dump | tail -c +9001 | gzip)",
    ],
)
def test_a_restore_brings_everything_back(stage: Stage, taken: str) -> None:
    """To the byte: escapes, quotes, empty rows, a function's body, sequences and views."""
    if taken == "ours":
        path = Path(stage.backups.new_path(stage.name, "RB-17"))
        stage.database.dump(stage.name, str(path), LONG_S)
    else:
        path = _old(stage, taken)

    stage.database.restore(str(path), stage.copy, LONG_S)

    assert _content(stage, stage.copy) == _content(stage, stage.name)
    assert stage.database.shape(stage.copy) == stage.database.shape(stage.name)


@pytest.mark.parametrize("kept", ["parted", "parent"])
def test_a_dump_of_a_table_whose_rows_stand_in_others_is_of_everything(
    stage: Stage, kept: str
) -> None:
    """pg_dump --table=<a partitioned one> has no row of it, and says nothing."""
    with stage.server.connect(stage.name) as link:
        link.execute("CREATE TABLE parted (n int) PARTITION BY RANGE (n)")
        link.execute("CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (9)")
        link.execute("CREATE TABLE parent (n int); CREATE TABLE child () INHERITS (parent)")
        link.execute("INSERT INTO parted SELECT 1 FROM generate_series(1, 5)")
        link.execute("INSERT INTO child SELECT 1 FROM generate_series(1, 5)")
    path = stage.backups.new_path(stage.name, "RB-17-kept")

    record = stage.database.dump(stage.name, path, LONG_S, tables=("words", kept))
    stage.database.restore(path, stage.copy, LONG_S)

    assert (record.tables, record.counts["parted_1"], record.counts["noise"]) == ((), 5, 200)
    assert dict(stage.database.counts(stage.copy, LONG_S)) == record.counts


def test_an_old_backup_is_listed_and_can_be_proven(stage: Stage) -> None:
    """It has no note until somebody restores it; then its rows and revisions are known."""
    _old(stage, "$dump | gzip")
    backups = stage.backups
    (found,) = backups.listed(stage.name)

    proven = Proof(backups, stage.database, backups.clock).of(found, stage.copy, LONG_S)

    assert found.proven_at is None
    assert found.sha256 == ""
    assert proven.proven_at is not None
    assert proven.counts == stage.database.counts(stage.name, LONG_S)
    assert backups.listed(stage.name) == (proven,)
    assert stage.database.is_whole(stage.copy)


def test_a_backup_that_restores_fewer_rows_is_not_proven(stage: Stage) -> None:
    """Every table is compared with what the dump's own snapshot held; the note says what failed."""
    backups, server = stage.backups, stage.database
    record = server.dump(stage.name, backups.new_path(stage.name, "RB-17"), LONG_S)
    more = record.model_copy(update={"counts": {**record.counts, "noise": 201}})

    with pytest.raises(BackupInvalidError) as caught:
        Proof(backups, server, backups.clock).of(more, stage.copy, LONG_S)

    assert (caught.value.why, caught.value.found) == ("counts", "noise 200/201")
    assert backups.listed(stage.name)[0].why == "counts"
    assert not server.is_whole(stage.copy)


def test_the_customers_own_mixture_is_refused(stage: Stage) -> None:
    """`pg_dump --verbose 2>&1 | gzip`: gunzip -t passes, and the first foreign line is named."""
    path = _old(stage, "$dump --verbose 2>&1 | gzip")

    subprocess.run(["gunzip", "-t", path], check=True)
    with pytest.raises(BackupInvalidError) as caught:
        stage.database.restore(str(path), stage.copy, LONG_S)

    assert caught.value.why == "foreign_line"
    assert caught.value.found.startswith("1: pg_dump: ")
    assert stage.is_untouched()


def test_a_killed_dump_that_gzip_closed_is_refused(stage: Stage) -> None:
    """Without pipefail its exit code is 0 and gunzip -t passes; its last line is missing."""
    path = _old(stage, "$dump | head -c 9000 | gzip")

    subprocess.run(["gunzip", "-t", path], check=True)
    with pytest.raises(BackupInvalidError) as caught:
        stage.database.restore(str(path), stage.copy, LONG_S)

    assert caught.value.why == "truncated"
    assert stage.is_untouched()


def _row_cut_in_two(sql: bytes) -> bytes:
    return sql.replace(b"\tsad", b"\tspg_dump: dumping contents of table\nad", 1)


def _label_cut_in_two(sql: bytes) -> bytes:
    return sql.replace(b"'sad'", b"'spg_dump: creating TYPE\nad'", 1)


def _word_cut_in_two(sql: bytes) -> bytes:
    return sql.replace(b"COPY words FROM stdin;", b"COPYpg_dump: creating VIEW\n words", 1)


def _led_elsewhere(sql: bytes) -> bytes:
    return sql.replace(b"SET row_security", b"\\connect postgres\nSET row_security", 1)


def _shell(sql: bytes) -> bytes:
    return sql.replace(b"SET row_security", b"\\! touch /tmp/smuggled\nSET row_security", 1)


def _two_dumps(sql: bytes) -> bytes:
    return sql + sql


def _nul(sql: bytes) -> bytes:
    return sql.replace(b"SET row_security", b"SELECT 1\0;\nSET row_security", 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_row_cut_in_two, "foreign_line"),
        (_label_cut_in_two, "foreign_line"),
        (_word_cut_in_two, "foreign_line"),
        (_led_elsewhere, "meta_command"),
        (_shell, "meta_command"),
        (_two_dumps, "foreign_line"),
        (_nul, "foreign_line"),
        (lambda _: b"<html>502 Bad Gateway</html>\n", "not_a_dump"),
    ],
)
def test_what_is_not_pg_dumps_is_refused_with_its_line(
    stage: Stage, change: Callable[[bytes], bytes], why: str
) -> None:
    """Before the server is touched, whichever way it got into the file."""
    path = _old(stage, "$dump | gzip")
    sql = gzip.decompress(path.read_bytes())
    changed = change(sql)
    path.write_bytes(gzip.compress(changed))

    with pytest.raises(BackupInvalidError) as caught:
        stage.database.restore(str(path), stage.copy, LONG_S)

    assert changed != sql
    assert caught.value.why == why
    assert stage.is_untouched()


def test_a_smuggled_command_never_reaches_a_shell(stage: Stage, tmp_path: Path) -> None:
    """In the middle of a line, where psql would obey it (CVE-2025-8714), the server refuses it."""
    path, trace = _old(stage, "$dump"), tmp_path / "smuggled"
    sql = path.read_bytes()
    path.write_bytes(
        sql.replace(
            b"SET row_security",
            f"SELECT 1 \\! touch {trace}\n".encode() + b";\nSET row_security",
            1,
        )
    )

    with pytest.raises(DatabaseError) as caught:
        stage.database.restore(str(path), stage.copy, LONG_S)

    assert caught.value.code == "42601"
    assert not trace.exists()
    assert stage.is_untouched()


def test_a_scratch_server_needs_none_of_productions_roles(
    stage: Stage, own_postgres: Callable[..., PostgresServer]
) -> None:
    """Owners and grants are left out where nobody is known by those names."""
    stage.server.query("CREATE ROLE restored_reader")
    stage.server.query("GRANT SELECT ON words TO restored_reader", stage.name)
    stage.server.query("ALTER TABLE noise OWNER TO restored_reader", stage.name)
    stage.server.query("GRANT restored_reader TO samokoder")
    scratch = port(own_postgres(), is_scratch=True)
    try:
        for number, taken in enumerate(("$dump -Fc", "$dump | gzip")):
            path = _old(stage, taken)
            scratch.create(f"scratch_{number}", like=stage.name)
            scratch.restore(str(path), f"scratch_{number}", LONG_S)

            restored = scratch.counts(f"scratch_{number}", LONG_S)
            assert restored == stage.database.counts(stage.name, LONG_S)
    finally:
        stage.server.query("DROP OWNED BY restored_reader CASCADE", stage.name)
        stage.server.query("DROP ROLE restored_reader")


def test_what_is_beside_production_leaves_it_the_cpu(stage: Stage) -> None:
    """Scratch by every session, of any driver; a restored one by ours alone: it is swapped in."""
    asked = "SHOW max_parallel_maintenance_workers"
    superuser = port(stage.server, user=SUPERUSER)
    scratch, restored = f"{stage.name}_scratch_RB_17", f"{stage.name}_restored_RB_17"
    workers = {}
    try:
        for database, name in ((superuser, scratch), (stage.database, restored)):
            database.create(name, like=stage.name)
            with stage.server.connect(name) as link:
                workers[name] = link.execute(asked).fetchall()[0][0]
                limit = link.execute("SHOW temp_file_limit").fetchall()[0][0]
            assert (limit != "-1") == (name == scratch)
        assert workers == {scratch: "0", restored: "2"}
        with stage.database._on(restored) as link:  # noqa: SLF001 -- what our own sessions run with
            assert link.execute(asked).fetchall() == [("0",)]
    finally:
        for name in (scratch, restored):
            stage.server.drop_database(name)
