"""The commands that a person types when Redis and both chats are away. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from commands.domain.errors import RequestError
from commands.domain.request import Request
from commands.domain.runbook import Compose, Runbook, ServiceDefinition
from commands.planner import argv
from commands.planner.pins import compose_name

BY_HAND_FILE = "docker-compose.by-hand.yml"


def by_hand(request: Request, runbook: Runbook) -> tuple[str, ...]:
    """Shell lines, in their order: pull, pin, switch, health, what runs, smoke.

    Raises RequestError (`refused.by_hand_version`) without a version: what is proven stands in
    the journal, and that is away.
    """
    if request.version is None:
        raise RequestError("refused.by_hand_version", services=request.services)
    environment = runbook.environments[request.environment]
    named = {name: runbook.services[name] for name in request.services}
    return (
        f"cd {shlex.quote(environment.compose.directory)}",
        *(f"docker pull {_image(s, request.version)}" for s in named.values()),
        *_pin(environment.compose, named, request.version),
        _up(environment.compose, named),
        *(line for name, s in named.items() for line in _look(environment.compose, name, s)),
        *(shlex.join(smoke.argv) for smoke in environment.smoke),
    )


def _image(service: ServiceDefinition, version: str) -> str:
    return shlex.quote(f"{service.image}:{version}")


def _pin(compose: Compose, named: dict[str, ServiceDefinition], version: str) -> Iterator[str]:
    """Write the version where Compose reads it: what is only exported is gone with the shell (H6).

    An override file is written beside the old one, which may hold more than versions.
    """
    if compose.pin == "override":
        services = "".join(
            f"  {compose_name(n, s)}:\\n    image: {s.image}:{version}\\n" for n, s in named.items()
        )
        yield f"printf 'services:\\n{services}' > {BY_HAND_FILE}"
        return
    file = shlex.quote(compose.env_file)
    yield f"cp -p {file} {file}.before"
    for variable in dict.fromkeys(s.version_variable for s in named.values()):
        # A shell variable wins over the file, so one left over from earlier must go first.
        yield f"unset {variable}"
        line = f"{variable}={version}"
        yield f"sed -i '/^{variable}=/d' {file} && printf '\\n%s\\n' {line} >> {file}"


def _up(compose: Compose, named: dict[str, ServiceDefinition]) -> str:
    words = list(argv.switch(compose, (compose_name(n, s) for n, s in named.items())).argv)
    if compose.pin == "override":
        if compose.override_file not in compose.files:
            words[words.index(compose.override_file)] = BY_HAND_FILE
        else:
            words[words.index("up") : words.index("up")] = ["-f", BY_HAND_FILE]
    return shlex.join(words)


def _look(compose: Compose, name: str, service: ServiceDefinition) -> Iterator[str]:
    if service.health_url:
        yield f"until curl -fsS {shlex.quote(service.health_url)}; do sleep 1; done"
    if service.version_url:
        yield f"curl -fsS {shlex.quote(service.version_url)}"
    labels = (
        f"com.docker.compose.project={compose.project}",
        f"com.docker.compose.service={compose_name(name, service)}",
    )
    filters = " ".join(f"--filter label={shlex.quote(label)}" for label in labels)
    yield f"docker ps {filters} --format '{{{{.Image}}}} {{{{.Status}}}}'"
