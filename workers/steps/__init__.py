"""One file per kind of step: capture, probe, apply, revert."""
