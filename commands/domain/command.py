"""What people (and the clock) order, after their words were understood and they were known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from commands.domain.people import Identity, PersonId
from commands.domain.proof import Verdict
from commands.domain.request import Request
from commands.domain.runbook import Channel
from commands.domain.text import Text

RecoveryVerb: TypeAlias = Literal["undo", "retry", "mark_done", "abandon", "drop_kept"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who orders: the person, and the account they used."""

    person: PersonId
    identity: Identity


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a rollback."""

    actor: Actor
    request: Request
    home: Channel


@dataclass(frozen=True, slots=True)
class Approve:
    """Say yes to the open question. `nonce` is the button's; empty for typed words."""

    actor: Actor
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    """Say no to the open question."""

    actor: Actor
    reason: str = ""
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take one's own approval back, before execution."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take the request back before execution; afterwards it means `abandon`."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish the current step, then ask people."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class Recover:
    """Undo, retry, mark done or leave as it is: each needs the original's row."""

    actor: Actor
    verb: RecoveryVerb
    nonce: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SkipRehearsal:
    """An approver lets the rehearsal be skipped; never the backup. `nonce`: the button's."""

    actor: Actor
    reason: str = ""
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Tick (or untick) a checklist point."""

    actor: Actor
    point: str
    done: bool = True


@dataclass(frozen=True, slots=True)
class Note:
    """Write something down for the post-mortem."""

    actor: Actor
    words: str


@dataclass(frozen=True, slots=True)
class FreezeDeploys:
    """Stop deploys of the environment."""

    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UnfreezeDeploys:
    """Let deploys go on: needs the row of the rollback that froze."""

    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock: what is due now? `watch` is what the observer saw since the rollback ended.

    `job_stopped` says which job process stands still, when one does (SIGSTOP).
    """

    worker_alive: bool = True
    job_stopped: Text | None = None
    watch: Verdict = Verdict.UNKNOWN
    watch_figure: Text | None = None


Command: TypeAlias = (
    Ask
    | Approve
    | Deny
    | Withdraw
    | Cancel
    | Stop
    | Recover
    | SkipRehearsal
    | Confirm
    | Note
    | FreezeDeploys
    | UnfreezeDeploys
    | Tick
)
