"""The pictures of the documents can be drawn anew."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.cards.drawing import SHOWN, draw
from tests.engines.found import ROOT, address_of

pytestmark = pytest.mark.engine("chromium")

PNG = b"\x89PNG\r\n\x1a\n"
PHONE_WIDTH_PX = 585
"""390 points at the sharpness of the pictures."""


def test_every_picture_of_the_documents_is_drawn(tmp_path: Path) -> None:
    """`make cards` ends with a PNG for each of them, a phone's as wide as a phone."""
    drawn = {path.stem: path.read_bytes() for path in draw(SHOWN, tmp_path, address_of("chromium"))}

    assert set(drawn) == {picture.name for picture in SHOWN}
    assert all(png.startswith(PNG) for png in drawn.values())
    (width,) = struct.unpack(">I", drawn["readme"][16:20])
    assert width == PHONE_WIDTH_PX


def test_the_documents_have_their_pictures() -> None:
    """What README and docs show is in the repository, under the names that are drawn."""
    kept = {path.stem for path in (ROOT / "docs" / "img").glob("*.png")}

    assert {picture.name for picture in SHOWN} <= kept
