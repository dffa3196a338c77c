"""The way back of a changed database: the one that was kept takes its name again."""

from __future__ import annotations

from commands.domain import naming
from commands.domain.errors import InDoubtError
from workers.steps.ports import Ports


def swap_back(ports: Ports, database: str, aside: str, *, marked: bool) -> None:
    """What is there now is put aside under that name, never dropped.

    Two renames in one transaction. Safe to repeat: with the kept one gone and another put aside,
    it is done. `marked`: the kept one is a copy, which must have been finished. Raises
    InDoubtError (`doubt.kept_missing`) when there is nothing to go back to.
    """
    server = ports.production
    kept = naming.kept(database, ports.rollback_id)
    if server.exists(kept):
        if marked and not server.is_whole(kept):
            raise InDoubtError("doubt.kept_half", database=database, kept=kept)
        server.swap(database, incoming=kept, outgoing=aside)
    elif not (server.exists(aside) and server.exists(database)):
        raise InDoubtError("doubt.kept_missing", database=database, kept=kept)
