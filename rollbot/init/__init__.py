"""`rollbot init`: a runbook.toml from the team's own Compose file; the rest is asked."""

from rollbot.init.command import init

__all__ = ["init"]
