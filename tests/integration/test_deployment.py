"""compose.yml, started: the processes run, and each can do its work."""

import pytest
import redis

from tests.stack.deployment import Deployment
from tests.stack.fixtures import SamokoderFactory
from tests.stack.runbook_file import runbook_for

pytestmark = [pytest.mark.engine("docker", "compose_v2", "redis"), pytest.mark.timeout(300)]


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
