"""Whether a service answers its health URL well."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.errors import EngineError
from commands.domain.facts import RunningRelease
from commands.ports import Web

HTTP_GOOD = range(200, 300)
ASK_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """One answer. `status` None: no HTTP answer, and `why` says how.

    `by_container` is the answer of a container's own HEALTHCHECK, for a service without a URL.
    """

    status: int | None
    why: str = ""
    by_container: bool = False

    @property
    def good(self) -> bool:
        """Whether it answered with 2xx; a redirect is not an answer of the service's own."""
        return self.by_container if self.status is None else self.status in HTTP_GOOD

    @property
    def found(self) -> str:
        """The same for the record: `HTTP 503`, or why nothing answered."""
        return f"HTTP {self.status}" if self.status is not None else self.why


def ask_health(web: Web, url: str, timeout_s: float = ASK_TIMEOUT_S) -> Health:
    """Ask once. Nothing answering is an answer, not an exception."""
    try:
        return Health(web.get(url, timeout_s).status)
    except EngineError as error:
        return Health(None, str(error.facts.get("why") or error))


def health_of(running: RunningRelease | None) -> Health | None:
    """What the container's own HEALTHCHECK says; None when it has none (unknown, never good)."""
    if running is None or not running.health:
        return None
    return Health(None, running.health, by_container=running.health == "healthy")
