"""A pressed button becomes the words it stands for; the server's state decides, not the button."""

from __future__ import annotations

from collections.abc import Callable

from commands.domain import spoken as s
from commands.domain.errors import RefusedError
from commands.grammar.buttons import Token

MEANINGS: dict[str, Callable[[Token], s.Spoken]] = {
    "approve": lambda t: s.Approve(t.rollback_id),
    "deny": lambda t: s.Deny(t.rollback_id),
    "withdraw": lambda t: s.Withdraw(t.rollback_id),
    "cancel": lambda t: s.Cancel(t.rollback_id),
    "stop": lambda t: s.Stop(t.rollback_id),
    "undo": lambda t: s.Undo(t.rollback_id),
    "retry": lambda t: s.Retry(t.rollback_id),
    "done": lambda t: s.MarkDone(t.rollback_id),
    "tick": lambda t: s.Tick(t.rollback_id, t.nonce),
    "untick": lambda t: s.Tick(t.rollback_id, t.nonce, done=False),
    "plan": lambda t: s.PlanOf(t.rollback_id),
    "log": lambda t: s.Log(t.rollback_id),
}


def press(value: str) -> tuple[s.Spoken, str]:
    """What a button's value means, and its nonce. Raises RefusedError for a forged value."""
    token = Token.decode(value)
    meaning = MEANINGS.get(token.verb)
    if meaning is None:
        raise RefusedError("button.forged")
    return meaning(token), token.nonce
