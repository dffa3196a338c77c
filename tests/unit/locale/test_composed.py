"""Keys that are put together from data have a text for each value that the data can take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import pytest

from commands.domain.conversation import Standing
from commands.domain.events import RollbackEvent
from commands.domain.events.event import AskVerb
from commands.domain.facts import KnownRelease
from commands.domain.plan import Action, Phase
from commands.domain.proof import ProofItem, Verdict
from commands.domain.state import Status
from commands.locale import has


def kinds(union: object) -> list[str]:
    """The `kind` of every member of a discriminated union."""
    members = get_args(union)
    models = (
        get_args(members[0]) if len(members) > 1 and not isinstance(members[1], type) else members
    )
    return [model.model_fields["kind"].default for model in models or members]


def literals(model: type, field: str) -> list[str]:
    return list(get_args(model.model_fields[field].annotation))  # type: ignore[attr-defined]


SOURCES = get_args(literals(KnownRelease, "sources")[0])
FAMILIES: dict[str, Iterable[str]] = {
    "status.": (status.value for status in Status),
    "watch.": (verdict.value for verdict in Verdict),
    "refused.standing_": (s.value for s in Standing if s is not Standing.MEMBER),
    "card.phase_": (phase.value for phase in Phase),
    "card.step_": kinds(Action),
    "card.asked_": get_args(AskVerb),
    "approval.asked_": get_args(AskVerb),
    "proof.": literals(ProofItem, "what"),
    "release.source_": SOURCES,
    "log.": (kind for kind in kinds(RollbackEvent) if kind not in ("posted", "post_lost")),
    "telegram.command_": ("rollback", "help"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_has_its_text(family: str) -> None:
    """A new step, event or status cannot reach people as a bare key."""
    keys = [family + value for value in FAMILIES[family]]

    assert keys
    assert [key for key in keys if not has(key, "ru") or not has(key, "en")] == []
