"""The text of a runbook.toml: what was found and answered, on the shipped file's procedure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commands.domain.people import Language
from commands.domain.runbook import Channel
from commands.runbook import shipped_runbook
from rollbot.init.compose_file import FoundProject, FoundService
from rollbot.init.database_section import database_section
from rollbot.init.toml import listed, quoted

SECTION = re.compile(r"^# ─── (?P<title>.*?) ─+$", re.MULTILINE)
ENVIRONMENTS, SERVICES, PEOPLE, ROLES = "Окружения", "Сервисы", "Люди", "Роли"
EXAMPLE_HEALTH = "http://localhost:8000/health"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody named by whoever runs init."""

    id: str
    name: str
    roles: tuple[str, ...]
    slack: str = ""
    telegram: str = ""
    login: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a Compose file cannot tell. Without `people` the shipped examples stay, to be mended."""

    environment: str = "production"
    generation: str = "v2"
    pin: str = "variable"
    timezone: str = "Europe/Moscow"
    language: Language = "ru"
    channels: tuple[Channel, ...] = ()
    people: tuple[NewPerson, ...] = ()


def draft(project: FoundProject, answers: Answers) -> str:
    """The whole file. It is as valid as the answers are: whoever writes it should parse it."""
    sections = _shipped_sections()
    head = _set(sections[""], "timezone", answers.timezone)
    head = _set(head, "language", answers.language)
    head = head.replace("Samokoder", project.name, 1)
    sections[""] = _set(_set(head, "rota_url", ""), "version", "0.1")
    sections[ENVIRONMENTS] = _environment(project, answers)
    sections[SERVICES] = "\n".join(_service(service, answers) for service in project.services)
    if answers.people:
        sections[PEOPLE] = "\n".join(_person(person) for person in answers.people)
        sections[ROLES] = _with_members(sections[ROLES], answers.people)
    text = "".join(
        (f"# ─── {title} {'─' * max(3, 92 - len(title))}\n\n" if title else "")
        + body.strip()
        + "\n\n\n"
        for title, body in sections.items()
    )
    health = next((s.health_url for s in project.services if s.health_url), EXAMPLE_HEALTH)
    # The whole address and not the beginning of a longer one.
    return re.sub(EXAMPLE_HEALTH + r"(?![\w/])", lambda _: health, text).rstrip() + "\n"


def _shipped_sections() -> dict[str, str]:
    """The shipped file, taken apart at its headings; the part before the first is ""."""
    said = shipped_runbook().decode()
    parts = SECTION.split(said)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def _environment(project: FoundProject, answers: Answers) -> str:
    name = answers.environment
    own = [service.key for service in project.services]
    channels = answers.channels or (Channel(platform="console", channel=name),)
    return f"""
# Где просят откат: канал определяет окружение.
[environments.{name}]
title = {quoted(name.upper())}
services = {listed(own)}
# Папка с git-репозиторием: план покажет, какие коммиты отменит откат. Пусто — не покажет.
repository = {quoted(str(project.directory) if (project.directory / ".git").exists() else "")}
channels = [
{"".join(f"    {_channel(channel)},{chr(10)}" for channel in channels)}]

[environments.{name}.compose]
generation = {quoted(answers.generation)}
project = {quoted(project.name)}
directory = {quoted(str(project.directory))}
files = {listed(project.files)}
# "variable" — версия в переменной файла env_file; "override" — образ в override_file.
pin = {quoted(answers.pin)}
env_file = ".env"

# Своя проверка после отката, код 0 — хорошо:
# [[environments.{name}.smoke]]
# title = {{ ru = "Smoke-тесты" }}
# argv = ["/opt/app/smoke-test.sh"]

{database_section(project, name, answers.generation)}"""


def _service(service: FoundService, answers: Answers) -> str:
    if service.stateful:
        reason = "# Данные или чужой образ: не откатывается."
        return f"[services.{service.key}]\n{reason}\nstateful = true\n"
    lines = [f"[services.{service.key}]", f"image = {quoted(service.image)}"]
    if service.key != service.name:
        lines.append(f"compose_service = {quoted(service.name)}")
    if service.health_url:
        lines.append(f"health_url = {quoted(service.health_url)}")
    else:
        lines.append('# health_url = "http://localhost:8000/health"')
    if service.variable:
        lines.append(f"version_variable = {quoted(service.variable)}")
    elif answers.pin == "variable":
        lines.append("# В Compose нет переменной версии: напишите image: …:${APP_VERSION}")
    if service.after:
        lines.append(f"after = {listed(service.after)}")
    return "\n".join([*lines, ""])


def _person(person: NewPerson) -> str:
    lines = [f"[people.{_key(person.id)}]", f"name = {quoted(person.name)}"]
    if person.slack:
        lines.append(f"slack = {listed([person.slack])}")
    if person.telegram:
        lines.append(f"telegram = [{person.telegram}]")
    if person.login:
        lines.append(f"login = {quoted(person.login)}")
    return "\n".join([*lines, ""])


def _with_members(roles: str, people: tuple[NewPerson, ...]) -> str:
    """The shipped roles with these people as members."""

    def named(found: re.Match[str]) -> str:
        members = [person.id for person in people if found["role"] in person.roles]
        return f"{found['head']}members = {listed(members)}"

    pattern = r"(?P<head>^\[roles\.(?P<role>\w+)\]\n(?:.*\n)*?)members = .*$"
    return re.sub(pattern, named, roles, flags=re.MULTILINE)


def _channel(channel: Channel) -> str:
    said = {"platform": channel.platform, "workspace": channel.workspace}
    said |= {"channel": channel.channel, "topic": channel.topic}
    return "{ " + ", ".join(f"{k} = {quoted(v)}" for k, v in said.items() if v) + " }"


def _set(text: str, key: str, value: str) -> str:
    return re.sub(rf"^{key} = .*$", f"{key} = {quoted(value)}", text, count=1, flags=re.MULTILINE)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)
