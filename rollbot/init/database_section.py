"""The runbook's section about a database that was found, each key explained."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from commands.domain.database_definition import Identifier
from rollbot.init.compose_file import FoundProject, FoundService
from rollbot.init.database import FoundDatabase
from rollbot.init.proxy import FoundProxy
from rollbot.init.toml import listed, quoted

HEALTH_PATH = "/health"


def dependants_of(project: FoundProject) -> tuple[FoundService, ...]:
    """The services that use the database and are rolled back; none: no section can be written."""
    found = project.database
    if found is None or not _can_be_named(found.name):
        return ()
    server = next(s for s in project.services if s.name == found.service)
    users = (s for s in project.services if s.name in found.users and not s.stateful)
    return tuple(users) if server.stateful else ()


def migrating_of(project: FoundProject, found: FoundDatabase) -> FoundService:
    """The service whose image has the migrations, of those that are rolled back."""
    users = dependants_of(project)
    return next((s for s in users if s.name == found.migrates), users[0])


def database_section(project: FoundProject, environment: str, generation: str) -> str:
    """`[environments.production.database]`, whole; "" without a database that is used here."""
    found, users = project.database, dependants_of(project)
    if found is None or not users:
        return ""
    server = next(s for s in project.services if s.name == found.service)
    migrates = migrating_of(project, found)
    guessed = "" if found.seen else " Догадка: проверьте."
    path = f"environments.{environment}.database"
    variable = f"ROLLBOT_DATABASE_URL_{environment.upper().replace('-', '_')}"
    return f"""\
# База данных: откат миграций (/rollback db -1) и возврат из копии (/rollback db --restore latest).
[{path}]
name = {quoted(found.name)}
# compose — сервис этого проекта; managed — сервер по адресу из {variable}.
server = "compose"
service = {quoted(server.key)}
# Кто пользуется базой: их останавливают, пока она меняется.
dependants = {listed(s.key for s in users)}
# Таблицы, строки которых сверяют после отката:
# critical_tables = ["users", "orders"]
# Папка копий на этом хосте (worker в контейнере: она же в BACKUPS_DIR). Нужна до первого отката.
backups = {quoted(f"/var/backups/{project.name}/postgres")}
keep_days = 30
keep_at_least = 5
# Полная копия рядом на время отката: room — если есть место, always — всегда, never — никогда.
clone = "room"
# Сколько ждать чужой блокировки и ухода сеансов, секунды.
lock_timeout_s = 5
drain_s = 10

# Alembic: в образе какого сервиса, с каким файлом, какой переменной задана база.{guessed}
[{path}.migrations]
service = {quoted(migrates.key)}
command = ["alembic"]
config = {quoted(found.config)}
url_variable = {quoted(found.url_variable)}

{_maintenance(project, found.proxy, path, migrates, generation)}"""


def _maintenance(
    project: FoundProject,
    proxy: FoundProxy | None,
    path: str,
    migrates: FoundService,
    generation: str,
) -> str:
    """Commented out: what the Compose file shows of a proxy has to be seen by somebody first."""
    found = proxy or FoundProxy("traefik", "", f"{project.directory}/traefik/maintenance.yml")
    lines = [
        "Страница обслуживания (503, пока меняется база): уберите «# » и проверьте. Без неё",
        "пользователи увидят ошибки. Подробнее: docs/database.md.",
        f"[{path}.maintenance]",
        f"proxy = {quoted(found.kind)}",
        *_about_the_file(found),
        f"file = {quoted(found.file)}",
        f"public_url = {quoted(found.url)}",
        f"health_path = {quoted(urlsplit(migrates.health_url).path or HEALTH_PATH)}",
    ]
    if found.kind == "nginx":
        program = ("docker-compose",) if generation == "v1" else ("docker", "compose")
        inside = ("exec", "-T", found.service, "nginx", "-s", "reload")
        lines.append(f"reload = {listed((*program, '-p', project.name, *inside))}")
    return "".join(f"# {line}\n" for line in lines)


def _about_the_file(found: FoundProxy) -> tuple[str, ...]:
    if found.kind == "nginx":
        why = (
            "Файл должен быть, хотя бы пустой; в server: include и этот файл, как его видит nginx."
        )
        return (why, "В контейнер монтируйте папку: замену одного файла он не увидит.")
    watched = "Папка, за которой следит Traefik (--providers.file.directory)"
    return (f"{watched}." if found.is_mounted else f"{watched}: подключите её, в Compose её нет.",)


def _can_be_named(name: str) -> bool:
    try:
        TypeAdapter(Identifier).validate_python(name)
    except ValidationError:
        return False
    return True
