"""The root of the error tree. The class says who can act; facts are attributes."""

from __future__ import annotations

from commands.domain.text import Param, Text, text


class RollbotError(Exception):
    """Root of everything rollbot raises on purpose.

    `text` is what a person reads: a catalogue key `error.<key>` and the facts.
    """

    key = "error.unexpected"

    def __init__(self, **facts: Param) -> None:
        super().__init__(*facts.values())
        self.facts = facts

    @property
    def text(self) -> Text:
        """The message for people, to be rendered in the reader's language."""
        return text(self.key, **self.facts)

    def __str__(self) -> str:
        """English for logs: the class and its facts."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{type(self).__name__}({facts})"
