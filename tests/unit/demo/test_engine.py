"""The embedded engine, as a real daemon with real processes."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.unit.demo.conftest import REPOSITORY, Daemon, pin, status, until

UP_API = ("up", "-d", "--no-deps", "--no-build", "api")


def test_a_bad_release_fails_its_users_and_the_good_one_serves_them(
    daemon: Daemon, project: Path, port: int
) -> None:
    """v1.3.0 answers 5xx to users and health checks; after the pin and `up`, v1.2.3 is well."""
    until(lambda: status(port, "/"))
    assert (status(port, "/"), status(port, "/health")) == (500, 503)

    pin(project, "v1.2.3")
    daemon.client.compose(project, *UP_API)

    until(lambda: status(port, "/health") == 200)
    answer = httpx.get(f"http://127.0.0.1:{port}/version", trust_env=False).json()
    assert answer == {"version": "v1.2.3", "revision": "rev0"}
    assert status(port, "/") == 200
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert 'samokoder_http_requests_total{status="200"} 1' in metrics


def test_up_touches_only_what_was_named_and_only_if_it_changed(
    daemon: Daemon, project: Path
) -> None:
    """The database keeps its container, and a second `up` of the same version does nothing."""
    database = daemon.client.container("db")["id"]
    pin(project, "v1.2.3")
    daemon.client.compose(project, *UP_API)
    api, effects = daemon.client.container("api")["id"], daemon.client.effects()

    daemon.client.compose(project, *UP_API)

    assert daemon.client.container("db")["id"] == database
    assert daemon.client.container("api")["id"] == api
    assert daemon.client.effects() == effects


def test_a_missing_image_leaves_the_old_container_running(daemon: Daemon, project: Path) -> None:
    """`up` of a version that no registry has exits 1 and touches nothing."""
    before = daemon.client.container("api")
    pin(project, "v7.7.7")

    with pytest.raises(RuntimeError, match=r"v7\.7\.7 not found"):
        daemon.client.compose(project, *UP_API)

    assert daemon.client.container("api") == before


def test_a_crash_loop_shows_as_restarts(daemon: Daemon, project: Path) -> None:
    """v1.9.8 dies and is restarted; `up` itself said nothing (hazard H13)."""
    pin(project, "v1.9.8")
    daemon.client.compose(project, *UP_API)

    until(lambda: daemon.client.container("api")["restart_count"] >= 2)


def test_a_version_that_never_gets_healthy_counts_as_started(
    daemon: Daemon, project: Path, port: int
) -> None:
    """v1.9.9 runs and answers, but its health stays 503 while Compose exits 0 (hazard H13)."""
    pin(project, "v1.9.9")
    daemon.client.compose(project, *UP_API)

    until(lambda: status(port, "/version") == 200)
    assert status(port, "/health") == 503
    assert daemon.client.container("api")["state"] == "running"


def test_containers_end_with_the_engine_and_come_back_with_it(
    daemon: Daemon, project: Path, port: int
) -> None:
    """A killed engine takes its processes along; a new one starts what should run."""
    before = daemon.client.container("api")

    daemon.kill()
    until(lambda: not Path(f"/proc/{before['pid']}").exists())
    daemon.start()

    until(lambda: status(port, "/version") == 200)
    after = daemon.client.container("api")
    assert (after["id"], after["restart_count"]) == (before["id"], 1)
    assert after["pid"] != before["pid"]


def test_an_image_in_use_cannot_be_removed(daemon: Daemon, project: Path) -> None:
    """The store keeps the image of a running container, and lets a pulled one go."""
    running = daemon.client.container("api")["image"]
    with httpx.Client(base_url=daemon.url, trust_env=False) as http:
        tags = http.get("/registry/tags", params={"repository": REPOSITORY}).json()
        other = tags["v1.2.3"]
        pull = {"repository": REPOSITORY, "digest": other["digest"], "tag": "v1.2.3"}
        http.post("/images/pull", json=pull).raise_for_status()

        refused = http.post("/images/remove", json={"image": running["id"]})
        removed = http.post("/images/remove", json={"image": other["id"]})

        assert (refused.status_code, removed.status_code) == (409, 200)
        here = http.get("/images", params={"repository": REPOSITORY}).json()
        assert [image["id"] for image in here] == [running["id"]]
