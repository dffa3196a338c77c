"""The form of a bare `/rollback`: what it offers, and that it says the same as typed words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.slack import Connected, form
from bot.slack.markup import clean
from commands.domain.conversation import Suggestions
from commands.domain.errors import StoreUnavailableError
from commands.domain.people import Language
from commands.domain.spoken import RollbackWords
from commands.grammar import parse
from commands.runbook import parse_runbook, shipped_runbook
from tests.fakes.desk import RecordingDesk
from tests.servers import slack_blocks
from tests.servers.slack import Fault, Slack

RUNBOOK = parse_runbook(shipped_runbook())
OFFERED = Suggestions("production", ("api",), {"api": (("v1.2.3", ""), ("not a version", ""))})
QUOTES = "['‘’‚‛‹›\u02bc]"


async def labels(slack: Slack, typed: str = "") -> list[str]:
    return [one["value"] for one in await slack.suggest("U1", form.VERSION, typed)]


async def test_a_form_becomes_words(slack: Slack, app: Connected, desk: RecordingDesk) -> None:
    """Service, version and reason arrive as the words that somebody would have typed."""
    await slack.slash("U1", "C1", "/rollback")
    await slack.wait_for(lambda: slack.form("U1"))
    await labels(slack)
    await slack.submit("U1", **{form.VERSION: "v1.2.3", form.REASON: "ошибки «12 %»"})

    [incoming] = desk.accepted
    assert incoming.words == "api v1.2.3 --reason 'ошибки «12 %»'"
    assert incoming.home.channel == "C1"
    assert slack.form("U1") is None


async def test_the_picker_follows_the_service(slack: Slack, app: Connected) -> None:
    """Versions are those of the chosen service; what was typed is offered as it stands."""
    await slack.slash("U1", "C1", "/rollback")
    await slack.wait_for(lambda: slack.form("U1"))
    assert await labels(slack) == ["--auto", "v1.2.3", "v1.2.2"]
    assert await labels(slack, "1.2.3") == ["v1.2.3", "1.2.3"]

    await slack.pick("U1", form.SERVICE, "worker")
    await slack.wait_for(lambda: "version:worker" in str(slack.form("U1")))

    assert await labels(slack) == ["--auto"]
    assert await labels(slack, "v9") == ["v9"]


async def test_everything_at_once_can_be_asked_for(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """For all services only those versions are offered that every one of them has."""
    assert desk.offered is not None
    desk.offered = replace(
        desk.offered,
        versions={"api": (("v3", ""), ("v2", "")), "worker": (("v2", ""), ("v1", ""))},
    )
    await slack.slash("U1", "C1", "/rollback")
    await slack.wait_for(lambda: slack.form("U1"))
    await slack.pick("U1", form.SERVICE, "full")
    await slack.wait_for(lambda: "version:full" in str(slack.form("U1")))

    assert await labels(slack) == ["--auto", "v2"]
    await slack.submit("U1", **{form.VERSION: "v2"})
    assert desk.accepted[0].words == "full v2"


async def test_a_dry_run_can_be_asked_for(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """The box for a dry run becomes its flag."""
    await slack.slash("U1", "C1", "/rollback")
    await slack.wait_for(lambda: slack.form("U1"))
    await labels(slack)
    await slack.submit("U1", **{form.VERSION: "--auto", form.DRY_RUN: "dry-run"})

    assert desk.accepted[0].words == "api --auto --dry-run"


async def test_an_unbound_channel_gets_no_form(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """Where no environment lives, the bare command goes to the desk, which says where to go."""
    desk.offered = None

    await slack.slash("U1", "C1", "/rollback")

    assert [one.words for one in desk.accepted] == [""]
    assert slack.form("U1") is None


async def test_a_form_that_slack_does_not_open_becomes_help(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """Somebody whose form cannot be opened is told what to type."""
    slack.faults.next("views.open", Fault.SERVER_ERROR)

    await slack.slash("U1", "C1", "/rollback")
    await desk.heard()

    assert desk.accepted[0].words == "help"


async def test_a_form_not_accepted_stays_open(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """With the store away nothing that was filled in is lost, and it can be sent again."""
    await slack.slash("U1", "C1", "/rollback")
    await slack.wait_for(lambda: slack.form("U1"))
    await labels(slack)
    desk.failure = StoreUnavailableError()
    refused = await slack.submit("U1", **{form.VERSION: "v1.2.3"})
    desk.failure = None
    await slack.submit("U1", **{form.VERSION: "v1.2.3"})

    assert refused.ack_payload is not None
    assert refused.ack_payload["errors"] == {"service": "не принято: StoreUnavailableError"}
    assert [one.words for one in desk.accepted] == ["api v1.2.3"]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_form_fits_slack_in_both_languages(language: Language) -> None:
    """Labels, titles and a hundred long services are within the limits of a modal."""
    many = tuple(f"service-{number}-{'x' * 60}" for number in range(150))

    shown = form.view(Suggestions("production" * 40, many), many[3], "C1", language)

    assert slack_blocks.view_faults(shown) == []


@settings(max_examples=150, deadline=None)
@given(reason=st.text(min_size=1, max_size=200))
@example("it's 'late' --env staging")
@example("«Оплата» — не работает\n--dry-run")
def test_a_reason_stays_a_reason(reason: str) -> None:
    """Nothing that somebody writes becomes an option, and it is read as it was written."""
    spoken = parse(said("v1.2.3", reason), RUNBOOK, "production")

    assert isinstance(spoken, RollbackWords)
    assert (spoken.request.version, spoken.request.dry_run) == ("v1.2.3", False)
    written = clean(reason).strip()
    assert re.sub(QUOTES, "'", spoken.request.reason) == re.sub(QUOTES, "'", written)


@settings(max_examples=150, deadline=None)
@given(typed=st.text(min_size=1, max_size=200))
@example("v1 --dry-run")
@example("--help")
@example("v1.2.3\n")
@example("v" * 128)
@example("DB")
@example("full")
def test_whatever_the_picker_offers_is_a_version(typed: str) -> None:
    """Each option, what was typed included, is read back as just that version."""
    for option in form.version_options(OFFERED, "api", typed, "ru"):
        spoken = parse(said(option["value"], ""), RUNBOOK, "production")

        assert isinstance(spoken, RollbackWords)
        assert spoken.request.version == option["value"] or spoken.request.auto
        assert not spoken.request.dry_run


def said(version: str, reason: str) -> str:
    """Words of a form sent off with these."""
    filled = {
        "service": {form.SERVICE: {"selected_option": {"value": "api"}}},
        "version:api": {form.VERSION: {"selected_option": {"value": version}}},
        "reason": {form.REASON: {"type": "plain_text_input", "value": reason}},
    }
    return form.words({"state": {"values": filled}})
