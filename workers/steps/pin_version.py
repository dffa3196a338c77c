"""Write the version where Compose reads it, so that no later `up` brings the bad one back."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.plan import Pin
from commands.domain.text import Text, text
from commands.planner.pins import OWN_TAG
from commands.ports import ConfigFiles
from workers.steps.progress import Before, Outcome, Progress

WAS_PINNED, VALUE = "was_pinned", "value"


@dataclass(frozen=True, slots=True)
class PinVersion:
    """Write one pin, everything else in the file untouched (H6, H7).

    Safe to repeat: the file as it was first is kept once, under `keep_as`. `ran_before` are the
    values that `SwitchRelease.revert` writes on the way back: what ran, not what was pinned.
    """

    files: ConfigFiles
    pin: Pin
    keep_as: str
    ran_before: frozenset[str] = frozenset()

    def capture(self) -> dict[str, str]:
        """The value there was, if there was one (an empty value is one)."""
        value = self.files.pinned(self.pin)
        return {WAS_PINNED: "no"} if value is None else {WAS_PINNED: "yes", VALUE: value}

    def probe(self, before: Before) -> Progress:
        """A third value was written by somebody else: theirs is not overwritten unasked."""
        now = self.files.pinned(self.pin)
        if now == self.pin.value:
            return Progress.DONE
        return Progress.UNTOUCHED if now == before.get(VALUE) else Progress.IN_DOUBT

    def apply(self) -> Outcome:
        """Write it atomically. Raises ConfigFileError."""
        self.files.write_pin(self.pin, self.keep_as)
        pin = self.pin
        return Outcome(text("step.pinned", path=pin.path, name=pin.name, value=pin.value))

    def changed_since(self, before: Before) -> Text | None:
        """A value that neither this rollback nor its way back wrote, nor stood there before."""
        now, pin = self.files.pinned(self.pin), self.pin
        if now in (pin.value, before.get(VALUE)) or now in self.ran_before:
            return None
        if now is not None and now.rpartition(":")[2].startswith(OWN_TAG):
            return None
        return text("step.pinned_since", path=pin.path, name=pin.name, found=now or "—")

    def revert(self, before: Before) -> None:
        """Put the value back that was there; other lines, edited since, stay as they are."""
        if VALUE in before:
            earlier = self.pin.model_copy(update={"value": before[VALUE]})
            self.files.write_pin(earlier, self.keep_as)
        else:
            self.files.remove_pin(self.pin)
