"""Messages as data: a key of the catalogue and its parameters, never a sentence.

The journal, errors and cards carry `Text`; `commands.locale` turns it into Russian or English.
"""

from __future__ import annotations

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Scalar: TypeAlias = str | int | float | bool | None
Param: TypeAlias = "Scalar | tuple[str, ...]"


class Text(BaseModel):
    """One message: a catalogue key and what goes into its braces.

    A parameter named `n` selects the plural. Tuples are joined with commas when rendered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    params: dict[str, Param] = Field(default_factory=dict)


def text(key: str, /, **params: Param) -> Text:
    """Shorthand: `text("plan.shared_variable", variable="APP_VERSION")`."""
    return Text(key=key, params=params)
