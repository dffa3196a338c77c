"""What a card says of the database: what happens to it, what is destroyed, what prepare found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.cards.view import View, trimmed
from commands.domain import naming
from commands.domain.conversation import Block, CheckLine, Checklist, Paragraph, Tick
from commands.domain.database import BackupRecord, Loss
from commands.domain.events import AskVerb
from commands.domain.keeping import kept_databases, undo_loss
from commands.domain.plan import (
    EnterMaintenance,
    KeepCopy,
    MigrateSchema,
    Migration,
    Phase,
    RehearseMigration,
    SchemaChange,
    SwapDatabase,
)
from commands.domain.state import Status
from commands.domain.text import Text, text

LOSSES_SHOWN = 6
TABLES_SHOWN = 5
REHEARSAL = "rehearsal"
DESTROYED = ("rehearsal_drops_", "rehearsal_loses_", "rehearsal_rows")
"""How the evidence of a rehearsal begins that names what it destroyed: no reason for a tick."""

_TICKS = {True: Tick.DONE, False: Tick.BAD, None: Tick.UNKNOWN}


def change_of(view: View) -> SchemaChange | None:
    """What the plan does to the database; None when it leaves it alone."""
    return view.state.plan.schema_change if view.state.plan else None


def moves(view: View) -> Iterator[tuple[str, str]]:
    """From which revision to which and in whose image, or from which backup."""
    change, words = change_of(view), view.words
    if change is None:
        return
    label = words.say("db.database", name=change.database)
    if change.backup:
        yield label, _from_backup(view, change.backup)
        return
    none = words.say("db.no_migrations")
    before, after = ", ".join(change.before) or none, ", ".join(change.after) or none
    yield label, f"{before} → {after}"
    if ran := _migration(view):
        yield words.say("db.runs_in"), f"{ran.service} {ran.version}"


def way_back(view: View) -> str:
    """How the database comes back; "" when the plan leaves it alone."""
    change = change_of(view)
    if change is None:
        return ""
    kept = naming.kept(change.database, view.state.id)
    for step in view.state.planned(Phase.EXECUTE):
        match step.action:
            case SwapDatabase() | MigrateSchema(way_back="swap"):
                return view.words.say("db.undo_by_swap", kept=kept)
            case MigrateSchema():
                return view.words.say("db.undo_by_migrating")
            case _:
                pass
    return ""


def stakes(view: View) -> Iterator[Block]:
    """What is destroyed, or written since the backup; then what prepare found out."""
    change = change_of(view)
    if change is None:
        return
    if any(item.name == REHEARSAL for item in view.state.evidence.items):
        yield from _rehearsed_losses(view)
    elif not change.backup:
        yield from _losses(view)
    yield from _written(view)
    yield from _evidence(view)


def page(view: View) -> Iterator[Block]:
    """What users see meanwhile, for the announcement."""
    if change_of(view) is None:
        return
    has_page = any(isinstance(s.action, EnterMaintenance) for s in view.state.planned(*Phase))
    key = "db.page_is_on" if has_page else "db.no_page"
    yield Paragraph(view.words.say(key, services=view.state.request.services))


def before_deciding(view: View, verb: AskVerb) -> Iterator[Block]:
    """What an undo loses, or which database goes for good: said before people say yes."""
    state, words = view.state, view.words
    loss = undo_loss(state) if verb == "undo" else None
    if loss is not None:
        yield Paragraph(words.tell(loss))
    if verb == "drop_kept":
        yield Paragraph(words.say("db.will_drop", names=kept_databases(state)))


def kept(view: View) -> Iterator[Block]:
    """The database from before: where it is, and how it is let go."""
    state, words = view.state, view.words
    change = change_of(view)
    if state.status not in (Status.SUCCEEDED, Status.UNDONE) or change is None:
        return
    names = kept_databases(state)
    undone = state.status is Status.UNDONE
    if state.kept_dropped:
        yield Paragraph(words.say("db.aside_is_gone" if undone else "db.kept_is_gone"))
    elif state.drop_kept_by:
        people = tuple(words.name(person) for person in state.drop_kept_by)
        yield Paragraph(words.say("db.kept_is_going", names=names, people=people))
    elif state.drop_kept_failed is not None:
        why = words.tell(state.drop_kept_failed)
        yield Paragraph(words.say("db.kept_stays", names=names, why=why, id=state.id))
    elif names:
        from_before = names == (naming.kept(change.database, state.id),)
        key = "db.kept_aside" if undone and not from_before else "db.kept"
        yield Paragraph(words.say(key, names=names, id=state.id))


def _migration(view: View) -> Migration | None:
    steps = view.state.planned(Phase.PREPARE, Phase.EXECUTE)
    actions = (s.action for s in steps)
    found = (a.migration for a in actions if isinstance(a, RehearseMigration | MigrateSchema))
    return next(found, None)


def _from_backup(view: View, name: str) -> str:
    plan = view.state.plan
    record = plan.backup if plan else None
    if record is None or record.name != name:
        return view.words.say("db.from_backup", name=name)
    return " · ".join(_about(view, record))


def _about(view: View, record: BackupRecord) -> Iterator[str]:
    words = view.words
    yield words.say("db.from_backup", name=record.name)
    yield words.say("db.taken", at=words.at(record.taken_at), ago=words.ago(record.taken_at))
    if record.revisions:
        yield words.say("db.of_revision", revisions=record.revisions)
    if record.size_bytes:
        yield words.size(record.size_bytes)


def _rehearsed_losses(view: View) -> Iterator[Block]:
    """As the rehearsal has shown; where it says nothing, nothing was destroyed."""
    words = view.words
    said = [i.said for i in view.state.evidence.items if i.said and i.name.startswith(DESTROYED)]
    if not said:
        yield Paragraph(words.say("db.destroys_nothing"))
        return
    lines = "\n".join(f"• {words.tell(one)}" for one in said)
    yield Paragraph(lines, title=words.say("db.destroyed_on_copy"))


def _losses(view: View) -> Iterator[Block]:
    """By the migration's SQL, before a rehearsal has shown it."""
    losses, words = (view.state.plan.losses if view.state.plan else ()), view.words
    if not losses:
        return
    lines = [f"• {_loss(view, one)}" for one in losses[:LOSSES_SHOWN]]
    if more := len(losses) - LOSSES_SHOWN:
        lines += [words.say("db.more_losses", n=more)] if more > 0 else []
    yield Paragraph("\n".join(lines), title=words.say("db.destroyed"))


def _loss(view: View, loss: Loss) -> str:
    words = view.words
    said = words.say(f"db.thing_{loss.what}", name=loss.name)
    if loss.rows is None:
        return said
    key = "db.rows_about" if loss.estimated else "db.rows"
    return f"{said} — {words.say(key, n=loss.rows, rows=words.rows(loss.rows))}"


def _written(view: View) -> Iterator[Block]:
    """Rows that came (or went) since the backup: the restored database does not know of them."""
    since, words = (view.state.plan.written_since if view.state.plan else {}), view.words
    if not since:
        return
    moved = sorted(((t, n) for t, n in since.items() if n), key=lambda pair: -abs(pair[1]))
    if not moved:
        yield Paragraph(words.say("db.written_nothing"))
        return
    shown = [f"• {table}: {_signed(view, n)}" for table, n in moved[:TABLES_SHOWN]]
    if (more := len(moved) - TABLES_SHOWN) > 0:
        shown.append(words.say("db.more_tables", n=more))
    yield Paragraph("\n".join(shown), title=words.say("db.written_since"))


def _signed(view: View, number: int) -> str:
    sign = "+" if number > 0 else "−"
    rows = view.words.rows(abs(number))
    return view.words.say("db.rows", n=abs(number), rows=f"{sign}{rows}")


def _evidence(view: View) -> Iterator[Block]:
    """What was proven while people decide; a skipped rehearsal is said with who and why."""
    state, words = view.state, view.words
    lines = [
        CheckLine(_TICKS[item.ok], words.tell(_readable(view, item.said)))
        for item in state.evidence.items
        if item.said is not None and not item.name.startswith(DESTROYED)
    ]
    if state.rehearsal_skipped_by is not None:
        why = trimmed(state.rehearsal_skipped_why) or words.say("db.no_reason")
        person = words.name(state.rehearsal_skipped_by)
        lines.append(CheckLine(Tick.UNKNOWN, words.say("db.skipped", person=person, why=why)))
    if lines:
        yield Checklist(words.say("db.evidence"), tuple(lines))


def _readable(view: View, said: Text) -> Text:
    """With its time in the runbook's zone and its rows in groups, like the rest of the card."""
    params = dict(said.params)
    if isinstance(at := params.get("at"), str) and (moment := _moment(at)):
        params["at"] = view.words.at(moment)
    if isinstance(rows := params.get("rows"), int):
        params["rows"] = view.words.rows(rows)
    return text(said.key, **params)


def _moment(said: str) -> datetime | None:
    """`2026-11-22 00:14 UTC`, as the steps write it."""
    try:
        return datetime.strptime(said, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    except ValueError:
        return None


def detail_shown(action: object, detail: Text) -> bool:
    """Whether what the step says for itself belongs on the card: who was ended, how long it took.

    And that somebody wrote to what was being copied. The rest is said elsewhere on it, or stands
    in the thread.
    """
    is_dump = isinstance(action, KeepCopy) and action.way == "dump"
    is_news = is_dump or detail.key == "db.cloned_again"
    return is_news or getattr(action, "kind", "") in ("drain_sessions", "migrate_schema")
