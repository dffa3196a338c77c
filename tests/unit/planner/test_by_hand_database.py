"""The lines for a database by hand: their order, their traps, and what must be named."""

from __future__ import annotations

from typing import Any

import pytest

from commands.domain.database_definition import Maintenance
from commands.domain.errors import RequestError
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Database, Runbook
from commands.domain.text import Text
from commands.planner.by_hand_database import by_hand_database
from tests.fakes.database_plans import database_request
from tests.unit.planner.world import runbook

BACKUP = "samokoder_20261121.sql.gz"


def _runbook(compose: dict[str, Any] | None = None, **database: Any) -> Runbook:
    found = Database(**({"name": "samokoder", "backups": "/b"} | database))
    return runbook(compose=compose or {}, database=found)


def _printed(request: Request, **more: Any) -> list[str]:
    """Texts by their keys, shell lines as they are."""
    lines = by_hand_database(request, _runbook(**more))
    return [line.key if isinstance(line, Text) else line for line in lines]


def _order(lines: list[str], *parts: str) -> list[int]:
    return [next(n for n, line in enumerate(lines) if part in line) for part in parts]


def test_a_downgrade_goes_the_safe_way_round() -> None:
    """Proof, stop, copy, downgrade while the newer image is pinned, pin, start, look (H1, H2)."""
    lines = _printed(database_request(version="v1.2.2"))
    found = _order(
        lines,
        *(
            "pg_dump -Fc",
            "pg_restore -f /dev/null",
            "diff",
            "dc stop api worker",
            "createdb -T sam",
        ),
        *("downgrade -1", ".env.before", "printf", "up -d --no-deps", "http://api/health"),
        "byhand.way_back",
    )

    assert found == sorted(found)
    assert any("run --rm --no-deps" in line and "downgrade -1" in line for line in lines)
    assert not any("docker exec" in line or "2>&1" in line for line in lines)


def test_without_a_version_the_person_chooses_before_anything_is_pinned() -> None:
    """What suits the schema is asked of the images; an empty answer ends the lines."""
    lines = _printed(database_request())
    chosen, guard, pin = _order(lines, "TO=", "${TO:?}", ".env.before")

    assert chosen < guard < pin
    assert any('APP_VERSION="$TO"' in line for line in lines)


@pytest.mark.parametrize("after", ["upgrade_head", "nothing"])
def test_a_restore_happens_beside_and_swaps_by_names(after: str) -> None:
    """The old database is renamed, never dropped; plain SQL stops at its first error (H5)."""
    request = database_request(scenario=Scenario.RESTORE, backup=BACKUP, version="v1.2.2")
    lines = _printed(request, after_restore=after)
    beside, stop, swap = _order(lines, "createdb", "dc stop", "RENAME TO")

    assert beside < stop < swap
    assert any("gzip -dc" in line and "ON_ERROR_STOP=1" in line for line in lines)
    assert not any("dropdb" in line or "DROP DATABASE" in line for line in lines)
    assert any("upgrade heads" in line for line in lines) == (after == "upgrade_head")


def test_a_restore_needs_a_name() -> None:
    """The latest may hold the damage (H4), and which one does not stands in the journal."""
    with pytest.raises(RequestError) as refused:
        _printed(database_request(scenario=Scenario.RESTORE, version="v1.2.2"))
    assert refused.value.key == "refused.by_hand_backup"


def test_without_a_database_in_the_runbook_it_says_so() -> None:
    """There is nothing to type."""
    with pytest.raises(RequestError) as refused:
        by_hand_database(database_request(), runbook())
    assert refused.value.key == "refused.db_none"


def test_a_managed_server_is_asked_from_here_without_its_password() -> None:
    """Programs run on this host; the address comes by the environment, which ps does not show."""
    lines = _printed(database_request(), server="managed")

    assert 'in_db() { "$@"; }' in lines
    assert not any("postgresql://" in line for line in lines)


def test_an_override_file_is_named_only_where_it_is_there() -> None:
    """Compose refuses a file that is missing, and reads the pins of the newer version from it."""
    lines = _printed(database_request(version="v1.2.2"), compose={"pin": "override"})
    (called,) = (line for line in lines if line.startswith("dc()"))

    assert "$(test ! -e docker-compose.override.yml || echo -f docker-compose.ov" in called
    assert "byhand.newer" not in lines


def test_the_page_is_believed_only_from_outside() -> None:
    """File and public address of the runbook's page are told before and after."""
    page = Maintenance(file="/etc/traefik/m.yml", public_url="http://localhost/")
    lines = _printed(database_request(), maintenance=page)

    assert lines.index("byhand.page_on") < lines.index("byhand.stop")
    assert lines.index("byhand.page_off") < lines.index("byhand.way_back")
