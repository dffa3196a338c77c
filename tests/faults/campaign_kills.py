"""Kill -9 at random points of real rollbacks: rollbot's processes, Compose, or Redis."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.domain.errors import RefusedError
from tests.faults.campaign_place import Place, Round
from tests.faults.campaign_processes import compose_of, job_of
from tests.faults.campaign_tally import Tally

PROCESSES = {"worker": 6, "job": 6, "observer": 2, "bot": 2, "compose": 4}
SERVERS = {"redis kill -9": 1, "redis restart": 1}
OUTAGE = "redis outage -9"
AWAY_AT_MOST_S = 1.5
COMPOSE_TAKES_S = 0.4
POINTS_A_ROUND = 2
_LOOK_S = 0.002
_MEASURED_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Point:
    """Whom, when (as a share of an undisturbed rollback), and one more random number.

    Of an `OUTAGE` the last is its length in seconds.
    """

    victim: str
    share: float
    luck: float


def drawn(seed: int, count: int, victims: dict[str, int]) -> list[Point]:
    """The same seed gives the same points in the same order."""
    draw = random.Random(f"{seed}-{sorted(victims)}")
    names = draw.choices(list(victims), list(victims.values()), k=count)
    return [Point(name, draw.uniform(0, 0.95), draw.random()) for name in names]


def campaign(
    here: Place, name: str, points: Sequence[Point], say: Callable[[str], None] = print
) -> Tally:
    """Strike at every point; a point that came too late for its rollback is tried again."""
    tally, left = Tally(name), list(points)
    usual_s = statistics.median(_undisturbed(here, tally) for _ in range(_MEASURED_ROUNDS))
    while left and not _hopeless(tally):
        try:
            one = here.begin()
        except RefusedError as error:
            tally.lost.append(f"{len(left)} points not struck: {error}")
            break
        strikes: list[tuple[Point, float]] = []
        for point in left[:POINTS_A_ROUND]:
            struck_at = _strike(here, one, point, usual_s)
            if struck_at is None:
                break
            strikes.append((point, struck_at))
            tally.struck(point.victim)
        missed = left[len(strikes)] if len(strikes) < min(POINTS_A_ROUND, len(left)) else None
        left = left[len(strikes) :]
        if missed is not None:
            left[0] = Point(missed.victim, missed.share * 0.8, missed.luck)
        _judge(here, one, strikes, tally, say)
        _keep_the_logs(here, tally)
    return tally


def _undisturbed(here: Place, tally: Tally) -> float:
    one = here.begin()
    here.finish(one)
    tally.lost += here.lost(one)
    return time.time() - one.began


def _strike(here: Place, one: Round, point: Point, usual_s: float) -> float | None:
    """Wait for the moment, then strike; None when the rollback was over before."""
    at = time.monotonic() + point.share * usual_s / POINTS_A_ROUND
    while time.monotonic() < at or not _there(here, point):
        if here.look(one):
            return None
        time.sleep(_LOOK_S)
    if point.victim == "compose":
        time.sleep(point.luck * COMPOSE_TAKES_S)
    return _end(here, point)


def _there(here: Place, point: Point) -> bool:
    worker = here.made.running["worker"].pid
    match point.victim:
        case "job":
            return job_of(worker) > 0
        case "compose":
            return bool(compose_of(worker))
        case _:
            return True


def _end(here: Place, point: Point) -> float | None:
    """Kill it; when that was. None when it had just ended by itself."""
    made, struck_at = here.made, time.time()
    if point.victim.startswith("redis"):
        made.redis.kill9() if point.victim.endswith("-9") else made.redis.stop()
        time.sleep(point.luck if point.victim == OUTAGE else point.luck * AWAY_AT_MOST_S)
        made.redis.start()
        return time.time()
    worker = made.running["worker"].pid
    pids = {"job": [job_of(worker)], "compose": compose_of(worker)}.get(point.victim)
    if pids is None:
        pids = [made.running[point.victim].pid]
    pid = pids[int(point.luck * 1000) % len(pids)] if pids else 0
    if not pid:
        return None
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return struck_at


def _judge(
    here: Place,
    one: Round,
    strikes: Sequence[tuple[Point, float]],
    tally: Tally,
    say: Callable[[str], None],
) -> None:
    here.finish(one)
    lost, doubled, overlaps = here.lost(one), here.doubled(one), here.overlaps()
    progress = [at.timestamp() for at in here.progress(one)]
    for _, struck_at in strikes:
        after = [at for at in progress if at > struck_at]
        if after:
            tally.resumes_s.append(after[0] - struck_at)
    tally.lost += lost
    tally.doubled += doubled
    tally.overlaps += overlaps
    struck = ", ".join(f"{p.victim}@{at - one.began:.2f}s" for p, at in strikes) or "nothing"
    for what in (*lost, *doubled, *overlaps):
        say(f"  {one.id} [{struck}] {what}")


def _hopeless(tally: Tally) -> bool:
    return len(tally.lost) > 10


def _keep_the_logs(here: Place, tally: Tally) -> None:
    """What the processes said, for the first loss."""
    if (tally.lost or tally.doubled) and (folder := os.environ.get("FAULTS_LOGS")):
        for name in ("bot", "worker", "observer"):
            log = here.made.directory / f"{name}.log"
            (Path(folder) / f"{name}.log").write_bytes(log.read_bytes())
