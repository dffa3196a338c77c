"""The demo's Alembic project: which release has which migrations, laid out as in its image."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import MappingProxyType

MIGRATES = "api"
"""The service whose image holds the migrations."""

_PROJECT = Path(__file__).parent / "migrations"
SEED = _PROJECT / "seed.sql"
"""Users, projects and files, as of r05."""

_OLDER = ("r01", "r02", "r03", "r04")

HEADS = MappingProxyType(
    {
        "v1.2.2": ("r04",),
        "v1.2.3": ("r05",),
        "v1.3.0": ("r05",),
        "v1.3.1": ("r05",),
        "v1.4.0": ("r06",),
        "v1.5.0": ("r07a", "r07b"),
        "v1.9.8": ("r06",),
        "v1.9.9": ("r06",),
    }
)
"""The newest migrations that a release's code expects; two where nobody merged them."""

_SCRIPTS = MappingProxyType(
    {
        ("r04",): _OLDER,
        ("r05",): (*_OLDER, "r05"),
        ("r06",): (*_OLDER, "r05", "r06"),
        ("r07a", "r07b"): (*_OLDER, "r05", "r06", "r07a", "r07b"),
    }
)


def describes_projects(version: str) -> bool:
    """Whether a release's code writes the column that r06 brought."""
    return "r06" in _SCRIPTS[HEADS[version]]


def lay_out(folder: Path, version: str) -> None:
    """Write a release's alembic.ini and migrations into a folder. Safe to repeat."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_PROJECT / "alembic.ini", folder / "alembic.ini")
    shutil.copyfile(_PROJECT / "env.py", folder / "migrations" / "env.py")
    for revision in _SCRIPTS[HEADS[version]]:
        (script,) = _PROJECT.glob(f"versions/{revision}_*.py")
        shutil.copyfile(script, versions / script.name)
