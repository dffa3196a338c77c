"""What one service has been like: the observer's memory of it, and what the ledger may learn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from commands.domain.events import EnvironmentEvent, ReleaseProven, ReleaseSeen
from commands.domain.facts import LedgerLine, Proven, RunningRelease
from commands.domain.observed import ObservedService
from commands.domain.proof import Verdict
from workers.checks.health import Health, health_of

TOLD_AGAIN_AFTER = 2
"""Proof is written again when the time that it covers has doubled: the journal keeps all."""

SAME_RUN = timedelta(minutes=5)
"""An observer that was away for less goes on with the proof it had begun."""


@dataclass(slots=True)
class Watched:
    """One service while it is observed. Time comes from the caller, aware and in order.

    `good_since` is since when the running release has been well without a break: by its health
    URL, or its container's HEALTHCHECK; where it has neither by running on without a restart
    (its health then stays unknown).
    """

    service: str
    asks_health: bool
    window: timedelta
    running: RunningRelease | None = None
    verdict: Verdict = Verdict.UNKNOWN
    why: str = ""
    since_at: datetime | None = None
    good_since: datetime | None = None
    told: timedelta = timedelta(0)
    ended: list[ReleaseProven] = field(default_factory=list)
    probes: deque[tuple[datetime, bool]] = field(default_factory=deque)

    def probed(self, health: Health, at: datetime, proven_after: timedelta) -> None:
        """One answer of the health URL."""
        self.probes.append((at, health.good))
        while self.probes and self.probes[0][0] < at - self.window:
            self.probes.popleft()
        verdict = Verdict.OK if health.good else Verdict.BAD
        self.why = "" if health.good else health.found
        if verdict is not self.verdict or self.since_at is None:
            self.verdict, self.since_at = verdict, at
        if not health.good:
            self._end(at, proven_after)
        elif self.good_since is None and self.running is not None:
            self.good_since = at

    def saw(self, running: RunningRelease | None, at: datetime, proven_after: timedelta) -> None:
        """What the engine says runs. Another container or a restart begins a new run."""
        before, self.running = self.running, running
        if before is not None and _run(before) != _run(running):
            self._end(at, proven_after, before)
        if self.asks_health or running is None:
            return
        said = health_of(running)
        if said is not None:
            self.probed(said, at, proven_after)
        # With neither, nobody knows whether it is well: running is not proof, and `--auto` does
        # not go by it.

    def goes_on(self, earlier: ObservedService, at: datetime) -> None:
        """Take up what an earlier observer saw, if it is of the same container and fresh."""
        same = earlier.running is not None and _run(earlier.running) == _run(self.running)
        bad = Verdict.BAD in (earlier.health, self.verdict)
        if same and not bad and earlier.since_at and earlier.since_at < at:
            self.verdict, self.since_at = earlier.health, earlier.since_at
            self.good_since = earlier.since_at

    def observed(self) -> ObservedService:
        """For the record."""
        return ObservedService(
            service=self.service,
            running=self.running,
            health=self.verdict,
            why=self.why,
            since_at=self.good_since if self.verdict is Verdict.UNKNOWN else self.since_at,
            probes=len(self.probes),
            failures=sum(not good for _, good in self.probes),
        )

    def news(
        self, ledger: Iterable[LedgerLine], at: datetime, proven_after: timedelta
    ) -> Iterator[EnvironmentEvent]:
        """What the ledger does not know yet. Has no effect: `told_all` comes after the writing."""
        lines = {line.digest: line for line in ledger if line.service == self.service}
        now = self.running
        seen = lines.get(now.digest) if now else None
        if now is not None and (seen is None or seen.last_seen_at is None):
            yield ReleaseSeen(
                service=self.service, version=now.version, digest=now.digest, running=True
            )
        fresh = self._proof(now, at, proven_after)
        due = fresh and fresh.proven.until_at - fresh.proven.since_at >= (
            TOLD_AGAIN_AFTER * self.told
        )
        for proof in (*self.ended, *((fresh,) if fresh and due else ())):
            joined = _joined(proof, lines.get(proof.digest))
            if joined is not None:
                yield joined

    def has_news(self, at: datetime, proven_after: timedelta) -> bool:
        """Whether a first proof is there that was not written: `--auto` waits for it."""
        is_first = self.told == timedelta(0)
        return bool(self.ended) or (
            is_first and self._proof(self.running, at, proven_after) is not None
        )

    def told_all(self, at: datetime, proven_after: timedelta) -> None:
        """The news were written."""
        self.ended.clear()
        fresh = self._proof(self.running, at, proven_after)
        if fresh:
            length = fresh.proven.until_at - fresh.proven.since_at
            if length >= TOLD_AGAIN_AFTER * self.told:
                self.told = length

    def _end(
        self, at: datetime, proven_after: timedelta, release: RunningRelease | None = None
    ) -> None:
        """A good run is over; if it was long enough, its whole length is worth telling."""
        proof = self._proof(release or self.running, at, proven_after)
        if proof is not None:
            self.ended.append(proof)
        self.good_since, self.told = None, timedelta(0)

    def _proof(
        self, release: RunningRelease | None, at: datetime, proven_after: timedelta
    ) -> ReleaseProven | None:
        since = self.good_since
        if release is None or since is None or at - since < proven_after or not release.version:
            return None
        return ReleaseProven(
            service=self.service,
            version=release.version,
            digest=release.digest,
            proven=Proven(since_at=since, until_at=at),
        )


def _run(release: RunningRelease | None) -> tuple[str, int, str] | None:
    """What makes one uninterrupted run of one release."""
    if release is None:
        return None
    return (release.container_id, release.restart_count, release.state)


def _joined(proof: ReleaseProven, known: LedgerLine | None) -> ReleaseProven | None:
    """One proof with what the ledger has: evidence gets longer, or stays as it was."""
    before, now = known.proven if known else None, proof.proven
    if before is None:
        return proof
    since = before.since_at if now.since_at - before.until_at <= SAME_RUN else now.since_at
    longer = now.until_at - since > before.until_at - before.since_at
    proven = now.model_copy(update={"since_at": min(since, now.since_at)})
    return proof.model_copy(update={"proven": proven}) if longer else None
