"""Which releases there are, and which of them `--auto` may take."""

from __future__ import annotations

from datetime import timedelta

from commands.planner.releases import Sources, merge, newest_common, returnable
from tests.unit.planner.world import NOW, digest, image, known, line, proven, running


def test_sources_of_one_version_are_one_release() -> None:
    """Ledger, engine, registry and git name the same release; each says so once."""
    found = merge(
        "api",
        Sources(
            ledger=(line("api", "v1.2.3", proven=proven()), line("worker", "v9.0.0")),
            local=(image("api", "v1.2.3"),),
            registry=("v1.2.3", "v1.1.0"),
            git=("v1.2.3",),
            running=running("api", "v1.2.3"),
        ),
    )
    assert [r.version for r in found] == ["v1.2.3", "v1.1.0"]
    assert found[0].sources == ("ledger", "local", "registry", "git")
    assert found[0].proven is not None
    assert found[0].running
    assert (found[1].sources, found[1].digest, found[1].running) == (("registry",), "", False)


def test_a_tag_pushed_anew_is_another_release() -> None:
    """What was proven under a name says nothing of another image of that name."""
    found = merge(
        "api",
        Sources(
            ledger=(line("api", "v1.2.3", digest="sha256:old", proven=proven()),),
            local=(image("api", "v1.2.3"),),
        ),
    )
    assert {(r.digest, r.proven is None) for r in found} == {
        ("sha256:old", False),
        (digest("api", "v1.2.3"), True),
    }


def test_an_image_seen_by_its_id_is_recognised_by_its_digest() -> None:
    """The ledger may know an image's id from before it was pushed."""
    local = image("api", "v1.2.3", image_id="sha256:id")
    ledger = (line("api", "v1.2.3", digest="sha256:id", proven=proven()),)
    (release,) = merge("api", Sources(ledger=ledger, local=(local,)))
    assert release.proven is not None
    assert release.digest == local.digest


def test_releases_are_ordered_as_versions_not_as_words() -> None:
    """v1.10 is newer than v1.9; a release comes before its candidate's; names go by age, last."""
    local = tuple(
        image("api", v, created_at=NOW - timedelta(days=days))
        for v, days in (("v1.9.0", 1), ("v1.10.0", 9), ("v1.10.0-rc.1", 8), ("blue", 2), ("red", 1))
    )
    found = [r.version for r in merge("api", Sources(local=local))]
    assert found == ["v1.10.0", "v1.10.0-rc.1", "v1.9.0", "red", "blue"]


def test_auto_takes_what_was_proven_and_never_rolled_back() -> None:
    """H9: seen is not proven, a rolled-back release is not gone back to, and never forward."""
    releases = (
        known("api", "v1.5.0", proven=proven()),
        known("api", "v1.2.4", proven=proven(), known_bad_since="RB-7"),
        known("api", "v1.2.3"),
        known("api", "v1.2.2", proven=proven()),
    )
    assert [r.version for r in returnable(releases, "v1.3.0")] == ["v1.2.2"]


def test_several_services_go_to_a_version_proven_for_all() -> None:
    """Each service has its own history; the newest that all have in common is taken."""
    api = (known("api", "v1.2.3", proven=proven()), known("api", "v1.2.2", proven=proven()))
    worker = (known("worker", "v1.2.2", proven=proven()),)
    assert newest_common((api, worker), ("v1.3.0", "v1.3.0")) == "v1.2.2"
    assert newest_common((api, ()), ("v1.3.0", "v1.3.0")) is None
    assert newest_common((), ()) is None


def test_auto_does_not_offer_what_all_run_already() -> None:
    """The running release, proven as it may be, is what somebody wants to get away from."""
    api = (known("api", "v1.2.3", proven=proven()), known("api", "v1.2.2", proven=proven()))
    assert newest_common((api,), ("v1.2.3",)) == "v1.2.2"
