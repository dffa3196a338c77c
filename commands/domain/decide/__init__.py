"""Decide: a pure function of state, command, runbook and time to events, or a refusal.

    decide(case, command, runbook, now) -> Decision | raises RequestError

Nothing here writes; the shells append the decision's events with compare-and-set, and decide
again when somebody was faster.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from commands.domain import command as c
from commands.domain.decide import (
    approving,
    asking,
    clock,
    freezing,
    recovering,
    rehearsing,
    small,
)
from commands.domain.decide.case import Case, Decision
from commands.domain.runbook import Runbook

_Decider = Callable[[Case, Any, Runbook, datetime], Decision]
_DECIDERS: dict[type[c.Command], _Decider] = {
    c.Ask: asking.ask,
    c.Approve: approving.approve,
    c.Deny: approving.deny,
    c.Withdraw: approving.withdraw,
    c.Cancel: small.cancel,
    c.Stop: small.stop,
    c.Recover: recovering.recover,
    c.SkipRehearsal: rehearsing.skip,
    c.Confirm: small.confirm,
    c.Note: small.note,
    c.FreezeDeploys: freezing.freeze,
    c.UnfreezeDeploys: freezing.unfreeze,
    c.Tick: clock.tick,
}


def decide(case: Case, command: c.Command, runbook: Runbook, now: datetime) -> Decision:
    """What follows from a command. Raises RequestError when it may not be."""
    return _DECIDERS[type(command)](case, command, runbook, now)


__all__ = ["Case", "Decision", "decide"]
