"""A pressed button becomes the words it stands for; the server's state decides, not the button."""

from __future__ import annotations

from collections.abc import Callable

from commands.domain import spoken as s
from commands.domain.errors import RefusedError
from commands.grammar.buttons import Token, read_token

MEANINGS: dict[str, Callable[[Token], s.Spoken]] = {
    "approve": lambda t: s.Approve(t.rollback),
    "deny": lambda t: s.Deny(t.rollback),
    "withdraw": lambda t: s.Withdraw(t.rollback),
    "cancel": lambda t: s.Cancel(t.rollback),
    "stop": lambda t: s.Stop(t.rollback),
    "undo": lambda t: s.Undo(t.rollback),
    "retry": lambda t: s.Retry(t.rollback),
    "done": lambda t: s.MarkDone(t.rollback),
    "skip": lambda t: s.SkipRehearsal(t.rollback),
    "tick": lambda t: s.Tick(t.rollback, t.nonce),
    "untick": lambda t: s.Tick(t.rollback, t.nonce, done=False),
    "plan": lambda t: s.PlanOf(t.rollback),
    "log": lambda t: s.Log(t.rollback),
}


def press(value: str) -> tuple[s.Spoken, str]:
    """What a button's value means, and its nonce. Raises RefusedError for a forged value."""
    token = read_token(value)
    meaning = MEANINGS.get(token.verb)
    if meaning is None:
        raise RefusedError("button.forged")
    return meaning(token), token.nonce
