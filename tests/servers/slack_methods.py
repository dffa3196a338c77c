"""The Web API methods that an app like ours may call, each as its reference describes it.

docs.slack.dev/reference/methods (November 2026). A call that a correct app would not make is also
recorded as a violation; a call that merely came too late (message deleted, channel archived) is
only refused.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.servers import slack_blocks
from tests.servers.slack_faults import Faults
from tests.servers.slack_world import BOT, BOT_ID, TEAM, Form, Json, Message, RefusalError, World

_EVENT_TYPE = re.compile(r"[A-Za-z0-9_]{1,255}")


@dataclass(frozen=True, slots=True)
class Method:
    """How one method is called: token prefix, scope, arguments."""

    token: str
    scope: str
    required: frozenset[str]
    optional: frozenset[str]
    call: Callable[[Methods, Json], Json]


class Methods:
    """Carries calls out on the world."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world, self.faults = world, faults

    def auth_test(self, arguments: Json) -> Json:
        return {
            "url": "https://samokoder.slack.com/",
            "team": "Samokoder",
            "user": "rollbot",
            "team_id": TEAM,
            "user_id": BOT,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def post(self, arguments: Json) -> Json:
        channel = self.world.writable(arguments["channel"])
        if thread_ts := arguments.get("thread_ts"):
            self.world.message(channel.id, thread_ts)
        message = self._message(channel.id, arguments)
        self.world.messages.append(message)
        return {
            "channel": channel.id,
            "ts": message.ts,
            "message": message.as_json(with_metadata=True),
        }

    def update(self, arguments: Json) -> Json:
        channel = self.world.writable(arguments["channel"])
        message = self.world.message(channel.id, arguments["ts"])
        if message.is_frozen:
            raise RefusalError("edit_window_closed")
        said = self._message(channel.id, arguments)
        message.edit(said.text, said.blocks)
        return {
            "channel": channel.id,
            "ts": message.ts,
            "text": message.text,
            "message": message.as_json(),
        }

    def post_ephemeral(self, arguments: Json) -> Json:
        channel = self.world.writable(arguments["channel"])
        if arguments["user"] not in channel.members:
            raise RefusalError("user_not_in_channel")
        message = self._message(channel.id, arguments)
        message.to = arguments["user"]
        self.world.ephemerals.append(message)
        return {"message_ts": message.ts}

    def permalink(self, arguments: Json) -> Json:
        message = self.world.message(arguments["channel"], arguments["message_ts"])
        stamp = message.ts.replace(".", "")
        link = f"https://samokoder.slack.com/archives/{message.channel}/p{stamp}"
        return {"channel": message.channel, "permalink": link}

    def open_direct(self, arguments: Json) -> Json:
        if self.world.person(arguments["users"]).is_bot:
            raise RefusalError("cannot_dm_bot")
        return {"channel": {"id": self.world.direct(arguments["users"]).id}}

    def history(self, arguments: Json) -> Json:
        found = [one for one in self._standing(arguments) if one.thread_ts is None]
        return self._page(arguments, sorted(found, key=lambda one: one.ts, reverse=True))

    def replies(self, arguments: Json) -> Json:
        root = arguments["ts"]
        found = [one for one in self._standing(arguments) if root in (one.ts, one.thread_ts)]
        if not found:
            raise RefusalError("thread_not_found")
        return self._page(arguments, sorted(found, key=lambda one: one.ts))

    def open_view(self, arguments: Json) -> Json:
        user = self.world.use_trigger(arguments["trigger_id"])
        self._check_view(arguments["view"])
        form = Form(f"V{self.world.serial()}", user, copy.deepcopy(arguments["view"]), "h1")
        self.world.forms[form.id] = form
        return {"view": form_json(form)}

    def update_view(self, arguments: Json) -> Json:
        form = self.world.forms.get(arguments["view_id"])
        if form is None or not form.is_open:
            raise RefusalError("not_found")
        if arguments.get("hash") not in (None, form.hash):
            raise RefusalError("hash_conflict")
        self._check_view(arguments["view"])
        form.view, form.hash = copy.deepcopy(arguments["view"]), f"h{self.world.serial()}"
        return {"view": form_json(form)}

    def user_info(self, arguments: Json) -> Json:
        person = self.world.person(arguments["user"])
        return {
            "user": {
                "id": person.id,
                "team_id": person.team_id,
                "name": person.name,
                "deleted": False,
                "is_bot": person.is_bot,
                "is_restricted": person.is_guest,
                "is_ultra_restricted": False,
                "is_stranger": person.is_stranger,
                "profile": {"display_name": person.name, "real_name": person.name},
            }
        }

    def _message(self, channel: str, arguments: Json) -> Message:
        text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
        if not text.strip():
            self.world.violation("text is missing: phones notify with it")
            raise RefusalError("no_text")
        self._check_blocks(text, blocks)
        return Message(
            channel=channel,
            ts=self.world.new_ts(),
            text=text,
            blocks=copy.deepcopy(blocks),
            thread_ts=arguments.get("thread_ts"),
            metadata=self._metadata(arguments.get("metadata")),
        )

    def _check_blocks(self, text: str, blocks: list[Json]) -> None:
        if self.faults.refused_blocks & {block.get("type") for block in blocks}:
            raise RefusalError(
                "invalid_blocks", response_metadata={"messages": ["unsupported type"]}
            )
        if faults := slack_blocks.message_faults(blocks):
            self.world.violation(f"invalid_blocks: {'; '.join(faults)}")
            raise RefusalError("invalid_blocks", response_metadata={"messages": faults})
        total = sum(slack_blocks.units(one) for one in slack_blocks.texts(blocks))
        if total > slack_blocks.MESSAGE_TEXT_MAX:
            self.world.violation(f"msg_blocks_too_long: {total} characters")
            raise RefusalError("msg_blocks_too_long")
        if slack_blocks.units(text) > 4000:
            self.world.violation(f"text of {slack_blocks.units(text)} is cut at 4,000")

    def _metadata(self, metadata: Json | None) -> Json | None:
        if metadata is None:
            return None
        right = (
            set(metadata) == {"event_type", "event_payload"}
            and _EVENT_TYPE.fullmatch(str(metadata["event_type"]))
            and isinstance(metadata["event_payload"], dict)
        )
        if not right:
            self.world.violation(f"invalid_metadata_format: {metadata}")
            raise RefusalError("invalid_metadata_format")
        return copy.deepcopy(metadata)

    def _check_view(self, view: Json) -> None:
        if faults := slack_blocks.view_faults(view):
            self.world.violation(f"invalid view: {'; '.join(faults)}")
            raise RefusalError("invalid_arguments", response_metadata={"messages": faults})

    def _standing(self, arguments: Json) -> list[Message]:
        channel = self.world.channel(arguments["channel"])
        if BOT not in channel.members:
            raise RefusalError("not_in_channel")
        after = float(arguments.get("oldest") or 0)
        return [
            one
            for one in self.world.messages
            if one.channel == channel.id and not one.is_deleted and float(one.ts) > after
        ]

    def _page(self, arguments: Json, found: list[Message]) -> Json:
        start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
        shown = found[start : start + limit]
        more = start + limit < len(found)
        with_metadata = str(arguments.get("include_all_metadata")).lower() in {"1", "true"}
        return {
            "messages": [one.as_json(with_metadata=with_metadata) for one in shown],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + limit) if more else ""},
        }


def form_json(form: Form) -> Json:
    """A form as the API and the payloads show it, without its state."""
    return {**form.view, "id": form.id, "hash": form.hash, "team_id": TEAM, "type": "modal"}


def _method(
    call: Callable[[Methods, Json], Json],
    scope: str,
    required: str = "",
    optional: str = "",
    token: str = "xoxb-",
) -> Method:
    return Method(token, scope, frozenset(required.split()), frozenset(optional.split()), call)


_SAID = "text blocks unfurl_links unfurl_media mrkdwn parse link_names"
_PAGED = "cursor limit oldest latest inclusive include_all_metadata"
METHODS: dict[str, Method] = {
    "auth.test": _method(Methods.auth_test, "", optional="team_id"),
    "chat.postMessage": _method(
        Methods.post, "chat:write", "channel", f"{_SAID} thread_ts metadata reply_broadcast"
    ),
    "chat.update": _method(
        Methods.update, "chat:write", "channel ts", f"{_SAID} metadata reply_broadcast"
    ),
    "chat.postEphemeral": _method(
        Methods.post_ephemeral, "chat:write", "channel user", f"{_SAID} thread_ts"
    ),
    "chat.getPermalink": _method(Methods.permalink, "", "channel message_ts"),
    "conversations.open": _method(Methods.open_direct, "im:write", "users", "return_im"),
    "conversations.history": _method(Methods.history, "channels:history", "channel", _PAGED),
    "conversations.replies": _method(Methods.replies, "channels:history", "channel ts", _PAGED),
    "views.open": _method(Methods.open_view, "", "view trigger_id"),
    "views.update": _method(Methods.update_view, "", "view view_id", "hash"),
    "users.info": _method(Methods.user_info, "users:read", "user", "include_locale"),
}
