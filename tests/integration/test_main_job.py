"""The main job on real parts: Docker, both Compose generations, a registry, Redis, three processes.

From the typed words of a chat to its final card, with Slack and Telegram played by local servers.
"""

from __future__ import annotations

from functools import partial

import pytest

from commands.domain import events as e
from commands.domain.proof import Verdict
from tests.integration.slack_people import ANNA, CHANNEL, EGOR, IVAN, on_slack, slack_people
from tests.servers.slack import Message, Slack
from tests.servers.slack_fixture import slack
from tests.stack.compose import Compose
from tests.stack.fixtures import SamokoderFactory
from tests.stack.installation import Installation, of_kind
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v1", "compose_v2"),
    pytest.mark.timeout(600),
]


async def up(made: Installation, slack: Slack) -> None:
    """Start everything and wait until Slack is connected and a worker lives."""
    made.start()
    made.await_worker()
    await slack.wait_for(lambda: slack.socket.connected)


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
    waiting = await slack.wait_for(lambda: card(slack, "Ждёт одобрения"))
    assert waiting is not None
    await slack.click(ANNA, waiting, slack.button(waiting, "Одобрить"), confirm=True)
    made.await_status("succeeded")
    await slack.wait_for(lambda: card(slack, "Восстановлено и доказано"))
    await slack.wait_for(lambda: card(slack, "чек-лист"))
    await slack.wait_for(lambda: card(slack, "начат откат"))

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
        await slack.wait_for(partial(slack.directs, user))
        asked = slack.directs(user)[-1]
        await slack.click(user, asked, slack.button(asked, "Одобрить"), confirm=True)
    state = made.await_status("succeeded", within_s=180)

    assert [project.version(s) for s in ("api", "worker", "frontend")] == ["v1.2.3"] * 3
    after = project.identities()
    assert {s for s in after if after[s] == before[s]} == {"db", "redis"}
    assert set(state.approvers) == {"egor", "ivan"}
    assert of_kind(made.events(), e.StepDone)
