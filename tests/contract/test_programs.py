"""What every `Programs` promises: the fake, and real processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from commands.domain.errors import CommandFailedError, CommandTimedOutError, SettingsError
from commands.domain.plan import CommandLine
from commands.ports import ProgramOutcome, Programs
from tests.engines.waiting import eventually
from tests.fakes.programs import FakePrograms
from workers.adapters.programs import ProgramsOnHost
from workers.adapters.surroundings import Surroundings

PATH = os.environ["PATH"]


def smoke(command: CommandLine, timeout_s: float) -> ProgramOutcome:
    """The fake of the little program that `real` runs."""
    if "hang" in command.argv:
        raise CommandTimedOutError(command.argv[0], timeout_s)
    return ProgramOutcome(int(command.argv[-1]), "said so", 0.01)


@pytest.fixture(params=["fake", "host"])
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Programs:
    """A `smoke` that ends with the exit code it is given, or hangs."""
    if request.param == "fake":
        return FakePrograms({"smoke": smoke})
    script = tmp_path / "smoke"
    script.write_text('#!/bin/sh\necho said so\n[ "$1" = hang ] && sleep 60\nexit "$1"\n')
    script.chmod(0o755)
    return ProgramsOnHost(Surroundings({"PATH": f"{tmp_path}:{PATH}"}))


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_code_is_an_outcome(programs: Programs, code: int) -> None:
    """Whether a check passed is for the step to say; what it printed comes along."""
    outcome = programs.run(CommandLine(argv=("smoke", str(code))), timeout_s=60)

    assert (outcome.exit_code, outcome.tail) == (code, "said so")
    assert outcome.seconds > 0


def test_one_that_does_not_end_in_time_is_ended(programs: Programs) -> None:
    """The time limit is an error of its own, with the limit in it."""
    with pytest.raises(CommandTimedOutError) as late:
        programs.run(CommandLine(argv=("smoke", "hang")), timeout_s=0.2)

    assert late.value.timeout_s == 0.2


def test_one_that_is_not_there_cannot_be_started(programs: Programs) -> None:
    """The error names the program."""
    with pytest.raises(CommandFailedError) as missing:
        programs.run(CommandLine(argv=("no-such-program",)), timeout_s=1)

    assert missing.value.program == "no-such-program"


def python(code: str, **given: object) -> CommandLine:
    return CommandLine.model_validate({"argv": (sys.executable, "-c", code), **given})


def test_a_program_sees_only_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the worker's own, stale or secret, does not reach the customer's command."""
    monkeypatch.setenv("APP_VERSION", "v0-stale")
    programs = ProgramsOnHost(Surroundings({"PATH": PATH}, secrets={"TOKEN": "canary"}))
    names = "import os; print(sorted(n for n in os.environ if n != 'LC_CTYPE'))"

    bare = programs.run(python(names), timeout_s=60)
    given = programs.run(python(names, environment={"A": "1"}, secrets=("TOKEN",)), timeout_s=60)

    assert bare.tail == "['PATH']"
    assert given.tail == "['A', 'PATH', 'TOKEN']"


def test_no_shell_reads_the_words() -> None:
    """Every argument arrives as it is."""
    programs = ProgramsOnHost(Surroundings({"PATH": PATH}))
    hostile = ("$(id)", "`id`", "; id", "*", "a b")

    outcome = programs.run(
        CommandLine(argv=(sys.executable, "-c", "import sys; print(sys.argv[1:])", *hostile)),
        timeout_s=10,
    )

    assert outcome.tail == str(list(hostile))


def test_a_secret_that_a_program_prints_is_not_shown() -> None:
    """The tail goes to the channel (case 59)."""
    programs = ProgramsOnHost(Surroundings({"PATH": PATH}, secrets={"TOKEN": "canary-1"}))
    shout = python("import os; print('token', os.environ['TOKEN'])", secrets=("TOKEN",))

    assert programs.run(shout, timeout_s=60).tail == "token <TOKEN>"


def test_a_secret_that_nobody_set_is_named() -> None:
    """The command is not started without it."""
    with pytest.raises(SettingsError) as unset:
        ProgramsOnHost(Surroundings({"PATH": PATH})).run(
            python("pass", secrets=("TOKEN",)), timeout_s=10
        )

    assert unset.value.variable == "TOKEN"


def test_the_command_runs_in_its_folder(tmp_path: Path) -> None:
    """Relative paths in the customer's command mean what they mean in the runbook."""
    programs = ProgramsOnHost(Surroundings({"PATH": PATH}))

    outcome = programs.run(
        python("import os; print(os.getcwd())", directory=str(tmp_path)), timeout_s=10
    )

    assert outcome.tail == str(tmp_path)


def test_the_children_of_a_late_program_end_with_it(tmp_path: Path) -> None:
    """Nothing that the command started works on after its time limit (case 31)."""
    written = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {written}; wait"
    programs = ProgramsOnHost(Surroundings({"PATH": PATH}))

    with pytest.raises(CommandTimedOutError):
        programs.run(CommandLine(argv=("sh", "-c", script)), timeout_s=2)

    child = int(written.read_text())
    eventually(lambda: _has_ended(child), what="the grandchild has ended")


def _has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"
