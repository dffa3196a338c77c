"""Whether the services use the very database that the runbook and its address name.

Nothing else would tell: a rollback asks and copies by one address, its migrations and the services
go by another.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from commands.domain import naming
from commands.domain.text import text
from commands.planner.migrating import Migrating
from commands.planner.pins import compose_name
from rollbot.check.finding import Check, Finding, Ground, Level, green, red, yellow

PROBE = Path(__file__).with_name("place_probe.py")
MARK = "rollbot-database:"
ASK_S = 60.0


def one_place(ground: Ground) -> Iterator[Finding]:
    """Server and database are asked for from both sides; poolers and aliases do not matter."""
    database, containers = ground.definition.database, ground.ports.containers
    if database is None:
        return
    service, variable = database.migrations.service, database.migrations.url_variable
    name = compose_name(service, ground.runbook.services[service])
    running, url = containers.running(name), containers.variable(name, variable)
    if running is None:
        return  # `services_run` says so
    if not url:
        yield Finding(Level.RED, text("refused.db_no_url", service=service, variable=variable))
        return
    program = (*database.migrations.python, "-c", PROBE.read_text("utf-8"), variable)
    migrating = Migrating.of(ground.runbook, ground.environment, database)
    line = migrating.program(running.version, program)
    line = line.model_copy(update={"argv": naming.filled(line.argv, "check")})
    done = containers.one_off(line, ASK_S, {variable: url})
    facts = {"service": service, "variable": variable, "database": database.name}
    said = (one for one in done.output.splitlines() if one.startswith(MARK))
    place = next(said, "").removeprefix(MARK)
    if done.exit_code or not place:
        why = (done.tail.strip().splitlines() or ["—"])[-1]
        yield yellow("ready.db_place_unknown", why=why, **facts)
    elif place == ground.ports.production.place(database.name):
        yield green("ready.db_one_place", **facts)
    else:
        yield red("ready.db_elsewhere", found=place.partition(" ")[2], **facts)


CHECKS: tuple[Check, ...] = (one_place,)
