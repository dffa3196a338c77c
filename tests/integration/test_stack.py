"""The stand-in Samokoder is what the other tests take it for."""

import pytest

from tests.stack.compose import Compose, compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.project import remove_orphans

pytestmark = pytest.mark.engine("docker", "registry")


def test_every_service_answers_as_the_version_that_is_deployed(
    compose: Compose, samokoder: SamokoderFactory
) -> None:
    """A project serves health, version and metrics of the release that `.env` names."""
    project = samokoder(compose, "v1.2.3")

    for service in ("api", "worker", "frontend"):
        project.await_version(service, "v1.2.3")
        assert project.get(service)[1]["status"] == "ok"
    assert project.get("api", "/")[0] == 200
    assert 'samokoder_http_requests_total{status="200"} 1' in project.get("api", "/metrics")[1]


def test_a_deploy_of_one_service_leaves_state_alone(
    compose: Compose, samokoder: SamokoderFactory
) -> None:
    """Deploying the api recreates neither the database nor the queue."""
    project = samokoder(compose, "v1.2.3")
    before = project.identities()

    project.deploy("v1.3.0", "api")
    project.await_version("api", "v1.3.0")

    after = project.identities()
    assert {name for name in after if after[name] != before[name]} == {"api"}
    assert project.get("api")[0] == 503
    assert project.get("api", "/")[0] == 500


def test_a_project_can_have_images_that_nobody_else_sees(samokoder: SamokoderFactory) -> None:
    """With its own images a test may push a tag again and drop the engine's copy."""
    project = samokoder(compose_v2(), own_images=True, start=False)
    before = project.images.digest("api", "v1.2.3")

    project.images.publish("api", "v1.2.3", note="pushed again")
    project.images.unpull("api", "v1.2.3")

    assert project.images.digest("api", "v1.2.3") != before
    assert not project.engine.images.list(name=project.images.reference("api", "v1.2.3"))


def test_the_project_of_a_killed_run_is_removed_by_the_next(
    samokoder: SamokoderFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed test run leaves behind is found by its owner's absence."""
    kept = samokoder(compose_v2())
    monkeypatch.setattr("os.getpid", lambda: 2**22 + 1)
    orphan = samokoder(compose_v2())

    remove_orphans(orphan.engine)

    assert orphan.containers() == []
    assert len(kept.containers()) == 5
