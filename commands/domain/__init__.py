"""Pure data and decisions: no I/O, no clock, no randomness in here."""
