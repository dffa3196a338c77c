"""What goes between people and rollbot: incoming words and buttons, cards and buttons out.

A `Card` is platform-neutral and already in the reader's language; Slack, Telegram and the
terminal render it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator

from commands.domain.calling import NOBODY, Call
from commands.domain.people import Identity, Platform
from commands.domain.runbook import Channel
from commands.domain.spoken import SUBJECTS


class Standing(StrEnum):
    """What the platform says of the sender; only a member is listened to."""

    MEMBER = "member"
    GUEST = "guest"
    STRANGER = "stranger"
    BOT = "bot"
    ANONYMOUS = "anonymous"
    CHANNEL = "channel"
    FORWARD = "forward"


class Incoming(BaseModel):
    """One thing a person said or pressed, authenticated by its listener, before it is understood.

    `delivery_id` is the platform's own id of the event: the same id is the same event. `words` is
    what follows `/rollback` (`kind` "words"; a form's are made by its listener), or a button's
    opaque value (`kind` "button"). `home` is where it was said; `private` when that is a direct
    conversation. A platform's handle for a private answer stays with its listener.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    delivery_id: str
    kind: Literal["words", "button"]
    words: str
    identity: Identity
    standing: Standing = Standing.MEMBER
    display_name: str = ""
    home: Channel
    private: bool = False
    received_at: AwareDatetime

    @field_validator("words", "display_name")
    @classmethod
    def _writable(cls, said: str) -> str:
        """Half a character (a lone surrogate, which JSON can carry) could not be journaled."""
        return said.encode(errors="replace").decode()


class Tone(StrEnum):
    """How a card feels: the renderer picks the emoji or colour."""

    NEUTRAL = "neutral"
    WAITING = "waiting"
    WORKING = "working"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class StepLook(StrEnum):
    """How one step line looks."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SKIPPED = "skipped"
    UNDONE = "undone"


class Tick(StrEnum):
    """How one checklist line looks. Unknown is never green."""

    DONE = "done"
    OPEN = "open"
    UNKNOWN = "unknown"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain sentences. `title`, when given, stands bold before them."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """Label and value pairs."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the plan. `seconds` is how long it took or takes; None before it began."""

    look: StepLook
    title: str
    detail: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """Step progress, in order."""

    title: str
    lines: tuple[StepLine, ...]


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One checklist point. `note` is the figure measured, or who ticked it and when."""

    tick: Tick
    title: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """The post-rollback checklist."""

    title: str
    lines: tuple[CheckLine, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text: commands, a tail of output."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's own words (a reason, a note), with who said them."""

    text: str
    by: str = ""


Block: TypeAlias = Paragraph | Fields | Steps | Checklist | Code | Quote


class ButtonStyle(StrEnum):
    """Primary is the expected way on, danger hurts."""

    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Confirm:
    """What is asked once more before a button that hurts takes effect."""

    title: str
    text: str
    yes: str
    no: str


@dataclass(frozen=True, slots=True)
class Button:
    """A button. `value` is opaque (<= 64 bytes ASCII) and decides nothing by itself.

    `action` is the verb, unique within a card together with `value`.
    """

    label: str
    action: str
    value: str
    style: ButtonStyle = ButtonStyle.PLAIN
    confirm: Confirm | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One message, ready to be rendered.

    `plain` is the line that stands alone on a lock screen; `headline` opens the card.
    `footer` is small print (times, ids). `call`: who is mentioned.
    """

    plain: str
    headline: str
    tone: Tone = Tone.NEUTRAL
    blocks: tuple[Block, ...] = ()
    buttons: tuple[Button, ...] = ()
    footer: str = ""
    call: Call = NOBODY


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes: a channel, its thread (`thread` = root message id), or a person.

    With `person` set the message is direct and `channel` only says the platform.
    """

    channel: Channel
    thread: str = ""
    person: Identity | None = None


class MessageRef(BaseModel):
    """Where a posted message is: enough to edit it later. `message_id`: Slack ts, Telegram id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Platform
    channel: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What a form or menu offers: services, and versions per service, newest first.

    `versions` pairs are (version, note such as "работал 3 дня, ошибок 0,1 %").
    """

    environment: str
    services: tuple[str, ...]
    versions: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def of(self, subject: str) -> tuple[tuple[str, str], ...]:
        """Versions of a service; of `all` and `full`, those that every service has."""
        if subject not in SUBJECTS:
            return self.versions.get(subject, ())
        lists = [self.versions.get(name, ()) for name in self.services]
        common = set.intersection(*({version for version, _ in found} for found in lists))
        return tuple((version, "") for version, _ in lists[0] if version in common)
