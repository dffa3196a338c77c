"""A rehearsal runs on the copy or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from commands.domain.database_definition import Migrations
from commands.domain.errors import CheckFailedError, CommandTimedOutError
from commands.domain.plan import CommandLine, Migration
from commands.ports import OneOffOutcome
from tests.fakes.containers import FakeContainers
from workers.adapters.alembic import AlembicTool

COPY = "samokoder_scratch_RB_7"
URL = "postgresql+asyncpg://samokoder:s3cret@db:5432/samokoder"
MIGRATION = Migration(
    service="api",
    repository="registry.test/api",
    version="v1.3.0",
    digest="sha256:" + "a" * 64,
    command=CommandLine(argv=("compose", "run", "api", "-c", "alembic.ini", "downgrade", "r05")),
    url_variable="DATABASE_URL",
    before=("r06",),
    after=("r05",),
)


@dataclass(slots=True)
class Image:
    """Alembic that goes by the variable, or by an address of its own; or that is slow to give up.

    `said` are the last word and the address of every call.
    """

    own: bool = False
    late: bool = False
    said: list[tuple[str, str]] = field(default_factory=list)
    engine: FakeContainers | None = None

    def __call__(
        self, argv: tuple[str, ...], secrets: Mapping[str, str], timeout_s: float
    ) -> OneOffOutcome:
        self.said.append((argv[-1], secrets["DATABASE_URL"]))
        nowhere = "@127.0.0.1:1/" in secrets["DATABASE_URL"]
        if nowhere and self.late:
            raise CommandTimedOutError("alembic", timeout_s)
        return OneOffOutcome(int(nowhere and not self.own), "", "", 0.1)

    def run(self, folder: Path, database: str, *, scratch: bool) -> OneOffOutcome:
        variables = {"api": {"DATABASE_URL": URL}}
        self.engine = engine = FakeContainers(str, played=self, variables=variables)
        tool = AlembicTool(engine, Migrations(), "api", folder, "RB-7", rehearsal_cpus=0.5)
        return tool.run(MIGRATION, database, 60, scratch=scratch)


def test_a_tool_with_an_address_of_its_own_rehearses_nothing(tmp_path: Path) -> None:
    """Its env.py would take production back before anybody approved it: it only answers once."""
    image = Image(own=True)
    with pytest.raises(CheckFailedError) as refused:
        image.run(tmp_path, COPY, scratch=True)
    assert refused.value.key == "check.rehearsal_elsewhere"
    assert [word for word, _ in image.said] == ["current"]


@pytest.mark.parametrize("late", [False, True])
def test_a_tool_that_goes_by_the_variable_rehearses_on_the_copy(
    tmp_path: Path, *, late: bool
) -> None:
    """It finds no server at an address where there is none, at once or after long looking."""
    image = Image(late=late)
    assert image.run(tmp_path, COPY, scratch=True).exit_code == 0
    assert image.said[1] == ("r05", URL.replace("5432/samokoder", f"5432/{COPY}"))
    assert image.engine is not None
    assert image.engine.log[-1].startswith("one-off on 0.5 CPU ")


def test_production_is_not_asked_twice(tmp_path: Path) -> None:
    """The real run goes where the services go, whatever names it, and is not held back."""
    image = Image(own=True)
    assert image.run(tmp_path, "samokoder", scratch=False).exit_code == 0
    assert image.said == [("r05", URL)]
    assert image.engine is not None
    assert "CPU" not in "".join(image.engine.log)
