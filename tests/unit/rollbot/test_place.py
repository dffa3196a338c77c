"""Where the services' own address of the database leads, asked from both sides."""

from __future__ import annotations

import pytest

from commands.locale import say
from commands.ports import OneOffOutcome
from commands.settings import read_settings
from rollbot.check.finding import Ground, Level
from rollbot.check.place import one_place
from tests.fakes.database_plans import NAME
from tests.unit.steps.database_world import database_world

LOST = 'FATAL: password authentication failed for user "samokoder"'


@pytest.mark.parametrize(
    ("exit_code", "printed", "level", "named"),
    [
        (0, "booting\n{mark}{here} {name}\n", Level.GREEN, NAME),
        (0, "{mark}1 {name}\n", Level.RED, "ROLLBOT_DATABASE_URL"),
        (0, "{mark}{here} analytics\n", Level.RED, "analytics"),
        (1, "", Level.YELLOW, LOST),
        (0, "nothing of ours\n", Level.YELLOW, LOST),
    ],
)
def test_another_server_or_database_is_red_and_silence_is_no_answer(
    exit_code: int, printed: str, level: Level, named: str
) -> None:
    """Both must agree on when the server was started and on the database's own name there."""
    w = database_world()
    here = w.server.place(NAME).partition(" ")[0]
    output = printed.format(mark="rollbot-database:", here=here, name=NAME)
    asked: list[str] = []

    def played(argv: tuple[str, ...], secrets: object, timeout_s: float) -> OneOffOutcome:
        asked.extend(argv)
        return OneOffOutcome(exit_code, output, LOST, 0.1)

    w.services.engine.variables["api"] = {"DATABASE_URL": f"postgresql://db/{NAME}"}
    w.services.engine.played = played
    runbook = w.ports.runbook
    ground = Ground(read_settings(), runbook, "production", w.ports, None, w.ports.clock.now())

    (found,) = one_place(ground)

    assert found.level is level
    assert named in say(found.text, "en")
    assert "rollbot.rollback=check" in asked
    assert not [word for word in asked if "://" in word and "postgresql://db" in word]
