"""The graph of migration scripts: its ends, its faults, and what a downgrade runs. Pure.

Walks as Alembic does (`alembic.script.revision.RevisionMap`, 1.20): a downgrade to a revision
drops everything that follows it or depends on it, as far as it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from rapidfuzz import fuzz, process

from commands.domain.database import Fit, Revision, RevisionId, ScriptGraph
from commands.domain.errors import PlanRefusedError
from commands.domain.fact import ImageDigest

NEAREST = 5
NEAR_ENOUGH = 50
RECENT = 10
BASE = "base"
_SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class Walk:
    """A downgrade to `target`: the scripts that it runs, newest first; the revisions after it.

    `after` is sorted, and has more than the target where the branches of a merge are left.
    """

    target: RevisionId
    path: tuple[Revision, ...]
    after: tuple[RevisionId, ...]


def graph_of(
    service: str, version: str, digest: ImageDigest, scripts: Iterable[Revision]
) -> ScriptGraph:
    """The graph that these scripts make, with whatever is wrong with it named."""
    listed = tuple(scripts)
    known = {one.id: one for one in listed}
    resolved = {one.id: _named(one, known) for one in known.values()}
    pairs = ((one.id, id_) for one in resolved.values() for id_ in (*one.down, *one.depends))
    downs = {id_ for one in resolved.values() for id_ in one.down}
    return ScriptGraph(
        service=service,
        version=version,
        digest=digest,
        revisions=tuple(resolved.values()),
        heads=tuple(sorted(set(known) - downs)),
        roots=tuple(sorted(one.id for one in resolved.values() if not one.down)),
        missing=tuple(sorted(pair for pair in pairs if pair[1] not in known)),
        repeated=tuple(sorted({o.id for o in listed if known[o.id] is not o})),
        circular=_circle(resolved),
    )


def downgrade(graph: ScriptGraph, current: Iterable[RevisionId], said: str) -> Walk:
    """What `alembic downgrade <said>` would run from `current`, and what is left after it.

    Raises PlanRefusedError: unknown, ambiguous, not behind, already there. The graph is sound
    (`database_refusals.refuse_unsound`), and knows all of `current`.
    """
    now = tuple(sorted(set(current)))
    target = resolve(graph, now, said)
    if (target,) == now:
        raise PlanRefusedError("refused.db_already_there", revision=target)
    scripts = _Scripts.of(graph)
    active = scripts.before(now)
    if target not in active:
        raise PlanRefusedError("refused.db_not_behind", revision=target, current=now)
    dropped = scripts.following(target) & active
    path = tuple(scripts.known[one] for one in scripts.newest_first(dropped))
    return Walk(target=target, path=path, after=tuple(sorted(scripts.left(now, path))))


def resolve(graph: ScriptGraph, current: tuple[RevisionId, ...], said: str) -> RevisionId:
    """The one revision that was meant: an id, the beginning of one, or so many steps back."""
    if said.startswith("-"):
        return _steps_back(graph, current, int(said[1:]))
    if said == BASE:
        raise PlanRefusedError("refused.db_to_base", roots=graph.roots)
    ids = [one.id for one in graph.revisions]
    if said in ids:
        return said
    begun = [id_ for id_ in ids if id_.startswith(said) and len(said) >= _SHORTEST_PREFIX]
    if len(begun) == 1:
        return begun[0]
    nearest = tuple(begun) or _nearest(said, ids) or recent_ids(graph, current)
    raise PlanRefusedError(
        "refused.db_revision_unknown", revision=said, version=graph.version, nearest=nearest
    )


def recent(graph: ScriptGraph, current: Iterable[RevisionId]) -> tuple[Revision, ...]:
    """The last ten that are applied, newest first; those not applied yet are left out."""
    if graph.circular:
        return ()
    scripts = _Scripts.of(graph)
    active = scripts.before(id_ for id_ in current if id_ in scripts.known)
    return tuple(scripts.known[id_] for id_ in scripts.newest_first(active))[:RECENT]


def fit_of(graph: ScriptGraph, revisions: Iterable[RevisionId]) -> Fit:
    """Whether that version's code can work on a database of these revisions."""
    wanted = tuple(revisions)
    found = {"service": graph.service, "version": graph.version, "heads": graph.heads}
    if graph.why:
        return Fit.model_validate(found)
    knows = all(graph.knows(id_) for id_ in wanted)
    # Not by comparing heads: one that another depends on stands in no alembic_version.
    at_head = knows and len(_Scripts.of(graph).before(wanted)) == len(graph.revisions)
    return Fit.model_validate({**found, "knows": knows, "at_head": at_head})


def recent_ids(graph: ScriptGraph, current: Iterable[RevisionId]) -> tuple[RevisionId, ...]:
    """The ids of `recent`."""
    return tuple(one.id for one in recent(graph, current))


def _steps_back(graph: ScriptGraph, current: tuple[RevisionId, ...], steps: int) -> RevisionId:
    """As many predecessors back; ambiguous at a merge and with several current ones (H15)."""
    known = {one.id: one for one in graph.revisions}
    if len(current) != 1:
        raise PlanRefusedError("refused.db_ambiguous", at="-".join(current), choices=current)
    here = current[0]
    for _ in range(steps):
        down = known[here].down
        if not down:
            raise PlanRefusedError("refused.db_to_base", roots=graph.roots)
        if len(down) > 1:
            raise PlanRefusedError("refused.db_ambiguous", at=here, choices=down)
        here = down[0]
    return here


@dataclass(frozen=True, slots=True)
class _Scripts:
    known: dict[RevisionId, Revision]
    next_of: dict[RevisionId, tuple[RevisionId, ...]]

    @classmethod
    def of(cls, graph: ScriptGraph) -> _Scripts:
        known = {one.id: one for one in graph.revisions}
        after: dict[RevisionId, tuple[RevisionId, ...]] = {}
        for one in known.values():
            for id_ in dict.fromkeys((*one.down, *one.depends)):
                after[id_] = (*after.get(id_, ()), one.id)
        return cls(known, after)

    def predecessors(self, id_: RevisionId) -> tuple[RevisionId, ...]:
        one = self.known[id_]
        return tuple(i for i in (*one.down, *one.depends) if i in self.known)

    def before(self, ids: Iterable[RevisionId]) -> set[RevisionId]:
        """These and all that they need: what is applied when these are current."""
        return _reached(ids, self.predecessors)

    def following(self, target: RevisionId) -> set[RevisionId]:
        """What goes when `target` is to be the last: its followers and all that needs those.

        What merely depends on `target` itself may stay, as in Alembic.
        """
        children = (i for i in self.next_of.get(target, ()) if target in self.known[i].down)
        return _reached(children, lambda id_: self.next_of.get(id_, ()))

    def left(self, current: Iterable[RevisionId], path: Iterable[Revision]) -> set[RevisionId]:
        """What alembic_version holds in the end, by the rule of Alembic's `RevisionStep`.

        It may hold one that another needs anyway, where scripts depend on other branches.
        """
        heads = set(current)
        for one in path:
            heads.discard(one.id)
            needed = self.predecessors(one.id)
            here = self.before(heads)
            if not heads:
                here = {i for id_ in needed for i in self.before([id_]) - {id_}}
            heads |= set(needed) - here
        return heads

    def newest_first(self, ids: set[RevisionId]) -> tuple[RevisionId, ...]:
        order = TopologicalSorter(
            {id_: [p for p in self.predecessors(id_) if p in ids] for id_ in sorted(ids)}
        )
        return tuple(reversed(tuple(order.static_order())))


def _reached(
    ids: Iterable[RevisionId], onward: Callable[[RevisionId], Iterable[RevisionId]]
) -> set[RevisionId]:
    found: set[RevisionId] = set()
    left = list(ids)
    while left:
        id_ = left.pop()
        if id_ not in found:
            found.add(id_)
            left.extend(onward(id_))
    return found


def _named(one: Revision, known: dict[RevisionId, Revision]) -> Revision:
    """With whole ids: Alembic lets scripts name others by a beginning, or by a branch's label."""
    labels = {label: id_ for id_, other in known.items() for label in other.labels}

    def whole(said: str) -> RevisionId:
        begun = [id_ for id_ in known if id_.startswith(said)]
        if said in known:
            return said
        return labels.get(said) or (begun[0] if len(begun) == 1 else said)

    return one.model_copy(
        update={
            "down": tuple(whole(i) for i in one.down),
            "depends": tuple(whole(i) for i in one.depends),
        }
    )


def _circle(known: dict[RevisionId, Revision]) -> tuple[RevisionId, ...]:
    try:
        TopologicalSorter({i: (*one.down, *one.depends) for i, one in known.items()}).prepare()
    except CycleError as error:
        return tuple(sorted({str(id_) for id_ in error.args[1]}))
    return ()


def _nearest(said: str, known: Iterable[str]) -> tuple[str, ...]:
    found = process.extract(
        said, list(known), scorer=fuzz.ratio, limit=NEAREST, score_cutoff=NEAR_ENOUGH
    )
    return tuple(name for name, _, _ in found)
