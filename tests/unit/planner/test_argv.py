"""Compose command lines as data."""

from __future__ import annotations

from commands.domain.runbook import Compose, Own
from commands.planner import argv

V1 = Compose(generation="v1", project="shop", directory="/opt/shop")
V2 = Compose(generation="v2", project="shop", directory="/opt/shop")


def test_v1_switches_only_what_is_named_and_never_builds() -> None:
    """Compose v1 is asked for exactly the named services, without their dependencies (H21)."""
    assert argv.switch(V1, ("api", "worker")).argv == (
        "docker-compose", "-p", "shop", "-f", "docker-compose.yml",
        "up", "-d", "--no-deps", "--no-build", "api", "worker",
    )  # fmt: skip


def test_v2_may_not_pull_while_it_switches() -> None:
    """Compose v2 takes the image that was brought by digest, not what a tag names by now."""
    line = argv.switch(V2, ("api",))
    assert line.directory == "/opt/shop"
    assert line.argv[:2] == ("docker", "compose")
    assert line.argv[-6:] == ("-d", "--no-deps", "--no-build", "--pull", "never", "api")


def test_an_override_file_with_pins_is_named_once_and_last() -> None:
    """With `-f`, Compose looks for no override file by itself, so the pins' file is named."""
    alone = V2.model_copy(update={"pin": "override"})
    named = alone.model_copy(update={"files": ("docker-compose.override.yml",)})
    assert argv.project(alone)[-2:] == ("-f", "docker-compose.override.yml")
    assert argv.project(named).count("docker-compose.override.yml") == 1


def test_another_env_file_than_the_default_is_named() -> None:
    """A version pinned in `.env.prod` is read from there."""
    other = V1.model_copy(update={"env_file": ".env.prod"})
    assert argv.project(other)[-2:] == ("--env-file", ".env.prod")
    assert "--env-file" not in argv.project(V1)


def test_an_own_command_runs_in_the_project_unless_it_says_where() -> None:
    """The customer's scripts expect the project's directory."""
    smoke = Own(title={"ru": "Дым"}, argv=("./smoke-test.sh", "--fast"))
    assert argv.own(V1, smoke).directory == "/opt/shop"
    elsewhere = smoke.model_copy(update={"directory": "/srv"})
    assert argv.own(V1, elsewhere).directory == "/srv"
