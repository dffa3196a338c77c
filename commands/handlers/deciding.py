"""Approve, deny, withdraw, cancel, stop, undo, retry, done: decisions about one rollback."""

from __future__ import annotations

from commands.domain import command as c
from commands.domain import spoken as s
from commands.domain.errors import RefusedError
from commands.domain.reply import Reply, Said
from commands.handlers.context import Context


async def approve(context: Context, spoken: s.Approve) -> Reply:
    """A yes in one's own role."""
    return await _carry(context, c.Approve(context.actor(), context.nonce), spoken.rollback)


async def deny(context: Context, spoken: s.Deny) -> Reply:
    """A no, with its reason."""
    command = c.Deny(context.actor(), spoken.reason, context.nonce)
    return await _carry(context, command, spoken.rollback)


async def withdraw(context: Context, spoken: s.Withdraw) -> Reply:
    """Take one's own yes back."""
    return await _carry(context, c.Withdraw(context.actor()), spoken.rollback)


async def cancel(context: Context, spoken: s.Cancel) -> Reply:
    """Let a request go; leave a half-done one as it is, by its row."""
    return await _carry(context, c.Cancel(context.actor()), spoken.rollback)


async def stop(context: Context, spoken: s.Stop) -> Reply:
    """Finish the step, then ask. Without an id: whatever holds the slot."""
    rollback_id = spoken.rollback or await _running(context)
    return await _carry(context, c.Stop(context.actor()), rollback_id)


async def undo(context: Context, spoken: s.Undo) -> Reply:
    """Walk back what a rollback changed."""
    return await _recover(context, "undo", spoken.rollback, spoken.reason)


async def retry(context: Context, spoken: s.Retry) -> Reply:
    """Try the step again, or go on after a stop."""
    return await _recover(context, "retry", spoken.rollback)


async def mark_done(context: Context, spoken: s.MarkDone) -> Reply:
    """Say that the step is done."""
    return await _recover(context, "mark_done", spoken.rollback)


async def drop_kept(context: Context, spoken: s.DropKept) -> Reply:
    """Let the kept database of an ended rollback go, by its row."""
    return await _recover(context, "drop_kept", spoken.rollback)


async def skip_rehearsal(context: Context, spoken: s.SkipRehearsal) -> Reply:
    """Go on without the rehearsal, under one's own name."""
    command = c.SkipRehearsal(context.actor(), spoken.reason, context.nonce)
    return await _carry(context, command, spoken.rollback)


async def _recover(
    context: Context, verb: c.RecoveryVerb, rollback_id: str, reason: str = ""
) -> Reply:
    command = c.Recover(context.actor(), verb, context.nonce, reason)
    return await _carry(context, command, rollback_id)


async def _carry(context: Context, command: c.Command, rollback_id: str) -> Reply:
    decision = await context.carry(command, rollback_id)
    return Said(decision.answer)


async def _running(context: Context) -> str:
    slot = (await context.service.book.environment()).slot
    if slot is None:
        raise RefusedError("refused.nothing_runs", environment=context.service.environment)
    return slot.rollback_id
