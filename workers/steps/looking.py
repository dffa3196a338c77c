"""A step that only looks: nothing to capture, nothing to undo, always safe to do again."""

from __future__ import annotations

from workers.steps.progress import Before, Progress


class Looking:
    """Capture, probe and revert of a step without an effect on the world."""

    __slots__ = ()

    def capture(self) -> dict[str, str]:
        """There is nothing to come back to."""
        return {}

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- as `Step` has it
        """A question that was cut short is asked again."""
        return Progress.UNTOUCHED

    def changed_since(self, before: Before) -> None:
        """Going back over a look overwrites nothing."""

    def revert(self, before: Before) -> None:
        """Looking changed nothing."""
