"""A schema's shape in the journal, where a redactor has been over it."""

from __future__ import annotations

from commands.database_ports import Shape
from commands.store.redaction import Redactor
from workers.steps.packed import NAMES, SHAPE, recalled, remembered

ODD = Shape(
    {
        "column": frozenset({"doors.id", "doors.z-pass", "users.api-token", "users.a b-password"}),
        "invalid index": frozenset({"doors.ix-pass"}),
        "table": frozenset({"doors", "users", "other room.secret", "bearer"}),
    }
)


def _journaled(shape: Shape) -> dict[str, str]:
    found = Redactor(["hunter22"]).data(remembered(shape))
    assert isinstance(found, dict)
    return {str(name): str(value) for name, value in found.items()}


def test_names_that_look_like_secrets_are_remembered() -> None:
    """A column `z-pass` takes no name of the next table away."""
    assert recalled(_journaled(ODD)) == ODD


def test_a_shape_that_was_masked_is_not_known() -> None:
    """Then its fingerprint alone is compared; nothing is made of half a line."""
    masked = _journaled(Shape({"table": frozenset({"hunter22"})}))
    earlier = {SHAPE: masked[SHAPE], NAMES: "column|doors|id,z-pass\n***\ntable||doors,users"}

    assert recalled(masked) is None
    assert recalled(earlier) is None


def test_a_shape_of_an_earlier_version_is_still_read() -> None:
    """A rollback that began before its lines had an end goes on."""
    now = remembered(ODD)
    assert recalled(now | {NAMES: now[NAMES].replace("|\n", "\n").rstrip("|")}) == ODD
