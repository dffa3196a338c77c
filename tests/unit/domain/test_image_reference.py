"""Image references are read as Docker reads them."""

from __future__ import annotations

import pytest

from commands.domain.image_reference import ImageReference

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("reference", "repository", "tag", "digest"),
    [
        ("registry:5000/api:v1", "registry:5000/api", "v1", ""),
        ("registry:5000/api", "registry:5000/api", "", ""),
        (f"127.0.0.1:5127/samokoder/api@{DIGEST}", "127.0.0.1:5127/samokoder/api", "", DIGEST),
        (f"ghcr.io/acme/api:v1.2@{DIGEST}", "ghcr.io/acme/api", "v1.2", DIGEST),
        ("samokoder-api:v1.2.3", "samokoder-api", "v1.2.3", ""),
        ("acme/api", "acme/api", "", ""),
        ("localhost/api:v1", "localhost/api", "v1", ""),
        ("[::1]:5000/api:v1", "[::1]:5000/api", "v1", ""),
        (DIGEST, "", "", DIGEST),
    ],
)
def test_the_parts_of_a_reference(reference: str, repository: str, tag: str, digest: str) -> None:
    """A port of the registry is never taken for a tag (H8), and a digest never for either."""
    read = ImageReference.parse(reference)

    assert (read.repository, read.tag, read.digest) == (repository, tag, digest)


@pytest.mark.parametrize(
    "reference", ["", "-x", "api:", "api:v1;id", "a b", "api@sha256:12", "//api", "API", "аpi:v1"]
)
def test_what_docker_would_refuse_is_refused(reference: str) -> None:
    """A malformed or look-alike reference never gets as far as an engine."""
    with pytest.raises(ValueError, match="not an image reference"):
        ImageReference.parse(reference)


def test_an_image_built_on_the_spot_has_no_registry() -> None:
    """A bare name is not looked for at Docker Hub; an organisation's name is."""
    assert not ImageReference.parse("samokoder-api:v1").has_registry
    assert ImageReference.parse("acme/api:v1").has_registry
    assert ImageReference.parse("localhost:5000/api").has_registry
