"""Samokoder with its database for real: PostgreSQL in the project, or managed somewhere else."""

import json
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os import getpid
from typing import Any

import psycopg

from tests.engines.ports import free_port
from tests.engines.postgres_server import PostgresServer
from tests.engines.waiting import eventually
from tests.stack import schema
from tests.stack.images import SERVICES
from tests.stack.postgres_image import postgres_image
from tests.stack.project import Samokoder

NAME = "samokoder"
_SERVICE = """\
  {service}:
    image: ${{REGISTRY}}/samokoder-{service}:${{APP_VERSION}}
    restart: unless-stopped
    env_file: .env
    ports: ["127.0.0.1:{port}:8000"]
    depends_on: [{needs}]
    labels: {labels}{command}
"""
_MIGRATES = """
    command: ["sh", "-c", "alembic upgrade head && exec python3 -m tests.stack.app_on_database"]"""
_DATABASE = """\
  db:
    image: {image}
    # A test's rows need not outlive the machine's power.
    command: ["postgres", "-c", "fsync=off", "-c", "full_page_writes=off"]
    environment:
      POSTGRES_USER: samokoder
      POSTGRES_PASSWORD: ${{DB_PASSWORD}}
      POSTGRES_DB: samokoder
    ports: ["127.0.0.1:{port}:5432"]
    volumes: ["db-data:/var/lib/postgresql/data"]
    labels: {labels}
"""
_REDIS = """\
  redis:
    image: {image}
    command: ["sleep", "infinity"]
    init: true
    labels: {labels}
"""


@dataclass(slots=True)
class DatabaseStack(Samokoder):
    """`Samokoder` whose `db` is PostgreSQL 15 and whose images are `DatabaseImages`.

    With `managed` the project has no `db`: its services and one-off containers use that server,
    which must be reachable from containers. `api`, `worker` and `frontend` hold two idle sessions
    each, named after the service; `GET` and `POST /projects` of each read and write.
    """

    managed: PostgresServer | None = None
    db_port: int = field(default_factory=free_port)
    migrates_at_start: bool = False
    """Whether the api runs `alembic upgrade head` before it serves, as many images do."""

    @property
    def dsn(self) -> str:
        """The database, as seen from the host; the role is the owner of all in it."""
        return self.dsn_of(NAME)

    def dsn_of(self, database: str) -> str:
        """Another database of the same server, with the same role, as seen from the host."""
        if self.managed is not None:
            return self.managed.dsn(database)
        return f"postgresql://samokoder:{self.password}@127.0.0.1:{self.db_port}/{database}"

    @property
    def password(self) -> str:
        """The role's. Must never turn up in a log, a process list or an answer."""
        return self.managed.password if self.managed else self.canaries["DB_PASSWORD"]

    @property
    def url_variable(self) -> str:
        """What the services find in DATABASE_URL."""
        if self.managed is not None:
            return self.managed.dsn(NAME)
        return f"postgresql://samokoder:{self.password}@db:5432/{NAME}"

    def write(self, version: str) -> None:
        """Write the Compose file and `.env`, with every service on one version."""
        labels = json.dumps({"org.rollbot.tests.owner": str(getpid())})
        image = postgres_image(self.engine)
        managed = self.managed is not None
        needs = "redis" if managed else "db, redis"
        parts = ["services:\n"]
        for service in SERVICES:
            command = _MIGRATES if self.migrates_at_start and service == "api" else ""
            place = {"port": self.ports[service], "needs": needs, "labels": labels}
            parts.append(_SERVICE.format(service=service, command=command, **place))
        parts.append(_REDIS.format(image=image, labels=labels))
        if not managed:
            parts.append(_DATABASE.format(image=image, port=self.db_port, labels=labels))
            parts.append("volumes:\n  db-data: {}\n")
        self.compose_file.write_text("".join(parts))
        settings = {
            "COMPOSE_PROJECT_NAME": self.name,
            "REGISTRY": self.images.prefix,
            "APP_VERSION": version,
            **self.canaries,
            "DATABASE_URL": self.url_variable,
        }
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def up(self, version: str, *, users: int = 20, projects: int = 100, files: int = 300) -> None:
        """Deploy a release with its migrations and some rows, written before its last one."""
        self.write(version)
        if self.managed is not None:
            self.managed.create_database(NAME)
        # The services start beside the migrations: none of them needs the tables to be there.
        with ThreadPoolExecutor() as beside:
            first = ["redis" if self.managed else "db"] if self.migrates_at_start else []
            starting = beside.submit(self.compose.run, self.directory, "up", "-d", *first)
            self.await_database()
            schema.migrate(self.directory.parent, self.dsn, "v1.2.2")
            schema.seed(self.dsn, users=users, projects=projects, files=files)
            if schema.HEADS[version] != schema.HEADS["v1.2.2"]:
                self.migrate(version)
            starting.result()
        if self.migrates_at_start:
            self.deploy(version)

    def await_database(self) -> None:
        """Wait until the database takes connections."""
        eventually(self._answers, within_s=90, what="PostgreSQL of the project answers")

    def migrate(self, tag: str, revision: str = "heads") -> None:
        """Bring the database up with the migrations of a release, from the host (0.2 s)."""
        schema.migrate(self.directory.parent, self.dsn, tag, revision)

    def alembic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Alembic in a one-off container of the api's pinned release, as rollbot would."""
        one_off = ("run", "--rm", "--no-deps", "-T", "api", "alembic")
        return self.compose.attempt(self.directory, *one_off, *arguments)

    def revisions(self) -> list[str]:
        """What `alembic_version` says now."""
        return schema.revisions(self.dsn)

    def counts(self) -> dict[str, int]:
        """Table -> its rows, counted."""
        return schema.counts(self.dsn)

    def columns(self, table: str) -> list[str]:
        """The table's columns; empty when there is no such table."""
        return schema.columns(self.dsn, table)

    def databases(self) -> list[str]:
        """The databases of the server by name, templates and `postgres` left out."""
        asked = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1"
        with psycopg.connect(self.dsn_of("postgres")) as link:
            return [str(row[0]) for row in link.execute(asked) if row[0] != "postgres"]

    def write_project(self, service: str = "api") -> tuple[int, Any]:
        """Status and body of `POST /projects`; status 0 when nobody answers."""
        return post(self.url(service, "/projects"))

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def post(url: str) -> tuple[int, Any]:
    """Status and JSON body of one POST; status 0 when nobody answers."""
    request = urllib.request.Request(url, data=b"", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""
