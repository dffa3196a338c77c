"""Messages as data: a key of the catalogue and its parameters, never a sentence.

The journal, errors and cards carry `Text`; `commands.locale` turns it into Russian or English.
"""

from __future__ import annotations

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Scalar: TypeAlias = str | int | float | bool | None
Param: TypeAlias = "Scalar | tuple[str, ...] | Text | tuple[Text, ...]"


class Text(BaseModel):
    """One message: a catalogue key and what goes into its braces.

    A parameter named `n` selects the plural. Tuples are joined with commas when rendered. A
    parameter may be a message itself, or several, which are rendered one a line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    params: dict[str, Param] = Field(default_factory=dict)

    def __str__(self) -> str:
        """For logs: the key and its facts."""
        facts = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.key}({facts})" if facts else self.key


def text(key: str, /, **params: Param) -> Text:
    """Shorthand: `text("plan.shared_variable", variable="APP_VERSION")`."""
    return Text(key=key, params=params)
