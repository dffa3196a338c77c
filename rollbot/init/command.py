"""Asks what the Compose file cannot tell, writes the runbook, and says what is still missing."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast
from zoneinfo import available_timezones

import click

from commands.domain.errors import ConfigFileError, RunbookError
from commands.domain.people import Language
from commands.domain.runbook import Channel
from commands.domain.text import Param, text
from commands.locale import say
from commands.runbook import parse_runbook
from rollbot.init.compose_file import FoundProject, FoundService, read_project
from rollbot.init.database_section import dependants_of, migrating_of
from rollbot.init.draft import Answers, NewPerson, draft

ENVIRONMENT = r"[a-z][a-z0-9_-]{0,19}"
SLACK_TEAM, SLACK_CHANNEL, SLACK_USER = r"T[A-Z0-9]+", r"[CG][A-Z0-9]+", r"T[A-Z0-9]+:[UW][A-Z0-9]+"
TELEGRAM_GROUP, TELEGRAM_USER = r"-?[1-9][0-9]{0,18}", r"[1-9][0-9]{0,18}"
ROLES = ("devops_oncall", "devops_lead", "database_team", "incident_commander", "cto")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option("--file", "files", multiple=True, help="Compose file(s); default: the usual one.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("runbook.toml"))
@click.option("--env", "environment", default="production", help="What this environment is called.")
@click.option("--language", type=click.Choice(["ru", "en"]), default="ru")
@click.option("--yes", is_flag=True, help="Ask nothing; example people stay, to be replaced.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def init(
    directory: Path,
    files: tuple[str, ...],
    output: Path,
    environment: str,
    language: Language,
    *,
    yes: bool,
    force: bool,
) -> None:
    """Write a runbook.toml from the Compose project in DIRECTORY (or of that Compose file)."""
    asking = Asking(language)
    if not re.fullmatch(ENVIRONMENT, environment):
        asking.tell("init.not_so", said=environment, like="production")
        sys.exit(1)
    if directory.is_file():
        directory, files = directory.parent, (directory.name, *files)
    if output.exists() and not force:
        asking.tell("init.exists", path=str(output))
        sys.exit(1)
    project = read_project(directory, files)
    _say_what_was_found(asking, project)
    answers = Answers(environment=environment, language=language, pin=_pin(project))
    if not yes:
        project, answers = asking.about(project), asking.everything(answers)
    _say_which_database(asking, project)
    said = draft(project, answers)
    _write(output, said)
    asking.tell("init.written", path=str(output))
    try:
        parse_runbook(said.encode(), str(output))
    except RunbookError as error:
        asking.tell("init.to_mend", problems=error.facts["problems"])
        sys.exit(1)
    asking.tell("init.next" if answers.people else "init.next_people", path=str(output))


def _write(output: Path, said: str) -> None:
    """Raises ConfigFileError when the file cannot be written."""
    try:
        output.write_text(said, "utf-8")
    except OSError as error:
        raise ConfigFileError(str(output), f"cannot be written ({error.strerror})") from error


class Asking:
    """Prompts in one language; an empty answer is the default, or nothing."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def tell(self, key: str, /, **facts: Param) -> None:
        """Print a message."""
        click.echo(say(text(key, **facts), self._language))

    def ask(self, key: str, default: str = "", /, **facts: Param) -> str:
        """One line, stripped."""
        question = say(text(key, **facts), self._language)
        answer = click.prompt(question, default=default, show_default=bool(default))
        return str(answer).strip()

    def ask_like(self, key: str, pattern: str, like: str) -> str:
        """One answer of that form, or none; asked again until it is so."""
        return self.ask_until(key, "", lambda said: bool(re.fullmatch(pattern, said)), like)

    def ask_until(self, key: str, default: str, fits: Callable[[str], bool], like: str) -> str:
        """One answer that fits, or the default; asked again until it is so."""
        while (said := self.ask(key, default)) != default and not fits(said):
            self.tell("init.not_so", said=said, like=like)
        return said

    def agreed(self, key: str, /, *, default: bool, **facts: Param) -> bool:
        """Yes or no."""
        return click.confirm(say(text(key, **facts), self._language), default=default)

    def about(self, project: FoundProject) -> FoundProject:
        """Which services are rolled back, and where their health is."""
        return replace(project, services=tuple(map(self._service, project.services)))

    def everything(self, answers: Answers) -> Answers:
        """What no Compose file tells: Compose's generation, time zone, channels, people."""
        generation = self.ask_until(
            "init.ask_generation", answers.generation, ("v1", "v2").__contains__, "v2"
        )
        timezone = self.ask_until(
            "init.ask_timezone", answers.timezone, available_timezones().__contains__, "Asia/Dubai"
        )
        return replace(
            answers,
            generation=generation,
            timezone=timezone,
            channels=self._channels(answers.environment),
            people=self._people(),
        )

    def _service(self, service: FoundService) -> FoundService:
        own = self.agreed(
            "init.ask_rolled_back",
            default=not service.stateful,
            service=service.name,
            image=service.image,
        )
        if not own:
            return replace(service, stateful=True, after=())
        guess = service.health_url
        if not guess and service.ports:
            guess = f"http://localhost:{service.ports[0]}/health"
        address = self.ask("init.ask_health", guess or "-", service=service.name)
        return replace(service, stateful=False, health_url="" if address == "-" else address)

    def _channels(self, environment: str) -> tuple[Channel, ...]:
        channels = [Channel(platform="console", channel=environment)]
        if team := self.ask_like("init.ask_slack_team", SLACK_TEAM, "T0123ABCD"):
            channel = self.ask_like("init.ask_slack_channel", SLACK_CHANNEL, "C0123ABCD")
            channels.append(Channel(platform="slack", workspace=team, channel=channel))
        if group := self.ask_like("init.ask_telegram_group", TELEGRAM_GROUP, "-1001234567890"):
            channels.append(Channel(platform="telegram", channel=group))
        return tuple(channels)

    def _people(self) -> tuple[NewPerson, ...]:
        people: list[NewPerson] = []
        self.tell("init.about_people", roles=ROLES)
        while name := self.ask("init.ask_name"):
            login = self.ask("init.ask_login")
            person = NewPerson(
                id=login or f"person-{len(people) + 1}",
                name=name,
                roles=self._roles(name),
                slack=self.ask_like("init.ask_slack_user", SLACK_USER, "T0123ABCD:U0123ABCD"),
                telegram=self.ask_like("init.ask_telegram_user", TELEGRAM_USER, "123456789"),
                login=login,
            )
            people.append(person)
        return tuple(people)

    def _roles(self, name: str) -> tuple[str, ...]:
        while True:
            said = self.ask("init.ask_roles", name=name, roles=ROLES)
            roles = tuple(role for part in said.split(",") if (role := part.strip()))
            if all(role in ROLES for role in roles):
                return roles
            self.tell("init.unknown_role", roles=ROLES)


def _say_what_was_found(asking: Asking, project: FoundProject) -> None:
    asking.tell("init.found", project=project.name, files=project.files)
    for service in project.services:
        facts = {"service": service.name, "image": service.image}
        if service.stateful:
            asking.tell("init.found_stateful", **cast("dict[str, Param]", facts))
        elif service.variable:
            asking.tell("init.found_own", variable=service.variable, **facts)
        else:
            asking.tell("init.found_unpinned", **cast("dict[str, Param]", facts))


def _say_which_database(asking: Asking, project: FoundProject) -> None:
    found = project.database
    if found is None:
        return
    facts: dict[str, Param] = {"database": found.name, "service": found.service}
    if users := dependants_of(project):
        migrates = migrating_of(project, found).key
        facts |= {"users": tuple(user.key for user in users), "migrates": migrates}
        asking.tell("init.found_database", **facts)
    else:
        asking.tell("init.database_left_out", **facts)


def _pin(project: FoundProject) -> str:
    """By variable where every service of the team has one, else by an override file (H7)."""
    own = [service for service in project.services if not service.stateful]
    return "variable" if all(service.variable for service in own) else "override"
