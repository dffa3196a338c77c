"""Releases that carry Alembic and their migrations, as Samokoder's own images do."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

import docker
import docker.errors

from tests.engines.alone import alone
from tests.stack.images import SERVICES, Images, context_of, told_of
from tests.stack.machine_image import machine_image
from tests.stack.schema import columns_written_by, files_of

_REPOSITORY = "rollbot-tests/alembic"
_PACKAGES = (
    *("alembic", "sqlalchemy", "mako", "markupsafe", "typing_extensions"),
    *("psycopg", "psycopg-binary"),
)
_APP = (Path(__file__).with_name("app.py"), Path(__file__).with_name("app_on_database.py"))
_PROGRAM = b'#!/bin/sh\nexec python3 -m alembic "$@"\n'
# Compiled once here: a container that lives for one command cannot keep what it compiles.
_BASE = """\
FROM {base}
COPY packages /opt/packages
COPY alembic /usr/local/bin/alembic
RUN chmod 755 /usr/local/bin/alembic \\
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/packages
ENV PYTHONPATH=/opt/packages:/srv PYTHONUNBUFFERED=1
WORKDIR /srv
EXPOSE 8000
CMD ["python3", "-m", "tests.stack.app_on_database"]
"""
_KEY_LABEL = "org.rollbot.tests.key"
_BAD = {"v1.3.0": "bad"}


@dataclass(frozen=True, slots=True)
class DatabaseImages(Images):
    """The releases of `schema.RELEASED`; `alembic` runs in each, in its working folder.

    `v1.3.0` fails its users, api only; the others do well for as long as the schema suits them.
    """

    namespace: str = "rollbot-tests-db"

    def publish_release(self, tag: str) -> None:
        """Build and push a release of every service: 2 s once, then some milliseconds."""
        for service in SERVICES:
            behaviour = _BAD.get(tag, "ok") if service == "api" else "ok"
            if not self._is_published(service, tag, behaviour):
                self.publish(service, tag, behaviour)

    def _is_published(self, service: str, tag: str, behaviour: str) -> bool:
        reference = self.reference(service, tag)
        found = self.engine.images.list(name=reference)
        key = _key(self._files(service, tag, behaviour, ""))
        if not found or found[0].labels.get(_KEY_LABEL) != key:
            return False
        pushed = found[0].attrs["RepoDigests"]
        with suppress(docker.errors.APIError):
            return any(name.endswith(self.digest(service, tag)) for name in pushed)
        return False

    def _build(self, service: str, tag: str, behaviour: str, note: str) -> None:
        files = self._files(service, tag, behaviour, note)
        files["Dockerfile"] += f'\nLABEL {_KEY_LABEL}="{_key(files)}"'.encode()
        reference = self.reference(service, tag)
        self.engine.images.build(
            fileobj=context_of(files), custom_context=True, tag=reference, rm=True
        )

    def _files(self, service: str, tag: str, behaviour: str, note: str) -> dict[str, bytes]:
        dockerfile = _dockerfile(alembic_image(self.engine), service, tag, behaviour, note)
        files = {"Dockerfile": dockerfile.encode()}
        files |= {f"srv/tests/stack/{path.name}": path.read_bytes() for path in _APP}
        return files | {f"srv/{place}": content for place, content in files_of(tag).items()}


@cache
def alembic_image(engine: docker.DockerClient) -> str:
    """Return the tag of the machine's Python with Alembic: made once in some seconds."""
    base = machine_image(engine)
    found = [distribution(name) for name in _PACKAGES]
    recipe = f"{base}{_BASE}{[(package.name, package.version) for package in found]}"
    name = f"{_REPOSITORY}:{sha256(recipe.encode() + _PROGRAM).hexdigest()[:12]}"
    with alone("alembic-image"):
        if engine.images.list(name=name):
            return name
        files = {"Dockerfile": _BASE.format(base=base).encode(), "alembic": _PROGRAM}
        for package in found:
            for file in package.files or ():
                path = Path(str(package.locate_file(file)))
                if ".." not in file.parts and path.suffix != ".pyc":
                    files[f"packages/{file}"] = path.read_bytes()
        engine.images.build(fileobj=context_of(files), custom_context=True, tag=name, rm=True)
    return name


def _dockerfile(base: str, service: str, tag: str, behaviour: str, note: str) -> str:
    told = told_of(service, tag, behaviour, note, COLUMNS=columns_written_by(tag))
    return "\n".join([f"FROM {base}", "COPY srv /srv", *told])


def _key(files: Mapping[str, bytes]) -> str:
    key = sha256()
    for place, content in sorted(files.items()):
        key.update(f"{place} {len(content)}\n".encode() + content)
    return key.hexdigest()
