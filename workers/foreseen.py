"""What nobody foresaw is an answer, too: people hear its kind, the log alone has the traceback.

An error that escaped would leave the rollback where it is for ever: every job would meet it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from commands.domain.errors import InDoubtError, RollbotError, UnforeseenError
from commands.domain.text import Text
from workers.steps.progress import Before, Outcome, Progress, Step

log = structlog.get_logger()


@contextmanager
def foreseen() -> Iterator[None]:
    """Raises UnforeseenError for what is no error of ours; those pass as they are."""
    try:
        yield
    except RollbotError:
        raise
    except Exception as error:
        log.exception("unforeseen")
        raise UnforeseenError(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Guarded:
    """A step that raises nothing but RollbotError; `make` is called for every question anew.

    Where the effect itself met something unforeseen, nobody can say how far it got: a step that
    `changes` production is in doubt then.
    """

    make: Callable[[], Step]
    changes: bool

    def capture(self) -> dict[str, str]:
        """As the step does."""
        with foreseen():
            return self.make().capture()

    def probe(self, before: Before) -> Progress:
        """As the step does."""
        with foreseen():
            return self.make().probe(before)

    def apply(self) -> Outcome:
        """As the step does."""
        with foreseen():
            step = self.make()
        try:
            with foreseen():
                return step.apply()
        except UnforeseenError as error:
            if self.changes:
                raise InDoubtError("doubt.unforeseen", kind=error.kind) from error
            raise

    def changed_since(self, before: Before) -> Text | None:
        """As the step does."""
        with foreseen():
            return self.make().changed_since(before)

    def revert(self, before: Before) -> Text | None:
        """As the step does."""
        with foreseen():
            return self.make().revert(before)
