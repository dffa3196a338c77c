"""Times, durations and ages in the reader's language; times carry the name of their zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, format_timedelta
from babel.units import format_unit

from commands.domain.people import Language

# CLDR has no short name for Moscow time; Russians read and write these letters.
RUSSIAN_ZONES = {"MSK": "МСК"}
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
FINE_S = 9.95  # below this, tenths matter to whoever waits


def when(at: datetime, timezone: str, language: Language, now: datetime | None = None) -> str:
    """A moment in the runbook's zone, labelled: «14:32 МСК».

    The date stands before it when `now` is given and is another day there. Seconds are left out.
    """
    local = at.astimezone(ZoneInfo(timezone))
    label = zone_label(local, language)
    clock = format_time(local, "HH:mm", locale=language)
    if now is None or now.astimezone(local.tzinfo).date() == local.date():
        return f"{clock} {label}"
    return f"{format_date(local, 'd MMM', locale=language)} {clock} {label}"


def zone_label(local: datetime, language: Language) -> str:
    """The zone's short name there and then: «МСК», `CET`, or `UTC+4` where it has no letters."""
    name = local.tzname() or "UTC"
    if name.isalpha():
        return RUSSIAN_ZONES.get(name, name) if language == "ru" else name
    offset = local.utcoffset() or timedelta()
    hours, rest = divmod(int(offset.total_seconds()) // MINUTE_S, 60)
    return f"UTC{hours:+d}" + (f":{rest:02d}" if rest else "")


def duration(seconds: float, language: Language) -> str:
    """How long: «0,4 с», «12 с», «2 мин 5 с», «3 ч 10 мин», «4 дн. 2 ч» (two units at most)."""
    if seconds < FINE_S:
        return _unit(round(seconds, 1 if seconds >= 1 else 2), "second", language)
    whole = round(seconds)
    if whole < MINUTE_S:
        return _unit(whole, "second", language)
    if whole < HOUR_S:
        return _pair(divmod(whole, MINUTE_S), ("minute", "second"), language)
    if whole < DAY_S:
        return _pair(divmod(whole // 60, 60), ("hour", "minute"), language)
    return _pair(divmod(whole // HOUR_S, 24), ("day", "hour"), language)


def age(at: datetime, now: datetime, language: Language) -> str:
    """How long ago, roughly: «5 минут назад»; a clock ahead of ours is "1 second"."""
    past = min(at - now, timedelta(seconds=-1))
    return format_timedelta(past, add_direction=True, locale=language)


def _pair(amounts: tuple[int, int], units: tuple[str, str], language: Language) -> str:
    big, small = (_unit(a, u, language) for a, u in zip(amounts, units, strict=True))
    return f"{big} {small}" if amounts[1] else big


def _unit(amount: float, unit: str, language: Language) -> str:
    number = int(amount) if float(amount).is_integer() else amount
    return format_unit(number, f"duration-{unit}", "short", locale=language)
