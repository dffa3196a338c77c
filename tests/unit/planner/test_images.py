"""Which image a version means."""

from __future__ import annotations

from datetime import timedelta

from commands.planner.images import Images, proven_digest
from tests.unit.planner.world import NOW, REPOSITORY, image, known, proven

HERE = image("api", "v1.2.3", digest="sha256:here", image_id="sha256:id", local=True)


def images(*local: object, registry: str | None = None) -> Images:
    here = tuple(i for i in (HERE,) if not local)
    return Images("api", f"{REPOSITORY}-api", here, registry)


def test_the_registrys_image_wins_over_a_stale_one_here() -> None:
    """As `pull` would have it: a tag pushed anew means the new image."""
    found = images(registry="sha256:new").named("v1.2.3")
    assert found is not None
    assert (found.digest, found.local, found.in_registry) == ("sha256:new", False, True)


def test_the_same_image_here_and_there_is_one() -> None:
    """Pulling changes nothing about the plan: the digest is the registry's before and after."""
    found = images(registry="sha256:here").named("v1.2.3")
    assert found is not None
    assert (found.digest, found.local, found.image_id) == ("sha256:here", True, "sha256:id")


def test_without_a_registry_the_one_here_does() -> None:
    """A registry that is down does not stand in the way of an image that is here."""
    found = images().named("v1.2.3")
    assert found is not None
    assert found.digest == "sha256:here"
    assert images().named("v9.9.9") is None


def test_a_proven_image_is_found_under_another_tag() -> None:
    """The tag moved on, the image is still here: it goes by its proven version again."""
    moved = Images("api", "r", (HERE.model_copy(update={"version": "latest"}),), "sha256:new")
    found = moved.proven("v1.2.3", "sha256:here")
    assert found is not None
    assert (found.version, found.digest) == ("v1.2.3", "sha256:here")


def test_a_proven_image_that_is_gone_is_not_replaced() -> None:
    """H9: another image of the same name was never seen to run well."""
    assert images(registry="sha256:new").proven("v1.2.3", "sha256:proven") is None
    in_registry = images(registry="sha256:proven").proven("v1.2.3", "sha256:proven")
    assert in_registry is not None
    assert not in_registry.local


def test_the_latest_proof_of_a_version_counts() -> None:
    """One tag, two images, both ran well: the one that did last."""
    earlier = proven()
    later = earlier.model_copy(update={"until_at": NOW + timedelta(days=1)})
    releases = (
        known("api", "v1.2.3", digest="sha256:a", proven=earlier),
        known("api", "v1.2.3", digest="sha256:b", proven=later),
        known("api", "v1.2.3", digest="sha256:c", proven=later, known_bad_since="RB-1"),
        known("api", "v1.2.2", digest="sha256:d", proven=later),
    )
    assert proven_digest(releases, "v1.2.3") == "sha256:b"
    assert proven_digest(releases, "v1.0.0") is None
