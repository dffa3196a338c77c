"""Writers of one process take turns, and none waits for ever."""

from __future__ import annotations

import asyncio

from commands.store.turns import Turns


async def test_one_writes_at_a_time() -> None:
    """While one holds the turn, the others wait; all get it."""
    turns, inside, most = Turns(), 0, 0

    async def write() -> None:
        nonlocal inside, most
        async with turns.taken():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(write() for _ in range(20)))

    assert (most, inside) == (1, 0)


async def test_nobody_waits_for_ever() -> None:
    """Behind a writer that hangs, the next goes on without the turn and takes nothing with it."""
    turns, hanging = Turns(wait_s=0.01), asyncio.Event()

    async def hang() -> None:
        async with turns.taken():
            await hanging.wait()

    stuck = asyncio.create_task(hang())
    await asyncio.sleep(0)
    async with turns.taken():
        went_on = True
    hanging.set()
    await stuck
    async with turns.taken():
        pass

    assert went_on
