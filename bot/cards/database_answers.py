"""Private answers about the database: its migrations, its backups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.cards.view import Words, trimmed
from commands.domain import reply as r
from commands.domain.conversation import (
    Block,
    Card,
    CheckLine,
    Checklist,
    Paragraph,
    Tick,
    Tone,
)
from commands.domain.database import BackupRecord, Revision, ScriptGraph
from commands.domain.observed import ObservedDatabase
from commands.locale import has
from commands.planner.graph import recent

BACKUPS_SHOWN = 10
TITLE_SHOWN = 60


def schema_card(reply: r.SchemaReply, words: Words) -> Card:
    """Where the database is, the last ten migrations that it has, and what is wrong with them."""
    title = _title(words, "db.versions_title", reply)
    seen = reply.database
    if seen is None:
        return _nothing(title, words.say("db.not_seen"))
    if seen.why is not None:
        return _nothing(title, words.tell(seen.why))
    current = ", ".join(seen.revisions) or words.say("db.no_revision")
    line = words.say("db.current", revisions=current)
    blocks: tuple[Block, ...] = (Paragraph(line), *_graph(seen, words))
    tone = Tone.WARNING if seen.graph is None or _faults(seen.graph, words) else Tone.NEUTRAL
    return Card(f"{title}: {line}", title, tone, blocks, footer=_seen(reply.age, words))


def backups_card(reply: r.BackupsReply, words: Words) -> Card:
    """The newest backups: when, how large, of which revision, proven or not."""
    title = _title(words, "db.backups_title", reply)
    if not reply.backups:
        return _nothing(title, words.say("db.no_backups" if reply.backups == () else "db.not_seen"))
    newest_first = sorted(reply.backups, key=lambda one: one.taken_at, reverse=True)
    shown = newest_first[:BACKUPS_SHOWN]
    proven = sum(one.proven_at is not None for one in reply.backups)
    line = words.say("db.backups_line", of=len(reply.backups), proven=proven)
    blocks: list[Block] = [Paragraph(line), Checklist("", tuple(_backup(b, words) for b in shown))]
    if more := len(reply.backups) - len(shown):
        blocks.append(Paragraph(words.say("db.more_backups", n=more)))
    blocks.append(Paragraph(words.say("db.backups_hint")))
    tone = Tone.NEUTRAL if proven else Tone.WARNING
    return Card(f"{title}: {line}", title, tone, tuple(blocks), footer=_seen(reply.age, words))


def _title(words: Words, key: str, reply: r.SchemaReply | r.BackupsReply) -> str:
    environment = words.runbook.environments[reply.environment].title
    return words.say(key, environment=environment, name=reply.name)


def _nothing(title: str, why: str) -> Card:
    return Card(f"{title}: {why}", title, Tone.WARNING, (Paragraph(why),))


def _seen(age: timedelta | None, words: Words) -> str:
    if age is None:
        return words.say("db.by_journal")
    return words.say("release.age", age=words.took(age.total_seconds()))


def _graph(seen: ObservedDatabase, words: Words) -> Iterator[Block]:
    graph = seen.graph
    if graph is None:
        yield Paragraph(words.say("db.scripts_unread"))
        return
    for fault in _faults(graph, words):
        yield Paragraph(fault)
    lines = tuple(_revision(one, seen, words) for one in recent(graph, seen.revisions))
    if lines:
        named = words.say("db.recent", version=graph.version, service=graph.service)
        yield Checklist(named, lines)
    if ahead := tuple(head for head in graph.heads if head not in seen.revisions):
        yield Paragraph(words.say("db.ahead", revisions=ahead))
    yield Paragraph(words.say("db.versions_hint"))


def _faults(graph: ScriptGraph, words: Words) -> tuple[str, ...]:
    """What would have a rollback of the database refused, in words."""
    pairs = tuple(f"{one} → {absent}" for one, absent in graph.missing)
    said = (
        words.say("db.fault_unread", why=graph.why) if graph.why else "",
        words.say("db.fault_heads", heads=graph.heads) if len(graph.heads) > 1 else "",
        words.say("db.fault_missing", pairs=pairs) if pairs else "",
    )
    return tuple(one for one in said if one)


def _revision(one: Revision, seen: ObservedDatabase, words: Words) -> CheckLine:
    now = one.id in seen.revisions
    notes = [words.say("db.now")] if now else []
    notes += [words.say("db.irreversible")] if one.irreversible else []
    notes += [words.say("db.empty_downgrade")] if one.empty else []
    tick = Tick.BAD if one.irreversible else Tick.DONE if now else Tick.OPEN
    return CheckLine(tick, f"{one.id} {trimmed(one.title, TITLE_SHOWN)}".strip(), " · ".join(notes))


def _backup(one: BackupRecord, words: Words) -> CheckLine:
    """Proven is green; never proven is unknown; what failed its proof is red."""
    notes = [words.ago(one.taken_at), words.size(one.size_bytes)]
    if one.revisions:
        notes.append(words.say("db.of_revision", revisions=one.revisions))
    if one.proven_at is not None:
        return CheckLine(Tick.DONE, one.name, " · ".join((*notes, words.say("db.proven"))))
    if one.why:
        return CheckLine(Tick.BAD, one.name, " · ".join((*notes, _why(one.why, words))))
    return CheckLine(Tick.UNKNOWN, one.name, " · ".join((*notes, words.say("db.unproven"))))


def _why(why: str, words: Words) -> str:
    """Why a proof failed, in two words; whatever was written down where there are none."""
    key = f"db.bad_{why}"
    return words.say(key if has(key, words.language) else "db.bad", why=why)
