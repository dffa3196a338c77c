"""One proof, rehearsal or restore beside production at a time: they share its disk and its CPU.

A lease of its own, because who works by hand does not hold the environment's (`workers.lease`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from commands.domain.errors import LeaseHeldError
from commands.domain.plan import EvidenceItem
from commands.domain.text import text
from workers.lease import Lease

REHEARSAL = "rehearsal"
TURN = "turn"
ASK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of one rollback, or of one run by hand, called `holder`.

    `held` are the open files that every program gets which is started meanwhile.
    """

    lease: Lease
    holder: str
    held: set[int] = field(default_factory=set)
    ask_every_s: float = ASK_EVERY_S

    @contextmanager
    def taken(
        self, within_s: float, left: Callable[[], bool], told: Callable[[EvidenceItem], None]
    ) -> Iterator[bool]:
        """Wait for it, telling so, and hold it; False when `left` said that nobody wants it.

        Raises LeaseHeldError when it does not come within that time.
        """
        until, waits = time.monotonic() + within_s, False
        with ExitStack() as taken:
            while True:
                try:
                    turn = taken.enter_context(self.lease.acquire(0, self.holder))
                except LeaseHeldError as error:
                    if time.monotonic() >= until:
                        raise
                    if not waits:
                        told(_item("db.turn_waits", str(error.facts["holder"]), ok=None))
                    waits = True
                else:
                    break
                if left():
                    yield False
                    return
                time.sleep(self.ask_every_s)
            if waits:
                told(_item("db.turn_came", "", ok=True))
            self.held.add(turn.fd)
            taken.callback(self.held.discard, turn.fd)
            yield True


def _item(key: str, holder: str, *, ok: bool | None) -> EvidenceItem:
    return EvidenceItem(name=TURN, ok=ok, found=holder, said=text(key, holder=holder))
