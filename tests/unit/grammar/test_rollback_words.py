"""Words that ask for a rollback: every spelling, every refusal with its way on."""

from __future__ import annotations

import pytest

from commands.domain.errors import GrammarError
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.domain.spoken import RollbackWords
from commands.grammar import parse, parse_arguments
from commands.locale import say
from commands.runbook import parse_runbook, shipped_runbook

ALL = ("api", "worker", "frontend")
STAGING = """
[environments.staging]
title = "staging"
services = ["api"]
channels = [{ platform = "slack", workspace = "T00000000", channel = "C00000002" }]
compose = { project = "staging", directory = "/opt/staging" }

[services.api]"""


@pytest.fixture(scope="module")
def runbook() -> Runbook:
    """Samokoder's, with a second environment."""
    return parse_runbook(shipped_runbook().replace(b"\n[services.api]", STAGING.encode(), 1))


def asked(words: str, runbook: Runbook) -> Request:
    spoken = parse(words, runbook, "production")
    assert isinstance(spoken, RollbackWords)
    return spoken.request


def refused(words: str, runbook: Runbook) -> GrammarError:
    with pytest.raises(GrammarError) as caught:
        parse(words, runbook, "production")
    return caught.value


@pytest.mark.parametrize(
    "words",
    [
        "api v1.2.3",
        "API v1.2.3",
        "  api \u00a0 v1.2.3\n",
        "--service=api --to-version=v1.2.3",
        "--service api --to-version v1.2.3",
        "./rollback.sh --service=api --to-version=v1.2.3",
        "/rollback@samokoder_bot api v1.2.3",
        "—service=api —to–version=v1.2.3",
        "api --to-version=v1.2.3",
        "api v1.2.3 --env production",
        'api "v1.2.3"',
    ],
)
def test_every_spelling_asks_for_the_same(words: str, runbook: Runbook) -> None:
    """Chat words, rollback.sh's flags, a pasted command line and a phone's dashes mean one."""
    expected = Request(
        environment="production",
        scenario=Scenario.SERVICE,
        services=("api",),
        version="v1.2.3",
        words=words,
    )

    assert asked(words, runbook) == expected


@pytest.mark.parametrize(
    ("words", "scenario", "services"),
    [
        ("api,worker v1", Scenario.SERVICE, ("api", "worker")),
        ("worker, api v1", Scenario.SERVICE, ("api", "worker")),
        ("api worker api v1", Scenario.SERVICE, ("api", "worker")),
        ("--service=api --service=worker --to-version=v1", Scenario.SERVICE, ("api", "worker")),
        ("all v1", Scenario.ALL, ALL),
        ("--service=all --to-version v1", Scenario.ALL, ALL),
        ("full v1", Scenario.FULL, ALL),
        ("--full --to-version=v1", Scenario.FULL, ALL),
        ("--service=all --full --to-version=v1", Scenario.FULL, ALL),
    ],
)
def test_several_services_all_and_full(
    words: str, scenario: Scenario, services: tuple[str, ...], runbook: Runbook
) -> None:
    """Services come in the runbook's order and once each; full is more than all."""
    request = asked(words, runbook)

    assert (request.scenario, request.services) == (scenario, services)


def test_naming_every_service_needs_what_all_needs(runbook: Runbook) -> None:
    """Nobody gets round the full row by listing all services one by one."""
    assert asked("frontend api worker v1", runbook).row == "full"
    assert asked("api worker v1", runbook).row == "api"


def test_auto_dry_run_and_reason(runbook: Runbook) -> None:
    """Flags land in their fields, and a reason keeps its own dashes, quotes and lines."""
    request = asked('api --auto --dry-run --reason «5xx — 12 %,\n"оплата" стоит»', runbook)

    assert (request.version, request.auto, request.dry_run) == (None, True, True)
    assert request.reason == '5xx — 12 %,\n"оплата" стоит'


def test_a_reason_of_5000_characters_is_kept_whole(runbook: Runbook) -> None:
    """What a card trims, the audit has in full."""
    reason = "ошибка " * 714

    assert asked(f'api v1 --reason "{reason}"', runbook).reason == reason.strip()


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        ("api v1;id", "grammar.shell_characters", "«v1;id»"),
        ("api v1 ; id", "grammar.shell_characters", "; id"),
        ("api `id`", "grammar.shell_characters", "`id`"),
        ("api $(reboot)", "grammar.shell_characters", "$(reboot)"),
        ("$(reboot) v1", "grammar.shell_characters", "$(reboot)"),
        ("../x v1", "grammar.unknown_word", "«../x»"),
        ("--service=../x --to-version=v1", "grammar.unknown_service", "«../x»"),
        ("--service=--help --to-version=v1", "grammar.unknown_service", "«--help»"),
        ("api ../v1", "grammar.bad_version", "../v1"),
        ("api " + "v" * 129, "grammar.bad_version", "vvv…"),
        ("aip v1", "grammar.unknown_word_near", "Может быть: api"),
        ("фзш v1", "grammar.unknown_word_near", "Может быть: api"),
        ("api wroker v1", "grammar.unknown_service_near", "Может быть: worker"),
        ("--service=frontned --auto", "grammar.unknown_service_near", "frontend"),
        ("api v1 --dryrun", "grammar.unknown_option_near", "--dry-run"),
        ("api v1 --zzzzzz", "grammar.unknown_option", "--to-version"),
        ("api --to-version", "grammar.option_needs_value", "--to-version=…"),
        ("api v1 --dry-run=yes", "grammar.option_takes_no_value", "--dry-run"),
        ("api -1", "grammar.relative_version", "--auto"),
        ("api", "grammar.version_missing", "/rollback versions api"),
        ("--service=all --full --dry-run", "grammar.version_missing", "/rollback full v1.2.3"),
        ("--to-version=v1", "grammar.service_missing", "api, worker, frontend, all, full"),
        ("v1.2.3", "grammar.version_without_service", "/rollback api v1.2.3"),
        ("api v1 --auto", "grammar.version_and_auto", "v1"),
        ("api v1 v2", "grammar.extra_words", "v2"),
        ("api v1 всё упало", "grammar.extra_words", '--reason "всё упало"'),
        ("full api v1", "grammar.whole_and_services", "api"),
        ("--full --service=api --to-version=v1", "grammar.whole_and_services", "api"),
        ("redis v7", "grammar.stateful", "хранит данные"),
        ("--service=redis --to-version=v1", "grammar.stateful", "хранит данные"),
        ("арi v1", "grammar.lookalike", "Наберите латиницей: api"),
        ("api v1.2.3с", "grammar.lookalike", "с → c"),
        ("api ｖ1.2.3", "grammar.lookalike", "v1.2.3"),
        ("api v1.2.3🙂", "grammar.bad_version", "не может быть версией"),
        ("full v1 --config", "grammar.not_yet", "--config"),
        ("config HEAD~1", "grammar.not_yet", "api, worker, frontend, all, full"),
        ("check", "grammar.check_on_host", "rollbot check"),
        ('api v1 --reason "oops', "grammar.unclosed_quote", "oops"),
        ("api v1\x00", "grammar.control_character", "U+0000"),
        ("api v1 \ud800", "grammar.control_character", "U+D800"),
        ("api v1 --reason " + "x" * 12_001, "grammar.too_long", "12000"),
        ("api v1 --env staging", "grammar.other_environment", "slack C00000002"),
        ("api v1 --env stagign", "grammar.unknown_environment", "production, staging"),
    ],
)
def test_a_refusal_names_what_was_wrong_and_the_way_on(
    words: str, key: str, said: str, runbook: Runbook
) -> None:
    """Every mistake has its own answer with the value in question; none starts a plan."""
    error = refused(words, runbook)

    assert error.key == key
    assert said in say(error.text, "ru")


def test_a_service_of_another_environment_is_not_here(runbook: Runbook) -> None:
    """Staging has only api: the answer names what there is."""
    with pytest.raises(GrammarError) as caught:
        parse("worker v1", runbook, "staging")

    assert (caught.value.key, caught.value.facts["services"]) == ("grammar.not_here", ("api",))


def test_from_a_shell_the_environment_is_told_or_the_only_one(runbook: Runbook) -> None:
    """With two environments a shell must say which; with one it need not."""
    words = ["--service=api", "--to-version=v1", "--reason=всё упало"]
    with pytest.raises(GrammarError, match="environment_missing"):
        parse_arguments(words, runbook)

    told = parse_arguments([*words, "--env", "staging"], runbook)
    alone = parse_arguments(words, parse_runbook(shipped_runbook()))

    assert isinstance(told, RollbackWords)
    assert (told.request.environment, told.request.reason) == ("staging", "всё упало")
    assert isinstance(alone, RollbackWords)
    assert alone.request.environment == "production"
