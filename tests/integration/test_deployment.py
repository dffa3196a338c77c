"""compose.yml, started: the processes run, and each can do its work."""

import pytest
import redis

from tests.stack.deployment import Deployment

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
