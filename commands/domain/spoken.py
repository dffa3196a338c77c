"""What a person's words mean: one frozen record per thing that can be said.

Rollbacks are named by their id (`RB-17`). Who may say it, and when, is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from commands.domain.request import Request

ASKING = ("status", "plan", "log", "versions", "backups", "history", "oncall", "help")
DECIDING = ("approve", "deny", "withdraw", "cancel", "stop", "undo", "retry", "done")
KEEPING = ("drop-kept", "skip-rehearsal")
NOTING = ("note", "tick", "untick", "freeze", "unfreeze")
# Promised by the help, answered honestly until their machinery is there.
LATER = ("config", "assess", "complaint", "lesson", "check")
VERBS = (*ASKING, *DECIDING, *KEEPING, *NOTING, *LATER)
# A rollback of the database is asked for by these; a stateful service may be called so too.
DATABASE = ("db", "restore")
# Words that stand where a service stands.
SUBJECTS = ("all", "full")
# A service may not be called like any of these, or a word would have two meanings.
RESERVED = frozenset({*VERBS, *DATABASE, *SUBJECTS, "rollback", "menu", "auto"})


@dataclass(frozen=True, slots=True)
class RollbackWords:
    """A rollback asked for: `api v1.2.3`, or `rollback.sh`'s own flags."""

    request: Request


@dataclass(frozen=True, slots=True)
class Menu:
    """Nothing but `/rollback`: a form or a menu is wanted."""


@dataclass(frozen=True, slots=True)
class Help:
    """How it works. `topic` is a verb, a subject or empty for the overview."""

    topic: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What goes on: of one rollback, or of the environment when None."""

    rollback: str | None = None


@dataclass(frozen=True, slots=True)
class PlanOf:
    """The whole plan of a rollback."""

    rollback: str


@dataclass(frozen=True, slots=True)
class Log:
    """What was done, step by step."""

    rollback: str


@dataclass(frozen=True, slots=True)
class Versions:
    """What a service could go back to."""

    service: str


@dataclass(frozen=True, slots=True)
class Schema:
    """Which migrations the database has, and which it could go back to: `versions db`."""


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups there are, and whether they were proven."""


@dataclass(frozen=True, slots=True)
class History:
    """The rollbacks of this environment."""


@dataclass(frozen=True, slots=True)
class Oncall:
    """Who is on call: the rota's address."""


@dataclass(frozen=True, slots=True)
class Approve:
    """A yes in the speaker's role."""

    rollback: str


@dataclass(frozen=True, slots=True)
class Deny:
    """A no, with its reason ("" when none was given)."""

    rollback: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The speaker takes an approval back."""

    rollback: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """The asker lets a request go before it starts."""

    rollback: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish the running step, then ask. None: whatever runs in this environment."""

    rollback: str | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """Walk back what a rollback changed."""

    rollback: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Do the step in question again."""

    rollback: str


@dataclass(frozen=True, slots=True)
class MarkDone:
    """A person says that the step in question is done."""

    rollback: str


@dataclass(frozen=True, slots=True)
class DropKept:
    """Let go of the database that a rollback kept as it was before."""

    rollback: str


@dataclass(frozen=True, slots=True)
class SkipRehearsal:
    """An approver goes on without the rehearsal, and says why ("" when not)."""

    rollback: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Words for the record of a rollback."""

    rollback: str
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A person confirms a checklist point, by the runbook's id of it, or takes that back."""

    rollback: str
    point: str
    done: bool = True


@dataclass(frozen=True, slots=True)
class Freeze:
    """No deploys from now on."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unfreeze:
    """Deploys may go on."""

    reason: str = ""


Query: TypeAlias = (
    Menu | Help | Status | PlanOf | Log | Versions | Schema | Backups | History | Oncall
)
Decision: TypeAlias = (
    Approve | Deny | Withdraw | Cancel | Stop | Undo | Retry | MarkDone | DropKept | SkipRehearsal
)
Record: TypeAlias = Note | Tick | Freeze | Unfreeze
Spoken: TypeAlias = RollbackWords | Query | Decision | Record
