"""Random campaigns: `make faults SEED=… N=…`, or `python -m tests.faults.campaign`.

One line each; exit code 1 when anything was lost, doubled or overlapped, or went on too late.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from tests.faults.campaign_acks import acks
from tests.faults.campaign_chats import chats_away
from tests.faults.campaign_doubles import deliveries
from tests.faults.campaign_kills import OUTAGE, PROCESSES, SERVERS, Point, campaign, drawn
from tests.faults.campaign_place import place
from tests.faults.campaign_tally import Tally
from tests.faults.campaign_words import fuzzed

SEED, POINTS = 20261123, 10
LONG, OUTAGE_S, LONG_OUTAGE_S = 100, 60.0, 90.0
SILENCE_S, LONG_SILENCE_S = 20.0, 30 * 60.0


def kills(seed: int, count: int) -> Tally:
    """N kill -9 over worker, job process, observer, bot and Compose."""
    with place() as here:
        return campaign(here, "kill -9", drawn(seed, count, PROCESSES))


def redis(seed: int, count: int) -> Tally:
    """N/2 deaths and restarts of Redis."""
    with place() as here:
        return campaign(here, "Redis away", drawn(seed, count // 2, SERVERS))


def outage(_seed: int, count: int) -> Tally:
    """Redis away for 60 s (from N=100 on for 90 s) in the middle of a rollback."""
    seconds = OUTAGE_S if count < LONG else LONG_OUTAGE_S
    with place() as here:
        points = [Point(OUTAGE, 0.8, seconds)]
        return campaign(here, f"Redis away for {seconds:.0f} s", points)


def chats(_seed: int, count: int) -> Tally:
    """Slack and Telegram away for 20 s (from N=100 on for 30 minutes), a rollback inside."""
    return chats_away(SILENCE_S if count < LONG else LONG_SILENCE_S)


CAMPAIGNS: dict[str, Callable[[int, int], Tally]] = {
    "words": lambda seed, count: fuzzed(seed, 50 * count),
    "deliveries": lambda seed, count: deliveries(seed, 5 * count),
    "acks": lambda _seed, count: acks(max(100, 2 * count)),
    "redis": redis,
    "outage": outage,
    "chats": chats,
    "kills": kills,
}


def run(seed: int, count: int, names: tuple[str, ...] = ()) -> Iterator[Tally]:
    """One campaign after the other; all without names."""
    for name in names or CAMPAIGNS:
        yield CAMPAIGNS[name](seed, count)


def main(arguments: list[str]) -> int:
    """Run, say, and judge."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("names", nargs="*", metavar="campaign", help=", ".join(CAMPAIGNS))
    asked = parser.parse_args(arguments)
    print(f"SEED={asked.seed} N={asked.points}", flush=True)
    holds = True
    for tally in run(asked.seed, asked.points, tuple(asked.names)):
        print(tally.line(), *tally.complaints(), sep="\n", flush=True)
        holds = holds and tally.holds
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
