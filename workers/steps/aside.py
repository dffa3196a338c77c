"""Something that takes long, while people may decide that it is to be left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from commands.domain.errors import EngineError

R = TypeVar("R")


@dataclass(slots=True)
class Aside(Generic[R]):
    """One call in a thread of its own, watched from this one.

    The thread does not keep the process: with it, what it waits for is ended too (the lease's
    mark, the engine's label). `wait` gives the call's result, raises what it raised, or returns
    None once `left` said yes and `end` made it end.
    """

    call: Callable[[], R]
    _result: list[R] = field(default_factory=list)
    _error: list[BaseException] = field(default_factory=list)

    def wait(
        self, left: Callable[[], bool], end: Callable[[], None], every_s: float, ending_s: float
    ) -> R | None:
        """Wait, asking `left` every so often. Raises EngineError when it cannot be ended."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(every_s)
            if thread.is_alive() and left():
                end()
                thread.join(ending_s)
                if thread.is_alive():
                    raise EngineError(why="it does not end")
                return None
        if self._error:
            raise self._error[0]
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self.call())
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            self._error.append(error)
