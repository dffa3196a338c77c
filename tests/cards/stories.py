"""A walk of states, each made by folding real events. The name of a story names its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from commands.domain import events as e
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import text
from tests.cards.stories_database import DATABASE_STORIES
from tests.cards.teller import HOME, Teller, digest

WHY = "После выкладки v1.3.0 каждый третий запрос отвечает 502, люди не могут войти."


def requested() -> Teller:
    return Teller().ask("api", reason=WHY)


def waiting() -> Teller:
    return requested().plan().prepare()


def waiting_full() -> Teller:
    return Teller().ask(reason="Сломано сразу в нескольких местах, причина не найдена.").plan()


def waiting_half() -> Teller:
    return waiting_full().prepare().approve("egor")


def auto() -> Teller:
    return Teller().ask("worker", auto=True).plan()


def approved() -> Teller:
    return waiting().approve("anna")


def executing() -> Teller:
    return approved().start().step(0.1).step(4.2).begin(3)


def over_budget() -> Teller:
    return approved().start().step(0.1).begin(150)


def verifying() -> Teller:
    return approved().start().step(0.1).step(4.2).step(6.4).step(0.3).begin(12)


def stopping() -> Teller:
    return executing().tell(e.StopAsked(person="boris"))


def stopped() -> Teller:
    story = approved().start().step(0.1).step(4.2)
    story.tell(e.StopAsked(person="boris"))
    return story.tell(e.Stopped(before_step=story.next().number))


def failed() -> Teller:
    error = text("check.unhealthy", service="api", n=60, last="HTTP 503")
    return approved().start().step(0.1).step(4.2).fail(error)


def failed_check() -> Teller:
    tail = "ok   /health 200\nfail /login 500: session table is missing"
    error = text("check.failed", name="Smoke-тесты", exit_code=1, tail=tail)
    return approved().start().step(0.1).step(4.2).step(6.4).step(0.3).step(30).fail(error, 3.1)


def undo_asked() -> Teller:
    return failed().recover("undo", by="vera")


def in_doubt() -> Teller:
    return approved().start().step(0.1).doubt()


def worker_lost() -> Teller:
    return executing().tell(e.WorkerLost(), after_s=5)


def worker_stopped() -> Teller:
    why = text("status.worker_stopped", pid="4711", host="samokoder-1")
    return executing().tell(e.WorkerLost(why=why), after_s=5)


def succeeded() -> Teller:
    return approved().start().finish(0.1, 4.2, 6.4, 0.3, 30, 2.8)


def succeeded_full() -> Teller:
    return waiting_half().approve("ivan").start().finish(0.1, 9.6, 11.3, 0.4, 30, 3.1)


def unproven() -> Teller:
    """The version endpoint did not answer: unknown, and never green."""
    story = approved().start()
    for seconds in (0.1, 4.2, 6.4):
        story.step(seconds)
    unknown = ProofItem(service="api", what="version", verdict=Verdict.UNKNOWN)
    known = ProofItem(
        service="api", what="digest", found=digest("sha256:api-v1.2.3"), verdict=Verdict.OK
    )
    return story.step(0.3, proof=(known, unknown)).finish(30, 2.8)


def closed() -> Teller:
    story = succeeded().tell(e.Ticked(point="database", person="gleb"), after_s=90)
    story.tell(e.Ticked(point="users", person="anna"), after_s=30)
    figure = text("watch.ok", services=("api",))
    return story.tell(e.Closed(verdict=Verdict.OK, figure=figure), after_s=180)


def closed_badly() -> Teller:
    figure = text("watch.bad", services=("api",))
    return succeeded().tell(e.Closed(verdict=Verdict.BAD, figure=figure), after_s=300)


def undoing() -> Teller:
    story = failed().recover("undo").approve("anna").tell(e.UndoStarted(people=("anna",)))
    story.walk_back(1)
    step = story.state.to_revert()
    assert step is not None
    story.tell(e.StepIntended(step=step.number, direction="back"))
    story.now += timedelta(seconds=2)
    return story


def undone() -> Teller:
    story = failed().recover("undo").approve("anna").tell(e.UndoStarted(people=("anna",)))
    proof = (
        ProofItem(service="api", what="digest", found=digest("old"), verdict=Verdict.OK),
        ProofItem(service="api", what="version", found="v1.3.0", verdict=Verdict.OK),
    )
    return story.walk_back().tell(e.Undone(proof=proof))


def undo_failed() -> Teller:
    story = failed().recover("undo").approve("anna").tell(e.UndoStarted(people=("anna",)))
    story.walk_back(1)
    step = story.state.to_revert()
    assert step is not None
    story.tell(e.StepIntended(step=step.number, direction="back"))
    error = text("check.exited", service="api")
    return story.tell(e.StepFailed(step=step.number, direction="back", seconds=8, error=error))


def abandoned() -> Teller:
    return failed().tell(e.Cancelled(person="anna"), after_s=60)


def denied() -> Teller:
    no = e.Denied(person="ivan", reason="Через десять минут будет исправление, ждём его.")
    return waiting_full().tell(no, after_s=75)


def expired() -> Teller:
    return waiting().tell(e.Expired(verb="execute"), after_s=1800)


def cancelled() -> Teller:
    return waiting().tell(e.Cancelled(person="anna"), after_s=20)


def superseded() -> Teller:
    return waiting().tell(e.Superseded(by_rollback="RB-18"), after_s=20)


def refused() -> Teller:
    why = text("refused.release_not_found", service="api", version="v1.2.3", nearest=("v1.2.2",))
    return requested().tell(e.PlanRefused(reason=why), after_s=1)


def not_prepared() -> Teller:
    story = requested().plan().tell(e.StepIntended(step=1))
    error = text("refused.proven_gone", service="api", version="v1.2.3")
    return story.tell(e.StepFailed(step=1, seconds=4, error=error), after_s=4)


def plan_changed() -> Teller:
    story = approved()
    changes = (text("plan.target_changed", service="api", version="v1.2.3"),)
    story.tell(e.PlanChanged(old_digest="a", new_digest="b", changes=changes), after_s=1)
    return story.plan()


def rehearsed() -> Teller:
    return Teller().ask("api", dry_run=True).plan()


def joined() -> Teller:
    return executing().tell(e.Joined(person="boris", home=HOME))


STORIES: Mapping[str, Callable[[], Teller]] = {
    story.__name__: story
    for story in (
        requested,
        waiting,
        waiting_full,
        waiting_half,
        auto,
        approved,
        executing,
        over_budget,
        verifying,
        stopping,
        stopped,
        failed,
        failed_check,
        undo_asked,
        in_doubt,
        worker_lost,
        worker_stopped,
        succeeded,
        succeeded_full,
        unproven,
        closed,
        closed_badly,
        undoing,
        undone,
        undo_failed,
        abandoned,
        denied,
        expired,
        cancelled,
        superseded,
        refused,
        not_prepared,
        plan_changed,
        rehearsed,
        joined,
    )
} | dict(DATABASE_STORIES)
