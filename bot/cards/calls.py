"""Whom a card mentions, as the runbook's environment has it (`mentions`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.cards.view import View
from commands.domain.calling import NOBODY, Call
from commands.domain.people import Identity, PersonId
from commands.domain.runbook import Mentioned


def announced(view: View) -> Call:
    """The incident and its end: the runbook's `@channel`."""
    return _call(view, view.environment.mentions.announcement)


def needed(view: View) -> Call:
    """It needs people: whoever asked, and whoever can still decide."""
    return _call(view, view.environment.mentions.attention)


def _call(view: View, whom: Mentioned) -> Call:
    match whom:
        case "nobody":
            return NOBODY
        case "people":
            return Call("", tuple(_accounts(view, _involved(view))))
        case everybody:
            # Telegram has no word for everybody in a group.
            team = {p for role in view.runbook.roles.values() for p in role.members}
            return Call(everybody, tuple(_accounts(view, team)))


def _involved(view: View) -> Iterator[PersonId]:
    state, row = view.state, view.runbook.row(view.state.request.row)
    yield from (state.requester, *state.joined)
    if row is not None and (not state.status.ended or state.watched_badly):
        for role in row.roles:
            yield from view.runbook.holders(role)


def _accounts(view: View, people: Iterable[PersonId]) -> Iterator[tuple[str, Identity]]:
    wanted = set(people)
    for person_id, person in view.runbook.people.items():
        if person_id in wanted:
            # A set's order differs from process to process, and a card is compared with the last.
            accounts = sorted(person.identities(), key=lambda one: (one.platform, one.user))
            yield from ((person.name, one) for one in accounts)
