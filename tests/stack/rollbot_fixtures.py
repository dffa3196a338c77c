"""Pytest plugin: rollbot installed beside a stand-in project."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.engines.redis_server import RedisServer
from tests.stack.installation import Installation
from tests.stack.project import Samokoder
from tests.stack.runbook_file import runbook_for

InstallationFactory = Callable[..., Installation]


@pytest.fixture
def installation(redis_server: RedisServer, tmp_path: Path) -> Iterator[InstallationFactory]:
    """Return a maker of installations, ended when the test ends.

    `installation(project, chats={...}, edit=..., **timing)`: `chats` are further environment
    variables, `edit` changes the runbook's text.
    """
    with ExitStack() as ending:

        def make(
            project: Samokoder,
            *,
            chats: dict[str, str] | None = None,
            edit: Callable[[str], str] = str,
            **timing: float,
        ) -> Installation:
            made = Installation(
                project=project,
                redis=redis_server,
                directory=tmp_path / "rollbot",
                runbook=edit(runbook_for(project, **timing)),
                chats=chats or {},
            )
            ending.callback(made.stop)
            return made

        yield make
