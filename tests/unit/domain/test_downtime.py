"""How long services will be away is learned from the switches that were measured."""

from __future__ import annotations

from commands.domain import events as e
from tests.unit.domain.office import ANNA, Office


def closed(office: Office, version: str, switch_s: float | None) -> None:
    rollback = office.ask(ANNA, version=version)
    over = e.RollbackClosed(rollback_id=rollback, outcome="succeeded", switch_s=switch_s)
    office.append(rollback, environment=(over,))


def test_nothing_is_guessed_before_the_first_switch() -> None:
    """No measurement, no figure."""
    office = Office()
    closed(office, "v1", None)

    assert office.environment.expected_downtime_s(("api",)) is None


def test_the_median_of_the_last_five_counts() -> None:
    """One slow night does not spoil the estimate, and old ones are forgotten."""
    office = Office()
    for number, seconds in enumerate((90.0, 2.0, 3.0, 60.0, 2.5, 2.5)):
        closed(office, f"v{number}", seconds)

    assert office.environment.expected_downtime_s(("api",)) == 2.5
    assert office.environment.expected_downtime_s(("worker",)) is None
