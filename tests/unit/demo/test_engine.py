"""The embedded engine, as a real daemon with real processes."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.engines.embedded import REPOSITORY, EmbeddedEngine
from tests.engines.waiting import eventually

UP_API = ("up", "-d", "--no-deps", "--no-build", "api")


def switch(engine: EmbeddedEngine, version: str) -> None:
    engine.pin(version)
    engine.client.compose(engine.project, *UP_API)


def test_a_bad_release_fails_its_users_and_the_good_one_serves_them(
    engine: EmbeddedEngine,
) -> None:
    """v1.3.0 answers 5xx to users and health checks; after the pin and `up`, v1.2.3 is well."""
    eventually(lambda: engine.status("/"))
    assert (engine.status("/"), engine.status("/health")) == (500, 503)

    switch(engine, "v1.2.3")

    eventually(lambda: engine.status("/health") == 200)
    assert engine.get("/version").json() == {"version": "v1.2.3", "revision": "rev1"}
    assert engine.status("/") == 200
    assert 'samokoder_http_requests_total{status="200"} 1' in engine.get("/metrics").text


def test_up_touches_only_what_was_named_and_only_if_it_changed(engine: EmbeddedEngine) -> None:
    """The database keeps its container, and a second `up` of the same version does nothing."""
    database = engine.client.container("db")["id"]
    switch(engine, "v1.2.3")
    api, effects = engine.client.container("api")["id"], engine.client.effects()

    engine.client.compose(engine.project, *UP_API)

    assert engine.client.container("db")["id"] == database
    assert engine.client.container("api")["id"] == api
    assert engine.client.effects() == effects


def test_a_missing_image_leaves_the_old_container_running(engine: EmbeddedEngine) -> None:
    """`up` of a version that no registry has exits 1 and touches nothing."""
    before = engine.client.container("api")

    with pytest.raises(RuntimeError, match=r"v7\.7\.7 not found"):
        switch(engine, "v7.7.7")

    assert engine.client.container("api") == before


def test_a_crash_loop_shows_as_restarts(engine: EmbeddedEngine) -> None:
    """v1.9.8 dies and is restarted; `up` itself said nothing (hazard H13)."""
    switch(engine, "v1.9.8")

    eventually(lambda: engine.client.container("api")["restart_count"] >= 2)


def test_a_version_that_never_gets_healthy_counts_as_started(engine: EmbeddedEngine) -> None:
    """v1.9.9 runs and answers, but its health stays 503 while Compose exits 0 (hazard H13)."""
    switch(engine, "v1.9.9")

    eventually(lambda: engine.status("/version") == 200)
    assert engine.status("/health") == 503
    assert engine.client.container("api")["state"] == "running"


def test_containers_end_with_the_engine_and_come_back_with_it(engine: EmbeddedEngine) -> None:
    """A killed engine takes its processes along; a new one starts what should run."""
    before = engine.client.container("api")

    engine.kill9()
    eventually(lambda: not Path(f"/proc/{before['pid']}").exists())
    engine.start()

    eventually(lambda: engine.status("/version") == 200)
    after = engine.client.container("api")
    assert (after["id"], after["restart_count"]) == (before["id"], 1)
    assert after["pid"] != before["pid"]


def test_an_image_in_use_cannot_be_removed(engine: EmbeddedEngine) -> None:
    """The store keeps the image of a running container, and lets a pulled one go."""
    running = engine.client.container("api")["image"]
    with httpx.Client(base_url=engine.url, trust_env=False) as http:
        tags = http.get("/registry/tags", params={"repository": REPOSITORY}).json()
        other = tags["v1.2.3"]
        pull = {"repository": REPOSITORY, "digest": other["digest"], "tag": "v1.2.3"}
        http.post("/images/pull", json=pull).raise_for_status()

        refused = http.post("/images/remove", json={"image": running["id"]})
        removed = http.post("/images/remove", json={"image": other["id"]})

        assert (refused.status_code, removed.status_code) == (409, 200)
        here = http.get("/images", params={"repository": REPOSITORY}).json()
        assert [image["id"] for image in here] == [running["id"]]
