"""`rollbot init` finds the database of a Compose file, and writes a section that loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.domain.runbook import Database
from commands.runbook import parse_runbook, read_runbook
from rollbot.init import init

SAMOKODER = """
services:
  traefik:
    image: traefik:v3.1
    command: ["--providers.docker", "--providers.file.directory=/etc/traefik/dynamic"]
    ports: ["8080:80"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro", "./traefik:/etc/traefik/dynamic:ro"]
  worker:
    image: samokoder-worker:${APP_VERSION}
    environment: ["DATABASE_URL"]
  api:
    image: samokoder-api:${APP_VERSION}
    build: ./api
    environment: {DATABASE_URL: "postgresql+asyncpg://app:${DB_PASSWORD}@db/${DB_NAME:-shop}"}
    ports: ["8000:8000"]
    healthcheck: {test: curl -f http://localhost:8000/healthz}
  frontend:
    image: samokoder-frontend:${APP_VERSION}
  db:
    image: postgres:15-alpine
    environment: {POSTGRES_DB: "${DB_NAME:-shop}", POSTGRES_USER: app, POSTGRES_PASSWORD: secret1}
"""
FOUND = ("postgres:15-alpine", "registry:5000/team/pgvector@sha256:" + "a" * 64, "own-db:${DB_TAG}")


def _written(folder: Path, compose: str, *options: str) -> tuple[str, str]:
    """What init says, and the file that it writes, which `rollbot check` would read."""
    (folder / "docker-compose.yml").write_text(compose)
    output = folder / "runbook.toml"
    argv = [str(folder), "--yes", "--force", "--output", str(output), *options]
    result = CliRunner().invoke(init, argv, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output, output.read_text()


def _database(folder: Path, compose: str) -> Database | None:
    _, text = _written(folder, compose)
    return parse_runbook(text.encode()).environments["production"].database


def test_a_postgres_and_its_users_become_a_section(tmp_path: Path) -> None:
    """Name, service, who is stopped, who migrates and by which variable are those of the file."""
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "alembic.ini").touch()
    said, text = _written(tmp_path, SAMOKODER)
    database = parse_runbook(text.encode()).environments["production"].database

    assert database is not None
    assert (database.name, database.service, database.server) == ("shop", "db", "compose")
    assert database.dependants == ("worker", "api")
    assert database.migrations.service == "api"
    assert database.migrations.url_variable == "DATABASE_URL"
    assert database.backups == f"/var/backups/{tmp_path.name.lower()}/postgres"
    assert database.maintenance is None
    assert "shop" in said
    assert "secret1" not in text


def test_the_maintenance_page_loads_once_it_is_uncommented(tmp_path: Path) -> None:
    """The folder is the one on the host that Traefik watches, the port is the published one."""
    _, text = _written(tmp_path, SAMOKODER)
    head, _, commented = text.partition("# [environments.production.database.maintenance]\n")
    keys, end = re.subn(r"(?m)^# (\w+ = )", r"\1", commented.partition("\n\n")[0]), commented
    whole = f"{head}[environments.production.database.maintenance]\n{keys[0]}\n\n"
    whole += end.partition("\n\n")[2]
    database = parse_runbook(whole.encode()).environments["production"].database

    assert database is not None
    assert database.maintenance is not None
    assert database.maintenance.file == f"{tmp_path}/traefik/maintenance.yml"
    assert database.maintenance.public_url == "http://localhost:8080/"
    assert database.maintenance.health_path == "/healthz"


def test_nginx_is_told_how_it_is_made_to_read_the_file(tmp_path: Path) -> None:
    """It runs in a container of the project: its reload goes there."""
    compose = SAMOKODER.replace("traefik:v3.1", "nginx:1.27").replace("  traefik:", "  gate:")
    _, text = _written(tmp_path, compose.replace("/etc/traefik/dynamic:ro", "/etc/nginx/own:ro"))

    assert '# proxy = "nginx"' in text
    assert f'# file = "{tmp_path}/traefik/rollbot.conf"' in text
    assert '"exec", "-T", "gate", "nginx", "-s", "reload"]' in text


@pytest.mark.parametrize("image", FOUND)
def test_a_server_is_known_by_its_image_or_by_its_settings(tmp_path: Path, image: str) -> None:
    """Digests and registries do not hide it; an image of the team's own is told by POSTGRES_*."""
    database = _database(tmp_path, SAMOKODER.replace("postgres:15-alpine", image))

    assert database is not None
    assert database.service == "db"
    assert read_runbook(tmp_path / "runbook.toml").services["db"].stateful


def test_settings_may_stand_in_an_env_file(tmp_path: Path) -> None:
    """Address and name come from the files that the services name; the variable may be another."""
    (tmp_path / "db.env").write_text("POSTGRES_USER=app\nPOSTGRES_PASSWORD=secret1\n")
    (tmp_path / "app.env").write_text("PG_ADDRESS=postgresql+psycopg://app@base/app\n")
    database = _database(
        tmp_path,
        """
services:
  base: {image: "bitnami/postgres:16", env_file: db.env}
  jobs: {image: "jobs:${V}", env_file: [{path: app.env}], command: sleep 1}
  site:
    image: "site:${V}"
    env_file: [app.env]
    command: sh -c "alembic -c ops/alembic.ini upgrade head && serve"
""",
    )

    assert database is not None
    assert (database.name, database.service) == ("app", "base")
    assert database.dependants == ("jobs", "site")
    assert database.migrations.service == "site"
    assert database.migrations.config == "ops/alembic.ini"
    assert database.migrations.url_variable == "PG_ADDRESS"


@pytest.mark.parametrize(
    "compose",
    [
        "services: {api: {image: 'api:${V}'}}",
        "services: {api: {image: 'api:${V}'}, db: {image: 'mysql:8'}}",
        "services: {api: {image: 'api:${V}'}, db: {image: 'postgres:15'}}",
        "services: {api: {image: 'api:${V}', environment: [DATABASE_URL=x]}, db: {image: redis}}",
    ],
)
def test_without_a_postgres_in_use_nothing_is_written(tmp_path: Path, compose: str) -> None:
    """No server, another vendor's, or one that nobody here uses: the runbook stays silent."""
    _, text = _written(tmp_path, compose)

    assert parse_runbook(text.encode()).environments["production"].database is None
    assert ".database]" not in text


def test_a_name_that_rollbot_cannot_type_is_left_out_and_told(tmp_path: Path) -> None:
    """The file still loads; whoever reads the answer knows that the database is not in it."""
    said, text = _written(tmp_path, SAMOKODER.replace("DB_NAME:-shop", "DB_NAME:-my-shop"))

    assert parse_runbook(text.encode()).environments["production"].database is None
    assert "my-shop" in said
