"""The customer's git repository, read only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commands.domain.errors import CommandFailedError
from commands.domain.plan import CommandLine
from workers.adapters.surroundings import Surroundings

_TIMEOUT_S = 10.0
_MOST_COMMITS = 50
# A subset of git-check-ref-format(1): what may follow on a command line as one revision.
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,127}")
_HARDENED = {
    # Neither the machine's configuration nor the user's, no questions, no writes, no pager.
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True, slots=True)
class GitHistory:
    """`History` by the git command. `repository` is a folder; "" when there is none."""

    repository: str
    surroundings: Surroundings

    def tags(self) -> tuple[str, ...]:
        """Tags, newest first; empty when there is no repository, or no git."""
        return self._lines("tag", "--sort=-creatordate", "--no-column")

    def commits_between(self, older: str, newer: str) -> tuple[str, ...]:
        """One line a commit (`abc1234 subject`), newest first, at most 50; empty if unknown."""
        if not (_REVISION.fullmatch(older) and _REVISION.fullmatch(newer)):
            return ()
        return self._lines(
            "log",
            "--oneline",
            "--no-decorate",
            "--no-show-signature",
            "--no-color",
            f"--max-count={_MOST_COMMITS}",
            f"refs/tags/{older}..refs/tags/{newer}",
            "--",
        )

    def _lines(self, *words: str) -> tuple[str, ...]:
        if not self.repository:
            return ()
        options: tuple[str, ...] = (
            "-C",
            self.repository,
            "--no-pager",
            "-c",
            "core.fsmonitor=false",
        )
        # The worker is rarely the owner of the checkout, and this one was named by the runbook.
        options += ("-c", f"safe.directory={self.repository}")
        command = CommandLine(argv=("git", *options, *words), environment=_HARDENED)
        try:
            done = self.surroundings.run(command, _TIMEOUT_S)
        except CommandFailedError:
            # No git here: then nothing is known, which the plan says by listing no commits.
            return ()
        if done.exit_code != 0:
            return ()
        return tuple(done.stdout.decode(errors="replace").splitlines())
