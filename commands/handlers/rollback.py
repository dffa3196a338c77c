"""`/rollback api v1.2.3`: ask for a rollback."""

from __future__ import annotations

from commands.domain.command import Ask
from commands.domain.reply import Reply, Said
from commands.domain.spoken import RollbackWords
from commands.handlers.context import Context


async def handle(context: Context, spoken: RollbackWords) -> Reply:
    """Journal the request and call a worker to survey; the card appears by the relay."""
    command = Ask(context.actor(), spoken.request, context.home)
    decision = await context.carry(command)
    return Said(decision.answer)
