"""Patience with Redis on the event loop."""

from __future__ import annotations

import asyncio

import pytest

from commands.store.connection import patiently_async


async def test_a_cancellation_that_the_client_lost_is_found_again() -> None:
    """A call that swallows its cancellation, as redis-py's may, does not keep its task alive."""
    begun = asyncio.Event()

    async def deaf() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done at that very moment"
        return "never"

    task = asyncio.create_task(patiently_async(deaf))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
