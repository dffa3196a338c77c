"""Notes, checklist ticks, and the freeze of deploys."""

from __future__ import annotations

from commands.domain import command as c
from commands.domain import spoken as s
from commands.domain.reply import Reply, Said
from commands.handlers.context import Context


async def note(context: Context, spoken: s.Note) -> Reply:
    """Words for the post-mortem."""
    decision = await context.carry(c.Note(context.actor(), spoken.words), spoken.rollback)
    return Said(decision.answer)


async def tick(context: Context, spoken: s.Tick) -> Reply:
    """Confirm a checklist point, or take that back."""
    command = c.Confirm(context.actor(), spoken.point, spoken.done)
    decision = await context.carry(command, spoken.rollback)
    return Said(decision.answer)


async def freeze(context: Context, spoken: s.Freeze) -> Reply:
    """No deploys from now on."""
    decision = await context.carry(c.FreezeDeploys(context.actor(), spoken.reason))
    return Said(decision.answer)


async def unfreeze(context: Context, spoken: s.Unfreeze) -> Reply:
    """Deploys may go on."""
    decision = await context.carry(c.UnfreezeDeploys(context.actor(), spoken.reason))
    return Said(decision.answer)
