"""The demo's world starts quickly, runs a failing release and ends without a trace."""

from __future__ import annotations

from pathlib import Path

from commands.runbook import parse_runbook, read_runbook, shipped_runbook
from rollbot.demo.client import EngineClient
from rollbot.demo.places import SERVICES
from rollbot.demo.schema import HEADS
from rollbot.demo.world import World
from tests.engines.waiting import eventually


def test_the_world_runs_samokoder_and_ends_with_all_it_started(tmp_path: Path) -> None:
    """Three services run; v1.3.0 fails the api's users alone; at the end no process is left."""
    world = World.started(tmp_path)
    try:
        world.deploy("v1.3.0")
        engine = EngineClient(world.places.engine_url)
        health = {service: world.status(service, "/health") for service in SERVICES}
        pids = {engine.container(service)["pid"] for service in (*SERVICES, "db", "redis")}
        engine.close()
    finally:
        world.close()

    assert health == {"api": 503, "worker": 200, "frontend": 200}
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert not world.answers("api")


def test_the_demo_follows_the_shipped_runbook(tmp_path: Path) -> None:
    """Its runbook is valid, keeps the shipped escalation and checklist, and waits less."""
    world = World.started(tmp_path)
    world.close()

    ours, shipped = read_runbook(world.places.runbook), parse_runbook(shipped_runbook())
    assert (ours.escalation, ours.checklist) == (shipped.escalation, shipped.checklist)
    assert ours.timing.stable_s < shipped.timing.stable_s
    assert ours.roles_of("boris") == frozenset()


def test_every_release_is_a_tag_with_its_commits(tmp_path: Path) -> None:
    """The project is a git repository where git is there, so that a plan can list commits."""
    world = World.started(tmp_path)
    world.close()

    tags = world.places.project / ".git" / "refs" / "tags"
    assert {tag.name for tag in tags.iterdir()} == set(HEADS) - {"v1.9.8", "v1.9.9"}
