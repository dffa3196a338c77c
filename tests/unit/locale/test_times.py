"""Times carry their zone; durations and ages read like speech."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from commands.domain.people import Language
from commands.locale import age, duration, when

NIGHT = datetime(2026, 11, 22, 23, 44, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        ("Europe/Moscow", "ru", "02:44 МСК"),
        ("Europe/Moscow", "en", "02:44 MSK"),
        ("Europe/Berlin", "ru", "00:44 CET"),
        ("Asia/Dubai", "ru", "03:44 UTC+4"),
        ("Asia/Kolkata", "en", "05:14 IST"),
    ],
)
def test_a_time_is_in_the_runbooks_zone_and_says_so(
    zone: str, language: Language, said: str
) -> None:
    """Nobody has to guess whose 02:44 it is."""
    assert when(NIGHT, zone, language) == said


def test_another_day_brings_its_date() -> None:
    """A time of an earlier day is shown with that day, as the zone sees it."""
    earlier = NIGHT - timedelta(days=3)

    assert when(earlier, "Europe/Moscow", "ru", now=NIGHT) == "20 нояб. 02:44 МСК"
    assert when(NIGHT, "Europe/Moscow", "ru", now=NIGHT) == "02:44 МСК"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0,04 с"),
        (0.44, "0,44 с"),
        (9.97, "10 с"),
        (60, "1 мин"),
        (125, "2 мин 5 с"),
        (7_300, "2 ч 1 мин"),
        (352_900, "4 дн. 2 ч"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, said: str) -> None:
    """Fine where it is short, coarse where it is long."""
    assert duration(seconds, "ru") == said


def test_an_age_is_rough_and_never_in_the_future() -> None:
    """A clock that runs ahead of ours does not make the past tomorrow."""
    assert age(NIGHT - timedelta(days=3), NIGHT, "ru") == "3 дня назад"
    assert age(NIGHT + timedelta(seconds=5), NIGHT, "en") == "1 second ago"
