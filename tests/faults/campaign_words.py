"""Fuzzed command lines under an audit hook: whatever is typed, no process is started."""

from __future__ import annotations

import random
import sys

from commands.domain.errors import GrammarError
from commands.grammar import parse
from commands.runbook import parse_runbook, shipped_runbook
from tests.faults.campaign_tally import Tally
from tests.unit.grammar.test_fuzz import PIECES, PROCESSES

_started: list[str] = []
_armed: list[bool] = []


def _hook(event: str, _: object) -> None:
    if _armed and event.startswith(PROCESSES):
        _started.append(event)


def fuzzed(seed: int, count: int) -> Tally:
    """Lines of verbs, flags, quotes, injections and broken Unicode in any order."""
    tally, runbook = Tally("fuzzed command lines", points=count), parse_runbook(shipped_runbook())
    draw = random.Random(f"{seed}-words")
    sys.addaudithook(_hook)
    _armed.append(True)
    understood = 0
    for _ in range(count):
        pieces = draw.choices(PIECES, k=draw.randint(1, 7))
        line = draw.choice((" ", "", "  ", "=")).join(pieces)
        try:
            parse(line, runbook, "production")
            understood += 1
        except GrammarError:
            continue
        finally:
            tally.overlaps += [f"{line!r} started {what}" for what in _started]
            _started.clear()
    _armed.clear()
    tally.by_victim = {"understood": understood, "refused": count - understood, "processes": 0}
    return tally
