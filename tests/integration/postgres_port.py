"""The `Database` port on a test's own server, and some data to lose."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.engines.postgres_server import ROLE, PostgresServer
from tests.engines.waiting import eventually
from tests.fakes.clock import FixedClock
from workers.adapters.backups import BackupFolder
from workers.adapters.postgres.building import managed
from workers.adapters.postgres.database import Postgres
from workers.adapters.surroundings import Surroundings

LONG_S = 60.0
NAMED = "rollbot RB-17"
# What COPY has to escape, a body that looks like statements, names that need quotes.
ODD = r"""
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE "Odd, names" (id serial PRIMARY KEY, "a,""b" text, mood mood, nothing text);
    INSERT INTO "Odd, names" ("a,""b", mood) VALUES
        (E'tab\there\nand \\ back', 'ok'), ('pg_dump: dumping contents', 'sad'), ('\.', NULL);
    CREATE TABLE words (word text);
    INSERT INTO words VALUES ('COPY words FROM stdin;'), (''), (E'\\connect other');
    CREATE TABLE empty_one ();
    INSERT INTO empty_one DEFAULT VALUES;
    CREATE FUNCTION says() RETURNS text LANGUAGE plpgsql AS $body$
    BEGIN
        RETURN 'GRANT;
';
    END $body$;
    CREATE VIEW loud AS SELECT upper(word) AS word FROM words;
"""
NOISE = """
    CREATE TABLE noise AS SELECT n, gen_random_uuid()::text || gen_random_uuid()::text AS said
    FROM generate_series(1, %s) AS n
"""


def port(
    server: PostgresServer, *, first_in_path: str = "", is_scratch: bool = False, user: str = ROLE
) -> Postgres:
    """The port as the worker of RB-17 has it."""
    path = ":".join(p for p in (first_in_path, str(server.programs), os.environ["PATH"]) if p)
    variable = "ROLLBOT_DATABASE_URL_TEST"
    around = Surroundings({"PATH": path})
    return managed(server.dsn(user=user), variable, around, NAMED, is_scratch=is_scratch)


@dataclass(slots=True)
class Stage:
    """One database with `ODD` and noise in it, an empty one beside it, and a folder."""

    server: PostgresServer
    database: Postgres
    folder: Path
    name: str

    @property
    def backups(self) -> BackupFolder:
        return BackupFolder(self.folder, FixedClock())

    @property
    def copy(self) -> str:
        return f"{self.name}_copy"

    def left_over(self) -> list[str]:
        """What is in the folder."""
        return sorted(path.name for path in self.folder.iterdir())

    def is_untouched(self) -> bool:
        """Whether nothing was restored; returns when nobody of ours is at it any more."""
        ours = b"SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rollbot %'"
        tables = b"SELECT relname FROM pg_class WHERE relkind = 'r' AND oid > 16383"
        with self.server.connect(self.copy) as link:
            eventually(lambda: not link.execute(ours).fetchall(), what="they are gone")
            return not link.execute(tables).fetchall()


def staged(server: PostgresServer, folder: Path, name: str, rows: int = 200) -> Stage:
    """Make both databases; `rows` of noise that does not compress are 72 bytes each."""
    server.create_database(name)
    server.create_database(f"{name}_copy")
    with server.connect(name) as link:
        link.execute(ODD)
        link.execute((NOISE % rows).encode())
    return Stage(server, port(server), folder, name)
