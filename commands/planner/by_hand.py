"""The commands that a person types when Redis and both chats are away. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from commands.domain.errors import RequestError
from commands.domain.request import Request
from commands.domain.runbook import Compose, Runbook, ServiceDefinition
from commands.planner import argv
from commands.planner.pins import compose_name

BY_HAND_FILE = "docker-compose.by-hand.yml"
HEALTH_WITHIN_S = 60


def by_hand(request: Request, runbook: Runbook) -> tuple[str, ...]:
    """Shell lines, in their order: pull, pin, switch, health, what runs, smoke.

    Raises RequestError (`refused.by_hand_version`) without a version: what is proven stands in
    the journal, and that is away. A database has lines of its own: `by_hand_database`.
    """
    if request.version is None:
        raise RequestError("refused.by_hand_version", services=request.services)
    environment = runbook.environments[request.environment]
    named = {name: runbook.services[name] for name in request.services}
    return (
        f"cd {shlex.quote(environment.compose.directory)}",
        *pulled(named, shlex.quote(request.version)),
        *pinned(environment.compose, named, shlex.quote(request.version)),
        up(environment.compose, named),
        *(line for name, s in named.items() for line in look(environment.compose, name, s)),
        *(shlex.join(smoke.argv) for smoke in environment.smoke),
    )


def pinned_images(request: Request, runbook: Runbook) -> tuple[str, ...]:
    """What a person must still write into the override file: `api: repository:tag`; else nothing.

    Only the next `up` of anyone reads it: until then our own file, which wins, has the images.
    """
    if runbook.environments[request.environment].compose.pin != "override":
        return ()
    named = ((name, runbook.services[name]) for name in request.services)
    return tuple(f"{compose_name(n, s)}: {s.image}:{request.version}" for n, s in named)


def pulled(named: Mapping[str, ServiceDefinition], version: str) -> Iterator[str]:
    """Bring the images here. `version` is a word of the shell's, as everywhere below."""
    yield from (f"docker pull {shlex.quote(s.image)}:{version}" for s in named.values())


def pinned(compose: Compose, named: Mapping[str, ServiceDefinition], version: str) -> Iterator[str]:
    """Write the version where Compose reads it: what is only exported is gone with the shell (H6).

    An override file of the team's may hold more than versions: it is made when there is none, and
    otherwise left as it is, with one of our own after it that wins.
    """
    if compose.pin == "override":
        services = "".join(
            f"  {compose_name(n, s)}:\\n    image: {s.image}:%s\\n" for n, s in named.items()
        )
        # Compose 1.29 takes a file without a version for version 1 and refuses to merge it.
        versions = " ".join([version] * len(named))
        written = f"printf 'version: \"3\"\\nservices:\\n{services}' {versions} >"
        file = shlex.quote(compose.override_file)
        yield f"test -e {file} || {written} {file}"
        yield f"{written} {BY_HAND_FILE}"
        return
    file = shlex.quote(compose.env_file)
    # Typed again after a mistake, the first copy is the one that is wanted.
    yield f"test -e {file}.before || cp -p {file} {file}.before"
    for variable in dict.fromkeys(s.version_variable for s in named.values()):
        # A shell variable wins over the file, so one left over from earlier must go first.
        yield f"unset {variable}"
        line = f"{variable}={version}"
        yield f"sed -i '/^{variable}=/d' {file} && printf '\\n%s\\n' {line} >> {file}"


def up(compose: Compose, named: Mapping[str, ServiceDefinition]) -> str:
    """Run the pinned images of these services."""
    words = argv.switch(compose, (compose_name(n, s) for n, s in named.items())).argv
    return after_pins(compose, words)


def after_pins(compose: Compose, argv_of: tuple[str, ...]) -> str:
    """A line of Compose's that reads the pins which were written by hand."""
    words = list(argv_of)
    if compose.pin == "override":
        last = len(argv.project(compose))
        words[last:last] = ["-f", BY_HAND_FILE]
    return shlex.join(words)


def look(compose: Compose, name: str, service: ServiceDefinition) -> Iterator[str]:
    """Health, version, and which image runs."""
    if service.health_url:
        asked = f"until curl -fsS {shlex.quote(service.health_url)}; do sleep 1; done"
        yield f"timeout {HEALTH_WITHIN_S} sh -c {shlex.quote(asked)}"
    if service.version_url:
        yield f"curl -fsS {shlex.quote(service.version_url)}"
    labels = (
        f"com.docker.compose.project={compose.project}",
        f"com.docker.compose.service={compose_name(name, service)}",
    )
    filters = " ".join(f"--filter label={shlex.quote(label)}" for label in labels)
    yield f"docker ps {filters} --format '{{{{.Image}}}} {{{{.Status}}}}'"
