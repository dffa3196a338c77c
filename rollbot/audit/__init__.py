"""`rollbot audit`: is the journal whole, and what was done by whom."""

from rollbot.audit.command import audit

__all__ = ["audit"]
