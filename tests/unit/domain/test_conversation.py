"""What a person said, before it is understood."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from commands.domain.conversation import Incoming
from commands.domain.people import Identity
from commands.domain.runbook import Channel


def test_half_a_character_can_be_written_down() -> None:
    r"""A platform's JSON may carry `\ud800`: it becomes a question mark, and the rest is heard."""
    words, name = json.loads(r'["api v1.2.3 \ud800", "An\udfffna"]')

    heard = Incoming(
        delivery_id="d1",
        kind="words",
        words=words,
        display_name=name,
        identity=Identity(platform="telegram", user="7"),
        home=Channel(platform="telegram", channel="-1001"),
        received_at=datetime(2026, 11, 23, tzinfo=UTC),
    )

    assert (heard.words, heard.display_name) == ("api v1.2.3 ?", "An?na")
    assert Incoming.model_validate_json(heard.model_dump_json()) == heard
