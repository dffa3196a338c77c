"""The demo's acts as data: what is told, done, said, and what the journal must then say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from commands.domain.text import Text, text
from rollbot.demo.people import ANNA, BORIS, DMITRY, IGOR, OLGA, VERA, Actor
from rollbot.demo.sight import (
    Sight,
    asks_for,
    at_revision,
    is_frozen,
    is_running,
    is_saved,
    is_well,
    prepared,
    proven,
    refused,
    refused_plan,
    rehearsed,
    succeeded,
    ticked,
    undone,
    unreadable,
)

Question: TypeAlias = Callable[[Sight], bool]


@dataclass(frozen=True, slots=True)
class Tell:
    """The narrator's words."""

    text: Text


@dataclass(frozen=True, slots=True)
class Deploy:
    """The team's pipeline brings a release to these services; none named means all."""

    version: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Say:
    """Somebody types. `{last}` stands for the newest rollback's id."""

    actor: Actor
    words: str


@dataclass(frozen=True, slots=True)
class Await:
    """What must be true, by the journal or the running services, before the play goes on."""

    what: Text
    question: Question
    within_s: float = 60.0


Move: TypeAlias = Tell | Deploy | Say | Await


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its title and its moves in order."""

    title: Text
    moves: tuple[Move, ...]


FIRST_RELEASE = "v1.2.3"
"""Runs before the curtain rises, so that the observer meets it at once."""

BEFORE = Act(
    text("demo.before"),
    (
        Await(text("demo.await_worker"), lambda sight: sight.record.has_worker()),
        Tell(text("demo.before_runs")),
        Await(text("demo.await_proven"), proven(FIRST_RELEASE), within_s=90),
    ),
)

ONE_SERVICE = Act(
    text("demo.act1"),
    (
        Deploy("v1.3.0", ("api",)),
        Tell(text("demo.act1_fails")),
        Await(text("demo.await_failing"), lambda sight: not is_well("api")(sight)),
        Say(ANNA, 'api v1.2.3 --reason "v1.3.0 отвечает 500"'),
        Await(text("demo.await_asked"), asks_for("execute")),
        Say(ANNA, "approve {last}"),
        Await(text("demo.await_succeeded"), succeeded(ANNA)),
        Await(text("demo.await_well"), is_well("api")),
        Say(ANNA, "tick {last} users"),
        Await(text("demo.await_ticked"), ticked("users", ANNA)),
        Tell(text("demo.act1_done")),
    ),
)

EVERYTHING = Act(
    text("demo.act2"),
    (
        Say(ANNA, "unfreeze"),
        Await(text("demo.await_unfrozen"), lambda sight: not is_frozen(sight)),
        Deploy("v1.3.1"),
        Tell(text("demo.act2_fails")),
        Await(text("demo.await_failing"), lambda sight: not is_well("frontend")(sight)),
        Say(ANNA, 'full v1.2.3 --reason "сломано сразу в нескольких местах"'),
        Await(text("demo.await_asked"), asks_for("execute")),
        Say(ANNA, "approve {last}"),
        Await(text("demo.await_refused"), refused(ANNA)),
        Say(IGOR, "approve {last}"),
        Await(text("demo.await_one_of_two"), asks_for("execute", by=(IGOR,))),
        Say(OLGA, "approve {last}"),
        Await(text("demo.await_succeeded"), succeeded(IGOR, OLGA)),
        Await(text("demo.await_well"), is_well("api", "worker", "frontend")),
        Tell(text("demo.act2_done")),
    ),
)

SAFEGUARDS = Act(
    text("demo.act3"),
    (
        Tell(text("demo.act3_stranger")),
        Say(BORIS, "api v1.2.2"),
        Await(text("demo.await_refused"), refused(BORIS)),
        Tell(text("demo.act3_typo")),
        Say(ANNA, "apo v1.2.2"),
        Await(text("demo.await_typo"), unreadable("apo v1.2.2")),
        Tell(text("demo.act3_dry_run")),
        Say(ANNA, "api v1.2.2 --dry-run"),
        Await(text("demo.await_rehearsed"), rehearsed),
        Say(IGOR, "unfreeze"),
        Say(OLGA, "unfreeze"),
        Await(text("demo.await_unfrozen"), lambda sight: not is_frozen(sight)),
        Deploy("v1.3.1", ("worker",)),
        Tell(text("demo.act3_auto")),
        Say(ANNA, "worker --auto"),
        Await(text("demo.await_asked"), asks_for("execute")),
        Say(ANNA, "approve {last}"),
        Await(text("demo.await_succeeded"), succeeded(ANNA)),
        Tell(text("demo.act3_undo")),
        Say(ANNA, "undo {last}"),
        Await(text("demo.await_undone"), undone),
        Await(text("demo.await_running"), is_running("worker", "v1.3.1")),
        Tell(text("demo.act3_done")),
    ),
)

_UNFROZEN = Await(text("demo.await_unfrozen"), lambda sight: not is_frozen(sight))

DATABASE = Act(
    text("demo.act4"),
    (
        Say(ANNA, "unfreeze"),
        _UNFROZEN,
        Deploy("v1.4.0"),
        Tell(text("demo.act4_fails")),
        Await(text("demo.await_failing"), lambda sight: not is_well("api")(sight)),
        Say(ANNA, "api v1.2.3 --dry-run"),
        Await(text("demo.await_rehearsed"), rehearsed),
        Tell(text("demo.act4_needs")),
        Say(ANNA, 'db -1 --reason "v1.4.0 отвечает 500, а прежний код не знает r06"'),
        Await(text("demo.await_asked"), asks_for("execute")),
        Tell(text("demo.act4_prepares")),
        Await(text("demo.await_prepared"), prepared, within_s=120),
        Say(VERA, "approve {last}"),
        Await(text("demo.await_one_of_two"), asks_for("execute", by=(VERA,))),
        Say(DMITRY, "approve {last}"),
        Await(text("demo.await_succeeded"), succeeded(VERA, DMITRY), within_s=120),
        Await(text("demo.await_revision", revision="r05"), at_revision("r05")),
        Await(text("demo.await_saved"), is_saved),
        Say(VERA, "backups"),
        Tell(text("demo.act4_undo")),
        Say(ANNA, "undo {last}"),
        Await(text("demo.await_undo_asked"), asks_for("undo")),
        Say(VERA, "undo {last}"),
        Say(DMITRY, "undo {last}"),
        Await(text("demo.await_undone"), undone, within_s=120),
        Await(text("demo.await_revision", revision="r06"), at_revision("r06")),
        Await(text("demo.await_running"), is_running("api", "v1.4.0")),
        Tell(text("demo.act4_done")),
    ),
)

TWO_HEADS = Act(
    text("demo.act5"),
    (
        Say(VERA, "unfreeze"),
        Say(DMITRY, "unfreeze"),
        _UNFROZEN,
        Deploy("v1.5.0"),
        Tell(text("demo.act5_heads")),
        Say(ANNA, "db -1"),
        Await(
            text("demo.await_refused_plan"),
            refused_plan("refused.db_several_heads", "r07a", "r07b"),
        ),
        Tell(text("demo.act5_done")),
    ),
)

_FIRST = (BEFORE, ONE_SERVICE, EVERYTHING, SAFEGUARDS)
WITH_DATABASE = (*_FIRST, DATABASE, TWO_HEADS)
"""On the embedded engine, whose services share this machine's loopback with the database."""

WITHOUT_DATABASE = (*_FIRST, Act(text("demo.act4"), (Tell(text("demo.act4_elsewhere")),)))
"""On Docker: its containers do not reach a server on this machine's loopback."""
