"""Private answers: one function per kind of reply."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.cards.database_answers import backups_card, schema_card
from bot.cards.rollback import rollback_card, status_line
from bot.cards.steps import step_title
from bot.cards.view import View, Words
from commands.domain import reply as r
from commands.domain.conversation import (
    Block,
    Card,
    CheckLine,
    Checklist,
    Code,
    Fields,
    Paragraph,
    Tick,
    Tone,
)
from commands.domain.events import AnyEvent
from commands.domain.facts import KnownRelease
from commands.domain.observed import ObservedRecord
from commands.domain.people import Language
from commands.domain.proof import Verdict
from commands.domain.runbook import Runbook
from commands.domain.text import Text
from commands.grammar import help_page
from commands.locale import say

LOG_SHOWN = 40
STALE = timedelta(minutes=1)


def reply_card(reply: r.Reply, runbook: Runbook, language: Language, now: datetime) -> Card:
    """The card of a reply, in the reader's language."""
    return _CARDS[type(reply)](reply, Words(runbook, language, now))


def error_card(said: Text, language: Language) -> Card:
    """A refusal or an error, for the asker alone: what happened and how to mend it."""
    line = say(said, language)
    first, _, rest = line.partition("\n")
    blocks: tuple[Block, ...] = (Paragraph(first), Code(rest)) if rest else (Paragraph(line),)
    return Card(plain=first, headline="", tone=Tone.BAD, blocks=blocks)


def _said(reply: r.Said, words: Words) -> Card:
    line = words.tell(reply.text)
    tone = Tone.BAD if reply.bad else Tone.NEUTRAL
    return Card(plain=line, headline="", tone=tone, blocks=(Paragraph(line),))


def _rollback(reply: r.RollbackReply, words: Words) -> Card:
    view = View(reply.state, words.runbook, words.language, words.now)
    return rollback_card(view, whole_plan=reply.whole_plan)


def _status(reply: r.StatusReply, words: Words) -> Card:
    environment = reply.environment
    title = words.runbook.environments[environment.name].title
    blocks: list[Block] = []
    for state in reply.open:
        view = View(state, words.runbook, words.language, words.now)
        blocks.append(Paragraph(status_line(view), title=f"{state.id} · {view.target}"))
    if not reply.open:
        blocks.append(Paragraph(words.say("status.nothing_open")))
    if environment.freeze is not None:
        since = words.at(environment.freeze.since)
        blocks.append(Paragraph(words.say("status.frozen", since=since)))
    blocks.append(_running(reply.observed, reply.age, words))
    if not reply.workers:
        blocks.append(Paragraph(words.say("status.no_worker")))
    headline = words.say("status.title", environment=title)
    return Card(headline, headline, Tone.NEUTRAL, tuple(blocks))


def _running(record: ObservedRecord | None, age: timedelta | None, words: Words) -> Block:
    if record is None or age is None:
        return Paragraph(words.say("status.no_observer"))
    ticks = {Verdict.OK: Tick.DONE, Verdict.BAD: Tick.BAD, Verdict.UNKNOWN: Tick.UNKNOWN}
    lines = tuple(
        CheckLine(
            ticks[seen.health] if age < STALE else Tick.UNKNOWN,
            f"{seen.service} {seen.running.version if seen.running else ''}".strip(),
            seen.why or (words.at(seen.since_at) if seen.since_at else ""),
        )
        for seen in record.services
    )
    return Checklist(words.say("status.runs", age=words.took(age.total_seconds())), lines)


def _log(reply: r.LogReply, words: Words) -> Card:
    view = View(reply.state, words.runbook, words.language, words.now)
    lines = [
        _logged(view, at, event)
        for at, event in reply.entries
        if event.kind not in ("posted", "post_lost")
    ]
    title = f"{view.environment.title} · {words.say('log.title', id=reply.state.id)}"
    return Card(title, title, Tone.NEUTRAL, (Code("\n".join(lines[-LOG_SHOWN:])),))


def _logged(view: View, at: datetime, event: AnyEvent) -> str:
    """Local time to the second, what happened, by whom or to which step."""
    # Step 0 is none: between two steps a rollback is told to go on, not to try one again.
    words, number = view.words, getattr(event, "step", None) or None
    kind = "go_on_ordered" if event.kind == "retry_ordered" and not number else event.kind
    said = f"{words.clock(at)}  {words.say(f'log.{kind}', step=number)}"
    plan = view.state.plan
    if number is not None and plan is not None and event.kind != "asked":
        said = f"{said} · {step_title(words, plan.step(number))}"
    if person := getattr(event, "person", None) or getattr(event, "requester", None):
        said = f"{said} · {words.name(person)}"
    return said


def _versions(reply: r.VersionsReply, words: Words) -> Card:
    title = words.say("release.title", service=reply.service)
    if not reply.releases:
        none = words.say("release.none")
        return Card(f"{title}: {none}", title, Tone.NEUTRAL, (Paragraph(none),))
    lines = tuple(_release(release, words) for release in reply.releases)
    footer = words.say("release.age", age=words.took(reply.age.total_seconds() if reply.age else 0))
    return Card(title, title, Tone.NEUTRAL, (Checklist("", lines),), footer=footer)


def _release(release: KnownRelease, words: Words) -> CheckLine:
    sources = tuple(words.say(f"release.source_{source}") for source in release.sources)
    notes = [words.say("release.running")] if release.running else []
    if release.known_bad_since:
        notes.append(words.say("release.known_bad", rollback=release.known_bad_since))
        return CheckLine(Tick.BAD, release.version, " · ".join(notes))
    if release.proven is None:
        notes.append(words.say("release.not_proven"))
        notes.append(words.say("release.sources", sources=sources))
        return CheckLine(Tick.UNKNOWN, release.version, " · ".join(notes))
    proven = release.proven
    ran = (proven.until_at - proven.since_at).total_seconds()
    notes.append(
        words.say("release.proven_ran", duration=words.took(ran), until=words.at(proven.until_at))
    )
    return CheckLine(Tick.DONE, release.version, " · ".join(notes))


def _history(reply: r.HistoryReply, words: Words) -> Card:
    title = words.say("status.history")
    blocks: list[Block] = []
    for state in reply.rollbacks:
        view = View(state, words.runbook, words.language, words.now)
        head = f"{words.at(state.requested_at)} · {state.id} · {view.target}"
        blocks.append(Paragraph(status_line(view), title=head))
    if not blocks:
        blocks.append(Paragraph(words.say("status.no_history")))
    return Card(title, title, Tone.NEUTRAL, tuple(blocks))


def _help(reply: r.HelpReply, words: Words) -> Card:
    page = help_page(reply.topic, words.runbook)
    title = words.say("status.help")
    pairs = tuple((example, words.tell(does)) for example, does in page.examples)
    says = words.tell(page.says)
    blocks: tuple[Block, ...] = (Paragraph(says), Fields(pairs))
    more = words.say("help.topics", topics=page.topics)
    return Card(f"{title}: {says}", title, Tone.NEUTRAL, blocks, footer=more)


def _oncall(reply: r.OncallReply, words: Words) -> Card:
    del reply
    line = words.say("status.oncall", url=words.runbook.rota_url)
    pairs = tuple((words.role(role), words.holders(role)) for role in words.runbook.roles)
    return Card(
        line, words.say("status.oncall_title"), Tone.NEUTRAL, (Paragraph(line), Fields(pairs))
    )


def _menu(reply: r.MenuReply, words: Words) -> Card:
    title = words.say("status.menu")
    pairs = tuple(
        (service, ", ".join(v for v, _ in reply.suggestions.versions.get(service, ())[:5]) or "—")
        for service in reply.suggestions.services
    )
    blocks: tuple[Block, ...] = (Fields(pairs),)
    if words.runbook.environments[reply.suggestions.environment].database is not None:
        blocks = (*blocks, Paragraph(words.say("db.menu_hint")))
    return Card(title, title, Tone.NEUTRAL, blocks)


_CARDS: dict[type[r.Reply], Callable[[Any, Words], Card]] = {
    r.Said: _said,
    r.RollbackReply: _rollback,
    r.StatusReply: _status,
    r.LogReply: _log,
    r.VersionsReply: _versions,
    r.SchemaReply: schema_card,
    r.BackupsReply: backups_card,
    r.HistoryReply: _history,
    r.HelpReply: _help,
    r.OncallReply: _oncall,
    r.MenuReply: _menu,
}
