"""What moves the plan's digest, and what must not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.domain.facts import Facts
from commands.planner.service import plan
from tests.unit.planner.world import (
    NOW,
    facts,
    image,
    known,
    pin,
    proven,
    request,
    runbook,
    running,
    service_facts,
)

BEFORE = plan(request(), facts(), runbook()).digest()


@st.composite
def surveyed_again(draw: st.DrawFn) -> Facts:
    """The same world a while later: everything that may differ without a difference."""
    later = NOW + timedelta(seconds=draw(st.integers(0, 900)))
    now = running(
        "api",
        container_id=draw(st.text("abcdef0123456789", min_size=12, max_size=12)),
        restart_count=draw(st.integers(0, 9)),
        started_at=later,
    )
    target = image(
        "api",
        local=draw(st.booleans()),
        image_id=draw(st.sampled_from(["", "sha256:id"])),
        size_bytes=draw(st.integers(0, 10**9)),
        created_at=later,
    )
    releases = draw(
        st.permutations([known("api", "v1.3.0"), known("api", "v1.2.3", proven=proven())])
    )
    service = service_facts(
        "api",
        running=now,
        target=target,
        releases=tuple(releases)[: draw(st.integers(0, 2))],
        commits_undone=tuple(draw(st.lists(st.text(max_size=9), max_size=3))),
    )
    return facts(
        service,
        surveyed_at=later,
        registry_reached=draw(st.booleans()),
        disk_free_bytes=draw(st.none() | st.integers(0, 10**12)),
        sharing_variable=draw(st.sampled_from([{}, {"APP_VERSION": ("api", "worker")}])),
    )


@given(surveyed_again())
def test_the_same_world_gives_the_same_digest(again: Facts) -> None:
    """Ages, container ids, sizes, evidence and reachability never void an approval."""
    assert plan(request(), again, runbook()).digest() == BEFORE


@given(reason=st.text(max_size=50), words=st.text(max_size=50))
def test_words_are_not_covered(reason: str, words: str) -> None:
    """Approvers decide on what will be done, not on how it was asked for."""
    asked = request(reason=reason, words=words)
    assert plan(asked, facts(), runbook()).digest() == BEFORE


CHANGED = {
    "the tag was pushed anew": facts(service_facts("api", target=image("api", digest="sha256:x"))),
    "another release runs": facts(service_facts("api", running=running("api", "v1.3.1"))),
    "the pinned file was edited": facts(service_facts("api", pin=pin("api", fingerprint="f" * 64))),
    "a compose file was edited": facts(config_fingerprint="d" * 64),
}


@pytest.mark.parametrize("world", CHANGED.values(), ids=CHANGED)
def test_a_changed_world_changes_the_digest(world: Facts) -> None:
    """What would be done, or from what, has changed: people decide again."""
    assert plan(request(), world, runbook()).digest() != BEFORE


def test_the_runbook_in_force_is_covered() -> None:
    """An edited runbook may mean other approvers, limits or checks."""
    edited = runbook().model_copy(update={"digest": "s" * 64})
    assert plan(request(), facts(), edited).digest() != BEFORE
