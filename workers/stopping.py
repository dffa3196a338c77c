"""What the worker asks of its job process: stop after this step, or stop at once.

The executor looks at `after_step_requested` between steps. Handlers are installed in the worker
before it forks, so that a signal can never meet a job process that does not know it.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from types import FrameType

AFTER_STEP_SIGNAL = signal.SIGUSR1
AT_ONCE_SIGNAL = signal.SIGUSR2


class StepInterrupted(BaseException):
    """Leave the step where it is: the next job process probes and goes on.

    Not an `Exception`, so that nothing which handles failures takes it for one.
    """


@dataclass(slots=True)
class _Wish:
    after_step: bool = False


_wish = _Wish()


def after_step_requested() -> bool:
    """Whether this process should finish its step and then end, with the rollback resumable."""
    return _wish.after_step


def request_after_step() -> None:
    """Ask this process to end after its step. Safe to repeat."""
    _wish.after_step = True


def install() -> None:
    """Listen to both signals from now on, in this process and in those it forks."""
    signal.signal(AFTER_STEP_SIGNAL, _on_after_step)
    signal.signal(AT_ONCE_SIGNAL, _on_at_once)


def install_in_job() -> None:
    """A service manager may send SIGTERM to every process it knows: finish the step then too."""
    signal.signal(signal.SIGTERM, _on_after_step)


def _on_after_step(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    request_after_step()


def _on_at_once(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    request_after_step()
    raise StepInterrupted
