"""The migration tool: Alembic in the image of a service, never on the host (H1, H2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

import structlog
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from commands.domain import naming
from commands.domain.database import Revision, ScriptGraph
from commands.domain.database_definition import Migrations
from commands.domain.errors import (
    CheckFailedError,
    CommandFailedError,
    CommandTimedOutError,
    DatabaseUnavailableError,
    ImageNotFoundError,
    RollbotError,
)
from commands.domain.plan import Migration, Target
from commands.planner.graph import graph_of
from commands.ports import Containers, OneOffOutcome
from workers.adapters import atomic_file

log = structlog.get_logger()

MARK = "rollbot-scripts:"
PROBE_S = 60.0
SQL_S = 60.0
ASK_S = 30.0

NOWHERE = "rollbot:offline@127.0.0.1:1"
"""For printing SQL: whatever a script tries, no server is there."""

_WHY_CHARACTERS = 300


class _Scripts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scripts: tuple[Revision, ...] = ()
    why: str = ""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    scripts: tuple[Revision, ...] = ()
    sql: str = ""


@dataclass(frozen=True, slots=True)
class AlembicTool:
    """`MigrationTool` for one environment's migrations.

    `compose_service` is what Compose calls the migrations' service; `kept` is the folder where
    answers are remembered by digest (an image never changes). `scratch_url` is the server for
    rehearsals, None: production's own. `rollback_id` labels what is run. `rehearsal_cpus`: so
    much CPU for a rehearsal, which production's own migration is not held to.
    """

    containers: Containers
    migrations: Migrations
    compose_service: str
    kept: Path
    rollback_id: str = ""
    scratch_url: SecretStr | None = field(default=None, repr=False)
    rehearsal_cpus: float | None = None

    def graph(self, target: Target) -> ScriptGraph:
        """The scripts of a local image, read without a database; remembered by its digest.

        Raises ImageNotFoundError when that very image is not here, and EngineError.
        """
        key = self._key()
        kept = self._remembered(target.digest, key)
        scripts = _Scripts(scripts=kept.scripts) if kept else self._asked(target)
        if scripts.why:
            return ScriptGraph(
                service=target.service,
                version=target.version,
                digest=target.digest,
                why=scripts.why,
            )
        if kept is None:
            self._remember(target.digest, _Kept(key=key, scripts=scripts.scripts))
        return graph_of(target.service, target.version, target.digest, scripts.scripts)

    def sql(self, migration: Migration) -> str:
        """What the migration would run, printed without a database. Remembered by its digest.

        Raises CommandFailedError when it cannot: a script that reads the database has no SQL.
        """
        if len(migration.before) != 1:
            raise CommandFailedError("alembic", 1, "from several revisions nothing can be printed")
        *words, to = migration.command.argv
        span = f"{migration.before[0]}:{to}"
        key = self._key(span)
        kept = self._remembered(migration.digest, key)
        if kept is not None:
            return kept.sql
        line = migration.command.model_copy(
            update={"argv": naming.filled((*words, span, "--sql"), self._label)}
        )
        offline = _at(self._url(migration), netloc=NOWHERE)
        done = self.containers.one_off(line, SQL_S, {migration.url_variable: offline})
        if done.exit_code != 0:
            raise CommandFailedError("alembic", done.exit_code, done.tail)
        self._remember(migration.digest, _Kept(key=key, sql=done.output))
        return done.output

    def run(
        self, migration: Migration, database: str, timeout_s: float, *, scratch: bool
    ) -> OneOffOutcome:
        """Run it on that database, on the scratch server when `scratch`; a bad exit is returned.

        Not safe to repeat by itself: look at the revisions first. Raises CommandTimedOutError
        (the container was ended), DatabaseUnavailableError without an address, EngineError, and
        CheckFailedError (`check.rehearsal_elsewhere`) before a rehearsal that would be none.
        """
        if scratch:
            self._refuse_a_tool_with_an_address_of_its_own(migration)
        argv = naming.filled(migration.command.argv, self._label)
        line = migration.command.model_copy(update={"argv": argv})
        url = self._url(migration)
        if scratch and self.scratch_url is not None:
            url = _on_server(url, self.scratch_url.get_secret_value())
        secrets = {migration.url_variable: _at(url, database=database)}
        cpus = self.rehearsal_cpus if scratch else None
        return self.containers.one_off(line, timeout_s, secrets, cpus)

    def _refuse_a_tool_with_an_address_of_its_own(self, migration: Migration) -> None:
        """A rehearsal must never migrate production, whatever the image's `env.py` connects to.

        Asked for the current revision of a server that is not there, only a tool that does not go
        by the variable has an answer. It only reads.
        """
        *words, _, _ = migration.command.argv
        argv = naming.filled((*words, "current"), self._label)
        line = migration.command.model_copy(update={"argv": argv})
        nowhere = {migration.url_variable: _at(self._url(migration), netloc=NOWHERE)}
        try:
            answered = self.containers.one_off(line, ASK_S, nowhere).exit_code == 0
        except CommandTimedOutError:
            # It still looks for the server that is not there.
            return
        if answered:
            raise CheckFailedError(
                "check.rehearsal_elsewhere",
                service=migration.service,
                variable=migration.url_variable,
            )

    @property
    def _label(self) -> str:
        return self.rollback_id or "survey"

    def _url(self, migration: Migration) -> str:
        """The service's own address of the database: its driver stands in it (`+asyncpg`)."""
        url = self.containers.variable(self.compose_service, migration.url_variable)
        if not url:
            why = f"{self.compose_service}: {migration.url_variable} is not set"
            raise DatabaseUnavailableError(database=migration.url_variable, why=why)
        return url

    def _asked(self, target: Target) -> _Scripts:
        if not self.containers.has_image(target.repository, target.version, target.digest):
            raise ImageNotFoundError(f"{target.repository}:{target.version}@{target.digest}")
        argv = (*self.migrations.python, "-c", probe(), self.migrations.config)
        done = self.containers.ask_image(target.repository, target.version, argv, PROBE_S)
        for line in reversed(done.output.splitlines()):
            if line.startswith(MARK):
                return _understood(line.removeprefix(MARK))
        last = (done.tail.strip().splitlines() or ["nothing was printed"])[-1]
        return _Scripts(why=f"exit {done.exit_code}: {last}"[:_WHY_CHARACTERS])

    def _key(self, *more: str) -> str:
        """What was asked, and how: another question or another probe is not answered by it."""
        asked = (probe(), self.migrations.config, *self.migrations.command, *more)
        return sha256("\0".join(asked).encode()).hexdigest()

    def _file(self, digest: str, key: str) -> Path:
        return self.kept / f"{digest.removeprefix('sha256:')}-{key[:8]}.json"

    def _remembered(self, digest: str, key: str) -> _Kept | None:
        """What cannot be read is asked again."""
        try:
            content = atomic_file.read_bytes(self._file(digest, key))
            found = _Kept.model_validate_json(content) if content else None
        except (ValidationError, RollbotError):
            return None
        return found if found is not None and found.key == key else None

    def _remember(self, digest: str, kept: _Kept) -> None:
        """As well as it goes: without it the next survey only takes longer."""
        try:
            self.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic_file.replace(self._file(digest, kept.key), kept.model_dump_json().encode())
        except (OSError, RollbotError) as error:
            log.warning("graph_not_kept", digest=digest, why=str(error))


def _understood(answer: str) -> _Scripts:
    """An image prints what it likes: what is no answer is a reason to know nothing of it."""
    try:
        found = _Scripts.model_validate_json(answer)
    except ValidationError as error:
        why = f"its answer is none: {error.errors(include_input=False)[0]['msg']}"
        return _Scripts(why=why[:_WHY_CHARACTERS])
    return found.model_copy(update={"why": found.why[:_WHY_CHARACTERS]})


@cache
def probe() -> str:
    """The program that is sent into images."""
    return Path(__file__).with_name("alembic_probe.py").read_text("utf-8")


def _at(url: str, *, netloc: str | None = None, database: str | None = None) -> str:
    """The same address with another server or database; driver and options stay."""
    parts = urlsplit(url)
    return _joined(
        parts._replace(
            netloc=parts.netloc if netloc is None else netloc,
            path=parts.path if database is None else f"/{quote(database)}",
        )
    )


def _on_server(url: str, server: str) -> str:
    """The same driver on another server; options of the other one win where it has any."""
    other = urlsplit(server)
    parts = urlsplit(url)
    return _joined(parts._replace(netloc=other.netloc, query=other.query or parts.query))


def _joined(parts: SplitResult) -> str:
    # Not `urlunsplit`, which drops the two slashes of an address without a host.
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"
