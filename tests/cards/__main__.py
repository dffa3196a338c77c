"""`python -m tests.cards docs/img` draws the documents' pictures; `--all` draws every card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.cards.drawing import SHOWN, draw, everything
from tests.engines.found import engines


def main() -> int:
    """Draw, and say what was drawn. Exits 1 without a browser."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--all", action="store_true", help="every card in both languages")
    asked.add_argument("--only", default="", help="those whose name contains this")
    words = asked.parse_args()
    chromium = engines().get("chromium")
    if chromium is None:
        sys.stderr.write("No Chromium: `make engines` installs it.\n")
        return 1
    pictures = [p for p in (everything() if words.all else SHOWN) if words.only in p.name]
    for path in draw(pictures, words.folder, chromium):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
