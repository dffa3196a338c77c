"""What a person types to roll a database back while rollbot itself is away. Pure.

The same order as the plan's: a proven backup, services stopped, a copy kept beside, the migration
in the newer image, pins, services, checks. A line is the shell's (bash), a Text stands above it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from commands.domain.database_definition import Database
from commands.domain.errors import RequestError
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import EnvironmentDefinition, Runbook, ServiceDefinition
from commands.domain.text import Text, text
from commands.planner import argv
from commands.planner.by_hand import after_pins, look, pinned, pulled, up
from commands.planner.by_hand_words import COUNTS, alone, in_project, in_server, sessions
from commands.planner.pins import compose_name

Line = str | Text

CHOSEN = '"$TO"'
WITHOUT_SLOTS = ("--exit-on-error", "--no-subscriptions")
"""A restored subscription would claim production's slot, and the copy could not be dropped."""

UNPACKED = {".zst": "zstd -dcq", ".gz": "gzip -dc"}


def by_hand_database(request: Request, runbook: Runbook) -> tuple[Line, ...]:
    """Lines and what must be known about them, in their order.

    Raises RequestError: `refused.db_none`, and `refused.by_hand_backup` where a backup must be
    named: which one was taken before the faulty deploy stands in the journal, and that is away.
    """
    environment = runbook.environments[request.environment]
    database = environment.database
    if database is None:
        raise RequestError("refused.db_none", environment=request.environment)
    typed = _Typed(request, runbook, environment, database)
    if request.scenario is Scenario.DATABASE:
        return tuple(typed.downgrade())
    if not request.backup:
        raise RequestError("refused.by_hand_backup", folder=database.backups)
    return tuple(typed.restore())


@dataclass(frozen=True, slots=True)
class _Typed:
    request: Request
    runbook: Runbook
    environment: EnvironmentDefinition
    database: Database

    def downgrade(self) -> Iterator[Line]:
        """Back by a migration."""
        yield from self._prepared()
        yield from self._backup()
        yield from self._stopped()
        yield text("byhand.copy", kept=self._name("before"))
        copy = ("createdb", "-T", self.database.name, "--strategy=file_copy", "before")
        yield f"alone {self._server(*copy)}"
        yield text("byhand.downgrade", service=self.database.migrations.service)
        if self.environment.compose.pin == "variable":
            migrates = self.runbook.services[self.database.migrations.service]
            yield text("byhand.newer", variable=migrates.version_variable)
        yield "dc config | grep 'image:'"
        yield f"dc {self._alembic('current')}"
        yield f"dc {self._alembic('downgrade', self.request.revision or '-1')}"
        yield f"dc {self._alembic('current')}"
        yield from self._services()
        yield from self._ended()

    def restore(self) -> Iterator[Line]:
        """Back from a backup, which is restored beside the database and then takes its name."""
        yield from self._prepared()
        yield from self._beside()
        yield from self._stopped()
        yield text("byhand.swap", kept=self._name("before"))
        yield self._renamed((self.database.name, "before"), ("restored", self.database.name))
        yield from self._services()
        yield from self._ended()

    def _prepared(self) -> Iterator[Line]:
        compose = self.environment.compose
        yield text("byhand.intro")
        yield f"cd {shlex.quote(compose.directory)}"
        yield "set -o pipefail"
        for variable in dict.fromkeys(s.version_variable for s in self._named.values()):
            yield f"unset {variable}"
        yield in_project(compose)
        if self.database.server == "managed":
            yield text("byhand.managed")
            yield 'export PGHOST PGPORT PGUSER PGPASSWORD; : "${PGHOST:?}" "${PGPASSWORD:?}"'
            yield 'in_db() { "$@"; }'
        else:
            server = self.runbook.services[self.database.service]
            yield in_server(compose_name(self.database.service, server), self.database.user)
        yield COUNTS
        yield alone(self.database.name)

    def _backup(self) -> Iterator[Line]:
        name, scratch = self.database.name, self._name("scratch")
        yield text("byhand.backup")
        stamped = f"{name}_$(date -u +%Y%m%dT%H%M%SZ)_by-hand.dump"
        yield f"B={shlex.quote(self.database.backups)}/{stamped}"
        dump = self._server("pg_dump", "-Fc", "-Z", "1", name)
        yield f'(umask 077; {dump} > "$B.part") && mv "$B.part" "$B"'
        yield 'sha256sum "$B" > "$B.sha256"'
        yield 'in_db pg_restore -f /dev/null < "$B"'
        yield self._server("createdb", "-T", "template0", "scratch")
        load = self._server("pg_restore", *WITHOUT_SLOTS, "--no-owner", "--no-acl", "-d")
        yield f'{load} {shlex.quote(scratch)} < "$B"'
        yield text("byhand.proof")
        counted = f"counts {shlex.quote(name)} > /tmp/rows.by-hand"
        yield f"{counted} && counts {shlex.quote(scratch)} | diff /tmp/rows.by-hand -"
        yield self._server("dropdb", "scratch")

    def _beside(self) -> Iterator[Line]:
        beside, backup = shlex.quote(self._name("restored")), self.request.backup
        yield text("byhand.restore")
        yield f"B={shlex.quote(f'{self.database.backups}/{backup}')}"
        yield 'test ! -e "$B.json" || grep -F "$(sha256sum < "$B" | cut -d" " -f1)" "$B.json"'
        unpack = next((u for end, u in UNPACKED.items() if backup.endswith(end)), "cat")
        yield text("byhand.beside")
        if is_archive := ".dump" in backup:
            yield f'{unpack} "$B" | in_db pg_restore -f /dev/null'
        yield self._server("createdb", "-T", "template0", "restored")
        archive = f"in_db pg_restore {' '.join(WITHOUT_SLOTS)} -d {beside}"
        plain = f"in_db psql -Xq -v ON_ERROR_STOP=1 -1 -d {beside}"
        yield f'{unpack} "$B" | {archive if is_archive else plain}'
        yield text("byhand.lost")
        yield f"diff <(counts {shlex.quote(self.database.name)}) <(counts {beside}) || true"

    def _stopped(self) -> Iterator[Line]:
        users = [compose_name(n, self.runbook.services[n]) for n in self.database.dependants]
        yield self._page("on")
        yield text("byhand.stop", services=self.database.dependants)
        yield f"dc stop {shlex.join(users)}"
        yield text("byhand.drain")
        yield sessions(self.database.name)

    def _services(self) -> Iterator[Line]:
        """The version that fits, pinned and run."""
        compose, named = self.environment.compose, self._named
        version = shlex.quote(self.request.version) if self.request.version else CHOSEN
        migrates = self.runbook.services[self.database.migrations.service]
        if self.request.version is None:
            yield text("byhand.choose")
            yield f"docker images {shlex.quote(migrates.image)}"
            yield "TO="
            yield ': "${TO:?}"'
        yield from pulled(named, version)
        yield text("byhand.fits")
        words = shlex.join(self._alembic_words("heads"))
        program = self.database.migrations.command[0]
        image = f"{shlex.quote(migrates.image)}:{version}"
        yield f"docker run --rm --network none --entrypoint {program} {image} {words}"
        yield text("byhand.pin")
        yield from pinned(compose, named, version)
        if self._upgrades:
            yield text("byhand.upgrade")
            upgraded = (*argv.project(compose), *shlex.split(self._alembic("upgrade", "heads")))
            yield after_pins(compose, upgraded)
        yield up(compose, named)

    def _ended(self) -> Iterator[Line]:
        yield text("byhand.check")
        for name, service in self._named.items():
            yield from look(self.environment.compose, name, service)
        yield f"counts {shlex.quote(self.database.name)}"
        yield from (shlex.join(smoke.argv) for smoke in self.environment.smoke)
        yield self._page("off")
        yield text("byhand.way_back", kept=self._name("before"), after=self._name("after"))
        back = self._renamed((self.database.name, "after"), ("before", self.database.name))
        yield f"# {back}"

    @property
    def _named(self) -> dict[str, ServiceDefinition]:
        return {name: self.runbook.services[name] for name in self.request.services}

    @property
    def _upgrades(self) -> bool:
        restores = self.request.scenario is not Scenario.DATABASE
        return restores and self.database.after_restore == "upgrade_head"

    def _page(self, way: str) -> Text:
        page = self.database.maintenance
        if page is None:
            return text(f"byhand.no_page_{way}")
        return text(f"byhand.page_{way}", file=page.file, url=page.public_url)

    def _alembic(self, *words: str) -> str:
        """One run in a container of its own, with the service's image and address (H1)."""
        migrations = self.database.migrations
        service = self.runbook.services[migrations.service]
        timeout = f"PGOPTIONS=-c lock_timeout={round(self.database.lock_timeout_s * 1000)}"
        options = ("run", "--rm", "--no-deps", "-T", "-e", timeout)
        entry = ("--entrypoint", migrations.command[0], compose_name(migrations.service, service))
        return shlex.join((*options, *entry, *self._alembic_words(*words)))

    def _alembic_words(self, *words: str) -> tuple[str, ...]:
        migrations = self.database.migrations
        return (*migrations.command[1:], "-c", migrations.config, *words)

    def _server(self, *words: str) -> str:
        """A client program; the last word may stand for a database of ours."""
        *first, last = words
        return shlex.join(("in_db", *first, self._name(last) if last in OURS else last))

    def _renamed(self, *pairs: tuple[str, str]) -> str:
        """In one transaction: there is never no database (H5)."""
        made = [
            f'ALTER DATABASE "{self._name(old)}" RENAME TO "{self._name(new)}"'
            for old, new in pairs
        ]
        words = [word for one in made for word in ("-c", one)]
        return shlex.join(
            ("alone", "in_db", "psql", "-X", "-v", "ON_ERROR_STOP=1", "-1d", "postgres", *words)
        )

    def _name(self, what: str) -> str:
        return f"{self.database.name}_{what}_hand" if what in OURS else what


OURS = ("before", "after", "restored", "scratch")
