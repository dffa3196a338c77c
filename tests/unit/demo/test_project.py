"""Reading Compose files, variables and command lines as Compose does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbot.demo.images import Reference
from rollbot.demo.interpolation import InterpolationError, fill_in
from rollbot.demo.project import ComposeError, load, parse_command_line


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("$A-$A", "1-1"),
        ("${A}", "1"),
        ("${NONE}", ""),
        ("${EMPTY-x}|${EMPTY:-x}", "|x"),
        ("${NONE:-${ALSO:-${A}}}", "1"),
        ("${A:+yes}${NONE:+no}", "yes"),
        ("$$A", "$A"),
    ],
)
def test_variables_are_filled_in(text: str, filled: str) -> None:
    """Every form of the Compose specification that a service's image uses."""
    assert fill_in(text, {"A": "1", "EMPTY": ""}) == filled


def test_a_required_variable_that_is_missing_is_an_error() -> None:
    """`${NAME:?word}` names the variable and the word."""
    with pytest.raises(InterpolationError, match="APP_VERSION is missing a value: set it"):
        fill_in("api:${APP_VERSION:?set it}", {})


def test_a_shell_variable_wins_over_the_env_file(tmp_path: Path) -> None:
    """As in Compose; this is why the worker runs it in a clean environment (hazard H6)."""
    (tmp_path / "docker-compose.yml").write_text("services: {api: {image: 'a:$V'}}")
    (tmp_path / ".env").write_text("V=file")
    options = parse_command_line(["docker-compose", "up", "-d"])

    assert load(options, tmp_path, {}).services["api"].image == "a:file"
    assert load(options, tmp_path, {"V": "shell"}).services["api"].image == "a:shell"


def test_an_override_file_changes_only_its_service(tmp_path: Path) -> None:
    """Later files win key by key; other services stay as they were."""
    (tmp_path / "docker-compose.yml").write_text(
        "services: {api: {image: 'a:1', ports: ['8:8']}, worker: {image: 'w:1'}}"
    )
    (tmp_path / "pins.yml").write_text("services: {api: {image: 'a:2'}}")
    argv = ["docker", "compose", "-p", "samokoder", "-f", "docker-compose.yml", "-f", "pins.yml"]

    services = load(parse_command_line([*argv, "pull"]), tmp_path, {}).services

    assert (services["api"].image, services["api"].port) == ("a:2", 8)
    assert services["worker"].image == "w:1"


@pytest.mark.parametrize(
    "argv", [["rm", "-rf"], ["docker-compose", "down"], ["docker-compose", "up", "--no-dep"]]
)
def test_a_command_line_that_is_not_known_is_an_error(argv: list[str]) -> None:
    """Nothing is ignored and nothing abbreviated."""
    with pytest.raises(ComposeError):
        parse_command_line(argv)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("api", ("api", "latest", None)),
        ("registry:5000/api:v1", ("registry:5000/api", "v1", None)),
        ("registry:5000/api", ("registry:5000/api", "latest", None)),
        ("r:5/api@sha256:ab", ("r:5/api", None, "sha256:ab")),
    ],
)
def test_references_are_taken_apart(text: str, parts: tuple[str, str | None, str | None]) -> None:
    """A registry's port is not a tag (hazard H8)."""
    assert tuple(Reference.parse(text)) == parts
