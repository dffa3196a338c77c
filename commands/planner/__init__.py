"""Request + facts + runbook → plan. Pure: no I/O, no clock, no randomness."""
