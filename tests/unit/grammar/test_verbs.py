"""Every other verb: what may follow it and the record it becomes; help; buttons."""

from __future__ import annotations

import pytest

from commands.domain import spoken
from commands.domain.errors import GrammarError, RefusedError
from commands.domain.runbook import Runbook
from commands.domain.spoken import DATABASE, LATER, SUBJECTS, VERBS, Spoken
from commands.grammar import Token, help_page, nearest, parse, read_token
from commands.grammar.help import EXAMPLES, PAGES
from commands.grammar.verbs import READERS
from commands.locale import say
from commands.runbook import parse_runbook, shipped_runbook


@pytest.fixture(scope="module")
def runbook() -> Runbook:
    return parse_runbook(shipped_runbook())


@pytest.mark.parametrize(
    ("words", "record"),
    [
        ("", spoken.Menu()),
        ("/rollback", spoken.Menu()),
        ("status", spoken.Status()),
        ("status RB-17", spoken.Status("RB-17")),
        ("Status rb17", spoken.Status("RB-17")),
        ("plan 17", spoken.PlanOf("RB-17")),
        ("log RB–17", spoken.Log("RB-17")),
        ("versions worker", spoken.Versions("worker")),
        ("history", spoken.History()),
        ("oncall", spoken.Oncall()),
        ("help", spoken.Help()),
        ("--help", spoken.Help()),
        ("помощь", spoken.Help()),
        ("help deny", spoken.Help("approve")),
        ("help api", spoken.Help("rollback")),
        ("api --help", spoken.Help("rollback")),
        ("deny --help", spoken.Help("approve")),
        ("approve RB-17", spoken.Approve("RB-17")),
        ("deny РВ-17 it's too risky", spoken.Deny("RB-17", "it's too risky")),
        ('deny RB-17 --reason "рано"', spoken.Deny("RB-17", "рано")),
        ("deny RB-17", spoken.Deny("RB-17")),
        ("withdraw RB-17", spoken.Withdraw("RB-17")),
        ("cancel RB-17 --env production", spoken.Cancel("RB-17")),
        ("stop", spoken.Stop()),
        ("stop RB-17", spoken.Stop("RB-17")),
        ("undo RB-17 стало хуже", spoken.Undo("RB-17", "стало хуже")),
        ("retry RB-17", spoken.Retry("RB-17")),
        ("done RB-17", spoken.MarkDone("RB-17")),
        ("mark-done RB-17", spoken.MarkDone("RB-17")),
        ("note RB-17 брокер — перезапущен", spoken.Note("RB-17", "брокер — перезапущен")),
        ("note RB-17 --dry-run не помог", spoken.Note("RB-17", "--dry-run не помог")),
        ("tick RB-17 users", spoken.Tick("RB-17", "users")),
        ("untick RB-17 users", spoken.Tick("RB-17", "users", done=False)),
        ('freeze "разбираемся"', spoken.Freeze("разбираемся")),
        ("unfreeze", spoken.Unfreeze()),
    ],
)
def test_a_verb_becomes_its_record(words: str, record: Spoken, runbook: Runbook) -> None:
    """Each thing that can be said has one meaning, however the phone spelt it."""
    assert parse(words, runbook, "production") == record


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        ("stauts", "grammar.unknown_word_near", "status"),
        ("ыефегы", "grammar.unknown_word_near", "status"),
        ("apporve RB-17", "grammar.unknown_word_near", "approve"),
        ("approve", "grammar.rollback_missing", "/rollback approve RB-17"),
        ("approve RB-0", "grammar.bad_rollback", "RB-0"),
        ("approve api", "grammar.bad_rollback", "api"),
        ("approve RB-17 now", "grammar.extra_words", "now"),
        ("history now", "grammar.extra_words", "now"),
        ("versions", "grammar.service_missing", "api, worker, frontend"),
        ("versions wroker", "grammar.unknown_service_near", "worker"),
        ("note RB-17", "grammar.note_missing", "note RB-17"),
        ("tick RB-17", "grammar.point_missing", "users"),
        ("tick RB-17 smok", "grammar.unknown_point", "smoke"),
        ("help aprove", "grammar.unknown_topic", "approve"),
        ("approve RB-17 --reson x", "grammar.unknown_option_near", "--reason"),
        ("зшзщ", "grammar.unknown_word", "help"),
    ],
)
def test_a_slip_is_answered_with_the_way_on(
    words: str, key: str, said: str, runbook: Runbook
) -> None:
    """What is missing or misspelt is named, with what to type instead."""
    with pytest.raises(GrammarError) as caught:
        parse(words, runbook, "production")

    assert caught.value.key == key
    assert said in say(caught.value.text, "ru")


def test_every_verb_is_read_or_honestly_not_yet(runbook: Runbook) -> None:
    """No verb of the grammar falls through, and no verb is promised by accident."""
    assert set(READERS) == set(VERBS) - set(LATER)
    for verb in LATER:
        with pytest.raises(GrammarError, match=r"not_yet|check_on_host"):
            parse(verb, runbook, "production")


def test_every_example_of_the_help_can_be_typed(runbook: Runbook) -> None:
    """Help never teaches words that are refused; every page has its text, every verb an example."""
    taught: set[str] = set()
    for page in PAGES:
        shown = help_page(page, runbook)
        assert say(shown.says, "en") != shown.says.key
        for words, _ in shown.examples:
            parse(words, runbook, "production")
            taught.add(words.split()[0])
    assert set(EXAMPLES) <= set(PAGES)
    assert {*VERBS, *DATABASE, *SUBJECTS} - set(LATER) <= taught


def test_the_nearest_versions_are_found() -> None:
    """A mistyped version gets the releases that look like it, best first."""
    known = ("v1.2.3", "v1.2.2", "v2.0.0", "latest")

    assert nearest("v1.2.33", known)[0] == "v1.2.3"
    assert nearest("qqqqqqq", known) == ()


def test_a_token_survives_its_button() -> None:
    """What was put on a button comes back, in at most 64 bytes of ASCII."""
    token = Token("mark_done", "e" * 20, "RB-999999999", "3fa9c1d2e0ab")

    assert read_token(str(token)) == token
    assert len(str(token).encode("ascii")) <= 64
    assert str(Token("approve", "production", "RB-17", "3fa9c1d2e0ab")) == (
        "approve:production:RB-17:3fa9c1d2e0ab"
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "approve",
        "approve:production:RB-17",
        "approve:production:RB-17:",
        "approve:production:RB-017:3fa9",
        "approve:production:RB-17:3fa9:x",
        "approve:production:RB-17:3fa9\n",
        "approve:prod uction:RB-17:3fa9",
        "аpprove:production:RB-17:3fa9",
        "a" * 65,
        "\x00",
    ],
)
def test_garbage_on_a_button_is_forged(value: str) -> None:
    """Anything that rollbot cannot have made is refused, and never guessed at."""
    with pytest.raises(RefusedError, match=r"button\.forged"):
        read_token(value)


def test_a_token_that_would_not_fit_is_never_made() -> None:
    """A button that Telegram would cut is a bug to find here, not at 3 a.m."""
    with pytest.raises(ValueError, match="not a button"):
        str(Token("approve_again", "production", "RB-17", "3fa9"))
