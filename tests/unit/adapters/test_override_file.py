"""The image of one service in an override file changes, and nothing else."""

from __future__ import annotations

import pytest

from commands.domain.errors import ConfigFileError
from workers.adapters.override_file import OverrideFile

IMAGE = "registry:5000/api:v1.2.3"

TEAMS_OWN = """\
# Ours: {note}
version: '3.8'
services:
    # state
    db:
        ports:
            - "22:22"   # not a number of seconds
    api:{image}
        environment: {{A: b,  C: "d"}}
        healthcheck: !reset null

x-common: &common
  d: yes

# end
"""


def override(text: str) -> OverrideFile:
    return OverrideFile.of("docker-compose.override.yml", text.encode())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"services:\n  api:\n    image: {IMAGE}\n"),
        ("# mine\n", f"# mine\nservices:\n  api:\n    image: {IMAGE}\n"),
        ("services: {}\n", f"services:\n  api:\n    image: {IMAGE}\n"),
        ("services:\n", f"services:\n  api:\n    image: {IMAGE}\n"),
        ("services:\n  api:\n  b: {}\n", f"services:\n  api:\n    image: {IMAGE}\n  b: {{}}\n"),
        ("x-a: 1", f"x-a: 1\nservices:\n  api:\n    image: {IMAGE}\n"),
        (
            "services:\n  api:\n    image: 'old' # w\n",
            f"services:\n  api:\n    image: '{IMAGE}' # w\n",
        ),
        ("services:\n  api:\n    image: old", f"services:\n  api:\n    image: {IMAGE}"),
        (
            "services:\r\n  db:\r\n    image: x\r\n",
            f"services:\r\n  api:\r\n    image: {IMAGE}\r\n  db:\r\n    image: x\r\n",
        ),
        (
            TEAMS_OWN.format(note="kept", image=""),
            TEAMS_OWN.format(note="kept", image=f"\n        image: {IMAGE}"),
        ),
        (
            TEAMS_OWN.format(note="kept", image="\n        image: a:b # why"),
            TEAMS_OWN.format(note="kept", image=f"\n        image: {IMAGE} # why"),
        ),
    ],
)
def test_only_the_image_changes(before: str, after: str) -> None:
    """Remarks, quotes, blanks, anchors and tags of the rest stay byte for byte."""
    assert override(before).with_image("api", IMAGE) == after.encode()
    assert OverrideFile.of("x", after.encode()).image("api") == IMAGE


@pytest.mark.parametrize(
    "text",
    [
        "- a\n",
        "services: [\n",
        "services: {api: {build: x}}\n",
        "services:\n  db: &d\n    build: x\n  api: *d\n",
        "services:\n  api:\n    image: a\n  api:\n    image: b\n",
        "services:\n  api: text\n",
        "services:\n  api:\n    image:\n      a\n",
    ],
)
def test_a_file_in_which_one_image_cannot_be_changed_alone_is_refused(text: str) -> None:
    """Broken, doubled, aliased or flow-style files are left to people."""
    with pytest.raises(ConfigFileError):
        override(text).with_image("api", IMAGE)


def test_a_reference_that_docker_would_refuse_is_not_written() -> None:
    """Nothing but an image reference gets into the file."""
    with pytest.raises(ConfigFileError):
        override("").with_image("api", "v1\n    privileged: true")


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  db:\n    image: x\n",
        'version: "3.8"\nservices: {}\n',
        TEAMS_OWN.format(note="kept", image=""),
    ],
)
def test_taking_out_a_new_pin_restores_the_bytes(text: str) -> None:
    """A pin that did not exist before leaves no trace when it is undone."""
    pinned = OverrideFile.of("x", override(text).with_image("api", IMAGE))

    assert pinned.without_image("api") == text.encode()


def test_a_file_made_for_the_pin_stays_as_an_empty_override() -> None:
    """A command line may name the file, so it stays one that Compose 1.29 and 2 can merge."""
    pinned = OverrideFile.of("x", override("# ours\n").with_image("api", IMAGE))

    assert pinned.without_image("api") == b'# ours\nversion: "3"\nservices: {}\n'
