"""runbook.toml is read whole, refused whole, and the shipped one says what Samokoder's says."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from commands.domain.errors import RunbookError
from commands.domain.people import Identity, Language
from commands.domain.runbook import Channel, Runbook
from commands.domain.runbook_rules import stranded
from commands.locale import say
from commands.runbook import parse_runbook, read_runbook, shipped_runbook

SHIPPED = shipped_runbook().decode()
BOUND = '{ platform = "console", channel = "production" }'


@pytest.fixture
def runbook() -> Runbook:
    return parse_runbook(SHIPPED.encode())


def changed(*replacements: tuple[str, str]) -> bytes:
    """The shipped runbook with some of its text replaced, each of which must be there."""
    content = SHIPPED
    for old, new in replacements:
        assert old in content
        content = content.replace(old, new, 1)
    return content.encode()


def refusal(*replacements: tuple[str, str], language: Language = "en") -> str:
    """What people read, without the words around it: a line each problem."""
    with pytest.raises(RunbookError) as caught:
        parse_runbook(changed(*replacements))
    said = say(caught.value.text, language).removeprefix("runbook.toml: ")
    return said.rpartition(". ")[0]


@pytest.mark.parametrize("literal", ["--token=a1b2c3d4", "postgresql://app:hunter22@db/app"])
def test_a_secret_is_refused_where_it_stands(literal: str) -> None:
    """It would be shown in the plan, masked in the journal, and run masked."""
    old = 'argv = ["/opt/samokoder/ops/scripts/smoke-test.sh"'
    said = refusal((old, f'{old}, "{literal}"'))

    assert said.startswith("environments.production.smoke[0].argv[1]: holds what looks like a sec")
    assert literal not in said


def test_the_shipped_runbook_is_read_and_its_digest_is_of_its_bytes(tmp_path: Path) -> None:
    """What the wheel carries is valid, and the digest is SHA-256 of exactly those bytes."""
    path = tmp_path / "runbook.toml"
    path.write_bytes(shipped_runbook())

    assert read_runbook(path).digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_escalation_table_is_the_customers(runbook: Runbook) -> None:
    """API: on-call, 15 min, own approval; DB: two roles, 30 min; full: IC and CTO, immediate."""
    api, db, full, config = (runbook.escalation[r] for r in ("api", "db", "full", "config"))

    assert (api.roles, api.sla_min, api.self_approval) == (("devops_oncall",), 15, True)
    assert (db.roles, db.sla_min) == (("database_team", "devops_lead"), 30)
    assert (full.roles, full.sla_min) == (("incident_commander", "cto"), 0)
    assert (config.roles, config.self_approval) == (("devops_lead",), False)
    assert runbook.expiry("api") > timedelta(minutes=api.sla_min)
    assert all(not stranded(runbook, row) for row in runbook.escalation.values())


def test_the_figures_are_the_customers(runbook: Runbook) -> None:
    """Budgets, decision metrics, checklist and follow-ups as runbook.ru.md lists them."""
    limits = {k: (t.consider, t.immediate) for k, t in runbook.thresholds.items()}

    assert limits == {
        "error_rate": (3, 10),
        "latency_p95": (3, 10),
        "health_failures": (2, 5),
        "database_errors": (10, 100),
        "complaints": (3, 10),
        "critical_alerts": (1, 3),
    }
    assert runbook.thresholds["health_failures"].consider_window_s == 300
    assert runbook.thresholds["critical_alerts"].at_least
    assert (runbook.budgets.identify_s, runbook.budgets.switch_s) == (60, 120)
    assert (runbook.budgets.verify_s, runbook.budgets.total_s) == (60, 300)
    assert len(runbook.checklist) == 8
    assert [len(span.actions) for span in runbook.follow_ups] == [4, 4, 4]
    assert runbook.rota_url == "https://samokoder.pagerduty.com"


def test_the_stack_is_the_customers(runbook: Runbook) -> None:
    """Three services roll back, the two that keep data never; smoke and health are as written."""
    assert runbook.service_names("production") == ("api", "worker", "frontend")
    assert runbook.services["api"].health_url == "http://localhost:8000/health"
    smoke = runbook.environments["production"].smoke
    assert smoke[0].argv == ("/opt/samokoder/ops/scripts/smoke-test.sh",)


def test_accounts_and_channels_find_their_person_and_environment(runbook: Runbook) -> None:
    """A Slack id, a Telegram id and an OS login are one person; a channel is one environment."""
    slack = Identity(platform="slack", workspace="T00000000", user="U00000001")
    shell = Identity(platform="shell", user="anna")
    bound = Channel(platform="telegram", channel="-1000000000001", topic="7")

    assert runbook.person_of(slack) == runbook.person_of(shell) == "anna"
    assert runbook.environment_of(bound) == "production"
    assert runbook.environment_of(Channel(platform="telegram", channel="-5")) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "health_timeout_s = 60\n# После",
            "health_timeout_s = -1\n# После",
            "services.api.health_timeout_s: must be > 0",
        ),
        ('generation = "v1"', 'generation = "v3"', "compose.generation: must be 'v1', 'v2'"),
        ("stable_s = 30", "stabel_s = 30", "timing.stabel_s: is not a known key; did you mean sta"),
        ('title = "PRODUCTION"', "", "environments.production.title: is missing"),
        ('["T00000000:U00000001"]', '["@anna"]', "people.anna.slack[0]: must match"),
        ("expires_min = 30", "expires_min = 10", "escalation.api: expires_min must be longer"),
        ('members = ["ivan"]', 'members = ["iwan"]', "roles.cto.members: names iwan, which is no"),
        ('roles = ["devops_oncall"]', 'roles = ["ops"]', "escalation.api.roles: names ops"),
        ('"frontend", "db"', '"front", "db"', "environments.production.services: names front"),
        ("after = []", 'after = ["api"]', "services.api.after: is a circle: api → api"),
        ("after = []", 'after = ["cache"]', "services.api.after: names cache"),
        ("[services.worker]", "[services.status]", "services.status: is a word of rollbot's own"),
        ("[services.worker]", "[services.Worker]", "services.Worker: must match"),
        ("[100000002]", "[100000001]", "people.boris: has the telegram account 100000001"),
        ('login = "boris"', 'login = "anna"', "people.boris: has the login account anna"),
        (BOUND, f"{BOUND}, {BOUND}", "channels[3]: is bound already by environments.production"),
        ('members = ["ivan"]', "members = []", "escalation.full.roles: cannot be filled"),
        ('"Europe/Moscow"', '"Mars/Base"', "timezone: Mars/Base is no time zone"),
        ("[environments.production]", "[environments.PROD]", "environments.PROD: must match"),
        ('"http://localhost:8000/health"', '"localhost/health"', "services.api.health_url: must"),
        ('"http://localhost:8000/health"', '"http://u:p@h/x"', "must not hold a password"),
        ('image = "samokoder-worker"', "", "services.worker.image: is missing"),
        ('id = "errors"', 'id = "health"', "checklist: has two points called health"),
        ("[budgets]", "[budgets", "is not TOML"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_path(old: str, new: str, said: str) -> None:
    """Whoever edits the file is told where to look and what must stand there."""
    assert said in refusal((old, new))


def test_all_problems_are_told_at_once() -> None:
    """One run shows everything of a kind: nobody mends a file error by error."""
    said = refusal(
        ("stable_s = 30", "stable_s = 0"), ("watch_s = 300", 'watch_s = "x"'), ("sla_min = 0", "")
    )

    assert said.splitlines() == [
        "escalation.full.sla_min: is missing",
        "timing.stable_s: must be > 0",
        "timing.watch_s: must be a number",
    ]


def test_problems_are_told_in_the_readers_language() -> None:
    """Whoever reads Russian is not told half of it in English."""
    said = refusal(
        ("stable_s = 30", "stabel_s = 30"), ("watch_s = 300", "watch_s = 0"), language="ru"
    )

    assert said.splitlines() == [
        "timing.watch_s — должно быть > 0",
        "timing.stabel_s — такого ключа нет; может быть, stable_s?",
    ]


def test_one_person_in_both_roles_of_a_row_cannot_fill_it() -> None:
    """Two slots want two people: the CTO alone cannot be Incident Commander too."""
    said = refusal(('members = ["egor", "zoya"]', 'members = ["ivan"]'))

    assert "escalation.full.roles: cannot be filled by distinct people" in said


def test_who_could_ask_and_never_be_approved_is_known() -> None:
    """With one Incident Commander who may not approve their own request, it waits for ever."""
    runbook = parse_runbook(changed(('members = ["egor", "zoya"]', 'members = ["egor"]')))
    full = runbook.escalation["full"]

    assert stranded(runbook, full) == ()
    assert stranded(runbook, full.model_copy(update={"self_approval": False})) == ("egor",)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """The way on from nothing is `rollbot init`."""
    with pytest.raises(RunbookError) as caught:
        read_runbook(tmp_path / "absent.toml")
    assert "rollbot init" in say(caught.value.text, "en")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('dependants = ["api", "worker"]', 'dependants = ["api", "redis"]', "dependants: names re"),
        ('dependants = ["api", "worker"]', 'dependants = ["worker"]', "migrations.service: api m"),
        ('service = "db"\n', 'service = "postgres"\n', "database.service: postgres must be a"),
        ('name = "samokoder"\n', 'name = "samo;koder"\n', "database.name: must match"),
        ('backups = "/var', 'backups = "var', "database: backups must be an absolute"),
        ('file = "/opt', 'file = "opt', "database.maintenance.file: opt/samokoder"),
        ('public_url = "http://localhost/"', 'public_url = "localhost"', "public_url: must be an"),
        ('proxy = "traefik"', 'proxy = "nginx"', "maintenance.reload: must be given"),
        ('clone = "room"', 'clone = "maybe"', "database.clone: must be"),
    ],
)
def test_a_wrong_word_about_the_database_is_named(old: str, new: str, said: str) -> None:
    """Who uses it can be stopped, who migrates uses it, its server is never recreated."""
    assert said in refusal((old, new))
