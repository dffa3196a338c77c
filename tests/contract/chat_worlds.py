"""The chats that the suite in `test_chat.py` runs on, each seen from the other side.

A world plays the people and looks at what they see. Another platform is one more class here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

from pydantic import SecretStr

from bot.telegram import connect
from commands.domain.conversation import Incoming, MessageRef
from commands.domain.errors import ChatError
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.ports import Chat
from commands.settings import TelegramSettings
from tests.contract.chat_world_slack import slack_world
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FixedClock
from tests.fakes.desk import RecordingDesk
from tests.servers.telegram import TelegramServer


class ChatWorld(Protocol):
    """A channel with one person in it who has also opened a private chat with us."""

    channel: Channel
    person: Identity

    @property
    def chat(self) -> Chat:
        """What is tested."""
        ...

    async def say(self, words: str) -> Incoming:
        """The person says `/rollback <words>` in the channel."""
        ...

    def shown(self, message: MessageRef) -> str:
        """The text of a message as it stands now."""
        ...

    def in_channel(self) -> list[str]:
        """Texts that we have said in the channel, and that all there can read."""
        ...

    def in_private(self) -> list[str]:
        """Texts that only the person can read."""
        ...

    def root_of(self, message: MessageRef) -> str:
        """The message whose thread a message is in; "" if none."""
        ...

    async def delete(self, message: MessageRef) -> None: ...

    async def break_next_call(self) -> None:
        """The next call fails before it is carried out."""
        ...

    async def lose_next_answer(self) -> None:
        """The next post is carried out, and we are not told."""
        ...


class FakeWorld:
    """The in-memory chat, which relay and desk are tested with."""

    def __init__(self) -> None:
        self.chat = FakeChat()
        self.channel = Channel(platform="console", channel="incidents")
        self.person = Identity(platform="console", user="anna")

    async def say(self, words: str) -> Incoming:
        return Incoming(
            delivery_id=f"said:{words}",
            kind="words",
            words=words,
            identity=self.person,
            home=self.channel,
            received_at=datetime(2026, 11, 22, 3, tzinfo=UTC),
        )

    def shown(self, message: MessageRef) -> str:
        posted = self.chat.find(message)
        return posted.card.plain if posted else ""

    def in_channel(self) -> list[str]:
        return [p.card.plain for p in self.chat.posts if p.address.person is None]

    def in_private(self) -> list[str]:
        direct = [p.card.plain for p in self.chat.posts if p.address.person is not None]
        return direct + [card.plain for _, card in self.chat.whispers]

    def root_of(self, message: MessageRef) -> str:
        posted = self.chat.find(message)
        return posted.address.thread if posted else ""

    async def delete(self, message: MessageRef) -> None:
        posted = self.chat.find(message)
        assert posted is not None
        posted.gone = True

    async def break_next_call(self) -> None:
        self.chat.failures.append(ChatError("console", "down"))

    async def lose_next_answer(self) -> None:
        self.chat.lose_answers = 1


class TelegramWorld:
    """The real adapter on the local Telegram."""

    def __init__(self, server: TelegramServer, chat: Chat, desk: RecordingDesk) -> None:
        self.server, self.chat, self.desk = server, chat, desk
        self.group = server.group("Incidents")
        self.anna = server.user("Anna")
        self.channel = Channel(platform="telegram", channel=str(self.group.id))
        self.person = Identity(platform="telegram", user=str(self.anna.id))

    async def say(self, words: str) -> Incoming:
        await self.server.say(self.anna, self.group, f"/rollback {words}")
        return await self.desk.heard()

    def shown(self, message: MessageRef) -> str:
        chat = self.server.chat_by_id(message.channel)
        found = self.server.message(chat, int(message.message_id))
        return found.text if found else ""

    def in_channel(self) -> list[str]:
        return [m.text for m in self.server.messages(self.group)]

    def in_private(self) -> list[str]:
        return [m.text for m in self.server.messages(self.server.private(self.anna))]

    def root_of(self, message: MessageRef) -> str:
        found = self.server.message(self.group, int(message.message_id))
        return str(found.reply_to) if found and found.reply_to else ""

    async def delete(self, message: MessageRef) -> None:
        found = self.server.message(self.group, int(message.message_id))
        assert found is not None
        await self.server.delete(found)

    async def break_next_call(self) -> None:
        self.server.fail(1, "500")

    async def lose_next_answer(self) -> None:
        self.server.fail(1, "lost", method="sendMessage")


@asynccontextmanager
async def fake_world() -> AsyncIterator[ChatWorld]:
    yield FakeWorld()


@asynccontextmanager
async def telegram_world() -> AsyncIterator[ChatWorld]:
    desk = RecordingDesk()
    async with TelegramServer() as server:
        settings = TelegramSettings(SecretStr(server.token), server.api_url)
        connected = connect(settings, desk, FixedClock())
        await connected.start()
        await server.wait_for(lambda: len(server.commands) == 9)  # so that faults meet the suite
        yield TelegramWorld(server, connected.chat, desk)
        await connected.stop()
        server.assert_clean()


WORLDS: dict[str, Callable[[], AbstractAsyncContextManager[ChatWorld]]] = {
    "fake": fake_world,
    "slack": slack_world,
    "telegram": telegram_world,
}
