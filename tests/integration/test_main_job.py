"""The main job on real parts: Docker, both Compose generations, a registry, Redis, three processes.

From the typed words of a chat to its final card, with Slack and Telegram played by local servers.
"""

from __future__ import annotations

import pytest

from commands.domain import events as e
from commands.domain.proof import Verdict
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Message, Slack
from tests.servers.slack_fixture import slack
from tests.stack.compose import Compose
from tests.stack.fixtures import SamokoderFactory
from tests.stack.installation import Installation, of_kind
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v1", "compose_v2"),
    pytest.mark.timeout(240),
]

CHANNEL = "C0INCIDENTS"
ANNA, EGOR, IVAN = "U0ANNA", "U0EGOR", "U0IVAN"
SHIPPED = {ANNA: "U00000001", EGOR: "U00000006", IVAN: "U00000008"}


def on_slack(slack: Slack) -> dict[str, str]:
    """People and a channel there; how the bot finds it."""
    for user in SHIPPED:
        slack.person(user)
    slack.channel(CHANNEL, *SHIPPED)
    return {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": slack.api_url,
    }


def slack_people(runbook: str) -> str:
    """The shipped runbook's example accounts, as the stand-in has them."""
    changed = runbook.replace("T00000000", "T0HOME").replace("C00000001", CHANNEL)
    for real, example in SHIPPED.items():
        changed = changed.replace(example, real)
    return changed


async def up(made: Installation, slack: Slack) -> None:
    """Start everything and wait until Slack is connected and a worker lives."""
    made.start()
    made.await_worker()
    await slack.wait_for(lambda: slack.socket.connected, timeout_s=20)


def card(slack: Slack, words: str) -> Message | None:
    """The newest message of the channel that says so."""
    found = [m for m in slack.messages(CHANNEL) if words in m.all_text]
    return found[-1] if found else None


async def test_api_goes_back_from_slack(
    slack: Slack,
    compose: Compose,
    samokoder: SamokoderFactory,
    installation: InstallationFactory,
) -> None:
    """Words, plan, one click, switch, proof, checklist, announcements: only api is touched."""
    project = samokoder(compose, "v1.3.0", own_images=True)
    before = project.identities()
    made = installation(project, chats=on_slack(slack), edit=slack_people)
    await up(made, slack)

    await slack.slash(ANNA, CHANNEL, '/rollback api v1.2.3 --reason "5xx 12 %"')
    waiting = await slack.wait_for(lambda: card(slack, "Ждёт одобрения"), timeout_s=30)
    await slack.click(ANNA, waiting, slack.button(waiting, "Одобрить"), confirm=True)
    made.await_status("succeeded")
    await slack.wait_for(lambda: card(slack, "Восстановлено и доказано"), timeout_s=20)
    await slack.wait_for(lambda: card(slack, "чек-лист"), timeout_s=20)
    await slack.wait_for(lambda: card(slack, "начат откат"), timeout_s=20)

    assert project.version("api") == "v1.2.3"
    after = project.identities()
    assert {s for s in after if after[s] != before[s]} == {"api"}
    state = made.state()
    assert state is not None
    assert {i.what: i.verdict for i in state.proof}["digest"] is Verdict.OK
    assert state.approvers == ("anna",)


async def test_full_needs_two_people(
    slack: Slack,
    compose: Compose,
    samokoder: SamokoderFactory,
    installation: InstallationFactory,
) -> None:
    """Incident Commander and CTO, each by their own direct message; then every service goes."""
    project = samokoder(compose, "v1.3.0", own_images=True)
    before = project.identities()
    made = installation(project, chats=on_slack(slack), edit=slack_people)
    await up(made, slack)

    await slack.slash(ANNA, CHANNEL, "/rollback full v1.2.3")
    for user in (EGOR, IVAN):
        asked = await slack.wait_for(lambda u=user: slack.directs(u), timeout_s=30)
        await slack.click(user, asked[-1], slack.button(asked[-1], "Одобрить"), confirm=True)
    state = made.await_status("succeeded", within_s=90)

    assert [project.version(s) for s in ("api", "worker", "frontend")] == ["v1.2.3"] * 3
    after = project.identities()
    assert {s for s in after if after[s] == before[s]} == {"db", "redis"}
    assert set(state.approvers) == {"egor", "ivan"}
    assert of_kind(made.events(), e.StepDone)
