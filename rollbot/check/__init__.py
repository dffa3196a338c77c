"""`rollbot check`: validates the runbook and drills everything that a rollback will need."""

from rollbot.check.command import check

__all__ = ["check"]
