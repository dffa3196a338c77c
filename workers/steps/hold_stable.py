"""Watch for a while that it stays well: a crash loop answers well between its crashes (H13)."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.errors import CheckFailedError
from commands.domain.facts import RunningRelease
from commands.domain.plan import Target
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import text
from workers.checks.health import ask_health, health_of
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome

ASK_EVERY_S = 0.5
BAD_IN_A_ROW = 3
BAD_SHARE = 0.05


@dataclass(slots=True)
class _Held:
    """One service while it is watched: its container as first seen, and its answers."""

    target: Target
    first: RunningRelease
    asked: int = 0
    good: int = 0
    bad_in_a_row: int = 0
    last: str = ""


@dataclass(frozen=True, slots=True)
class HoldStable(Looking):
    """For `stable_s` the same containers run, none restarts, and health answers well.

    One slow answer is no instability: three bad ones in a row are, or more than 5 % in all.
    """

    ports: Ports
    targets: tuple[Target, ...]
    stable_s: float

    def apply(self) -> Outcome:
        """Raises CheckFailedError: `check.restarted`, `check.replaced`, `check.unstable`."""
        held = [_Held(target, self._now(target)) for target in self.targets]
        started_at = self.ports.clock.now()
        while (self.ports.clock.now() - started_at).total_seconds() < self.stable_s:
            for one in held:
                self._ask(one, self._refuse_another_container(one))
            self.ports.clock.sleep(min(ASK_EVERY_S, self.stable_s))
        for one in held:
            self._refuse_another_container(one)
            if one.asked - one.good > BAD_SHARE * one.asked:
                raise _unstable(one)
        return Outcome(
            text("step.held", n=int(self.stable_s)), proof=tuple(self._proof(h) for h in held)
        )

    def _ask(self, one: _Held, now: RunningRelease) -> None:
        url = self.ports.service(one.target.service).health_url
        answer = ask_health(self.ports.web, url) if url else health_of(now)
        if answer is None:
            return
        one.asked += 1
        one.good += answer.good
        one.bad_in_a_row = 0 if answer.good else one.bad_in_a_row + 1
        one.last = one.last if answer.good else answer.found
        if one.bad_in_a_row >= BAD_IN_A_ROW:
            raise _unstable(one)

    def _now(self, target: Target) -> RunningRelease:
        now = self.ports.containers.running(target.compose_service)
        if now is None or not now.runs(target.digest):
            found = (now.reference or now.digest) if now else ""
            raise CheckFailedError(
                "check.replaced", service=target.service, expected=target.version, found=found
            )
        return now

    def _refuse_another_container(self, one: _Held) -> RunningRelease:
        now, first = self._now(one.target), one.first
        same = (now.container_id, now.restart_count, now.started_at) == (
            first.container_id,
            first.restart_count,
            first.started_at,
        )
        if not same or now.state != "running":
            raise CheckFailedError("check.restarted", service=one.target.service)
        return now

    def _proof(self, one: _Held) -> ProofItem:
        answers = f", {one.good}/{one.asked}" if one.asked else ""
        return ProofItem(
            service=one.target.service,
            what="stable",
            expected=f"{self.stable_s:g} s",
            found=f"{self.stable_s:g} s{answers}",
            verdict=Verdict.OK,
        )


def _unstable(one: _Held) -> CheckFailedError:
    return CheckFailedError(
        "check.unstable",
        service=one.target.service,
        good=one.good,
        n=one.asked,
        last=one.last,
    )
