"""Block Kit as Slack checks it, written from its reference, not from our renderer.

Limits: docs.slack.dev/reference/block-kit (November 2026). Slack does not say how it counts a
character, so the harsher reading is used: UTF-16 units of the text as it was sent, after escaping.
Property names that the reference does not list are refused, as Slack does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
MESSAGE_TEXT_MAX = 13_200
"""Characters of all texts of one message; measured, not documented (`msg_blocks_too_long`)."""

INTERACTIVE = frozenset({"button", "static_select", "external_select", "overflow", "checkboxes"})


def units(text: str) -> int:
    """Length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def at_most(limit: int) -> AfterValidator:
    """A string that is neither blank nor longer than `limit`."""

    def check(text: str) -> str:
        if units(text) > limit:
            raise ValueError(f"must be less than {limit + 1} characters, is {units(text)}")
        if not text.strip():
            raise ValueError("must not be empty")
        return text

    return AfterValidator(check)


class Part(BaseModel):
    """Anything inside a message: no unknown properties, no conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(Part):
    type: Literal["plain_text", "mrkdwn"]
    text: Annotated[str, at_most(3000)]
    emoji: bool | None = None
    verbatim: bool | None = None

    @model_validator(mode="after")
    def _own_flags(self) -> Text:
        stray = self.verbatim if self.type == "plain_text" else self.emoji
        if stray is not None:
            raise ValueError(f"{self.type} does not take this flag")
        return self


def rich(limit: int) -> AfterValidator:
    """A text object of either kind, not longer than `limit`."""

    def check(text: Text) -> Text:
        if units(text.text) > limit:
            raise ValueError(f"must be less than {limit + 1} characters, is {units(text.text)}")
        return text

    return AfterValidator(check)


def plain(limit: int) -> AfterValidator:
    """A `plain_text` object, not longer than `limit`."""

    def check(text: Text) -> Text:
        if text.type != "plain_text":
            raise ValueError("must be plain_text")
        if units(text.text) > limit:
            raise ValueError(f"must be less than {limit + 1} characters, is {units(text.text)}")
        return text

    return AfterValidator(check)


Id = Annotated[str, at_most(255)]
Style = Literal["primary", "danger"]


class Confirm(Part):
    title: Annotated[Text, plain(100)]
    text: Annotated[Text, rich(300)]
    confirm: Annotated[Text, plain(30)]
    deny: Annotated[Text, plain(30)]
    style: Style | None = None


class Option(Part):
    text: Annotated[Text, rich(75)]
    value: Annotated[str, at_most(150)]
    description: Annotated[Text, plain(75)] | None = None


class Interactive(Part):
    action_id: Id | None = None
    confirm: Confirm | None = None


class Button(Interactive):
    type: Literal["button"]
    text: Annotated[Text, plain(75)]
    value: Annotated[str, at_most(2000)] | None = None
    url: Annotated[str, at_most(3000)] | None = None
    style: Style | None = None
    accessibility_label: Annotated[str, at_most(75)] | None = None


class StaticSelect(Interactive):
    type: Literal["static_select"]
    placeholder: Annotated[Text, plain(150)] | None = None
    options: Annotated[list[Option], Field(min_length=1, max_length=100)]
    initial_option: Option | None = None
    focus_on_load: bool | None = None

    @model_validator(mode="after")
    def _initial_is_one_of_them(self) -> StaticSelect:
        if self.initial_option is not None and self.initial_option not in self.options:
            raise ValueError("initial_option is not one of the options")
        return self


class ExternalSelect(Interactive):
    type: Literal["external_select"]
    placeholder: Annotated[Text, plain(150)] | None = None
    initial_option: Option | None = None
    min_query_length: Annotated[int, Field(ge=0)] | None = None
    focus_on_load: bool | None = None


class Overflow(Interactive):
    type: Literal["overflow"]
    options: Annotated[list[Option], Field(min_length=1, max_length=5)]


class Checkboxes(Interactive):
    type: Literal["checkboxes"]
    options: Annotated[list[Option], Field(min_length=1, max_length=10)]
    initial_options: list[Option] | None = None
    focus_on_load: bool | None = None


class PlainTextInput(Part):
    type: Literal["plain_text_input"]
    action_id: Id | None = None
    placeholder: Annotated[Text, plain(150)] | None = None
    initial_value: str | None = None
    multiline: bool | None = None
    min_length: Annotated[int, Field(ge=0, le=3000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=3000)] | None = None
    focus_on_load: bool | None = None


class Image(Part):
    type: Literal["image"]
    image_url: Annotated[str, at_most(3000)]
    alt_text: Annotated[str, at_most(2000)]
    title: Annotated[Text, plain(2000)] | None = None
    block_id: Id | None = None


AnyButton = Button | StaticSelect | ExternalSelect | Overflow | Checkboxes
Clickable = Annotated[AnyButton, Field(discriminator="type")]
Accessory = Annotated[AnyButton | Image, Field(discriminator="type")]
Input = Annotated[
    PlainTextInput | StaticSelect | ExternalSelect | Checkboxes, Field(discriminator="type")
]


Fields = Annotated[list[Annotated[Text, rich(2000)]], Field(min_length=1, max_length=10)]


class Block(Part):
    block_id: Id | None = None


class Section(Block):
    type: Literal["section"]
    text: Annotated[Text, rich(3000)] | None = None
    fields: Fields | None = None
    accessory: Accessory | None = None
    expand: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Section:
        if self.text is None and self.fields is None:
            raise ValueError("missing required field: text")
        return self


class Header(Block):
    type: Literal["header"]
    text: Annotated[Text, plain(150)]


class Divider(Block):
    type: Literal["divider"]


class Context(Block):
    type: Literal["context"]
    elements: Annotated[
        list[Annotated[Text, rich(3000)] | Image], Field(min_length=1, max_length=10)
    ]


class Actions(Block):
    type: Literal["actions"]
    elements: Annotated[list[Clickable], Field(min_length=1, max_length=25)]


class InputBlock(Block):
    type: Literal["input"]
    label: Annotated[Text, plain(2000)]
    element: Input
    hint: Annotated[Text, plain(2000)] | None = None
    optional: bool | None = None
    dispatch_action: bool | None = None


class RichText(Block):
    type: Literal["rich_text"]
    elements: Annotated[list[dict[str, Any]], Field(min_length=1)]


class TaskCard(Block):
    type: Literal["task_card"]
    task_id: Id
    title: Annotated[str, at_most(3000)]
    details: RichText | None = None
    output: RichText | None = None
    sources: list[dict[str, Any]] | None = None
    status: Literal["pending", "in_progress", "complete", "error"] | None = None


class Plan(Block):
    type: Literal["plan"]
    title: Annotated[str, at_most(3000)]
    tasks: list[TaskCard] | None = None


AnyBlock = Annotated[
    Section
    | Header
    | Divider
    | Context
    | Actions
    | InputBlock
    | Image
    | RichText
    | TaskCard
    | Plan,
    Field(discriminator="type"),
]
_BLOCKS = TypeAdapter(list[AnyBlock])


class View(Part):
    type: Literal["modal"]
    title: Annotated[Text, plain(24)]
    blocks: Annotated[list[AnyBlock], Field(max_length=VIEW_BLOCKS_MAX)]
    submit: Annotated[Text, plain(24)] | None = None
    close: Annotated[Text, plain(24)] | None = None
    private_metadata: Annotated[str, Field(max_length=3000)] | None = None
    callback_id: Id | None = None
    clear_on_close: bool | None = None
    notify_on_close: bool | None = None
    external_id: Id | None = None

    @model_validator(mode="after")
    def _inputs_need_a_submit(self) -> View:
        if self.submit is None and any(isinstance(block, InputBlock) for block in self.blocks):
            raise ValueError("submit is required when a block is an input")
        return self


def message_faults(blocks: Any) -> list[str]:
    """What Slack would answer `invalid_blocks` to; empty when the blocks are fine."""
    try:
        parsed = _BLOCKS.validate_python(blocks)
    except ValidationError as error:
        return _sentences(error)
    faults = _repeated(blocks)
    if len(parsed) > MESSAGE_BLOCKS_MAX:
        faults.append(f"no more than {MESSAGE_BLOCKS_MAX} items allowed [blocks]")
    if any(isinstance(block, InputBlock) for block in parsed):
        faults.append("an input block belongs into a view")
    return faults


def view_faults(view: Any) -> list[str]:
    """What Slack would refuse a modal for; empty when it is fine."""
    try:
        View.model_validate(view)
    except ValidationError as error:
        return _sentences(error)
    return _repeated(view["blocks"])


def texts(node: Any) -> Iterator[str]:
    """Every text that a reader sees, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"text", "title", "alt_text"} and isinstance(value, str):
                yield value
            elif key != "value":
                yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def formatted(node: Any) -> Iterator[str]:
    """Every `mrkdwn` text, the only ones in which a mention or a link comes alive."""
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield node["text"]
        for value in node.values():
            yield from formatted(value)
    elif isinstance(node, list):
        for value in node:
            yield from formatted(value)


def elements(node: Any) -> Iterator[dict[str, Any]]:
    """Every interactive element, at any depth, in reading order."""
    if isinstance(node, dict):
        if node.get("type") in INTERACTIVE:
            yield node
        for value in node.values():
            yield from elements(value)
    elif isinstance(node, list):
        for value in node:
            yield from elements(value)


def _repeated(blocks: list[dict[str, Any]]) -> list[str]:
    """Slack wants `block_id` and `action_id` unique; the second is the harsher reading."""
    faults = []
    for name, found in (
        ("block_id", [block["block_id"] for block in blocks if "block_id" in block]),
        ("action_id", [one["action_id"] for one in elements(blocks) if "action_id" in one]),
    ):
        repeated = sorted({each for each in found if found.count(each) > 1})
        faults += [f"{name} {each!r} stands more than once" for each in repeated]
    return faults


def _sentences(error: ValidationError) -> list[str]:
    return [
        f"{fault['msg']} [{'/'.join(str(step) for step in fault['loc'])}]"
        for fault in error.errors(include_input=False, include_url=False)
    ]
