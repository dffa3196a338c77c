"""The short campaigns; `make faults N=200` runs the long ones."""

from __future__ import annotations

import pytest

from tests.faults.campaign import CAMPAIGNS, SEED
from tests.faults.campaign_tally import BUSY, RESUME_P95_S, Tally

POINTS = 10
SHORT = pytest.mark.timeout(600)


def run(name: str) -> Tally:
    """One short campaign; what is wrong with it stands in the failure."""
    tally = CAMPAIGNS[name](SEED, POINTS)
    in_time = tally.holds_within(BUSY * RESUME_P95_S)
    assert in_time, "\n".join([tally.line(), *tally.complaints()])
    return tally


@SHORT
@pytest.mark.engine("docker", "registry", "redis", "compose_v2")
def test_random_kills_lose_and_double_nothing() -> None:
    """Worker, job process, observer, bot and Compose killed -9 anywhere: it goes on, once."""
    assert run("kills").points == POINTS


@SHORT
@pytest.mark.engine("docker", "registry", "redis", "compose_v2")
def test_random_ends_of_redis_lose_and_double_nothing() -> None:
    """Redis killed or restarted anywhere in a rollback: what was acknowledged is there."""
    assert run("redis").points == POINTS // 2


def test_duplicate_deliveries_are_one_run_each() -> None:
    """Three times each, at once, at two bots: every command is one rollback and is answered."""
    assert run("deliveries").points == 5 * POINTS * 3


def test_fuzzed_lines_start_no_process() -> None:
    """Whatever is typed, the audit hook sees no process."""
    assert run("words").points == 50 * POINTS


@SHORT
def test_acks_are_quick_while_four_environments_roll_back() -> None:
    """Slack hears of every command in its time (p99), on one bot for four busy hosts."""
    assert run("acks").points >= 100
