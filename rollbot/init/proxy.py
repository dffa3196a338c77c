"""The proxy that stands before a Compose project: where it would read a maintenance page.

Sources: Traefik 3's `--providers.file.directory`; the Compose specification (ports, volumes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

WATCHED = re.compile(r"providers\.file\.directory[=\s]+['\"]?(?P<folder>/[^\s'\"]*)", re.IGNORECASE)
FILES: Mapping[str, str] = {"traefik": "maintenance.yml", "nginx": "rollbot.conf"}
INSIDE_NGINX = "/etc/nginx"


@dataclass(frozen=True, slots=True)
class FoundProxy:
    """A proxy among the services. `file`: on the host, where it would read a file of ours."""

    kind: Literal["traefik", "nginx"]
    service: str
    file: str
    is_mounted: bool = False
    url: str = "http://localhost/"


def find_proxy(
    bodies: Mapping[str, Mapping[str, Any]], directory: Path, expand: Callable[[str], str]
) -> FoundProxy | None:
    """The first Traefik, else the first nginx; None when the project has neither."""
    kinds: tuple[Literal["traefik", "nginx"], ...] = ("traefik", "nginx")
    for kind in kinds:
        for name, body in bodies.items():
            image = expand(str(body.get("image", ""))).partition("@")[0].rpartition("/")[2]
            if image.partition(":")[0] == kind:
                return _found(kind, name, body, directory, expand)
    return None


def _found(
    kind: Literal["traefik", "nginx"],
    name: str,
    body: Mapping[str, Any],
    directory: Path,
    expand: Callable[[str], str],
) -> FoundProxy:
    inside = INSIDE_NGINX
    if kind == "traefik":
        said = body.get("command") or ""
        watched = WATCHED.search(" ".join(map(str, said)) if isinstance(said, list) else str(said))
        inside = watched["folder"].rstrip("/") if watched else ""
    folders = dict(_mounts(body, directory, expand)) if inside else {}
    folder = next((out for at, out in folders.items() if _holds(inside, at, kind)), "")
    return FoundProxy(
        kind=kind,
        service=name,
        file=f"{folder or directory / kind}/{FILES[kind]}",
        is_mounted=bool(folder),
        url=_address(body, expand),
    )


def _holds(inside: str, at: str, kind: str) -> bool:
    """Whether a file of ours put into that folder is read: Traefik's own, any of nginx's."""
    return at == inside or (kind == "nginx" and PurePosixPath(at).is_relative_to(inside))


def _mounts(
    body: Mapping[str, Any], directory: Path, expand: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """Folder in the container, folder on the host, of those that are bound."""
    for one in body.get("volumes") or ():
        if isinstance(one, dict):
            outside, inside = str(one.get("source", "")), str(one.get("target", ""))
        else:
            outside, _, inside = expand(str(one)).partition(":")
        inside = inside.partition(":")[0].rstrip("/")
        # A single file that is bound is not seen when another takes its name.
        if outside.startswith((".", "/")) and not PurePosixPath(inside).suffix:
            yield inside, str((directory / outside).resolve())


def _address(body: Mapping[str, Any], expand: Callable[[str], str]) -> str:
    """What users open, as far as the published ports tell."""
    outside = [out for port in body.get("ports") or () if (out := _published(port, expand))]
    port = next((one for one in outside if one == "80"), outside[0] if outside else "80")
    return "http://localhost/" if port == "80" else f"http://localhost:{port}/"


def _published(port: object, expand: Callable[[str], str]) -> str:
    """The host's port; "" when the engine picks one."""
    if isinstance(port, dict):
        return expand(str(port.get("published") or ""))
    return expand(str(port)).partition("/")[0].rpartition(":")[0].rpartition(":")[2]
