"""What every `ConfigFiles` promises: the fake in memory and the files on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from commands.domain.errors import ConfigFileError
from commands.domain.plan import Pin
from commands.ports import ConfigFiles
from tests.fakes.config_files import FakeConfigFiles
from workers.adapters.config_files import FilesOnDisk

ENV = b"REGISTRY=registry:5000\nAPP_VERSION=v1.3.0 # pinned by deploy\nSECRET_KEY='a b'\n"
OVERRIDE = b"services:\n  db:\n    ports: ['1:1'] # ours\n"
KEPT = ".rollbot/.env.3fa9c1d2e0ab"

VARIABLE = Pin(kind="variable", path=".env", name="APP_VERSION", value="v1.2.3")
IMAGE = Pin(
    kind="override",
    path="docker-compose.override.yml",
    name="api",
    value="registry:5000/samokoder/api:v1.2.3",
)

Given = Callable[[Mapping[str, bytes]], ConfigFiles]
Bytes = Callable[[str], bytes | None]


@pytest.fixture(params=["fake", "disk"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Given, Bytes]:
    """A way to start from some files, and one to look at a file's bytes afterwards."""
    fake = FakeConfigFiles()

    def given_in_memory(files: Mapping[str, bytes]) -> ConfigFiles:
        fake.files.update(files)
        return fake

    def given_on_disk(files: Mapping[str, bytes]) -> ConfigFiles:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return FilesOnDisk(tmp_path)

    def on_disk(name: str) -> bytes | None:
        path = tmp_path / name
        return path.read_bytes() if path.exists() else None

    return (
        (given_in_memory, fake.files.get) if request.param == "fake" else (given_on_disk, on_disk)
    )


def test_a_variable_is_pinned_and_its_file_kept(world: tuple[Given, Bytes]) -> None:
    """The next `up` by anyone runs the pinned version (H6), and the way back is kept."""
    given, content = world
    files = given({".env": ENV})

    files.write_pin(VARIABLE, KEPT)

    assert files.pinned(VARIABLE) == "v1.2.3"
    assert content(".env") == ENV.replace(b"v1.3.0", b"v1.2.3")
    assert content(KEPT) == ENV


def test_pinning_again_keeps_what_stood_there_first(world: tuple[Given, Bytes]) -> None:
    """A step that is repeated after a crash does not lose the original file."""
    given, content = world
    files = given({".env": ENV})

    for value in ("v1.2.3", "v1.2.2"):
        files.write_pin(VARIABLE.model_copy(update={"value": value}), KEPT)

    assert files.pinned(VARIABLE) == "v1.2.2"
    assert content(KEPT) == ENV


def test_one_service_is_pinned_in_the_override_file(world: tuple[Given, Bytes]) -> None:
    """Only the named service gets an image of its own; the others stay as they are (H7)."""
    given, content = world
    files = given({IMAGE.path: OVERRIDE})
    assert files.pinned(IMAGE) is None

    files.write_pin(IMAGE, "override.kept")

    assert files.pinned(IMAGE) == IMAGE.value
    assert files.pinned(IMAGE.model_copy(update={"name": "db"})) is None
    assert content(IMAGE.path) == OVERRIDE.replace(
        b"services:\n", f"services:\n  api:\n    image: {IMAGE.value}\n".encode()
    )
    assert content("override.kept") == OVERRIDE


@pytest.mark.parametrize("pin", [VARIABLE, IMAGE], ids=["variable", "override"])
def test_a_missing_file_is_made(world: tuple[Given, Bytes], pin: Pin) -> None:
    """Nothing stood there, so nothing is kept."""
    given, content = world
    files = given({})
    assert files.pinned(pin) is None

    files.write_pin(pin, KEPT)

    assert files.pinned(pin) == pin.value
    assert content(KEPT) is None


@pytest.mark.parametrize("pin", [VARIABLE, IMAGE], ids=["variable", "override"])
def test_a_pin_is_taken_out_again(world: tuple[Given, Bytes], pin: Pin) -> None:
    """Undo of a pin that did not exist before; once more changes nothing."""
    given, content = world
    files = given({".env": b"A=1\n", IMAGE.path: OVERRIDE})
    before = content(pin.path)
    files.write_pin(pin, KEPT)

    files.remove_pin(pin)
    files.remove_pin(pin)

    assert files.pinned(pin) is None
    assert content(pin.path) == before


def test_an_ambiguous_file_is_left_alone(world: tuple[Given, Bytes]) -> None:
    """A variable that stands there twice is refused before anything is written (case 52)."""
    given, content = world
    twice = b"APP_VERSION=a\nAPP_VERSION=b\n"
    files = given({".env": twice})

    with pytest.raises(ConfigFileError) as refused:
        files.write_pin(VARIABLE, KEPT)

    assert refused.value.path == ".env"
    assert content(".env") == twice
    assert content(KEPT) is None


def test_a_fingerprint_is_of_the_bytes(world: tuple[Given, Bytes]) -> None:
    """SHA-256 in hexadecimal; a missing file has none."""
    given, _ = world
    files = given({".env": ENV})

    assert files.fingerprint(".env") == sha256(ENV).hexdigest()
    assert files.fingerprint("gone") == ""


def test_values_are_those_of_the_file(world: tuple[Given, Bytes]) -> None:
    """Quotes and remarks are not part of a value; a missing file has none."""
    given, _ = world
    files = given({".env": ENV})

    assert files.values(".env") == {
        "REGISTRY": "registry:5000",
        "APP_VERSION": "v1.3.0",
        "SECRET_KEY": "a b",
    }
    assert files.values("gone") == {}
