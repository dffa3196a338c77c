"""compose.yml, started: the processes run, and each can do its work."""

import pytest
import redis

from commands.domain.state import Status
from commands.store.opening import Store
from tests.engines.waiting import eventually
from tests.stack.deployment import Deployment
from tests.stack.fixtures import SamokoderFactory
from tests.stack.runbook_file import runbook_for

pytestmark = [pytest.mark.engine("docker", "compose_v2", "redis"), pytest.mark.timeout(600)]


def test_an_acknowledged_entry_survives_the_death_of_redis(deployment: Deployment) -> None:
    """The queue keeps its file on a volume: killed and started anew, it knows what it knew."""
    deployment.write("", deployment.directory, {})
    deployment.up("redis")
    deployment.await_healthy("redis")
    with redis.Redis.from_url(deployment.redis_url) as client:
        client.set("acknowledged", "1")

    deployment.container("redis").kill()
    deployment.up("redis")
    deployment.await_healthy("redis")

    with redis.Redis.from_url(deployment.redis_url) as client:
        assert client.get("acknowledged") == b"1"
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_every_process_of_a_deployment_does_its_work(
    deployment: Deployment, samokoder: SamokoderFactory
) -> None:
    """Bot, worker and observer come up healthy beside the project that they look after."""
    project = samokoder(deployment.compose)
    deployment.write(runbook_for(project), project.directory, {})

    deployment.up()

    deployment.await_healthy()


def test_a_deployment_rolls_its_neighbour_back(
    deployment: Deployment, samokoder: SamokoderFactory
) -> None:
    """Asked for and approved inside it, the deployed rollbot brings the api back, and proves it."""
    project = samokoder(deployment.compose, "v1.2.3")
    project.deploy("v1.3.0")
    project.await_version("api", "v1.3.0")
    before = project.identities()
    deployment.write(runbook_for(project, {"anna": "root"}), project.directory, {})
    deployment.up()
    deployment.await_healthy()

    deployment.start_saying("api", "v1.2.3")
    eventually(lambda: deployment.say("approve", "RB-1")[0] == 0, within_s=120, every_s=0.5)

    project.await_version("api", "v1.2.3", within_s=120)
    with deployment.store() as store:
        eventually(lambda: _has_succeeded(store), within_s=120, every_s=0.2)
    changed = {name for name, found in project.identities().items() if found != before[name]}
    assert changed == {"api"}
    assert project.pinned() == "v1.2.3"


def _has_succeeded(store: Store) -> bool:
    state = store.book.rollback("RB-1")
    assert state is None or state.status not in {Status.FAILED, Status.IN_DOUBT}, state
    return state is not None and state.status is Status.SUCCEEDED
