"""The narrator on a terminal or in a log: titles, sentences, what came true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

import click

from commands.domain.people import Language
from commands.domain.text import Text, text
from commands.locale import say


@dataclass(frozen=True, slots=True)
class PrintedNarrator:
    """Prints to a stream; colours only where it is a terminal (click decides)."""

    stream: TextIO
    language: Language

    def title(self, title: Text) -> None:
        """An act begins."""
        name = say(title, self.language)
        self._print(f"\n━━━ {name} {'━' * max(3, 72 - len(name))}", fg="cyan", bold=True)

    def tell(self, words: Text) -> None:
        """One sentence of the narrator's."""
        self._print(f"    {say(words, self.language)}", fg="cyan")

    def deployed(self, words: Text) -> None:
        """The team's pipeline did something."""
        self._print(f"  ⇪ {say(words, self.language)}", fg="yellow")

    def met(self, what: Text, seconds: float) -> None:
        """What was waited for is true, after so long."""
        name = say(what, self.language)
        said = text("demo.met", what=name, seconds=round(seconds, 1))
        self._print(f"  ✓ {say(said, self.language)}", fg="green")

    def not_met(self, what: Text, seconds: float, folder: str) -> None:
        """What was waited for did not come; the folder has what the processes said."""
        name = say(what, self.language)
        said = text("demo.not_met", what=name, seconds=round(seconds), folder=folder)
        self._print(f"  ✗ {say(said, self.language)}", fg="red", bold=True)

    def wrong(self, reasons: tuple[Text, ...]) -> None:
        """Why the newest rollback went wrong, if it did."""
        for reason in reasons:
            self._print(f"    {say(reason, self.language)}", fg="red")

    def _print(self, line: str, *, fg: str, bold: bool = False) -> None:
        click.secho(line, file=self.stream, fg=fg, bold=bold)
