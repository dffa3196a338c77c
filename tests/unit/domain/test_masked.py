"""Where taking secrets out would change data, by the path that people write."""

from __future__ import annotations

from commands.domain.masked import each_string, masked, places_of
from commands.domain.secret_shapes import without_secrets

DATA = {
    "environments": {"production": {"smoke": [{"argv": ["./smoke.sh", "--token=abc", "-v"]}]}},
    "title": "Token: where it is",
    "limit": 3,
}
PLACE = "environments.production.smoke[0].argv[1]"


def test_the_place_and_the_value_are_named() -> None:
    """Down through tables and lists, and only what is changed."""
    assert masked(DATA, lambda plain: each_string(plain, lambda said: said)) == {}
    found = masked(DATA, lambda plain: each_string(plain, without_secrets))

    assert found[PLACE] == "--token=abc"
    assert "limit" not in found


def test_a_value_is_found_where_it_was_written() -> None:
    """The plan has it too, but people mend the runbook."""
    assert places_of("--token=abc", DATA) == (PLACE,)
    assert places_of("elsewhere", DATA) == ()
