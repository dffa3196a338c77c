"""The graph of migration scripts: walked as Alembic walks it, its faults named."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import ModuleType

import pytest
from alembic.runtime.migration import HeadMaintainer, RevisionStep
from alembic.script.base import Script
from alembic.script.revision import RangeNotAncestorError, RevisionMap
from hypothesis import given
from hypothesis import strategies as st

from commands.domain.database import Revision, ScriptGraph
from commands.domain.errors import PlanRefusedError
from commands.planner.database_refusals import refuse_unsound
from commands.planner.graph import downgrade, fit_of, graph_of, recent_ids, resolve


def graph(*lines: str) -> ScriptGraph:
    """`r08 < r07a r07b | r03` is a script, its predecessors, and what it depends on."""
    scripts = []
    for line in lines:
        names, _, depends = line.partition("|")
        id_, _, down = names.partition("<")
        scripts.append(
            Revision(id=id_.strip(), down=tuple(down.split()), depends=tuple(depends.split()))
        )
    return graph_of("api", "v1.4.0", "sha256:1", scripts)


MERGED = graph("r05", "r06 < r05", "r07a < r06", "r07b < r06", "r08 < r07a r07b")


@st.composite
def histories(draw: st.DrawFn) -> tuple[Revision, ...]:
    """Up to nine scripts, each after some earlier ones, at times depending on others."""
    scripts: list[Revision] = []
    for number in range(draw(st.integers(1, 9))):
        earlier = [one.id for one in scripts]
        ours = graph_of("api", "v1", "sha256:1", scripts)
        several = st.lists(st.sampled_from(earlier), max_size=2, unique=True)
        down = tuple(draw(several)) if earlier else ()
        # Nobody merges a script with one that needs it; what Alembic then leaves is by chance.
        down = tuple(i for i in down if not any(i in applied(ours, o) for o in {*down} - {i}))
        others = [i for i in earlier if not any(i in applied(ours, o) for o in down)]
        depends = draw(st.lists(st.sampled_from(others), max_size=1)) if others else []
        scripts.append(Revision(id=f"rev{number}", down=down, depends=tuple(depends)))
    return tuple(scripts)


def applied(ours: ScriptGraph, revision: str) -> tuple[str, ...]:
    """Everything that is there when this one is (of at most nine: fewer than the ten listed)."""
    return recent_ids(ours, [revision])


def everything(ours: ScriptGraph, revisions: Iterable[str]) -> set[str]:
    """All that is applied when these stand in alembic_version."""
    return {id_ for one in revisions for id_ in applied(ours, one)}


def their_map(scripts: Iterable[Revision]) -> RevisionMap:
    """Alembic's own map of the same scripts."""
    theirs = [Script(module_of(one), one.id, f"{one.id}.py") for one in scripts]
    return RevisionMap(lambda: theirs)


def module_of(one: Revision) -> ModuleType:
    """The file of a script, as Alembic has it after loading."""
    module = ModuleType(one.id)
    module.__dict__.update(
        down_revision=one.down or None,
        depends_on=one.depends or None,
        upgrade=lambda: None,
        downgrade=lambda: None,
    )
    return module


class Maintainer(HeadMaintainer):
    """Alembic's keeper of the version table, without a table."""

    def __init__(self, heads: Iterable[str]) -> None:
        self.heads = set(heads)

    def _insert_version(self, version: str) -> None:
        self.heads.add(version)

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)

    def _update_version(self, from_: str, to_: str) -> None:
        self.heads.remove(from_)
        self.heads.add(to_)


@given(histories(), st.data())
def test_a_downgrade_runs_what_alembic_runs_and_leaves_what_it_leaves(
    scripts: tuple[Revision, ...], data: st.DataObject
) -> None:
    """For any history and target: the same scripts, an order it allows, the same heads after."""
    ours, theirs = graph_of("api", "v1", "sha256:1", scripts), their_map(scripts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        heads = theirs._real_heads  # noqa: SLF001 - what Alembic writes into alembic_version
        target = data.draw(st.sampled_from([one.id for one in scripts]))
        if set(heads) == {target}:
            with pytest.raises(PlanRefusedError):
                downgrade(ours, heads, target)
            return
        try:
            steps = list(theirs.iterate_revisions(heads, target, select_for_downgrade=True))
        except RangeNotAncestorError:
            steps = []
        maintainer = Maintainer(heads)
        for one in steps:
            assert isinstance(one, Script)
            maintainer.update_to_step(RevisionStep(theirs, one, is_upgrade=False))
    walk = downgrade(ours, heads, target)

    assert {one.id for one in walk.path} == {one.revision for one in steps}
    assert everything(ours, walk.after) == everything(ours, maintainer.heads)
    if not any(one.depends for one in scripts):
        # With dependencies Alembic's order decides which rows stand there besides.
        assert set(walk.after) == maintainer.heads
    seen: set[str] = set()
    for script in walk.path:
        followers = {o.id for o in walk.path if script.id in (*o.down, *o.depends)}
        assert followers <= seen
        seen.add(script.id)


def test_a_merge_takes_both_branches_back() -> None:
    """Behind the fork both branches go, newest first; to one branch only the merge goes."""
    whole = downgrade(MERGED, ["r08"], "r06")
    assert next(one.id for one in whole.path) == "r08"
    assert {one.id for one in whole.path} == {"r08", "r07a", "r07b"}
    assert whole.after == ("r06",)
    assert downgrade(MERGED, ["r08"], "r07a").after == ("r07a", "r07b")


@pytest.mark.parametrize(
    ("current", "said", "key"),
    [
        (["r08"], "-1", "refused.db_ambiguous"),
        (["r07a", "r07b"], "-1", "refused.db_ambiguous"),
        (["r06"], "-2", "refused.db_to_base"),
        (["r06"], "base", "refused.db_to_base"),
        (["r06"], "r06", "refused.db_already_there"),
        (["r06"], "r08", "refused.db_not_behind"),
        (["r08"], "r6", "refused.db_revision_unknown"),
        (["r08"], "r07", "refused.db_revision_unknown"),
    ],
)
def test_a_target_that_means_nothing_sure_is_refused(
    current: list[str], said: str, key: str
) -> None:
    """At a merge `-1` is ambiguous, as in Alembic; the other answers name what there is."""
    with pytest.raises(PlanRefusedError) as refusal:
        downgrade(MERGED, current, said)
    assert refusal.value.key == key


def test_the_beginning_of_an_id_is_enough_when_only_one_begins_so() -> None:
    """As in Alembic, from four characters on."""
    hashed = graph("1f2e3d4c5b6a", "9a8b7c6d5e4f < 1f2e3d4c5b6a")
    assert resolve(hashed, ("9a8b7c6d5e4f",), "1f2e") == "1f2e3d4c5b6a"
    assert resolve(hashed, ("9a8b7c6d5e4f",), "-1") == "1f2e3d4c5b6a"


@pytest.mark.parametrize(
    ("lines", "key", "named"),
    [
        (("r06", "r07a < r06", "r07b < r06"), "refused.db_several_heads", ("r07a", "r07b")),
        (("r06", "r07d < r06x"), "refused.db_broken_reference", ("r07d → r06x",)),
        (("r06", "r06"), "refused.db_repeated", ("r06",)),
        (("r05 < r06", "r06 < r05"), "refused.db_circular", ("r05", "r06")),
        ((), "refused.db_no_scripts", ()),
    ],
)
def test_an_unsound_graph_is_refused_with_names(
    lines: tuple[str, ...], key: str, named: tuple[str, ...]
) -> None:
    """H15: several heads, a reference to a file that is not there, ids twice, circles."""
    with pytest.raises(PlanRefusedError) as refusal:
        refuse_unsound(graph(*lines))
    assert refusal.value.key == key
    assert not named or named in refusal.value.facts.values()


def test_a_version_fits_when_the_revision_is_the_newest_it_knows() -> None:
    """Known and newest, known but older than its code expects, not known at all."""
    assert (fit_of(MERGED, ["r08"]).knows, fit_of(MERGED, ["r08"]).at_head) == (True, True)
    assert (fit_of(MERGED, ["r06"]).knows, fit_of(MERGED, ["r06"]).at_head) == (True, False)
    assert fit_of(MERGED, ["r09"]).knows is False
    assert fit_of(graph("a", "b | a"), ["b"]).at_head is True


def test_the_last_ones_applied_are_listed_newest_first() -> None:
    """What is not applied yet is left out."""
    assert recent_ids(MERGED, ["r06"]) == ("r06", "r05")
    assert recent_ids(graph("r05 < r06", "r06 < r05"), ["r06"]) == ()
