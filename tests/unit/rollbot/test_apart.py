"""Two environments of one runbook must not share what one host changes."""

from __future__ import annotations

from typing import Any, cast

from commands.domain.runbook import Runbook
from commands.domain.text import Text
from rollbot.check.apart import environments_are_apart
from rollbot.check.finding import Ground
from tests.cards.people import NIGHT, runbook


def test_places_that_two_environments_share_are_named() -> None:
    """Project, page and backups of a copied section; what was told apart is not named."""
    shipped = runbook()
    production = shipped.environments["production"]
    apart = production.compose.model_copy(update={"project": "samokoder-staging"})
    for staging, named in (
        (production, {"compose", "database.backups", "database.maintenance.file"}),
        (
            production.model_copy(update={"compose": apart}),
            {"database.backups", "database.maintenance.file"},
        ),
        (production.model_copy(update={"compose": apart, "database": None}), set()),
    ):
        both = {"production": production, "staging": staging}
        ground = _ground(shipped.model_copy(update={"environments": both}))
        found = [one.text for one in environments_are_apart(ground)]
        assert {_setting(said) for said in found} == named


def _setting(said: Text) -> str:
    return str(said.params["path"]).removeprefix("environments.production.")


def _ground(runbook: Runbook) -> Ground:
    """Only the runbook is looked at."""
    nothing = cast(Any, None)
    return Ground(nothing, runbook, "production", nothing, None, NIGHT)
