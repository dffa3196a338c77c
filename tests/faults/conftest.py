"""What the fault cases share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines.redis_server import RedisServer
from tests.faults.bureau import Bureau, bureau


@pytest.fixture
async def office(embedded_redis: RedisServer, tmp_path: Path) -> AsyncIterator[Bureau]:
    """A desk, a worker and the embedded Redis."""
    made = bureau(embedded_redis, tmp_path)
    yield made
    await made.close()
