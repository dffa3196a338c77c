"""The `slack` fixture: a local Slack that was used correctly, or the test fails.

Import it where it is wanted: `from tests.servers.slack_fixture import slack`. It runs on a thread
of its own, so that a test may block while processes of ours talk to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.slack import Slack
from tests.servers.slack_thread import slack_in_thread


@pytest.fixture
def slack() -> Iterator[Slack]:
    """A running stand-in; at teardown nothing that the app sent may have been wrong."""
    with slack_in_thread() as running:
        yield running
        assert running.violations == []
