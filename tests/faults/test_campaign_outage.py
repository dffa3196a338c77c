"""The campaign `outage` in CI's length, in a file of its own: beside it the other tests go on."""

from __future__ import annotations

import pytest

from tests.faults.campaign import OUTAGE_S
from tests.faults.test_campaign import run


@pytest.mark.timeout(600)
@pytest.mark.engine("docker", "registry", "redis", "compose_v2")
def test_a_minute_without_redis_loses_and_doubles_nothing() -> None:
    """Redis killed in the middle of a rollback and away for 60 s: it goes on by itself, once."""
    assert OUTAGE_S == 60
    assert run("outage").points == 1
