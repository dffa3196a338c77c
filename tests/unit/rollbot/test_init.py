"""`rollbot init`: a valid runbook from a Compose file, and the rest asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.domain.errors import ConfigFileError
from commands.domain.people import Identity
from commands.domain.runbook import Runbook
from commands.runbook import read_runbook
from rollbot.init import init
from rollbot.init.compose_file import Interpolation, read_project

COMPOSE = """
name: shop
services:
  traefik:
    image: traefik:v3.1
    ports: ["80:80"]
  api:
    image: registry.example.com:5000/shop/api:${APP_VERSION:-latest}
    ports: ["127.0.0.1:${API_PORT:-9000}:8000/tcp"]
    depends_on: {db: {condition: service_healthy}}
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/healthz"]
  Web.UI:
    image: "shop-web:${APP_VERSION}"
    depends_on: [api, db]
    ports: [{target: 3000, published: 3001}]
  status:
    image: shop-status:$STATUS_TAG
  db:
    image: postgres:15
    volumes: ["data:/var/lib/postgresql/data"]
volumes: {data: {}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A team's folder with its Compose file and .env."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(COMPOSE)
    (folder / ".env").write_text("API_PORT=9100\nAPP_VERSION=v1\n")
    return folder


def written(project: Path, *arguments: str, answers: str = "") -> tuple[Result, Path]:
    output = project / "runbook.toml"
    argv = [str(project), "--output", str(output), *arguments]
    return CliRunner().invoke(init, argv, input=answers, catch_exceptions=False), output


@pytest.fixture
def runbook(project: Path) -> Runbook:
    """What `--yes` makes of it."""
    result, output = written(project, "--yes")
    assert result.exit_code == 0, result.output
    return read_runbook(output)


def test_the_compose_file_becomes_a_valid_runbook(runbook: Runbook, project: Path) -> None:
    """Images without tags, version variables, health as seen from the host, project and folder."""
    api = runbook.services["api"]
    compose = runbook.environments["production"].compose

    assert (api.image, api.version_variable) == (
        "registry.example.com:5000/shop/api",
        "APP_VERSION",
    )
    assert api.health_url == "http://localhost:9100/healthz"
    assert runbook.services["status-app"].version_variable == "STATUS_TAG"
    assert (compose.project, compose.directory) == ("shop", str(project))
    assert compose.pin == "variable"


def test_data_and_other_peoples_images_are_left_alone(runbook: Runbook) -> None:
    """A database and a proxy with a fixed tag are never rolled back."""
    assert runbook.service_names("production") == ("api", "web-ui", "status-app")
    assert runbook.services["db"].stateful
    assert runbook.services["traefik"].stateful


def test_names_that_cannot_be_typed_get_others(runbook: Runbook) -> None:
    """A capital, a dot or a word of rollbot's own: the Compose name is kept beside."""
    assert runbook.services["web-ui"].compose_service == "Web.UI"
    assert runbook.services["web-ui"].after == ("api",)
    assert runbook.services["status-app"].compose_service == "status"


def test_the_procedure_is_the_shipped_one(runbook: Runbook) -> None:
    """Escalation, checklist and follow-ups come along; the hints name the team's own address."""
    assert runbook.escalation["full"].roles == ("incident_commander", "cto")
    assert len(runbook.checklist) == 8
    hint = runbook.checklist[0].hint
    assert hint is not None
    assert "http://localhost:9100/healthz" in hint.ru


def test_answers_become_channels_people_and_roles(project: Path) -> None:
    """Whoever is named gets their roles and accounts; a service may be taken out."""
    answers = [
        "n", "y", "", "y", "", "n", "n",  # traefik, api+health, web+health, status, db
        "v1", "Asia/Dubai", "T0TEAM", "C0INC", "-1001",
    ]  # fmt: skip
    people = (
        ("Anna", "anna", "devops_oncall, devops_lead", "T0TEAM:U0ANNA", "11"),
        ("Egor", "egor", "boss\nincident_commander,database_team", "", "12"),
        ("Ivan", "ivan", "cto", "T0TEAM:U0IVAN", ""),
    )
    answers += [line for person in people for line in "\n".join(person).split("\n")]
    result, output = written(project, answers="\n".join([*answers, "", ""]))
    runbook = read_runbook(output)

    assert result.exit_code == 0
    assert runbook.timezone == "Asia/Dubai"
    assert runbook.environments["production"].compose.generation == "v1"
    assert runbook.service_names("production") == ("api", "web-ui")
    assert runbook.holders("incident_commander") == ("egor",)
    slack = Identity(platform="slack", workspace="T0TEAM", user="U0ANNA")
    assert runbook.person_of(slack) == "anna"
    assert {c.platform for c in runbook.environments["production"].channels} == {
        "console",
        "slack",
        "telegram",
    }


def test_what_does_not_fit_is_written_and_named(project: Path) -> None:
    """One person cannot be both approvers: the file is there, and its problem is told."""
    answers = ["n", "y", "", "n", "n", "n", "v2", "", "", "", "Anna", "anna", "cto", "", "", ""]
    result, output = written(project, answers="\n".join([*answers, ""]))

    assert result.exit_code == 1
    assert "escalation.full.roles" in result.output
    assert output.exists()


def test_a_file_that_is_there_is_not_written_over(project: Path) -> None:
    """Somebody's runbook is not lost to a second init; --force is needed."""
    (project / "runbook.toml").write_text("mine")

    refused, output = written(project, "--yes")
    assert refused.exit_code == 1
    assert output.read_text() == "mine"

    forced, _ = written(project, "--yes", "--force")
    assert forced.exit_code == 0


def test_the_compose_file_itself_may_be_named(project: Path) -> None:
    """`rollbot init …/docker-compose.yml` is the same as naming its folder."""
    output = project / "runbook.toml"
    argv = [str(project / "docker-compose.yml"), "--yes", "--output", str(output)]
    result = CliRunner().invoke(init, argv, catch_exceptions=False)

    assert result.exit_code == 0, result.output
    compose = read_runbook(output).environments["production"].compose
    assert (compose.directory, compose.files) == (str(project), ("docker-compose.yml",))


def test_a_place_that_cannot_be_written_is_named(project: Path, tmp_path: Path) -> None:
    """A folder that is not there is one clear line with the path, no traceback."""
    with pytest.raises(ConfigFileError, match=r"absent/x\.toml.*cannot be written"):
        written(project, "--yes", "--output", str(tmp_path / "absent" / "x.toml"))


def test_an_environment_that_cannot_be_typed_is_refused(project: Path) -> None:
    """The name stands in commands and variables: it is checked before anything is written."""
    result, output = written(project, "--yes", "--env", "Prod 1")

    assert result.exit_code == 1
    assert "Prod 1" in result.output
    assert not output.exists()


def test_answers_of_a_wrong_form_are_asked_again(project: Path) -> None:
    """Each id is checked where it is typed, so the file that comes out is valid."""
    answers = [
        "n", "y", "", "n", "n", "n",  # traefik, api+health, web, status, db
        "v3", "v2", "Moscow", "Europe/Moscow", "acme", "T0TEAM", "#inc", "C0INC", "group", "-1001",
        "Anna", "anna", "incident_commander", "U0ANNA", "T0TEAM:U0ANNA", "@anna", "11",
        "Ivan", "ivan", "cto", "", "12", "",
    ]  # fmt: skip
    result, output = written(project, answers="\n".join([*answers, ""]))

    for wrong in ("v3", "Moscow", "acme", "#inc", "group", "U0ANNA", "@anna"):
        assert f"«{wrong}»" in result.output
    assert output.exists()
    assert "telegram = [11]" in output.read_text()


def test_a_team_without_version_variables_is_pinned_by_an_override(project: Path) -> None:
    """Where Compose has a fixed tag, an override file pins the image."""
    (project / "docker-compose.yml").write_text("services: {app: {build: ., image: 'app:1'}}")

    _, output = written(project, "--yes")

    assert read_runbook(output).environments["production"].compose.pin == "override"


def test_a_folder_without_compose_says_so(tmp_path: Path) -> None:
    """No file, broken YAML and a file without services are each named with their path."""
    with pytest.raises(ConfigFileError, match="--file"):
        read_project(tmp_path)
    for content in ("a: [", "a: 1"):
        (tmp_path / "compose.yaml").write_text(content)
        with pytest.raises(ConfigFileError, match=r"compose\.yaml") as refused:
            read_project(tmp_path)
        assert "\n" not in refused.value.why


@pytest.mark.parametrize(
    ("said", "repository", "variable"),
    [
        ("api:${V}", "api", "V"),
        ("api:$V", "api", "V"),
        ("api:v1", "api", ""),
        ("api", "api", ""),
        ("registry:5000/api", "registry:5000/api", ""),
        ("registry:5000/api:${V:?set it: now}", "registry:5000/api", "V"),
        ("${REGISTRY:-ghcr.io/acme}/api:${V:-v1}", "ghcr.io/acme/api", "V"),
        ("${REGISTRY}/api:${V}-slim", "own.example:5000/api", "V"),
        ("api@sha256:" + "a" * 64, "api", ""),
    ],
)
def test_an_image_is_taken_apart_with_its_variables(
    said: str, repository: str, variable: str
) -> None:
    """Ports of registries are not tags (H8), and defaults may hold colons."""
    env = Interpolation({"REGISTRY": "own.example:5000"} if said.endswith("slim") else {})

    assert env.image(said) == (repository, variable)
