"""The words of the chat from a shell, and the terminal chat for when the others are down.

The shell's user is the person whose OS login the runbook names, with no more rights than in chat.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from datetime import UTC, datetime
from uuid import uuid4

import click

from bot.cards import reply_card
from bot.console.chat import ConsoleChat
from bot.console.listener import ConsoleListener
from bot.desk import Desk
from bot.main import SystemClock, open_services
from bot.relay import Relay
from commands.domain.errors import RefusedError
from commands.domain.people import Identity
from commands.domain.plan import Phase
from commands.domain.reply import Said
from commands.domain.runbook import Channel, Runbook
from commands.domain.spoken import RollbackWords, Spoken
from commands.domain.state import RollbackState, Status, StepStatus
from commands.grammar import parse_arguments
from commands.handlers import Context, Service, handle
from commands.runbook import read_runbook
from commands.settings import Settings, read_settings
from rollbot.processes import only_known, served

GOOD_ENDS = (Status.SUCCEEDED, Status.UNDONE, Status.REHEARSED)
LOOK_S = 0.1


def login() -> str:
    """The OS login of this process; variables such as $USER say nothing about who it is."""
    return pwd.getpwuid(os.getuid()).pw_name


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def rollback(words: tuple[str, ...]) -> None:
    """Say it as in the chat: `rollbot rollback --service=api --to-version=v1.2.3 --dry-run`."""
    settings = read_settings()
    runbook = read_runbook(settings.runbook)
    spoken = parse_arguments(words, runbook)
    sys.exit(asyncio.run(say_once(settings, runbook, spoken)))


async def say_once(settings: Settings, runbook: Runbook, spoken: Spoken) -> int:
    """Carry the words out and show what follows; 0 when it ended well, 1 when it did not."""
    environment = environment_of(spoken, settings, runbook)
    services = one_service(environment, settings, runbook)
    who = Identity(platform="console", user=login())
    person = runbook.person_of(who)
    context = Context(
        service=services[environment],
        runbook=runbook,
        person=person,
        identity=who,
        home=Channel(platform="console", channel=environment),
    )
    reply = await handle(context, spoken)
    language = (runbook.people[person].language if person else None) or runbook.language
    chat = ConsoleChat(sys.stdout)
    chat.show(reply_card(reply, runbook, language, datetime.now(UTC)))
    if not isinstance(spoken, RollbackWords) or not isinstance(reply, Said):
        return 0
    # The answer names it: a request that joined one does not lead to the newest.
    return await follow(chat, runbook, services, environment, str(reply.text.params["id"]))


async def follow(
    chat: ConsoleChat,
    runbook: Runbook,
    services: dict[str, Service],
    environment: str,
    rollback_id: str,
) -> int:
    """Show one rollback until it ends. Leaving (Ctrl-C) leaves it running."""
    relay = Relay(
        chat=chat,
        runbook=runbook,
        services=services,
        clock=SystemClock(),
        keep=False,
        only=rollback_id,
    )
    running = asyncio.create_task(relay.run())
    try:
        while True:
            state = await services[environment].book.rollback(rollback_id)
            if state is not None and is_over(state):
                await relay.settled()
                return 0 if state.status in GOOD_ENDS else 1
            await asyncio.sleep(LOOK_S)
    finally:
        running.cancel()


def is_over(state: RollbackState) -> bool:
    """Whether nothing more will happen: it ended, and its clean-up was done or has failed."""
    done_with = (StepStatus.DONE, StepStatus.FAILED)
    cleaning = (state.record(step.number) for step in state.planned(Phase.CLEAN_UP))
    return state.status.ended and all(record.status in done_with for record in cleaning)


def environment_of(spoken: Spoken, settings: Settings, runbook: Runbook) -> str:
    """Which environment is meant.

    Raises RefusedError for one that the runbook does not know, SettingsError when it is not clear.
    """
    if isinstance(spoken, RollbackWords):
        only_known(settings.served, runbook)
        return spoken.request.environment
    return served(settings, runbook, "")


def one_service(environment: str, settings: Settings, runbook: Runbook) -> dict[str, Service]:
    """The environment's memory, and no other's: nobody needs staging's key for production.

    Raises RefusedError for an environment that ROLLBOT_ENV keeps this host from, SettingsError
    without its key.
    """
    if settings.served and environment not in settings.served:
        raise RefusedError("shell.not_served", environment=environment, served=settings.served)
    alone = settings.model_copy(update={"environments": environment})
    return open_services(alone, runbook)


@click.command()
@click.option("--env", "named", default="", help="The environment to talk to.")
def console(named: str) -> None:
    """Talk to rollbot in the terminal; works without Slack, Telegram and the bot."""
    settings = read_settings()
    runbook = read_runbook(settings.runbook)
    asyncio.run(talk(settings, runbook, served(settings, runbook, named), login()))


async def talk(settings: Settings, runbook: Runbook, environment: str, user: str) -> None:
    """Read words from standard input until it ends, as one person of the runbook."""
    who = Identity(platform="console", user=user)
    if runbook.person_of(who) is None:
        raise RefusedError("refused.unknown_person", platform="console", account=user)
    services = one_service(environment, settings, runbook)
    clock = SystemClock()
    chat = ConsoleChat(sys.stdout)
    desk = Desk(runbook=runbook, services=services, clock=clock, chats={"console": chat})
    relay = Relay(chat=chat, runbook=runbook, services=services, clock=clock, keep=False)
    home = Channel(platform="console", channel=environment)
    listener = ConsoleListener(desk, chat, who, home, session=uuid4().hex)
    running = asyncio.create_task(relay.run())
    try:
        await listener.run(sys.stdin)
        await desk.drain()
    finally:
        running.cancel()
