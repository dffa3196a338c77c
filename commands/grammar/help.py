"""Help by topic, with examples in the team's own names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from commands.domain.errors import GrammarError
from commands.domain.runbook import Runbook
from commands.domain.spoken import LATER
from commands.domain.text import Text, text
from commands.grammar.suggest import nearest
from commands.grammar.words import short

# Which page explains a word; pages are the values.
TOPICS: Mapping[str, str] = {
    **dict.fromkeys(("rollback", "auto", "all", "dry-run"), "rollback"),
    **dict.fromkeys(("approve", "deny", "withdraw", "cancel"), "approve"),
    **dict.fromkeys(("status", "plan", "log", "history"), "status"),
    **dict.fromkeys(("stop", "undo", "retry", "done"), "undo"),
    **dict.fromkeys(("note", "tick", "untick"), "note"),
    **dict.fromkeys(("freeze", "unfreeze"), "freeze"),
    **dict.fromkeys(("manual", "byhand"), "manual"),
    **dict.fromkeys(("db", "database", "migration", "skip-rehearsal", "drop-kept"), "db"),
    **dict.fromkeys(("restore", "restore-db"), "restore"),
    **dict.fromkeys(LATER, "later"),
    "backups": "backups",
    "full": "full",
    "versions": "versions",
    "oncall": "oncall",
    "help": "",
}
PAGES: Mapping[str, Text] = {
    "": text("help.overview"),
    "rollback": text("help.rollback"),
    "full": text("help.full"),
    "db": text("help.db"),
    "restore": text("help.restore"),
    "backups": text("help.backups"),
    "approve": text("help.approve"),
    "status": text("help.status"),
    "undo": text("help.undo"),
    "versions": text("help.versions"),
    "note": text("help.note"),
    "freeze": text("help.freeze"),
    "oncall": text("help.oncall"),
    "manual": text("help.manual"),
    "later": text("help.later"),
}
# Words to type, and the key that says what they do.
EXAMPLES: Mapping[str, tuple[tuple[str, Text], ...]] = {
    "": (
        ("{service} v1.2.3", text("help.does_rollback")),
        ("{service} --auto", text("help.does_auto")),
        ("full v1.2.3", text("help.does_full")),
        ("db -1", text("help.does_db")),
        ("status", text("help.does_status")),
        ("versions {service}", text("help.does_versions")),
        ("approve RB-17", text("help.does_approve")),
        ("stop", text("help.does_stop")),
        ("undo RB-17", text("help.does_undo")),
        ("help rollback", text("help.does_help")),
    ),
    "rollback": (
        ("{service} v1.2.3", text("help.does_rollback")),
        ('{service} v1.2.3 --reason "5xx 12 %"', text("help.does_reason")),
        ("{service} v1.2.3 --dry-run", text("help.does_dry_run")),
        ("{service} --auto", text("help.does_auto")),
        ("all v1.2.3", text("help.does_all")),
        ("--service={service} --to-version=v1.2.3", text("help.does_script")),
    ),
    "full": (
        ("full v1.2.3", text("help.does_full")),
        ("full v1.2.3 --dry-run", text("help.does_dry_run")),
        ("full v1.2.3 --restore-db", text("help.does_restore_db")),
    ),
    "db": (
        ("db -1", text("help.does_db")),
        ("db 4f2a91c07d3e", text("help.does_db_revision")),
        ("db -1 --with {dependant}=v1.2.2", text("help.does_db_with")),
        ("db -1 --dry-run", text("help.does_dry_run")),
        ("versions db", text("help.does_versions_db")),
        ('skip-rehearsal RB-17 "…"', text("help.does_skip_rehearsal")),
        ("undo RB-17", text("help.does_undo_db")),
        ("drop-kept RB-17", text("help.does_drop_kept")),
    ),
    "restore": (
        ("db --restore latest", text("help.does_restore_latest")),
        ("db --restore samokoder-20261122T010203Z.dump", text("help.does_restore")),
        ("full v1.2.3 --restore-db", text("help.does_restore_db")),
        ("drop-kept RB-17", text("help.does_drop_kept")),
    ),
    "backups": (
        ("backups", text("help.does_backups")),
        ("restore latest", text("help.does_restore_latest")),
    ),
    "approve": (
        ("approve RB-17", text("help.does_approve")),
        ('deny RB-17 "…"', text("help.does_deny")),
        ("withdraw RB-17", text("help.does_withdraw")),
        ("cancel RB-17", text("help.does_cancel")),
    ),
    "status": (
        ("status", text("help.does_status")),
        ("plan RB-17", text("help.does_plan")),
        ("log RB-17", text("help.does_log")),
        ("history", text("help.does_history")),
    ),
    "undo": (
        ("stop RB-17", text("help.does_stop")),
        ("undo RB-17", text("help.does_undo")),
        ("retry RB-17", text("help.does_retry")),
        ("done RB-17", text("help.does_done")),
        ("cancel RB-17", text("help.does_leave")),
    ),
    "versions": (("versions {service}", text("help.does_versions")),),
    "note": (
        ('note RB-17 "…"', text("help.does_note")),
        ("tick RB-17 {point}", text("help.does_tick")),
        ("untick RB-17 {point}", text("help.does_untick")),
    ),
    "freeze": (
        ('freeze "…"', text("help.does_freeze")),
        ("unfreeze", text("help.does_unfreeze")),
    ),
    "oncall": (("oncall", text("help.does_oncall")),),
}


# Words that are refused where the runbook names no database: help does not teach them there.
NEEDS_DATABASE = re.compile(r"^(?:db\b|restore\b|backups$|versions db$)|--restore-db")


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One page of help: what it is about, words to type with what they do, other topics."""

    says: Text
    examples: tuple[tuple[str, Text], ...]
    topics: tuple[str, ...]


def help_page(topic: str, runbook: Runbook) -> HelpPage:
    """The page of a topic, its examples in the runbook's own names.

    `topic` is what `Help` carries. Raises GrammarError for one that there is not.
    """
    page = topic_of(topic, runbook)
    services = [name for name, s in runbook.services.items() if not s.stateful]
    point = runbook.checklist[0].id if runbook.checklist else "health"
    names = {
        "service": services[0] if services else "api",
        "dependant": _dependant(runbook),
        "point": point,
    }
    examples = tuple(
        (words.format(**names), does)
        for words, does in EXAMPLES.get(page, ())
        if names["dependant"] or not NEEDS_DATABASE.search(words)
    )
    return HelpPage(PAGES[page], examples, tuple(p for p in PAGES if p not in ("", page)))


def _dependant(runbook: Runbook) -> str:
    """A service that uses a database; "" when the runbook names no database at all."""
    databases = (one.database for one in runbook.environments.values())
    return next((database.dependants[0] for database in databases if database), "")


def topic_of(word: str, runbook: Runbook) -> str:
    """The page that explains a word. Raises GrammarError for a word that nothing explains."""
    name = word.lower().lstrip("-")
    if name in PAGES:
        return name
    if name in TOPICS:
        return TOPICS[name]
    if name in runbook.services:
        return "rollback"
    near = nearest(name, [*TOPICS, *runbook.services]) or tuple(p for p in PAGES if p)
    raise GrammarError("grammar.unknown_topic", word=short(word), topics=near)
