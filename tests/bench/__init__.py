"""Measurements against the bare runbook, on this machine, in one run. Trust ratios, not seconds."""
