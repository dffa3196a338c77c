"""A glance at the database beside the survey of a service, which never waits for it long (H18)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTimeError
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

import structlog

from commands.domain.database import DatabaseFacts, RevisionId
from commands.domain.errors import DatabaseUnavailableError, EngineError, SettingsError
from commands.domain.facts import RunningRelease, ServiceFacts
from commands.domain.text import Text
from workers.survey_database import DatabaseLook

log = structlog.get_logger()

ANSWER_S = 3.0
"""A server that is away takes longer to say so than an on-call engineer should wait."""

SCRIPTS_S = 10.0
"""For images that nobody has looked into yet; the observer usually has."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Glance:
    """What is being asked. Whatever goes wrong is a reason for "unknown", and no error."""

    look: DatabaseLook
    revisions: Future[tuple[RevisionId, ...]]
    running: Future[RunningRelease | None]

    @classmethod
    def begun(cls, look: DatabaseLook, running: Future[RunningRelease | None]) -> Glance:
        """Ask at once, in a thread that nobody has to wait for."""
        # The scripts of what runs are wanted too: read by then, or being read.
        apart(lambda: look.scripts.running(running.result()))
        return cls(look, apart(look.revisions), running)

    def facts(self, services: tuple[ServiceFacts, ...]) -> tuple[DatabaseFacts | None, Text | None]:
        """What was found, or why it is not known."""
        target = next((s.target for s in services if s.service == self.look.service), None)
        try:
            revisions = self.revisions.result(ANSWER_S)
            lean = apart(lambda: self.look.lean(revisions, self.running.result(), target))
            return lean.result(SCRIPTS_S), None
        except NotInTimeError:
            return None, self._unknown(f"no answer within {ANSWER_S:.0f} s")
        except (EngineError, SettingsError) as error:
            return None, error.text
        except Exception as error:
            # A service goes back all the same, whatever an image or a server says.
            log.exception("database_not_glanced_at", service=self.look.service)
            return None, self._unknown(f"{type(error).__name__}, see the worker's log")

    def _unknown(self, why: str) -> Text:
        return DatabaseUnavailableError(database=self.look.definition.name, why=why).text


def apart(work: Callable[[], T]) -> Future[T]:
    """Do it in a thread that ends with the process, whatever it waits for."""
    future: Future[T] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it, whatever it is
            future.set_exception(error)

    Thread(target=do, daemon=True).start()
    return future
