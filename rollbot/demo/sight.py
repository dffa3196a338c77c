"""What the play looks at before it goes on: the journal, and the services themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from commands.domain.events import AskVerb, Handled, Received, Refused
from commands.domain.plan import Phase
from commands.domain.state import RollbackState, Status
from commands.domain.text import Text, text
from rollbot.demo.people import Actor
from rollbot.demo.places import SERVICES
from rollbot.demo.record import Record, is_proven
from rollbot.demo.world import World


@dataclass(frozen=True, slots=True)
class Sight:
    """The journal and the world at one moment."""

    record: Record
    world: World

    def last(self) -> RollbackState | None:
        """The newest rollback."""
        rollbacks = self.record.rollbacks()
        return rollbacks[-1] if rollbacks else None

    def wrong(self) -> tuple[Text, ...]:
        """Why the newest rollback cannot end well; empty while it may."""
        state = self.last()
        if state is None or state.status not in _WRONG:
            return ()
        errors = (record.error for record in state.steps.values())
        return tuple(why for why in (state.reason, *errors) if why) or (
            text("demo.went_wrong", status=state.status.value),
        )


_WRONG = (Status.FAILED, Status.IN_DOUBT, Status.REFUSED, Status.NOT_PREPARED, Status.EXPIRED)

Question = Callable[[Sight], bool]


def proven(version: str) -> Question:
    """The ledger knows that every service ran this version well for long enough."""

    def question(sight: Sight) -> bool:
        lines = sight.record.state().ledger_lines()
        known = {line.service for line in lines if line.version == version and line.proven}
        return known >= set(SERVICES)

    return question


def asks_for(verb: AskVerb, by: tuple[Actor, ...] = ()) -> Question:
    """The newest rollback waits for people's yes, and has that of exactly these so far."""

    def question(sight: Sight) -> bool:
        state = sight.last()
        if state is None or state.question is None:
            return False
        said_yes = set(state.question.approvals)
        return state.question.verb == verb and said_yes == {actor.id for actor in by}

    return question


def succeeded(*approvers: Actor) -> Question:
    """The newest rollback succeeded, by these approvals, and everything was read back well."""

    def question(sight: Sight) -> bool:
        state = sight.last()
        return (
            state is not None
            and state.status is Status.SUCCEEDED
            and set(state.approvers) == {actor.id for actor in approvers}
            and is_proven(state)
        )

    return question


def ticked(point: str, actor: Actor) -> Question:
    """A person confirmed this point of the newest rollback's checklist."""

    def question(sight: Sight) -> bool:
        state = sight.last()
        return state is not None and state.ticks.get(point, ("",))[0] == actor.id

    return question


def prepared(sight: Sight) -> bool:
    """What the newest rollback does while people decide is done: backup, proof, rehearsal."""
    state = sight.last()
    return (
        state is not None
        and bool(state.planned(Phase.PREPARE))
        and state.pending(Phase.PREPARE) is None
    )


def refused_plan(reason: str, *named: str) -> Question:
    """No plan could be made of the newest rollback, for this reason, which names these."""

    def question(sight: Sight) -> bool:
        state = sight.last()
        return (
            state is not None
            and state.status is Status.REFUSED
            and state.reason is not None
            and state.reason.key == reason
            and all(name in str(state.reason.params) for name in named)
        )

    return question


def undone(sight: Sight) -> bool:
    """The newest rollback was walked back."""
    state = sight.last()
    return state is not None and state.status is Status.UNDONE


def rehearsed(sight: Sight) -> bool:
    """The newest rollback was a dry run: planned, shown, nothing done, nobody asked."""
    state = sight.last()
    return (
        state is not None
        and state.status is Status.REHEARSED
        and state.plan is not None
        and not state.changed
        and not state.approvers
    )


def refused(actor: Actor) -> Question:
    """A refusal of this person stands in the audit."""

    def question(sight: Sight) -> bool:
        events = list(sight.record.events())
        state = sight.last()
        if state is not None:
            events += sight.record.events(state.id)
        return any(isinstance(e, Refused) and e.identity.user == actor.id for e in events)

    return question


def unreadable(words: str) -> Question:
    """These words were answered with what is wrong in them; they started nothing."""

    def question(sight: Sight) -> bool:
        events = sight.record.events()
        said = {
            event.incoming.delivery_id
            for event in events
            if isinstance(event, Received) and event.incoming.words == words
        }
        answers = [e.outcome for e in events if isinstance(e, Handled) and e.delivery_id in said]
        return bool(answers) and all(answer.startswith("grammar.") for answer in answers)

    return question


def is_frozen(sight: Sight) -> bool:
    """Whether deploys are stopped."""
    return sight.record.state().freeze is not None


def is_well(*services: str) -> Question:
    """Whether these services' users get their page."""
    return lambda sight: all(
        sight.world.status(service, "/") == HTTPStatus.OK for service in services
    )


def is_saved(sight: Sight) -> bool:
    """Whether a user's new project is saved: the code fits the schema."""
    return sight.world.save_project() == HTTPStatus.CREATED


def at_revision(*revisions: str) -> Question:
    """Whether the database itself says that its schema is at these revisions."""
    return lambda sight: sight.world.revisions() == revisions


def is_running(service: str, version: str) -> Question:
    """Whether the service itself says that it is this version."""
    return lambda sight: sight.world.version(service) == version
