"""Private answers about the database, of the same bad evening as the stories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot import cards
from bot.cards.view import View
from commands.domain import reply as r
from commands.domain.conversation import Card
from commands.domain.database import BackupRecord, Revision, ScriptGraph
from commands.domain.observed import ObservedDatabase
from tests.cards.people import NIGHT
from tests.fakes.database_plans import AFTER, BEFORE, NAME

TITLES = (
    ("8c1f0b7a9d42", "projects: description, archived_at"),
    ("4f2a91c07d3e", "users: last_login"),
    ("0b77d1e5c9aa", "invoices"),
    ("c2d9e8f01b34", "handles, filled from e-mail"),
    ("91be07a4d6f3", "index of paths, concurrently"),
    ("5e5f0c1a2b3c", "sizes of files"),
    ("1d0a9c8b7e6f", "status and events"),
    ("a00000000001", "users, projects, files"),
)
IRREVERSIBLE, EMPTY = "c2d9e8f01b34", "5e5f0c1a2b3c"
AGE = timedelta(seconds=9)


def graph(*, heads: tuple[str, ...] = BEFORE) -> ScriptGraph:
    """Eight migrations, one after another; with several heads one more beside the newest."""
    ids = [one for one, _ in TITLES]
    downs = [(below,) for below in ids[1:]] + [()]
    listed = tuple(
        Revision(
            id=one, title=title, down=down, irreversible=one == IRREVERSIBLE, empty=one == EMPTY
        )
        for (one, title), down in zip(TITLES, downs, strict=True)
    )
    beside = tuple(Revision(id=h, title="tags", down=AFTER) for h in heads if h not in ids)
    return ScriptGraph(
        service="api",
        version="v1.3.0",
        digest="sha256:api-v1.3.0",
        revisions=(*beside, *listed),
        heads=heads,
        roots=(ids[-1],),
    )


def seen(found: ScriptGraph | None) -> ObservedDatabase:
    """What the observer read nine seconds ago."""
    return ObservedDatabase(at=NIGHT - AGE, name=NAME, revisions=BEFORE, graph=found)


def backup(hours: float, by: str, size_mb: int = 412, **more: object) -> BackupRecord:
    """A backup of so many hours ago, proven unless said otherwise."""
    taken = NIGHT - timedelta(hours=hours)
    given = {
        "name": f"{NAME}_{taken:%Y%m%dT%H%M%SZ}_{by}.dump.zst",
        "database": NAME,
        "taken_at": taken,
        "revisions": AFTER if hours > 2 else BEFORE,
        "size_bytes": size_mb * 10**6,
        "by": by,
        "proven_at": taken + timedelta(minutes=1),
    }
    return BackupRecord.model_validate(given | more)


BACKUPS = (
    backup(0.4, "RB-16"),
    backup(2.1, "pre-deploy"),
    backup(26, "hand", proven_at=None),
    backup(50, "pre-deploy", size_mb=7, proven_at=None, why="truncated"),
)
ANSWERS: Mapping[str, r.Reply] = {
    "versions_db": r.SchemaReply("production", NAME, seen(graph()), AGE),
    "versions_db_two_heads": r.SchemaReply(
        "production", NAME, seen(graph(heads=(*BEFORE, "b07d3e91c5aa"))), AGE
    ),
    "versions_db_unread": r.SchemaReply("production", NAME, seen(None), AGE),
    "versions_db_unseen": r.SchemaReply("production", NAME, None, None),
    "backups": r.BackupsReply("production", NAME, BACKUPS, AGE),
    "backups_none": r.BackupsReply("production", NAME, (), AGE),
    "backups_unseen": r.BackupsReply("production", NAME, None, None),
}


def answer(name: str, view: View) -> Card:
    """The answer's card for whoever reads the view."""
    return cards.reply_card(ANSWERS[name], view.runbook, view.language, view.now)
