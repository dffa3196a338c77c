"""The webhook from Telegram's side: updates are brought one by one until they are taken.

https://core.telegram.org/bots/api#setwebhook: the secret comes in a header, and what is not
answered with 2xx is brought again. One connection, as the bot asks for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

import aiohttp

from tests.servers.telegram_model import Json
from tests.servers.telegram_world import World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
AGAIN_S = 0.05


async def carry(world: World, changed: asyncio.Condition, is_down: Callable[[], bool]) -> None:
    """Bring updates in their order, for as long as a webhook is set. Runs until cancelled."""

    def next_update() -> Json | None:
        if not world.webhook or is_down():
            return None
        return next((u for u in world.updates if world.webhook_kinds & set(u)), None)

    async with aiohttp.ClientSession() as session:
        while True:
            async with changed:
                await changed.wait_for(lambda: next_update() is not None)
            update = next_update()
            if update is None:
                continue
            is_taken = await _taken(session, world, update)
            if is_taken:
                world.updates = [u for u in world.updates if u is not update]
            await world.announce()
            if not is_taken:
                await asyncio.sleep(AGAIN_S)


async def post(url: str, update: Json, headers: Mapping[str, str]) -> int:
    """What any request at all is answered with."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=update, headers=headers) as answer,
    ):
        return answer.status


async def _taken(session: aiohttp.ClientSession, world: World, update: Json) -> bool:
    headers = {SECRET_HEADER: world.webhook_secret}
    if "callback_query" in update:
        world.presses[update["callback_query"]["id"]].fetched = True
    try:
        async with session.post(world.webhook, json=update, headers=headers) as answer:
            status = answer.status
    except aiohttp.ClientError as error:
        world.webhook_error = {"last_error_message": type(error).__name__, "last_error_date": 1}
        return False
    if status != HTTPStatus.OK:
        why = f"Wrong response from the webhook: {status}"
        world.webhook_error = {"last_error_message": why, "last_error_date": 1}
    return status == HTTPStatus.OK
