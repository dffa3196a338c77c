"""A real embedded engine for the tests of the demo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.embedded import EmbeddedEngine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    """An engine of the test's own, its project on the failing v1.3.0."""
    engine = EmbeddedEngine(tmp_path)
    engine.deploy("v1.3.0")
    yield engine
    engine.close()
