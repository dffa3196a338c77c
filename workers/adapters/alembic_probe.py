"""Reads the migration scripts of an image, inside it: its source is sent along, by `python -c`.

Only what an image with Alembic has: Python 3.8 or newer and `alembic`. Nothing of a script is run
as long as its identifiers are written out, so that a broken one hides no other. Prints one line of
JSON behind a mark, because imports of the image's own may print as well.
"""

from __future__ import annotations

import ast
import configparser
import importlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MARK = "rollbot-scripts:"
SCRIPT = re.compile(r"(?!\.#|__init__).+\.py$")
COMPILED = re.compile(r"(?!\.#|__init__).+\.py[co]$")
LEGACY = re.compile(r"([a-f0-9]+)\.py$")
SPECIAL = ("version_locations", "sourceless", "recursive_version_locations")
NAMES = ("revision", "down_revision", "depends_on", "branch_labels")
READERS = ("get_bind", "Session", "sessionmaker", "get_inspector", "inspect", "get_columns")
APART = ("autocommit_block", "autocommit", "ISOLATION_LEVEL_AUTOCOMMIT", "set_isolation_level")
CARRIES_OUT = ("execute", "exec_driver_sql", "executescript", "scalar", "scalars", "text", "DDL")
STATEMENT = re.compile(r"(?i)CONCURRENTLY|(?:^|;)\s*(?:COMMIT\b[^;]*;|CALL\s+[\w.\"]+\s*\()")
"""SQL by its looks, wherever it stands."""
ENDS = re.compile(r"(?i)(?:^|;)\s*(?:COMMIT|CALL)\b")
"""Of what is carried out: it ends a transaction, or runs what may."""


def usual_place(config_path: str) -> Path | None:
    """The folder of versions of a plain configuration; None where Alembic itself must tell.

    Importing Alembic with SQLAlchemy takes ten times as long as all the rest.
    """
    parser = configparser.ConfigParser({"here": str(Path(config_path).resolve().parent)})
    try:
        parser.read(config_path, "utf-8")
        told = dict(parser.items("alembic"))
    except configparser.Error:
        return None
    location = told.get("script_location", "")
    if not location or ":" in location or any(told.get(name) for name in SPECIAL):
        return None
    place = Path(location, "versions")
    return place if place.is_dir() else None


def directory_of(config_path: str) -> Any:  # noqa: ANN401 - of a library that is not ours
    """Alembic's script directory for a configuration file, relative to the working directory."""
    config = importlib.import_module("alembic.config")
    script = importlib.import_module("alembic.script")
    if config_path.endswith(".toml"):
        return script.ScriptDirectory.from_config(config.Config(toml_file=config_path))
    return script.ScriptDirectory.from_config(config.Config(config_path))


def files_in(config_path: str) -> Iterator[Path]:
    """Every script file."""
    place = usual_place(config_path)
    if place is None:
        yield from files_of(directory_of(config_path))
        return
    for path in sorted(place.iterdir()):
        if SCRIPT.match(path.name):
            yield path.resolve()


def files_of(directory: Any) -> Iterator[Path]:  # noqa: ANN401 - see `directory_of`
    """Every script file of every version location, as Alembic lists them."""
    recursive = getattr(directory, "recursive_version_locations", False)
    pattern = COMPILED if directory.sourceless else SCRIPT
    seen: set[Path] = set()
    for location in directory._version_locations:  # noqa: SLF001 - so called since Alembic 0.7
        for folder, folders, names in os.walk(str(location)):
            folders[:] = sorted(f for f in folders if f != "__pycache__") if recursive else []
            for name in sorted(names):
                path = Path(folder, name).resolve()
                if pattern.match(name) and path not in seen:
                    seen.add(path)
                    yield path


def described(path: Path) -> dict[str, Any]:
    """One script, as Revision has it."""
    if path.suffix != ".py":
        return loaded(path, {})
    tree = ast.parse(path.read_bytes(), str(path))
    facts = {
        "title": ((ast.get_docstring(tree) or "").strip().splitlines() or [""])[0],
        **ways_of(tree),
    }
    names = {}
    for name, value in assigned(tree):
        try:
            names[name] = ast.literal_eval(value)
        except ValueError:
            return loaded(path, facts)
    if "revision" not in names:
        legacy = LEGACY.match(path.name)
        if legacy is None or "down_revision" not in names:
            raise ValueError("names no revision")
        names["revision"] = legacy.group(1)
    return {**facts, **named(names)}


def assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The identifiers at the top of a script, the last one of a name winning as in Python."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in NAMES:
                value = getattr(node, "value", None)
                if value is not None:
                    yield target.id, value


def loaded(path: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """A script whose identifiers are computed, or of which there is no source: run, as Alembic."""
    pyfiles = importlib.import_module("alembic.util.pyfiles")
    module = pyfiles.load_python_file(str(path.parent), path.name)
    return {**facts, **named({one: getattr(module, one, None) for one in NAMES})}


def named(names: dict[str, Any]) -> dict[str, Any]:
    """The identifiers as lists."""
    return {
        "id": str(names["revision"]),
        "down": listed(names.get("down_revision")),
        "depends": listed(names.get("depends_on")),
        "labels": listed(names.get("branch_labels")),
    }


def listed(value: Any) -> list[str]:  # noqa: ANN401 - what a script assigned
    """None, one or several."""
    if not value:
        return []
    return [str(value)] if isinstance(value, str) else [str(one) for one in value]


def ways_of(tree: ast.Module) -> dict[str, bool]:
    """What the way back is like: whether there is one, and what it needs."""
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    back, forth = functions.get("downgrade"), functions.get("upgrade")
    if back is None:
        return {"irreversible": True}
    nodes = list(reached(back, functions))
    words = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
    words |= {n.id for n in nodes if isinstance(n, ast.Name)}
    return {
        "irreversible": any(isinstance(statement, ast.Raise) for statement in back.body),
        "empty": does_nothing(back) and forth is not None and not does_nothing(forth),
        "autocommit": is_apart(nodes, words, named_texts(tree)),
        "reads": bool(words.intersection(READERS)),
    }


def is_apart(nodes: list[ast.AST], words: set[str], constants: dict[str, str]) -> bool:
    """Whether it says that part of it is not rolled back: where it does not, that is no promise."""
    return (
        not words.isdisjoint(APART)
        or any(text.upper() == "AUTOCOMMIT" or STATEMENT.search(text) for text in strings(nodes))
        or any(ENDS.search(text) for word, text in constants.items() if word in words)
        or any(isinstance(node, ast.Call) and commits(node) for node in nodes)
    )


def commits(call: ast.Call) -> bool:
    """`connection.commit()` (an ORM session's leaves Alembic's open), or SQL that may commit."""
    done = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if done == "commit":
        owner = getattr(call.func, "value", None)
        return "session" not in getattr(owner, "id", "").lower()
    if any(word.arg == "autocommit" for word in call.keywords):
        return True
    given = (*call.args, *call.keywords) if done in CARRIES_OUT else ()
    return any(ENDS.search(text) for one in given for text in strings(ast.walk(one)))


def strings(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What stands between quotes."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def named_texts(tree: ast.Module) -> dict[str, str]:
    """Text that a module gives a name to, at its top."""
    given = [node for node in tree.body if isinstance(node, ast.Assign)]
    return {
        name.id: " ".join(strings([node.value]))
        for node in given
        for name in node.targets
        if isinstance(name, ast.Name)
    }


def reached(function: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> Iterator[ast.AST]:
    """Everything in a function and in those of the same file that it calls."""
    left = [function]
    seen: set[str] = set()
    while left:
        one = left.pop()
        if one.name in seen:
            continue
        seen.add(one.name)
        for node in ast.walk(one):
            yield node
            if isinstance(node, ast.Name) and node.id in functions:
                left.append(functions[node.id])


def does_nothing(function: ast.FunctionDef) -> bool:
    """`pass`, a docstring, `...`, a bare return: nothing else."""
    return all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        or (isinstance(statement, ast.Return) and statement.value is None)
        for statement in function.body
    )


def main(config_path: str) -> None:
    """Print every script. A file that cannot be read at all ends it, with its name."""
    found = []
    for path in files_in(config_path):
        try:
            found.append(described(path))
        except Exception as error:  # noqa: BLE001 - whatever the image's own code raises
            told({"why": f"{path.name}: {type(error).__name__}: {error}"})
            return
    told({"scripts": found})


def told(answer: dict[str, Any]) -> None:
    """One line, whatever was printed before it."""
    sys.stdout.write(f"\n{MARK}{json.dumps(answer)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
