"""The releases of the stand-in Samokoder: built on the spot, pushed to the registry on loopback."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import docker

from tests.engines.alone import alone
from tests.stack.machine_image import machine_image

SERVICES = ("api", "worker", "frontend")
RELEASES: Mapping[str, str] = {
    "v1.2.2": "ok",
    "v1.2.3": "ok",
    "v1.3.0": "bad",
    "v1.9.8-crash": "crash",
    "v1.9.9-never-healthy": "never",
}
"""Tag -> how that release behaves (see `app.py`). In `v1.3.0` only the api is bad."""

_APP = Path(__file__).with_name("app.py")


@dataclass(frozen=True, slots=True)
class Images:
    """Builds and publishes releases under one namespace of one registry.

    Every release of a service is another image (another digest) on one shared layer. Building or
    publishing the same release again changes nothing and takes milliseconds.
    """

    engine: docker.DockerClient
    registry: str
    namespace: str = "rollbot-tests"
    published: set[str] = field(default_factory=set)

    @property
    def prefix(self) -> str:
        """What stands before `/samokoder-api:v1.2.3` in a full image reference."""
        return f"{self.registry}/{self.namespace}"

    def reference(self, service: str, tag: str) -> str:
        return f"{self.prefix}/samokoder-{service}:{tag}"

    def publish(self, service: str, tag: str, behaviour: str = "ok", *, note: str = "") -> str:
        """Build one release and push it; return its full reference.

        Another `note` makes another digest: this is how a tag is pushed again with other content.
        """
        reference = self.reference(service, tag)
        with alone(f"images-{self.namespace}"):
            self._build(service, tag, behaviour, note)
            self._push(reference)
        self.published.add(reference)
        return reference

    def publish_all(self, releases: Mapping[str, str] = RELEASES) -> None:
        for tag, behaviour in releases.items():
            for service in SERVICES:
                spared = behaviour == "bad" and service != "api"
                self.publish(service, tag, "ok" if spared else behaviour)

    def digest(self, service: str, tag: str) -> str:
        """The manifest digest that the registry gives this tag now: `sha256:…`."""
        found = self.engine.images.get_registry_data(self.reference(service, tag))
        return str(found.id)

    def unpull(self, service: str, tag: str) -> None:
        """Remove the engine's own copy, so that the next switch has to pull it."""
        self.engine.images.remove(self.reference(service, tag), force=True)

    def discard(self) -> None:
        """Remove the engine's copies of all that was published here."""
        for reference in sorted(self.published):
            if self.engine.images.list(name=reference):
                self.engine.images.remove(reference, force=True)
        self.published.clear()

    def _build(self, service: str, tag: str, behaviour: str, note: str) -> None:
        context = context_of(
            {
                "Dockerfile": _dockerfile(
                    machine_image(self.engine), service, tag, behaviour, note
                ).encode(),
                "app.py": _APP.read_bytes(),
            }
        )
        self.engine.images.build(
            fileobj=context, custom_context=True, tag=self.reference(service, tag), rm=True
        )

    def _push(self, reference: str) -> None:
        answers = self.engine.images.push(reference, stream=True, decode=True)
        for error in _errors(answers):
            raise RuntimeError(f"cannot push {reference}: {error}")


def revision_of(tag: str) -> str:
    """The git commit that the image of a release says it was built from."""
    return sha256(tag.encode()).hexdigest()[:40]


def _dockerfile(base: str, service: str, tag: str, behaviour: str, note: str) -> str:
    return "\n".join(
        [
            f"FROM {base}",
            "COPY app.py /srv/app.py",
            'ENTRYPOINT ["python3", "-S", "-E", "/srv/app.py"]',
            "EXPOSE 8000",
            *told_of(service, tag, behaviour, note),
        ]
    )


def told_of(service: str, tag: str, behaviour: str, note: str, **more: str) -> tuple[str, str]:
    """The lines of a Dockerfile by which a release knows itself and is known by its labels."""
    labels = {
        "org.opencontainers.image.title": f"samokoder-{service}",
        "org.opencontainers.image.version": tag,
        "org.opencontainers.image.revision": revision_of(tag),
        "org.samokoder.note": note,
    }
    environment = {
        "SERVICE": service,
        "VERSION": tag,
        "REVISION": revision_of(tag),
        "BEHAVIOUR": behaviour,
        **more,
    }
    return (
        "ENV " + " ".join(f"{name}={value}" for name, value in environment.items()),
        "LABEL " + " ".join(f"{name}={json.dumps(value)}" for name, value in labels.items()),
    )


def context_of(files: Mapping[str, bytes]) -> io.BytesIO:
    """A build context; equal files give equal bytes, so that the engine's build cache is hit."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _errors(answers: Iterator[Mapping[str, object]]) -> Iterator[object]:
    return (answer["error"] for answer in answers if "error" in answer)
