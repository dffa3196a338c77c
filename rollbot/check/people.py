"""Real people can ask for the rows of the escalation table, and approve them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from commands.domain.runbook import RowId, Runbook
from commands.domain.runbook_rules import askers, stranded
from rollbot.check.chats import approvers
from rollbot.check.finding import Check, Finding, Ground, green, red, yellow

NEEDED_ROWS: tuple[RowId, ...] = ("api", "full")
# The shipped runbook's people and channels; nobody real has these.
EXAMPLE_SLACK = re.compile(r"T0+:U0+[0-9]{1,2}")
EXAMPLE_TELEGRAM = range(100_000_000, 100_000_100)
EXAMPLE_CHANNELS = frozenset({"C00000001", "C00000002", "-1000000000001"})


def examples_replaced(ground: Ground) -> Iterator[Finding]:
    """The shipped file's example people and channels are gone."""
    people = tuple(_examples(ground.runbook))
    channels = tuple(c.channel for c in ground.definition.channels if c.channel in EXAMPLE_CHANNELS)
    if people:
        yield red("ready.example_people", people=people)
    if channels:
        yield red("ready.example_channels", environment=ground.environment, channels=channels)


def rows_can_be_filled(ground: Ground) -> Iterator[Finding]:
    """Every row has people who may ask, and others who can approve them."""
    runbook = ground.runbook
    for row_id in NEEDED_ROWS:
        row = runbook.row(row_id)
        if row is None:
            yield yellow("ready.no_row", row=row_id)
            continue
        if alone := stranded(runbook, row):
            names = tuple(runbook.people[p].name for p in alone)
            yield yellow("ready.stranded", row=row_id, people=names)
        yield green("ready.row_fillable", row=row_id, n=len(askers(runbook, row)))


def approvers_can_be_reached(ground: Ground) -> Iterator[Finding]:
    """Whoever is in a role has an account where this bot can write to them."""
    runbook, platforms = ground.runbook, _platforms(ground)
    if not platforms:
        return
    asked = approvers(runbook)
    mute = [
        runbook.people[p].name
        for p in asked
        if not platforms & {i.platform for i in runbook.people[p].identities()}
    ]
    if mute:
        yield yellow("ready.unreachable_people", people=tuple(mute))
    else:
        yield green("ready.people_reachable", n=len(asked))


def channels_have_platforms(ground: Ground) -> Iterator[Finding]:
    """Each channel's platform is configured, and there is one at all."""
    bound = {c.platform for c in ground.definition.channels}
    for platform in sorted(bound & {"slack", "telegram"} - _platforms(ground)):
        yield yellow("ready.platform_unset", environment=ground.environment, platform=platform)
    if not bound:
        yield red("ready.no_channel", environment=ground.environment)


def _examples(runbook: Runbook) -> Iterator[str]:
    for person in runbook.people.values():
        fake_slack = any(EXAMPLE_SLACK.fullmatch(account) for account in person.slack)
        if fake_slack or any(account in EXAMPLE_TELEGRAM for account in person.telegram):
            yield person.name


def _platforms(ground: Ground) -> set[str]:
    found = set()
    if ground.settings.slack_bot_token:
        found.add("slack")
    if ground.settings.telegram_bot_token:
        found.add("telegram")
    return found


CHECKS: tuple[Check, ...] = (
    examples_replaced,
    rows_can_be_filled,
    approvers_can_be_reached,
    channels_have_platforms,
)
