"""What an asked approver gets directly: enough to decide from a phone."""

from __future__ import annotations

from bot.cards import parts
from bot.cards.buttons import answers
from bot.cards.rollback import footer, status_line
from bot.cards.view import View
from commands.domain.conversation import Block, Card, Fields, Paragraph, Tone
from commands.domain.people import PersonId


def approval_card(view: View, person: PersonId) -> Card:
    """The question while it is open; afterwards what was decided, without buttons."""
    question = view.state.question
    if question is None:
        return _decided(view)
    if person in question.approvals:
        return _thanks(view)
    words = view.words
    line = words.say(
        f"approval.asked_{question.verb}",
        person=words.name(question.by),
        target=view.target,
        environment=view.environment.title,
    )
    blocks: tuple[Block, ...] = (
        Paragraph(line),
        *parts.reason(view),
        *parts.what(view),
        Fields(((words.say("approval.waiting"), _waiting(view)),)),
        *parts.asked(view),
    )
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=Tone.WAITING,
        blocks=blocks,
        buttons=answers(view),
        footer=footer(view),
    )


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


def _thanks(view: View) -> Card:
    said = view.words.say("approval.thanks")
    blocks: tuple[Block, ...] = (Paragraph(said), *parts.asked(view))
    return Card(f"{view.title}: {said}", view.title, Tone.NEUTRAL, blocks)


def _decided(view: View) -> Card:
    line = status_line(view)
    said = view.words.say("approval.decided")
    return Card(
        f"{view.title}: {line}", view.title, Tone.NEUTRAL, (Paragraph(line), Paragraph(said))
    )
