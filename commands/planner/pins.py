"""Where a version is pinned so that the next `up` by anyone keeps it (H6, H7)."""

from __future__ import annotations

from pathlib import PurePosixPath

from commands.domain.plan import Pin
from commands.domain.runbook import Compose, ServiceDefinition

KEPT = ".rollbot"
FINGERPRINT_DIGITS = 12
OWN_TAG = "rollbot-"
"""Tags that rollbot gives to an image which ran without one, so that an undo can name it."""


def pin_path(compose: Compose) -> str:
    """The file that holds the pins of this environment, relative to the project's directory."""
    return compose.env_file if compose.pin == "variable" else compose.override_file


def pin_for(compose: Compose, name: str, service: ServiceDefinition, tag: str) -> Pin:
    """The pin that makes Compose run `tag` of one service."""
    if compose.pin == "variable":
        variable = service.version_variable
        return Pin(kind="variable", path=compose.env_file, name=variable, value=tag)
    image = f"{service.image}:{tag}"
    path = compose.override_file
    return Pin(kind="override", path=path, name=compose_name(name, service), value=image)


def compose_name(name: str, service: ServiceDefinition) -> str:
    """What Compose calls the service."""
    return service.compose_service or name


def keep_as(path: str, fingerprint: str) -> str:
    """Where the file as it was before is kept: named by its content, so a repeat finds it."""
    file = PurePosixPath(path)
    return str(file.parent / KEPT / f"{file.name}.{fingerprint[:FINGERPRINT_DIGITS] or 'absent'}")


def tag_of(version: str, image_id: str) -> str:
    """The tag under which an image that ran before can be run again.

    Its own version; an image without one gets a tag of ours, which takes nobody's name.
    """
    return version or OWN_TAG + image_id.removeprefix("sha256:")[:FINGERPRINT_DIGITS]
