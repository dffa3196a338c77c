"""What a button carries: enough to know what was pressed, nothing that decides anything."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commands.domain.errors import RefusedError

# Telegram's callback_data holds 64 bytes (Bot API, InlineKeyboardButton), and one of them says
# whether the button asks once more or is the answer to that.
LONGEST = 63
TOKEN = re.compile(
    r"(?P<verb>[a-z_]{1,12}):(?P<environment>[a-z][a-z0-9_-]{0,19})"
    r":(?P<rollback>RB-[1-9][0-9]{0,8}):(?P<nonce>[a-z0-9_-]{1,20})"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A button's value: `approve:production:RB-17:3fa9c1d2e0ab`.

    `nonce` is the start of what was to be decided (the question's digest), so that an old button
    never decides a new question; for `tick` it is the checklist point's id.
    """

    verb: str
    environment: str
    rollback: str
    nonce: str

    def __str__(self) -> str:
        """The opaque value, at most 63 bytes ASCII. Raises ValueError if it cannot be one."""
        value = f"{self.verb}:{self.environment}:{self.rollback}:{self.nonce}"
        if not TOKEN.fullmatch(value) or len(value) > LONGEST:
            raise ValueError(f"not a button's value: {value!r}")
        return value


def read_token(value: str) -> Token:
    """The token of a pressed button. Raises RefusedError(`button.forged`) for anything else."""
    found = TOKEN.fullmatch(value) if len(value) <= LONGEST else None
    if found is None:
        raise RefusedError("button.forged")
    return Token(**found.groupdict())
