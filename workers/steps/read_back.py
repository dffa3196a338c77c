"""Read back what runs: the proof that the rollback is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from commands.domain.errors import CheckFailedError
from commands.domain.plan import Target
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import text
from workers.checks.version import prove_version, read_version
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome


@dataclass(frozen=True, slots=True)
class ReadBack(Looking):
    """Each service's running digest from the engine, and its version from its own mouth.

    A version that could not be asked for is unknown, never good.
    """

    ports: Ports
    targets: tuple[Target, ...]

    def apply(self) -> Outcome:
        """Raises CheckFailedError (`check.wrong_digest`, `check.wrong_version`)."""
        proof = tuple(item for target in self.targets for item in self._items(target))
        for item in proof:
            if item.verdict is Verdict.BAD:
                raise CheckFailedError(
                    f"check.wrong_{item.what}",
                    service=item.service,
                    expected=item.expected,
                    found=item.found,
                )
        proven = tuple(i.service for i in proof if i.what == "digest")
        return Outcome(text("step.read_back", services=proven), proof=proof)

    def _items(self, target: Target) -> Iterator[ProofItem]:
        now = self.ports.containers.running(target.compose_service)
        runs = now is not None and now.runs(target.digest) and now.state == "running"
        yield ProofItem(
            service=target.service,
            what="digest",
            expected=target.digest,
            found=(target.digest if runs else f"{now.state} {now.digest}") if now else "",
            verdict=Verdict.OK if runs else Verdict.BAD,
        )
        service = self.ports.service(target.service)
        if service.version_url:
            found = read_version(self.ports.web, service)
            yield prove_version(target.service, target.version, found)
