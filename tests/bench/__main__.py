"""`make bench`: every figure in one run. Exits 1 when a bound of the issue is missed."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench import acknowledging, backing_up, recovery, starting
from tests.bench.places import Line, percentile
from tests.stack.compose import compose_v1, compose_v2

RUNS = 5
BACKUPS = 3
STARTS = 30
START_MS, ACK_P99_MS, BACKUP_SHARE = 15.0, 100.0, 0.5


def main() -> int:
    """Measure, print, judge."""
    missed = list(_missed())
    for what in missed:
        print(f"MISSED: {what}")
    return 1 if missed else 0


def _missed() -> Iterator[str]:
    for compose in (compose_v1(), compose_v2()):
        theirs, ours = _shown(recovery.measure(compose, RUNS))
        if ours.median > theirs.median:
            yield f"Compose {compose.generation}: slower than the runbook"
    (start,) = _shown(starting.measure(STARTS))
    if start.median > START_MS:
        yield f"enqueue → start {start.median:.1f} ms > {START_MS} ms"
    (ack,) = _shown(acknowledging.measure())
    if percentile(ack.values, 0.99) > ACK_P99_MS:
        yield f"ack p99 over {ACK_P99_MS} ms"
    theirs, ours, *_ = _shown(backing_up.measure(BACKUPS))
    if ours.median > BACKUP_SHARE * theirs.median:
        yield f"a backup takes more than {BACKUP_SHARE:.0%} of pg_dump | gzip"


def _shown(lines: Iterator[Line]) -> list[Line]:
    found = []
    for line in lines:
        print(line, flush=True)
        found.append(line)
    return found


if __name__ == "__main__":
    sys.exit(main())
