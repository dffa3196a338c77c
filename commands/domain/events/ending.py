"""How a rollback ended, and which messages people were sent."""

from __future__ import annotations

from typing import Literal

from commands.domain.conversation import MessageRef
from commands.domain.events.event import Event
from commands.domain.people import PersonId
from commands.domain.proof import CheckResult, ProofItem, Verdict
from commands.domain.text import Text


class Cancelled(Event):
    """Taken back before execution, or left as it is after a failure. Final."""

    kind: Literal["cancelled"] = "cancelled"
    person: PersonId | None = None
    reason: Text | None = None


class Superseded(Event):
    """An approved full rollback took over. Final."""

    kind: Literal["superseded"] = "superseded"
    by_rollback: str


class Succeeded(Event):
    """Proven: everything was read back."""

    kind: Literal["succeeded"] = "succeeded"
    proof: tuple[ProofItem, ...]
    checks: tuple[CheckResult, ...] = ()


class Undone(Event):
    """Walked back to the captured before-states, and read back."""

    kind: Literal["undone"] = "undone"
    proof: tuple[ProofItem, ...] = ()


class DropKeptOrdered(Event):
    """People approved letting the kept databases of an ended rollback go."""

    kind: Literal["drop_kept_ordered"] = "drop_kept_ordered"
    people: tuple[PersonId, ...]


class KeptDropped(Event):
    """The kept databases are gone; an undo is possible no longer. `failed`: why they are not."""

    kind: Literal["kept_dropped"] = "kept_dropped"
    databases: tuple[str, ...] = ()
    failed: Text | None = None


class Closed(Event):
    """The watch after the rollback ended: `verdict` of the observer's record over it."""

    kind: Literal["closed"] = "closed"
    verdict: Verdict
    figure: Text | None = None


class WorkerLost(Event):
    """Nobody works while there is work: people were told. `why`: None when no worker lives."""

    kind: Literal["worker_lost"] = "worker_lost"
    why: Text | None = None


class WorkerBack(Event):
    """A worker goes on."""

    kind: Literal["worker_back"] = "worker_back"


class Posted(Event):
    """A message reached its channel. `key` names the message, once per rollback and address."""

    kind: Literal["posted"] = "posted"
    key: str
    message: MessageRef


class PostLost(Event):
    """A posted message is gone (deleted, archived, migrated): it will be posted anew."""

    kind: Literal["post_lost"] = "post_lost"
    key: str
    moved_to: str = ""
