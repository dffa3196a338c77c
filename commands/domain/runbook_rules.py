"""What must hold across a runbook, beyond each value by itself. Pure: no files, no network.

Every rule yields problems with the path of the value to mend; none stops at the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from commands.domain.database_rules import database_problems
from commands.domain.masked import each_string, masked
from commands.domain.people import PersonId, RoleId
from commands.domain.runbook import EscalationRow, Runbook
from commands.domain.secret_shapes import without_secrets
from commands.domain.spoken import RESERVED
from commands.domain.state.question import match_slots
from commands.domain.text import Text, text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, and what it must be (`wrong.*`)."""

    path: str
    why: Text


def problems_in(runbook: Runbook) -> tuple[Problem, ...]:
    """Everything that does not fit together, in the file's order. Empty means valid."""
    rules = (_zone, _environments, _channels, _services, _addresses, _order, _people, _roles)
    others = (_rows, _checklist, _databases, _secrets)
    found = [problem for rule in (*rules, *others) for problem in rule(runbook)]
    return tuple(one for at, one in enumerate(found) if one not in found[:at])


def _zone(runbook: Runbook) -> Iterator[Problem]:
    try:
        ZoneInfo(runbook.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Problem("timezone", text("wrong.time_zone", found=runbook.timezone))


def _environments(runbook: Runbook) -> Iterator[Problem]:
    for name, environment in runbook.environments.items():
        path = f"environments.{name}"
        unknown = [s for s in environment.services if s not in runbook.services]
        yield from _unknown(f"{path}.services", unknown, "service", runbook.services)
        if not unknown and not runbook.service_names(name):
            yield Problem(f"{path}.services", text("wrong.nothing_to_roll_back"))
    # Both would read the same ROLLBOT_JOURNAL_KEY_<ENV>.
    spelled = Counter(name.replace("-", "_") for name in runbook.environments)
    for name in runbook.environments:
        if spelled[name.replace("-", "_")] > 1:
            yield Problem(f"environments.{name}", text("wrong.spelt_alike"))


def _channels(runbook: Runbook) -> Iterator[Problem]:
    bound: dict[tuple[str, str, str, str], str] = {}
    for name, environment in runbook.environments.items():
        for at, channel in enumerate(environment.channels):
            path = f"environments.{name}.channels[{at}]"
            place = (channel.platform, channel.workspace, channel.channel, channel.topic)
            if place in bound:
                yield Problem(path, text("wrong.bound_already", by=bound[place]))
            bound.setdefault(place, path)
            if channel.platform == "slack" and not channel.workspace:
                yield Problem(f"{path}.workspace", text("wrong.slack_team"))


def _services(runbook: Runbook) -> Iterator[Problem]:
    for name, service in runbook.services.items():
        path = f"services.{name}"
        # A stateful service is never the first word: Samokoder's `db` may keep its name.
        if name in RESERVED and not service.stateful:
            yield Problem(path, text("wrong.own_word"))
        if not service.stateful and not service.image:
            yield Problem(f"{path}.image", text("wrong.no_image"))
        yield from _unknown(
            f"{path}.after",
            [s for s in service.after if s not in runbook.services],
            "service",
            runbook.services,
        )


def _addresses(runbook: Runbook) -> Iterator[Problem]:
    named = {"rota_url": runbook.rota_url, "dashboard_url": runbook.dashboard_url}
    for name, service in runbook.services.items():
        for field in ("health_url", "version_url", "metrics_url"):
            named[f"services.{name}.{field}"] = getattr(service, field)
    for path, url in named.items():
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.netloc):
            yield Problem(path, text("wrong.http_address"))
        if parts.password:
            yield Problem(path, text("wrong.password"))


def _order(runbook: Runbook) -> Iterator[Problem]:
    known = runbook.services
    graph = {name: [a for a in s.after if a in known] for name, s in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = [str(name) for name in error.args[1]]
        yield Problem(f"services.{circle[0]}.after", text("wrong.circle", way=" → ".join(circle)))


def _people(runbook: Runbook) -> Iterator[Problem]:
    owners: dict[object, PersonId] = {}
    for person_id, person in runbook.people.items():
        for account in sorted(person.identities(), key=str):
            owner = owners.setdefault(account, person_id)
            if owner != person_id:
                # One login makes two accounts, console and shell: said once.
                kind = "login" if account.platform in ("console", "shell") else account.platform
                why = text("wrong.account_of", kind=kind, account=account.user, owner=owner)
                yield Problem(f"people.{person_id}", why)


def _roles(runbook: Runbook) -> Iterator[Problem]:
    for role_id, role in runbook.roles.items():
        path = f"roles.{role_id}.members"
        unknown = [p for p in role.members if p not in runbook.people]
        yield from _unknown(path, unknown, "person", runbook.people)
        yield from (Problem(path, text("wrong.twice", name=p)) for p in _twice(role.members))


def _rows(runbook: Runbook) -> Iterator[Problem]:
    for row_id, row in runbook.escalation.items():
        path = f"escalation.{row_id}"
        unknown = [r for r in row.roles if r not in runbook.roles]
        yield from _unknown(f"{path}.roles", unknown, "role", runbook.roles)
        strangers = [r for r in row.may_ask if r not in runbook.roles]
        yield from _unknown(f"{path}.may_ask", strangers, "role", runbook.roles)
        if not unknown and not strangers and not fillable(runbook, row):
            yield Problem(f"{path}.roles", text("wrong.unfillable", who=_who(runbook, row)))


def _checklist(runbook: Runbook) -> Iterator[Problem]:
    for twice in _twice(tuple(p.id for p in runbook.checklist)):
        yield Problem("checklist", text("wrong.two_points", name=twice))
    for at, point in enumerate(runbook.checklist):
        if point.confirmed_by == "machine" and not point.check:
            yield Problem(f"checklist[{at}].check", text("wrong.no_check"))


def _databases(runbook: Runbook) -> Iterator[Problem]:
    yield from (Problem(path, why) for path, why in database_problems(runbook))


def _secrets(runbook: Runbook) -> Iterator[Problem]:
    """Who writes a password here shows it to everybody: plans carry it, and are run masked."""
    whole = runbook.model_dump(mode="json")
    for path in masked(whole, lambda plain: each_string(plain, without_secrets)):
        yield Problem(path, text("wrong.secret"))


def fillable(runbook: Runbook, row: EscalationRow) -> bool:
    """Whether somebody may ask for this row and distinct people can then fill its slots."""
    return len(stranded(runbook, row)) < len(askers(runbook, row))


def stranded(runbook: Runbook, row: EscalationRow) -> tuple[PersonId, ...]:
    """The people who may ask for this row and could then never get it approved."""
    return tuple(
        asker
        for asker in askers(runbook, row)
        if len(_filled(runbook, row, None if row.self_approval else asker)) < len(row.roles)
    )


def askers(runbook: Runbook, row: EscalationRow) -> tuple[PersonId, ...]:
    """The people who may ask for a rollback of this row."""
    return tuple(dict.fromkeys(p for role in row.may_ask for p in runbook.holders(role)))


def _filled(
    runbook: Runbook, row: EscalationRow, without: PersonId | None
) -> dict[RoleId, PersonId]:
    people = dict.fromkeys(p for role in row.roles for p in runbook.holders(role) if p != without)
    held = {p: tuple(role for role in row.roles if p in runbook.holders(role)) for p in people}
    return match_slots(row.roles, held)


def _who(runbook: Runbook, row: EscalationRow) -> str:
    said = (f"{role} = {', '.join(runbook.holders(role)) or '–'}" for role in row.roles)
    return "; ".join(said)


def _unknown(
    path: str, names: list[str], what: str, known: Mapping[str, object]
) -> Iterator[Problem]:
    for name in names:
        yield Problem(path, text(f"wrong.no_such_{what}", name=name, known=tuple(known)))


def _twice(names: tuple[str, ...]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
