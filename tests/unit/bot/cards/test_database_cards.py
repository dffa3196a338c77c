"""Cards of a database rollback: nothing destructive is green, nothing is said too late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import cards
from bot.cards.view import View
from bot.console.renderer import lines
from bot.slack import renderer as slack
from bot.telegram import renderer as telegram
from commands.domain import events as e
from commands.domain.conversation import Button, Card, Checklist, StepLook, Steps, Tick
from commands.domain.people import Language
from commands.domain.plan import EvidenceItem
from commands.domain.text import text
from commands.grammar import Token
from commands.handlers.pressing import press
from tests.cards.answers import ANSWERS, answer
from tests.cards.stories import STORIES
from tests.cards.words import AGREED, ANSWERED, LANGUAGES, view_of, words_of_answers
from tests.servers.telegram_html import parse_html

both_languages = pytest.mark.parametrize("language", LANGUAGES)
ROWS_ON_A_PHONE, LETTERS_IN_A_ROW = 40, 40
SLACK_CONFIRM_MAX = 300


def live(story: str, language: Language = "ru") -> Card:
    return cards.rollback_card(view_of(story, language))


def button(card: Card, action: str) -> Button:
    return next(one for one in card.buttons if one.action == action)


def said(card: Card) -> str:
    return " ".join(" ".join((card.plain, *lines(card))).split())


def test_the_rehearsal_can_be_skipped_only_while_it_is_not_over() -> None:
    """The button names the plan, says what stays a must, and is gone once there is a result."""
    view = view_of("waiting_db", "ru")
    offered = button(cards.rollback_card(view), "skip")

    assert offered.value == str(Token("skip", "production", "RB-17", view.state.plan_digest[:12]))
    assert offered.confirm is not None
    assert "проверка остаются" in offered.confirm.text
    assert "skip" in [b.action for b in cards.approval_card(view, "vera").buttons]
    for story in ("waiting_db_rehearsed", "waiting_db_skipped", "succeeded_db"):
        assert "skip" not in [b.action for b in live(story).buttons]


def test_a_pressed_skip_means_this_rollback_and_this_plan() -> None:
    """What the button carries comes back as the words and the plan's nonce."""
    view = view_of("waiting_db", "ru")

    spoken, nonce = press(button(cards.rollback_card(view), "skip").value)

    assert (type(spoken).__name__, nonce) == ("SkipRehearsal", view.state.plan_digest[:12])


def test_what_is_destroyed_is_never_ticked() -> None:
    """Before the rehearsal by the script's text, afterwards as it showed: named, with rows."""
    before, after = live("waiting_db"), live("waiting_db_rehearsed")

    assert "колонка projects.description — 1 204 строки" in said(before)
    assert "1 204 строки теряют данные в projects.description" in said(after)
    ticked = [x.title for b in after.blocks if isinstance(b, Checklist) for x in b.lines]
    assert not [title for title in ticked if "теряют" in title or "Удаля" in title]


def test_bad_evidence_is_red() -> None:
    """A copy that was not sound after the rehearsal cannot look like a good one."""
    story = STORIES["waiting_db_rehearsed"]()
    bad = text("db.copy_unsound", n=12, names=("foreign_key files.files_project_id_fkey",))
    item = EvidenceItem(name="rehearsal_integrity", ok=False, said=bad)
    story.tell(e.EvidenceFound(items=(item,)))
    card = cards.rollback_card(View(story.state, story.runbook, "ru", story.now))

    red = [
        x for b in card.blocks if isinstance(b, Checklist) for x in b.lines if x.tick is Tick.BAD
    ]

    assert [line.title for line in red] == [
        "После репетиции копия не целостна: foreign_key files.files_project_id_fkey"
    ]


def test_a_skipped_rehearsal_is_said_with_who_and_why() -> None:
    """It is unknown, not done: on the card, and in the steps."""
    card = live("waiting_db_skipped")
    unknown = [
        x.title
        for b in card.blocks
        if isinstance(b, Checklist)
        for x in b.lines
        if x.tick is Tick.UNKNOWN
    ]
    looks = [x.look for b in card.blocks if isinstance(b, Steps) for x in b.lines]

    why = "копия восстанавливается час, ждать нельзя"
    assert unknown == [f"Репетиция пропущена: решает Вера Лапина, причина: {why}"]
    assert looks[-1] is StepLook.SKIPPED


def test_the_missing_role_of_the_two_is_named() -> None:
    """Case 15 on the database row: one approved, and the lock screen says who is waited for."""
    card = live("waiting_db_rehearsed")

    assert "Ждёт одобрения: Руководитель DevOps." in card.plain
    assert "Команда БД" not in card.plain


@both_languages
@pytest.mark.parametrize("story", ["waiting_db_rehearsed", "waiting_db", "waiting_restore"])
def test_the_approvers_card_fits_a_phone(story: str, language: Language) -> None:
    """Who decides on data reads all of it without scrolling far."""
    card = cards.approval_card(view_of(story, language), "vera")
    told = parse_html(telegram.render(card).html).text

    rows = sum(1 + len(row) // LETTERS_IN_A_ROW for row in told.splitlines() if row.strip())

    assert rows <= ROWS_ON_A_PHONE


@both_languages
@pytest.mark.parametrize(
    ("story", "lost"),
    [
        ("succeeded_db", "samokoder_after_RB_17"),
        ("succeeded_restore", "samokoder_restored_RB_17"),
    ],
)
def test_undo_says_before_what_it_leaves_aside(story: str, lost: str, language: Language) -> None:
    """Rows written since are named before the button takes effect, in a text Slack takes whole."""
    undo = button(live(story, language), "undo")

    assert undo.confirm is not None
    assert lost in undo.confirm.text
    assert len(undo.confirm.text) <= SLACK_CONFIRM_MAX
    assert lost in str(slack.render(live(story, language)).blocks)


def test_who_decides_on_an_undo_reads_what_stays_lost() -> None:
    """Without a clone the dropped columns are named to the approvers, not to the button alone."""
    card = cards.approval_card(view_of("dumped_db", "ru"), "vera")

    assert "не вернётся: projects.description, projects.archived_at." in said(card)


def test_an_undo_of_what_changed_nothing_threatens_with_nothing() -> None:
    """A lock that was not to be had left everything as it was."""
    undo = button(live("db_lock"), "undo")

    assert undo.confirm is not None
    assert "samokoder_after" not in undo.confirm.text


def test_the_kept_database_is_named_with_the_words_that_let_it_go() -> None:
    """And once it is gone there is no undo to press."""
    kept, gone = live("succeeded_db"), live("kept_dropped")

    assert "samokoder_before_RB_17" in said(kept)
    assert "/rollback drop-kept RB-17" in said(kept)
    assert "undo" not in [b.action for b in gone.buttons]
    assert "вернуть как было уже нельзя" in said(gone)


def test_who_holds_the_lock_stands_on_the_card() -> None:
    """With what is stopped meanwhile, that the page is on, and every way on."""
    card = live("db_lock")

    assert "pgAdmin 4 samokoder 10.0.0.7 (pid 71" in card.plain
    assert "api, worker остановлены" in said(card)
    assert "стоит страница обслуживания" in said(card)
    assert [b.action for b in card.buttons] == ["retry", "undo", "done", "cancel"]


def test_a_migration_in_doubt_names_the_objects() -> None:
    """What is half done is said by name, and the schema is called unclear, not old or new."""
    card = live("db_in_doubt")

    assert "column projects.archived_at" in said(card)
    assert "схема неясна" in said(card)


@both_languages
def test_the_announcement_says_that_the_page_is_on(language: Language) -> None:
    """Everybody learns what users see; without a page, that the services are down."""
    view = view_of("executing_db", language)
    assert "503" in said(cards.started_card(view))
    plan = view.state.plan
    assert plan is not None
    steps = tuple(s for s in plan.steps if s.action.kind != "enter_maintenance")
    view.state.plan = plan.model_copy(update={"steps": steps})

    bare = said(cards.started_card(view))

    assert "503" not in bare
    assert "api, worker" in bare


def test_everybody_agreed_before_the_backup_was_proven() -> None:
    """Nobody is told that it begins while preparing goes on."""
    assert "как только копия будет проверена" in live("approved_db").plain


def test_a_lost_worker_sends_nobody_to_change_the_database_by_hand() -> None:
    """It goes on by itself; no commands are offered that could lose data."""
    story = STORIES["executing_db"]().tell(e.WorkerLost(), after_s=5)
    line = cards.attention_card(View(story.state, story.runbook, "ru", story.now)).plain

    assert "Руками базу не трогайте" in line
    assert "--print" not in line


def test_the_answers_about_the_database_say_what_was_agreed() -> None:
    """`python -m tests.cards.words` writes them down anew."""
    assert words_of_answers() == (AGREED / ANSWERED).read_text(encoding="utf-8")


@both_languages
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_shows_no_key_and_fits_every_platform(name: str, language: Language) -> None:
    """Sentences for people, beginning with the environment."""
    card = answer(name, view_of("requested", language))

    assert card.headline.startswith("PRODUCTION")
    assert not [word for word in said(card).split() if word.startswith(("db.", "release."))]
    assert slack.render(card).blocks
    assert parse_html(telegram.render(card).html).text


def test_an_unproven_backup_is_not_green() -> None:
    """Proven is green, never restored is unknown, a failed proof is red."""
    card = answer("backups", view_of("requested", "ru"))
    listed = next(b for b in card.blocks if isinstance(b, Checklist))

    assert [x.tick for x in listed.lines] == [Tick.DONE, Tick.DONE, Tick.UNKNOWN, Tick.BAD]


def test_a_title_names_the_revision_before_and_after_planning() -> None:
    """First as asked, then where it really goes."""
    story = STORIES["waiting_db"]()
    early = replace(story.state, plan=None)

    assert View(early, story.runbook, "ru", story.now).title == "PRODUCTION · RB-17 · db → -1"
    assert view_of("waiting_db", "ru").title == "PRODUCTION · RB-17 · db → 4f2a91c07d3e"
