"""Which buttons a card offers now. A button decides nothing: the server's state does."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards.view import View
from commands.domain.command import RecoveryVerb
from commands.domain.conversation import Button, ButtonStyle, Confirm
from commands.domain.decide.recovering import recovery_digest
from commands.domain.decide.rehearsing import can_skip, skip_nonce
from commands.domain.keeping import undo_loss
from commands.domain.procedure import WATCH_SEEN
from commands.domain.state import Status
from commands.grammar import Token

NONCE = 12
NO_QUESTION = "now"


def buttons(view: View) -> tuple[Button, ...]:
    """Everything that can be pressed on a live card, the expected way on first."""
    state = view.state
    offered: list[Button] = []
    if state.question is not None and state.status is not Status.APPROVED:
        offered += _answers(view)
    elif state.status.waits_for_people:
        offered += _recovery(view)
    elif state.status is Status.SUCCEEDED and not (state.kept_dropped or state.drop_kept_by):
        offered.append(_recover(view, "undo", "undo", ButtonStyle.DANGER))
    offered += _skip(view)
    if state.status.undecided:
        offered.append(_button(view, "cancel", ButtonStyle.PLAIN))
    if state.status.moving and state.stop_asked_by is None:
        offered.append(_button(view, "stop", ButtonStyle.DANGER))
    return tuple(offered)


def answers(view: View) -> tuple[Button, ...]:
    """Yes and no to the open question, and what else an approver decides; none without one."""
    return (*_answers(view), *_skip(view)) if view.state.question else ()


def _answers(view: View) -> Iterator[Button]:
    question = view.state.question
    if question is None:
        return
    meant = "" if question.verb == "execute" else "_recovery"
    for word, style in (("approve", ButtonStyle.PRIMARY), ("deny", ButtonStyle.DANGER)):
        means = f"button.{word}{meant}_means"
        yield _button(view, word, style, question.nonce, means=means)


def _skip(view: View) -> Iterator[Button]:
    if can_skip(view.state):
        yield _button(view, "skip", ButtonStyle.PLAIN, skip_nonce(view.state))


def _recovery(view: View) -> Iterator[Button]:
    state = view.state
    yield _recover(view, "retry", "retry", ButtonStyle.PRIMARY)
    if state.direction == "forward":
        yield _recover(view, "undo", "undo", ButtonStyle.DANGER)
    if state.status is not Status.STOPPED:
        yield _recover(view, "mark_done", "done", ButtonStyle.PLAIN)
    yield _recover(view, "abandon", "cancel", ButtonStyle.PLAIN)


def _recover(view: View, verb: RecoveryVerb, word: str, style: ButtonStyle) -> Button:
    nonce = recovery_digest(view.state, verb)[:NONCE]
    key = "go_on" if verb == "retry" and view.state.status is Status.STOPPED else verb
    loss = undo_loss(view.state) if verb == "undo" else None
    if loss is None:
        return _button(view, word, style, nonce, key=key)
    lost = view.words.tell(loss)
    return _button(view, word, style, nonce, key=key, means="button.undo_database_means", lost=lost)


def tick(view: View, point: str, title: str, *, done: bool) -> Button:
    """Confirm a checklist point, or take that back."""
    word = "untick" if done else "tick"
    value = str(Token(word, view.state.request.environment, view.state.id, point))
    return Button(view.words.say(f"button.{word}", point=title), word, value)


def take_note(view: View) -> Iterator[Button]:
    """Say that one has seen that it did not hold; once is enough for all."""
    if WATCH_SEEN not in view.state.ticks:
        value = str(Token("tick", view.state.request.environment, view.state.id, WATCH_SEEN))
        yield Button(view.words.say("button.take_note"), "tick", value)


def _button(
    view: View,
    word: str,
    style: ButtonStyle,
    nonce: str = NO_QUESTION,
    *,
    key: str = "",
    means: str = "",
    lost: str = "",
) -> Button:
    """A button that asks once more: every one of these changes something for everybody."""
    key, words, state = key or word, view.words, view.state
    value = str(Token(word, state.request.environment, state.id, nonce))
    label = words.say(f"button.{key}")
    asked = Confirm(
        title=words.say(f"button.{key}_confirm"),
        text=words.say(means or f"button.{key}_means", id=state.id, target=view.target, lost=lost),
        yes=label,
        no=words.say("button.no"),
    )
    return Button(label, word, value, style, asked)
