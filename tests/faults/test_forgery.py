"""Somebody writes into Redis, without a key or with it: nothing is changed on their word.

Real processes on the demo's engine; the forger uses a plain Redis client.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer

from commands.domain import events as e
from commands.domain.command import Approve, Ask, Cancel
from commands.domain.conversation import Incoming
from commands.domain.events import EVENTS, AnyEvent
from commands.domain.people import Identity
from commands.domain.plan import Phase
from commands.domain.runbook import Channel
from commands.store.codec import Codec
from commands.store.keys import ENVIRONMENT_JOURNAL, queue_name
from tests.engines.waiting import eventually
from tests.faults.embedded_host import EmbeddedHost, embedded_host, to
from tests.faults.tampering import Fields, Stream, cut_to, evil, write_signed
from tests.integration.incident import phrase
from tests.integration.slack_people import ANNA, CHANNEL, on_slack
from tests.servers.slack import TEAM, Slack
from tests.servers.slack_fixture import slack
from tests.stack.installation import KEY
from tests.stack.runbook_file import ENVIRONMENT

__all__ = ["slack"]

pytestmark = pytest.mark.timeout(600)

STAGING_KEY = b"staging" * 8
BAD, GOOD = "v1.3.0", "v1.2.3"


@pytest.fixture
def host(slack: Slack, tmp_path: Path) -> Iterator[EmbeddedHost]:
    """Worker and bot run; RB-1 brought the api to v1.2.3, RB-2 is planned and not approved."""
    with embedded_host(tmp_path / "world", on_slack(slack), BAD) as made:
        made.start("worker", "bot")
        made.await_worker()
        made.ask(to(GOOD))
        made.order(Approve(made.actor("anna")), "RB-1")
        made.await_status("succeeded")
        made.world.deploy(BAD)
        made.ask(to(GOOD))
        eventually(lambda: is_quiet(made), what="RB-2 is prepared and asked for")
        yield made


def is_quiet(host: EmbeddedHost) -> bool:
    """Whether nobody has anything more to write: RB-2 is prepared, and its approver was asked."""
    state = host.state("RB-2")
    return bool(state and state.posted and state.pending(Phase.PREPARE) is None)


@pytest.fixture
def forger(host: EmbeddedHost) -> Iterator[redis.Redis]:
    """A client with nothing but the address."""
    with redis.Redis.from_url(host.redis.url) as client:
        yield client


def nothing_changes(host: EmbeddedHost, forger: redis.Redis, rollback: str = "RB-2") -> None:
    """A worker is called, refuses, and production is as it was."""
    pins = host.pins()
    at = host.said("worker", "job_failed")
    job = f"drive-{ENVIRONMENT}-{rollback}-{at + 900}"
    call(forger, "workers.jobs.drive", rollback, job)
    refused = lambda: host.said("worker", "job_failed") > at  # noqa: E731
    eventually(refused, what=lambda: f"refused; {host.log('worker')}")
    assert host.world.version("api") == BAD
    assert host.pins() == pins


def call(forger: redis.Redis, function: str, argument: str, job_id: str, **extra: Any) -> None:
    """Put a job into the queue, as anybody can."""
    queue = Queue(queue_name(ENVIRONMENT), connection=forger, serializer=JSONSerializer)
    queue.enqueue_call(function, args=(argument,), job_id=job_id, timeout=60, **extra)


def people_are_told(slack: Slack, journal: str, key: str = "error.journal_tampered") -> None:
    """The channel reads, once, which journal is not trusted."""
    words = phrase(key)

    def said() -> int:
        texts = [m.all_text for m in slack.messages(CHANNEL)]
        return sum(words in one and journal in one for one in texts)

    eventually(said, what=f"{words} {journal}")
    assert said() == 1


def forged(stream: Stream, event: AnyEvent, key: bytes) -> Fields:
    """An entry that would come next, right in everything but the signature's key."""
    entries = stream.read()
    codec = Codec(ENVIRONMENT, EVENTS, key)
    prev, n = entries[-1][b"h"].decode(), len(entries) + 1
    sealed = codec.seal(stream.journal, n, datetime.now(UTC), prev, event)
    return {b"e": sealed.raw, b"s": sealed.signature.encode(), b"h": sealed.hash.encode()}


def append(stream: Stream, fields: Fields) -> None:
    """As rollbot's own script would write it."""
    n = len(stream.read()) + 1
    stream.client.xadd(stream.key, dict(fields), id=f"{n}-0")  # type: ignore[arg-type]


def anna() -> Identity:
    return Identity(platform="slack", workspace=TEAM, user=ANNA)


def test_a_forged_approval_starts_nothing(
    slack: Slack, host: EmbeddedHost, forger: redis.Redis
) -> None:
    """Right in form, digest, position and chain, signed with staging's key: all stop, all know."""
    state = host.state("RB-2")
    assert state is not None
    yes = e.Approved(
        person="anna",
        identity=anna(),
        roles=("devops_oncall",),
        digest=state.plan_digest,
        evidence_digest=state.evidence.digest(),
    )
    stream = Stream(forger, ENVIRONMENT, "RB-2")
    append(stream, forged(stream, yes, STAGING_KEY))

    nothing_changes(host, forger)
    people_are_told(slack, "RB-2")


def test_a_forged_inbox_entry_is_not_heard(
    slack: Slack, host: EmbeddedHost, forger: redis.Redis
) -> None:
    """Words that Anna never said are in nobody's mouth: nothing is answered, people are told."""
    home = Channel(platform="slack", workspace=TEAM, channel=CHANNEL)
    words = Incoming(
        delivery_id="forged",
        kind="words",
        words="approve RB-2",
        identity=anna(),
        home=home,
        received_at=datetime.now(UTC) - timedelta(seconds=1),
    )
    stream = Stream(forger, ENVIRONMENT, ENVIRONMENT_JOURNAL)
    append(stream, forged(stream, e.Received(incoming=words), STAGING_KEY))

    nothing_changes(host, forger)
    people_are_told(slack, ENVIRONMENT_JOURNAL)
    host.kill("bot")
    host.start("bot")
    nothing_changes(host, forger)


def test_another_rollbacks_approval_counts_for_none(
    slack: Slack, host: EmbeddedHost, forger: redis.Redis
) -> None:
    """RB-1's own, authentic approval, replayed into RB-2 for the same target: refused, told."""
    kinds = [event.kind for event in host.events("RB-1")]
    genuine = Stream(forger, ENVIRONMENT, "RB-1").read()[kinds.index("approved")]
    append(Stream(forger, ENVIRONMENT, "RB-2"), genuine)

    nothing_changes(host, forger)
    people_are_told(slack, "RB-2")


def test_a_shortened_journal_revives_nothing(
    slack: Slack, host: EmbeddedHost, forger: redis.Redis
) -> None:
    """Cancelled by people, cut back to before it, bot started anew: the worker's host remembers.

    It alone does, and the channel reads it all the same.
    """
    stream = Stream(forger, ENVIRONMENT, "RB-2")
    before = len(stream.read())
    host.order(Cancel(host.actor("anna")), "RB-2")
    host.await_status("cancelled", of="RB-2")
    mirror = host.directory / "state" / f"{ENVIRONMENT}.journal.jsonl"
    cleaned_up = lambda: (s := host.state("RB-2")) is not None and s.cleaned_up()  # noqa: E731
    eventually(cleaned_up, what="nobody writes there any more")
    mirrored = lambda: mirror.read_text().count('"j":"RB-2"') > before  # noqa: E731
    eventually(mirrored, what="it is mirrored")
    host.kill("bot")
    stream.write(cut_to(before)(stream.read()))

    host.start("bot", "observer")

    nothing_changes(host, forger)
    assert host.said("worker", "StateLostError")
    people_are_told(slack, "RB-2", "error.state_lost")


def test_the_journals_own_key_replaces_no_running_plan(
    slack: Slack, host: EmbeddedHost, forger: redis.Redis, tmp_path: Path
) -> None:
    """Rightly signed, in the middle of a run: it stops, the channel reads why, nothing is run."""
    honest = host.state("RB-2")
    assert honest is not None
    assert honest.plan is not None
    trace = tmp_path / "trace"
    plan = evil(honest.plan, trace)
    home = Channel(platform="slack", workspace=TEAM, channel=CHANNEL)
    assert host.order(Ask(host.actor("igor"), to(GOOD), home)).rollback_id == "RB-2"
    host.order(Approve(host.actor("anna")), "RB-2")
    begun = lambda: any(x.kind == "execution_started" for x in host.events("RB-2"))  # noqa: E731
    eventually(begun, what=lambda: host.log("worker"))
    write_signed(
        KEY.encode(),
        Stream(forger, ENVIRONMENT, "RB-2"),
        e.Planned(plan=plan, digest=plan.digest(), seconds=0.1),
        e.ExecutionStarted(plan_digest=plan.digest(), evidence_digest="", approvers=("anna",)),
    )
    # Should the run have ended already, then this wakes the worker.
    call(forger, "workers.jobs.drive", "RB-2", f"drive-{ENVIRONMENT}-RB-2-905")

    stopped = host.await_status("stopped", of="RB-2")

    assert stopped.reason is not None
    assert stopped.reason.key == "step.plan_not_ours"
    assert host.said("worker", "journal_not_vouched_for") == 1
    words = phrase("step.plan_not_ours")
    told = lambda: any(words in m.all_text for m in slack.messages(CHANNEL))  # noqa: E731
    eventually(told, what=words)
    assert not trace.exists()


def test_the_journals_own_key_begins_no_plan(
    host: EmbeddedHost, forger: redis.Redis, tmp_path: Path
) -> None:
    """A rollback that nobody approved, declared begun with another plan: no step, pins stay."""
    honest = host.state("RB-2")
    assert honest is not None
    assert honest.plan is not None
    trace, pins = tmp_path / "trace", host.pins()
    plan = evil(honest.plan, trace)
    write_signed(
        KEY.encode(),
        Stream(forger, ENVIRONMENT, "RB-2"),
        e.Planned(plan=plan, digest=plan.digest(), seconds=0.1),
        e.ExecutionStarted(plan_digest=plan.digest(), evidence_digest="", approvers=("anna",)),
    )
    call(forger, "workers.jobs.drive", "RB-2", f"drive-{ENVIRONMENT}-RB-2-906")

    host.await_status("stopped", of="RB-2")

    assert not trace.exists()
    assert host.pins() == pins
    assert host.world.version("api") == BAD


def test_forged_jobs_run_nothing(host: EmbeddedHost, forger: redis.Redis, tmp_path: Path) -> None:
    """Another function, a callback, and a call for what nobody approved: refused or idle."""
    trace = tmp_path / "trace"
    drive, ours = "workers.jobs.drive", f"drive-{ENVIRONMENT}-RB-2"
    call(forger, "os.system", f"touch {trace}", f"{ours}-901")
    call(forger, drive, "RB-2", f"{ours}-902", on_success=Callback("os.getcwd"))
    call(forger, drive, "../../etc", f"{ours}-903")
    call(forger, drive, "RB-2", f"{ours}-904")
    queue = Queue(queue_name(ENVIRONMENT), connection=forger, serializer=JSONSerializer)
    refused = lambda: host.said("worker", "job_refused") == 3  # noqa: E731
    eventually(refused, what=lambda: host.log("worker"))
    idle = lambda: not queue.count and not forger.exists(f"rq:job:{ours}-904")  # noqa: E731
    eventually(idle, what="the queue is empty")

    assert not trace.exists()
    assert host.world.version("api") == BAD
    state = host.state("RB-2")
    assert state is not None
    assert state.status.value == "planned"
    assert not [one for one in host.events("RB-2") if isinstance(one, e.ExecutionStarted)]
    host.order(Approve(host.actor("anna")), "RB-2")
    host.await_status("succeeded", of="RB-2")
