"""Words that were understood become commands, and commands become events and a reply.

One module per family of verbs. A handler may read everything and writes only through
`Context.carry`; it never touches Docker or a database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from commands.domain import spoken as s
from commands.domain.reply import Reply
from commands.handlers import asking, deciding, noting, rollback
from commands.handlers.context import Context, Service

Handler = Callable[[Context, Any], Awaitable[Reply]]

HANDLERS: dict[type[s.Spoken], Handler] = {
    s.RollbackWords: rollback.handle,
    s.Menu: asking.menu,
    s.Help: asking.help_,
    s.Status: asking.status,
    s.PlanOf: asking.plan,
    s.Log: asking.log,
    s.Versions: asking.versions,
    s.Schema: asking.schema,
    s.Backups: asking.backups,
    s.History: asking.history,
    s.Oncall: asking.oncall,
    s.Approve: deciding.approve,
    s.Deny: deciding.deny,
    s.Withdraw: deciding.withdraw,
    s.Cancel: deciding.cancel,
    s.Stop: deciding.stop,
    s.Undo: deciding.undo,
    s.Retry: deciding.retry,
    s.MarkDone: deciding.mark_done,
    s.DropKept: deciding.drop_kept,
    s.SkipRehearsal: deciding.skip_rehearsal,
    s.Note: noting.note,
    s.Tick: noting.tick,
    s.Freeze: noting.freeze,
    s.Unfreeze: noting.unfreeze,
}


async def handle(context: Context, spoken: s.Spoken, nonce: str = "") -> Reply:
    """Answer what was said. Raises RequestError (for the asker alone) and store errors.

    `nonce` is the button's, "" for typed words. A decision that was refused is in the journal.
    """
    return await HANDLERS[type(spoken)](context.pressed(nonce), spoken)


__all__ = ["Context", "Service", "handle"]
