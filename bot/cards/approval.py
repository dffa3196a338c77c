"""What an asked approver gets directly: enough to decide from a phone."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards import parts
from bot.cards.buttons import answers
from bot.cards.rollback import footer, status_line, tone
from bot.cards.standing import left_with
from bot.cards.steps import step_title
from bot.cards.view import View, first_line, trimmed
from commands.domain.conversation import Block, Card, Fields, Paragraph, Quote, Tone
from commands.domain.people import PersonId
from commands.domain.state import Question


def approval_card(view: View, person: PersonId) -> Card:
    """The question while it is open; afterwards what was decided, without buttons."""
    question = view.state.question
    if question is None:
        return _decided(view, person)
    if person in question.approvals:
        return _thanks(view, question)
    person_asking = view.words.name(question.by)
    line = view.words.say(f"approval.{_asked_key(view, question)}", person=person_asking)
    body = _plan(view, person) if question.verb == "execute" else _recovery(view, question)
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=Tone.WAITING,
        blocks=(Paragraph(line), *body, *parts.asked(view)),
        buttons=answers(view),
        footer=footer(view),
    )


def _asked_key(view: View, question: Question) -> str:
    anew = question.verb == "execute" and view.state.plan_changes
    return "asked_anew" if anew else f"asked_{question.verb}"


def _plan(view: View, person: PersonId) -> Iterator[Block]:
    yield from parts.reason(view, signed=False)
    requester = view.state.requester
    if not view.state.request.reason and person != requester:
        who = view.words.name(requester)
        yield Paragraph(view.words.say("approval.no_reason", person=who))
    yield from parts.what(view, (view.words.say("approval.waiting"), _waiting(view)))


def _recovery(view: View, question: Question) -> Iterator[Block]:
    """Where it stands, and what a yes would do."""
    words, state = view.words, view.state
    pairs = []
    blocked = state.blocked()
    if blocked is not None and state.status.waits_for_people:
        title = step_title(words, blocked, back=state.direction == "back")
        pairs.append((words.say("card.at_step"), title))
    if state.reason is not None:
        pairs.append((words.say("approval.because"), first_line(words.tell(state.reason))))
    pairs.append((words.say("card.now"), left_with(view)))
    pairs.append((words.say("approval.will"), words.say(f"approval.means_{question.verb}")))
    pairs.append((words.say("approval.waiting"), _waiting(view)))
    yield Fields(tuple(pairs))
    for person, said, at in state.notes:
        if person == question.by and at == question.asked_at:
            yield Quote(trimmed(said), by=words.name(person))


def _waiting(view: View) -> str:
    question, words = view.state.question, view.words
    if question is None:
        return ""
    row = view.runbook.escalation.get(question.row)
    sla = row.sla_min if row else 0
    since, until = words.at(question.asked_at), words.at(question.expires_at)
    if sla == 0:
        return words.say("approval.waits_immediate", since=since, until=until)
    return words.say("approval.waits", n=sla, since=since, until=until)


def _thanks(view: View, question: Question) -> Card:
    words, missing = view.words, view.state.question.missing if view.state.question else ()
    said = words.say("approval.thanks")
    if missing:
        said = words.say("approval.thanks_waiting", roles=tuple(words.role(r) for r in missing))
    blocks: list[Block] = [Paragraph(said), *parts.asked(view)]
    if question.verb == "execute" and view.state.status.undecided:
        blocks.append(Paragraph(words.say("approval.withdraw", id=view.state.id)))
    return Card(f"{view.title}: {said}", view.title, Tone.NEUTRAL, tuple(blocks))


def _decided(view: View, person: PersonId) -> Card:
    """How it went on; who had no part in the decision is told that it is over."""
    line, state = status_line(view), view.state
    blocks = [Paragraph(line)]
    if person not in (*state.approvers, *state.undo_people, state.ended_by):
        blocks.append(Paragraph(view.words.say("approval.decided")))
    return Card(f"{view.title}: {line}", view.title, tone(view), tuple(blocks))
