"""The house keeps its own rules: rooms, sizes, one Makefile."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.found import ROOT

ROOMS = {"rollbot", "bot", "workers", "commands", "tests", "docs", "scripts", ".ci"}
CODE = ("rollbot", "bot", "workers", "commands")
LONGEST_FILE, LONGEST_TEST_FILE = 250, 400
LONGEST_BODY, USUAL_BODY = 40, 22
VAGUE_NAMES = re.compile(r"utils?|helpers?|managers?|base|misc|common")


def _kept_files() -> list[Path]:
    """Every file that git keeps or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for line in listed.splitlines() if (path := ROOT / line).is_file()]


def _modules(*rooms: str) -> list[Path]:
    return [
        path
        for path in _kept_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in rooms
    ]


def _bodies(module: Path) -> Iterator[tuple[str, int]]:
    """Name and length of every function's body, docstring apart, in lines."""
    for node in ast.walk(ast.parse(module.read_text())):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        has_docstring = ast.get_docstring(node) is not None
        body = node.body[1:] if has_docstring else node.body
        if body:
            name = f"{module.relative_to(ROOT)}:{node.lineno} {node.name}"
            yield name, (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_every_folder_is_a_room_that_was_agreed_on() -> None:
    """A new top-level folder has to be placed in the architecture first."""
    rooms = {path.relative_to(ROOT).parts[0] for path in _kept_files() if path.parent != ROOT}

    assert rooms <= ROOMS


def test_no_module_has_a_name_that_says_nothing() -> None:
    """Modules are nouns of the field, not drawers for what was left over."""
    names = [path for path in _modules(*CODE, "tests") if VAGUE_NAMES.fullmatch(path.stem)]

    assert names == []


def test_no_file_is_too_long_to_read() -> None:
    """Code fits 250 lines a file, tests 400."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in _modules(*CODE, "tests")
    }

    too_long = {
        name: length
        for name, length in lengths.items()
        if length > (LONGEST_TEST_FILE if name.startswith("tests/") else LONGEST_FILE)
    }
    assert too_long == {}


def test_no_function_is_too_long_to_understand() -> None:
    """A body has 40 lines at most, and nine in ten have 22."""
    bodies = [found for module in _modules(*CODE) for found in _bodies(module)]

    assert [name for name, length in bodies if length > LONGEST_BODY] == []
    long = [length for _, length in bodies if length > USUAL_BODY]
    assert len(long) <= len(bodies) / 10


def test_every_test_says_what_it_proves() -> None:
    """A test has a docstring of one sentence."""
    silent = [
        f"{module.relative_to(ROOT)}:{node.lineno} {node.name}"
        for module in _modules("tests")
        if module.name.startswith("test_")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and ast.get_docstring(node) is None
    ]

    assert silent == []


@pytest.mark.parametrize("target", ["demo", "test", "lint", "engines", "cards", "bench", "wheels"])
def test_the_makefile_has_the_targets_that_the_docs_name(target: str) -> None:
    """Each documented `make` target exists and explains itself in `make help`."""
    answer = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert re.search(rf"^  make {target}\s+\S", answer.stdout, re.MULTILINE)


def test_a_left_out_test_is_listed_and_can_be_a_failure(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test without its engine is skipped by name, and fails where engines are required."""
    pytester.makeconftest('pytest_plugins = ["tests.engines.omissions"]')
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.engine("no such engine")
        def test_needs_it(): ...
        """
    )

    quiet = ("-o", "asyncio_default_fixture_loop_scope=function")
    monkeypatch.delenv("ROLLBOT_REQUIRE_ENGINES", raising=False)
    left_out = pytester.runpytest(*quiet)
    monkeypatch.setenv("ROLLBOT_REQUIRE_ENGINES", "1")
    failed = pytester.runpytest(*quiet)

    left_out.assert_outcomes(skipped=1)
    left_out.stdout.fnmatch_lines(["*left out: 1*", "*test_needs_it*no such engine*"])
    failed.assert_outcomes(errors=1)
