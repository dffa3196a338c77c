"""A proxy that answers from memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from commands.database_ports import ProxySeen
from commands.domain.errors import ProxyError


@dataclass(slots=True)
class FakeProxy:
    """`Proxy` that shows at once what it was told; `broken` refuses to be told anything."""

    entered_by: str = ""
    broken: bool = False
    deaf: bool = False
    """Takes every word and shows the old page: what a proxy does that was never reloaded."""
    told: list[str] = field(default_factory=list)

    def enter(self, rollback_id: str) -> None:
        self._tell("enter")
        self.entered_by = rollback_id

    def leave(self) -> None:
        self._tell("leave")
        self.entered_by = ""

    def is_entered(self) -> bool:
        return bool(self.entered_by)

    def seen(self) -> ProxySeen:
        page = bool(self.entered_by) and not self.deaf
        return ProxySeen(status=503 if page else 200, page=page, health_status=200)

    def _tell(self, word: str) -> None:
        if self.broken:
            raise ProxyError("fake", "no space left on device")
        self.told.append(word)
