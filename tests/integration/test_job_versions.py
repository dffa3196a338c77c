"""Where to: the newest proven release, what there is, rehearsals, and what is refused with help."""

from __future__ import annotations

import asyncio
import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.engines.waiting import eventually
from tests.integration.incident import Incident, history_in, incident, phrase
from tests.integration.slack_people import ANNA, VERA
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.stack.compose import compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.timeout(600),
]

PROVEN_WITHIN_S = 60


async def test_auto_goes_where_the_observer_has_seen_it_run_well(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """H9: refused with the list while nothing is proven; then the proven one, with evidence."""
    project = samokoder(compose_v2(), "v1.3.0", own_images=True)
    there = await incident(project, slack, installation).begins()

    blind = await there.asks("/rollback api --auto")
    await there.shows(blind, phrase("refused.no_proven"), "v1.2.3", "v1.2.2")
    project.deploy("v1.2.2", "api")
    await _proven(there, "v1.2.2")
    project.deploy("v1.3.0", "api")
    sighted = await there.asks_and_sees("/rollback --service=api --auto")
    await there.shows(sighted, "api v1.2.2: исправно")
    await there.presses(ANNA, sighted, phrase("button.approve"))
    await there.until("succeeded", of=sighted)

    assert project.version("api") == "v1.2.2"
    await asyncio.to_thread(_listed_anew, there, "v1.3.0")
    await there.says(VERA, "/rollback versions api")
    answer = await there.told(VERA, phrase("release.title"), "v1.2.3")
    assert sighted in _line(answer.all_text, "v1.3.0")
    assert phrase("release.proven_ran") in _line(answer.all_text, "v1.2.2")
    assert phrase("release.not_proven") in _line(answer.all_text, "v1.2.3")


async def test_rehearsed_refused_and_helped_without_touching_anything(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory, tmp_path: Path
) -> None:
    """Dry run with the commits that go, already there, a typo's neighbours, no database here."""
    project = samokoder(compose_v2(), "v1.3.0")
    before, env = project.identities(), project.env_file.read_bytes()
    history = history_in(repository(tmp_path / "samokoder.git"))
    there = await incident(project, slack, installation, history).begins()

    dry = await there.asks("/rollback api v1.2.3 —dry-run", VERA)
    await there.until("rehearsed", of=dry)
    shown = await there.shows(dry, phrase("status.rehearsed"), "Переключить api")
    assert "2 коммита" in shown.all_text
    assert "Pay twice &lt;b&gt;" in shown.all_text
    assert not any(phrase("button.approve") in str(button) for button in shown.buttons)
    there_already = await there.asks("/rollback worker v1.3.0")
    await there.shows(there_already, "v1.3.0: worker", phrase("refused.already_there"))
    mistyped = await there.asks("/rollback api v1.2.33")
    await there.shows(mistyped, "v1.2.33", phrase("refused.release_not_found") + " v1.2.3")
    for words, answer in {
        "/rollback apu v1.2.3": "api",
        "/rollback db v1.2.3": phrase("grammar.no_database"),
        "/rollback api v1;id": "v1;id",
    }.items():
        await there.says(ANNA, words)
        await there.told(ANNA, answer)

    assert there.made.store().book.environment().last_number == 3
    assert project.identities() == before
    assert project.env_file.read_bytes() == env


async def _proven(there: Incident, version: str) -> None:
    """Wait until the observer has written down that this release ran well."""

    def written() -> bool:
        lines = there.made.store().book.environment().ledger_lines()
        return any(line.version == version and line.proven for line in lines)

    wait = partial(eventually, written, within_s=PROVEN_WITHIN_S, what=there.made.logs)
    await asyncio.to_thread(wait)


def _listed_anew(there: Incident, version: str) -> None:
    """Wait until the observer's list says that this release was rolled back."""
    records = there.made.store().records

    def listed() -> bool:
        observed = records.get(there.made.now())
        known = observed.record.releases.get("api", ()) if observed else ()
        return any(r.version == version and r.known_bad_since for r in known)

    eventually(listed, within_s=PROVEN_WITHIN_S, what=there.made.logs)


def _line(text: str, version: str) -> str:
    return next(line for line in text.splitlines() if version in line)


def repository(directory: Path) -> Path:
    """A git repository with two commits between v1.2.3 and v1.3.0."""
    person = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Boris"), ("EMAIL", "boris@example.com"))
    }
    variables = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", **person}

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", directory, *words], env=variables, check=True)

    directory.mkdir()
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "Ship 1.2.3")
    git("tag", "v1.2.3")
    git("commit", "--quiet", "--allow-empty", "--message", "Pay twice <b>")
    git("commit", "--quiet", "--allow-empty", "--message", "Stop paying twice")
    git("tag", "v1.3.0")
    return directory
