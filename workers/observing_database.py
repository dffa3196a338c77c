"""What the observer knows of the database: asked now and then, aside, so that health never waits.

Every turn also looks into the newest images of the migrations' service: whatever a survey will
ask of them is remembered by then.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from commands.domain.database import ScriptGraph
from commands.domain.errors import DatabaseUnavailableError, RollbotError
from commands.domain.observed import ObservedDatabase
from commands.planner.pins import compose_name
from commands.ports import Clock
from workers.survey_database import DatabaseLook
from workers.survey_glance import apart

log = structlog.get_logger()

EVERY = timedelta(seconds=60)
PATIENCE_S = 1.0


@dataclass(slots=True)
class DatabaseWatch:
    """The last answer, and the question under way."""

    look: DatabaseLook
    clock: Clock
    latest: ObservedDatabase | None = None
    _asked: Future[ObservedDatabase] | None = field(init=False, default=None)
    _asked_at: datetime | None = field(init=False, default=None)

    def seen(self) -> ObservedDatabase | None:
        """What is known by now; a new question is begun when the last one is a minute old."""
        now = self.clock.now()
        if self._asked is None and (self._asked_at is None or now - self._asked_at >= EVERY):
            self._asked, self._asked_at = apart(self._ask), now
        if self._asked is not None:
            wait((self._asked,), PATIENCE_S)
            if self._asked.done():
                asked, self._asked = self._asked, None
                self.latest = asked.result()
        return self.latest

    def _ask(self) -> ObservedDatabase:
        look = self.look
        seen = ObservedDatabase(at=self.clock.now(), name=look.definition.name)
        try:
            seen = seen.model_copy(update={"backups": look.backups.listed(seen.name)})
            seen = seen.model_copy(update={"graph": self._graph()})
            return seen.model_copy(update={"revisions": look.revisions()})
        except RollbotError as error:
            log.warning("observer_sees_no_database", database=seen.name, why=str(error))
            return seen.model_copy(update={"why": error.text})
        except Exception as error:
            # Whatever an image or a server says, the services are observed all the same.
            log.exception("observer_sees_no_database", database=seen.name)
            why = f"{type(error).__name__}, see the observer's log"
            unknown = DatabaseUnavailableError(database=seen.name, why=why)
            return seen.model_copy(update={"why": unknown.text})
        finally:
            apart(self._warm)

    def _graph(self) -> ScriptGraph | None:
        service = self.look.runbook.services[self.look.service]
        running = self.look.containers.running(compose_name(self.look.service, service))
        return self.look.scripts.running(running)

    def _warm(self) -> None:
        try:
            for image in self.look.scripts.newest_images():
                self.look.scripts.graph(image.version, image.digest)
        except RollbotError as error:
            log.warning("images_not_looked_into", why=str(error))
        except Exception:
            log.exception("images_not_looked_into")
