"""A local stand-in for Slack: Web API and Socket Mode on loopback, with strict checks.

Nothing here knows rollbot. A test speaks as a person (`slash`, `click`, `submit`), looks at what
people see (`messages`, `ephemerals`), breaks things (`faults`, `down`) and, at teardown, asserts
that `violations` is empty: it names everything that a correct app would never have sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web

from tests.engines.ports import free_port
from tests.servers import slack_blocks
from tests.servers.slack_faults import Fault, Faults, Rates
from tests.servers.slack_http import RequestUrl
from tests.servers.slack_methods import form_json
from tests.servers.slack_socket import Delivery, Socket
from tests.servers.slack_wire import APP_TOKEN, BOT_TOKEN, Call, Wire
from tests.servers.slack_world import (
    APP,
    BOT,
    PATIENCE_S,
    TEAM,
    Channel,
    Form,
    Json,
    Message,
    Person,
    World,
)

__all__ = ["APP_TOKEN", "BOT", "BOT_TOKEN", "TEAM", "Delivery", "Fault", "Message", "Slack"]

T = TypeVar("T")
ALL_SCOPES = frozenset(
    {
        "channels:history",
        "chat:write",
        "commands",
        "groups:history",
        "im:history",
        "im:write",
        "users:read",
    }
)


class Slack:
    """One workspace with one installed app. Use `async with Slack.running() as slack`."""

    def __init__(self, scopes: frozenset[str] = ALL_SCOPES) -> None:
        self.world = World()
        self.socket = Socket(self.world)
        self.line: Socket | RequestUrl = self.socket
        self._wire = Wire(self.world, self.socket, scopes)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, scopes: frozenset[str] = ALL_SCOPES) -> AsyncIterator[Slack]:
        """A workspace that answers on a free port of 127.0.0.1."""
        slack = cls(scopes)
        # Nobody may get it while Slack is away, not as the near end of a connection either.
        slack._port = free_port()
        slack._runner = web.AppRunner(slack._wire.application(), shutdown_timeout=0.5)
        await slack._runner.setup()
        await slack.up()
        try:
            yield slack
        finally:
            await slack.socket.drop()
            await slack._runner.cleanup()

    # -- where it is, what it saw ------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """What `SLACK_API_URL` is set to; ends with a slash, as slack_sdk wants it."""
        return f"{self._wire.origin}/api/"

    @property
    def faults(self) -> Faults:
        return self._wire.faults

    @property
    def rates(self) -> Rates:
        return self._wire.rates

    @property
    def violations(self) -> list[str]:
        return self.world.violations

    def all_calls(self) -> list[Call]:
        """Everything that the app ever sent, oldest first."""
        return list(self._wire.calls)

    def calls(self, method: str) -> list[Call]:
        return [call for call in self._wire.calls if call.method == method]

    def messages(self, channel: str, thread: Message | None = None) -> list[Message]:
        """What stands in a channel, or in the thread under one message, oldest first."""
        root = thread.ts if thread else None
        return [
            one
            for one in self.world.messages
            if one.channel == channel and one.thread_ts == root and not one.is_deleted
        ]

    def ephemerals(self, user: str) -> list[Message]:
        """What one person alone was shown, oldest first, command answers included."""
        return [one for one in self.world.ephemerals if one.to == user]

    def directs(self, user: str) -> list[Message]:
        """What stands in the app's direct conversation with one person."""
        return self.messages(self.world.direct(user).id)

    async def wait_for(self, predicate: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
        """First truthy answer of `predicate`; asked again whenever anything happened."""
        return await self.world.wait_for(predicate, timeout_s)

    def call_at(self, url: str, signing_secret: str) -> RequestUrl:
        """HTTP mode: from now on the app is called at `url`. What calls it, for odd requests."""
        self.line = RequestUrl(self.world, url, signing_secret)
        return self.line

    # -- the workspace -----------------------------------------------------------------------

    def person(self, user: str, name: str = "", *, guest: bool = False, team: str = TEAM) -> Person:
        """Let somebody be seen; `team` other than ours makes a stranger of a shared channel."""
        self.world.people[user] = Person(user, name or user.lower(), team, guest)
        return self.world.people[user]

    def channel(self, channel: str, *members: str, name: str = "", private: bool = False) -> None:
        """A channel with the app and these people in it."""
        everybody = {BOT, *members}
        self.world.channels[channel] = Channel(
            channel, name or channel.lower(), everybody, is_private=private
        )

    def archive(self, channel: str) -> None:
        self.world.channels[channel].is_archived = True

    def delete(self, message: Message) -> None:
        message.is_deleted = True
        self.world.touch()

    async def down(self) -> None:
        """Slack is away: connections are refused, open ones break."""
        self._wire.is_down = True
        if self._site is not None:
            await self._site.stop()
        await self.socket.drop()

    async def up(self) -> None:
        """Slack is back, at the same address."""
        if self._runner is None:
            raise RuntimeError("use Slack.running()")
        self._wire.is_down = False
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]
        self._wire.origin = f"http://127.0.0.1:{self._port}"

    # -- what people do ----------------------------------------------------------------------

    async def slash(
        self, user: str, channel: str, command: str, text: str = "", *, wait_s: float = PATIENCE_S
    ) -> Delivery:
        """Type a command; `command` may hold the text too (`/rollback api v1.2.3`)."""
        word, _, rest = command.partition(" ")
        who = self.world.people[user]
        payload = {
            "token": "deprecated",
            "team_id": who.team_id,
            "team_domain": "samokoder",
            "channel_id": channel,
            "channel_name": self.world.channels[channel].name,
            "user_id": user,
            "user_name": who.name,
            "command": word,
            "text": text or rest,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": self._wire.new_response_url(channel, user),
            "trigger_id": self.world.new_trigger(user),
        }
        delivery = await self.line.send("slash_commands", payload, wait_s=wait_s)
        if delivery.ack_payload and (said := delivery.ack_payload.get("text")):
            blocks = delivery.ack_payload.get("blocks") or []
            answer = Message(channel, self.world.new_ts(), said, blocks, to=user)
            self.world.ephemerals.append(answer)
        return delivery

    async def click(
        self,
        user: str,
        message: Message,
        action_id: str,
        *,
        confirm: bool = False,
        value: str | None = None,
    ) -> Delivery:
        """Press a button that stands in a message. `value` forges what the button carries.

        `confirm` must be given exactly when the button asks for confirmation.
        """
        button = next((one for one in message.buttons if one["action_id"] == action_id), None)
        if button is None:
            known = [one["action_id"] for one in message.buttons]
            raise LookupError(f"no {action_id} among {known}")
        if confirm != ("confirm" in button):
            raise AssertionError(f"{action_id}: confirmation is {'confirm' in button}")
        payload = self._interaction("block_actions", user) | {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": message.to is not None,
            },
            "channel": {
                "id": message.channel,
                "name": self.world.channels[message.channel].name,
            },
            "message": message.as_json(),
            "state": {"values": {}},
            "response_url": self._wire.new_response_url(message.channel, user),
            "actions": [self._action(button, value)],
        }
        return await self.line.send("interactive", payload)

    def button(self, message: Message, label: str) -> str:
        """Action id of the button whose label contains `label`."""
        for one in message.buttons:
            if label in one.get("text", {}).get("text", ""):
                action_id: str = one["action_id"]
                return action_id
        labels = [one.get("text", {}).get("text") for one in message.buttons]
        raise LookupError(f"no button {label!r} among {labels}")

    async def resend(self, delivery: Delivery) -> Delivery:
        """The identical envelope or request once more, as after a lost acknowledgement."""
        return await self.line.again(delivery)

    # -- forms -------------------------------------------------------------------------------

    def form(self, user: str) -> Form | None:
        """The form that is open before somebody."""
        mine = [one for one in self.world.forms.values() if one.user == user and one.is_open]
        return mine[-1] if mine else None

    async def pick(self, user: str, action_id: str, value: str) -> Delivery:
        """Choose an option of a select that reports every choice (`dispatch_action`)."""
        form = self._open_form(user)
        element = _element(form, action_id)
        chosen = _option(form, element, value)
        action = self._action(element, None) | {"selected_option": chosen}
        payload = self._interaction("block_actions", user) | {
            "container": {"type": "view", "view_id": form.id},
            "view": form_json(form),
            "actions": [action],
        }
        return await self.line.send("interactive", payload)

    async def suggest(self, user: str, action_id: str, typed: str = "") -> list[Json]:
        """Options that an external select offers for what was typed so far."""
        form = self._open_form(user)
        element = _element(form, action_id)
        payload = self._interaction("block_suggestion", user) | {
            "action_id": action_id,
            "block_id": _block_id(form, action_id),
            "value": typed,
            "view": form_json(form),
            "container": {"type": "view", "view_id": form.id},
        }
        delivery = await self.line.send("interactive", payload)
        options: list[Json] = (delivery.ack_payload or {}).get("options", [])
        probe = {**element, "type": "static_select", "options": options}
        probe.pop("min_query_length", None)
        checked = [{"type": "actions", "elements": [probe]}]
        if options and (faults := slack_blocks.message_faults(checked)):
            self.world.violation(f"invalid options: {'; '.join(faults)}")
        form.suggested |= {one["value"]: one for one in options}
        return options

    async def submit(self, user: str, **values: str) -> Delivery:
        """Send the open form, `values` by action id. It closes unless the answer says otherwise."""
        form = self._open_form(user)
        view = form_json(form) | {"state": {"values": _state(form, values)}}
        payload = self._interaction("view_submission", user) | {"view": view, "response_urls": []}
        delivery = await self.line.send("interactive", payload)
        answer = delivery.ack_payload or {}
        if answer.get("response_action") == "errors":
            unknown = set(answer["errors"]) - set(view["state"]["values"])
            if unknown:
                self.world.violation(f"errors for unknown blocks {sorted(unknown)}")
        elif answer.get("response_action") == "update":
            form.view = answer["view"]
        else:
            form.is_open = False
        return delivery

    # -- payload parts -----------------------------------------------------------------------

    def _open_form(self, user: str) -> Form:
        form = self.form(user)
        if form is None:
            raise LookupError(f"no form is open before {user}")
        return form

    def _interaction(self, kind: str, user: str) -> Json:
        who = self.world.people[user]
        return {
            "type": kind,
            "token": "deprecated",
            "api_app_id": APP,
            "team": {"id": TEAM, "domain": "samokoder"},
            "enterprise": None,
            "is_enterprise_install": False,
            "user": {
                "id": user,
                "username": who.name,
                "name": who.name,
                "team_id": who.team_id,
            },
            "trigger_id": self.world.new_trigger(user),
        }

    def _action(self, element: Json, value: str | None) -> Json:
        action = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": element.get("block_id", "b1"),
            "action_ts": self.world.new_ts(),
        }
        if element["type"] == "button":
            action |= {"text": element["text"], "value": value or element.get("value", "")}
        return action


def _inputs(form: Form) -> list[tuple[str, Json]]:
    found = []
    for block in form.view["blocks"]:
        parts = [block.get("element"), block.get("accessory"), *block.get("elements", [])]
        found += [
            (block.get("block_id", "b1"), part)
            for part in parts
            if isinstance(part, dict) and "action_id" in part
        ]
    return found


def _element(form: Form, action_id: str) -> Json:
    for _, element in _inputs(form):
        if element["action_id"] == action_id:
            return element
    raise LookupError(f"no {action_id} in the form")


def _block_id(form: Form, action_id: str) -> str:
    return next(block for block, element in _inputs(form) if element["action_id"] == action_id)


def _option(form: Form, element: Json, value: str) -> Json:
    offered = element.get("options") or list(form.suggested.values())
    for option in offered:
        if option["value"] == value:
            return dict(option)
    raise LookupError(f"{value!r} is not offered by {element['action_id']}")


def _state(form: Form, values: dict[str, str]) -> Json:
    """`state.values` of a submission: every input, filled in or not."""
    state: Json = {}
    for block_id, element in _inputs(form):
        action_id, kind = element["action_id"], element["type"]
        if kind == "button":
            continue
        given = values.get(action_id)
        if kind == "plain_text_input":
            filled: Json = {"type": kind, "value": given}
        elif kind == "checkboxes":
            ticked = [_option(form, element, given)] if given else []
            filled = {"type": kind, "selected_options": ticked}
        elif given is None:
            filled = {"type": kind, "selected_option": element.get("initial_option")}
        else:
            filled = {"type": kind, "selected_option": _option(form, element, given)}
        state.setdefault(block_id, {})[action_id] = filled
    return state
