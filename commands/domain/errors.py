"""The whole error tree. The class says who can act; facts are attributes.

`str()` is English for logs; people read `error.text` rendered in their language.
"""

from __future__ import annotations

from commands.domain.text import Param, Text, text


class RollbotError(Exception):
    """Root of everything rollbot raises on purpose.

    `text` is what a person reads: a catalogue key `error.<key>` and the facts.
    """

    key = "error.unexpected"

    def __init__(self, **facts: Param) -> None:
        super().__init__(*facts.values())
        self.facts = facts

    @property
    def text(self) -> Text:
        """The message for people, to be rendered in the reader's language."""
        return text(self.key, **self.facts)

    def __str__(self) -> str:
        """English for logs: the class and its facts."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{type(self).__name__}({facts})"


class RequestError(RollbotError):
    """The asker can mend it: wrong word, no right, wrong moment. Shown to the asker alone.

    `key` is given per raise, so that one class serves all refusals of `decide`.
    """

    def __init__(self, key: str, /, **facts: Param) -> None:
        super().__init__(**facts)
        self.key = key

    def __str__(self) -> str:
        """English for logs: the key and its facts."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.key}({facts})"


class GrammarError(RequestError):
    """The words could not be read. `key` starts with `grammar.`."""


class RefusedError(RequestError):
    """The words are clear, but this person, place or moment may not. Audited."""


class PlanRefusedError(RequestError):
    """A survey shows that the rollback asked for cannot be done safely. `key`: `refused.*`."""


class RunbookError(RollbotError):
    """runbook.toml is wrong. `path` names the first value, `why` what it must be.

    `others` are the other problems, each a `wrong.at` of its own.
    """

    key = "error.runbook"

    def __init__(self, path: str, why: Text, others: tuple[Text, ...] = ()) -> None:
        super().__init__(problems=(text("wrong.at", path=path, why=why), *others))
        self.path, self.why = path, why

    def __str__(self) -> str:
        """`services.api.health_timeout_s: wrong.more(gt=0)`."""
        return f"{self.path}: {self.why}"


class SettingsError(RollbotError):
    """An environment variable is missing or wrong."""

    key = "error.settings"

    def __init__(self, variable: str, why: Text) -> None:
        super().__init__(variable=variable, why=why)
        self.variable, self.why = variable, why


class StoreError(RollbotError):
    """The journal could not be read or written. Nothing was decided."""

    key = "error.store"


class StoreUnavailableError(StoreError):
    """Redis did not answer in time. Repeat later; nothing was written as far as is known."""

    key = "error.store_unavailable"


class StoreFullError(StoreError):
    """Redis refuses writes (out of memory). Free memory, then repeat."""

    key = "error.store_full"


class JournalConflictError(StoreError):
    """Somebody appended first. Re-read and decide again; always safe."""

    key = "error.journal_conflict"

    def __init__(self, journal: str, expected: int, actual: int) -> None:
        super().__init__(journal=journal, expected=expected, actual=actual)
        self.journal, self.expected, self.actual = journal, expected, actual


class TamperedJournalError(StoreError):
    """An entry is forged, edited or missing. Nothing may be changed on its word."""

    key = "error.journal_tampered"

    def __init__(self, journal: str, position: int, why: str) -> None:
        super().__init__(journal=journal, position=position, why=why)
        self.journal, self.position, self.why = journal, position, why


class UnknownEventError(StoreError):
    """An entry was written by a newer rollbot. Update this one; nothing is changed meanwhile."""

    key = "error.unknown_event"

    def __init__(self, kind: str, needs: str = "") -> None:
        super().__init__(kind=kind, needs=needs)
        self.kind, self.needs = kind, needs


class StateLostError(StoreError):
    """The journal is shorter than the one last seen here: Redis lost state."""

    key = "error.state_lost"

    def __init__(self, journal: str, seen: int, found: int) -> None:
        super().__init__(journal=journal, seen=seen, found=found)
        self.journal, self.seen, self.found = journal, seen, found


class EngineError(RollbotError):
    """The world answered badly: an engine, a service, a file. Facts say which."""

    key = "error.engine"


class EngineUnavailableError(EngineError):
    """The container engine does not answer."""

    key = "error.engine_unavailable"


class RegistryUnavailableError(EngineError):
    """The image registry does not answer; local images may still do."""

    key = "error.registry_unavailable"


class ImageNotFoundError(EngineError):
    """No such image, here or in the registry."""

    key = "error.image_not_found"

    def __init__(self, reference: str) -> None:
        super().__init__(reference=reference)
        self.reference = reference


class DiskFullError(EngineError):
    """No space left where the engine keeps images, or where we write."""

    key = "error.disk_full"


class CommandFailedError(EngineError):
    """A program ended with a non-zero exit code. `tail`: last <= 1,024 characters, redacted."""

    key = "error.command_failed"

    def __init__(self, program: str, exit_code: int, tail: str = "") -> None:
        super().__init__(program=program, exit_code=exit_code, tail=tail)
        self.program, self.exit_code, self.tail = program, exit_code, tail


class CommandTimedOutError(EngineError):
    """A program ran over its time limit; it and its children were ended."""

    key = "error.command_timed_out"

    def __init__(self, program: str, timeout_s: float, tail: str = "") -> None:
        super().__init__(program=program, timeout_s=timeout_s, tail=tail)
        self.program, self.timeout_s, self.tail = program, timeout_s, tail


class CheckFailedError(RollbotError):
    """A step's own question got a bad answer: unhealthy, wrong digest, smoke test red.

    `key` is given per raise (`check.*`).
    """

    def __init__(self, key: str, /, **facts: Param) -> None:
        super().__init__(**facts)
        self.key = key


class InDoubtError(RollbotError):
    """An effect was cut short, and neither its before nor its after is there: people decide.

    `key` is given per raise (`doubt.*`); the facts name what is half done.
    """

    def __init__(self, key: str, /, **facts: Param) -> None:
        super().__init__(**facts)
        self.key = key


class DatabaseUnavailableError(EngineError):
    """The database server does not answer, or does not let us in. `why` holds no password."""

    key = "error.database_unavailable"


class DatabaseError(EngineError):
    """The server refused a statement. `code` is its SQLSTATE, `why` its first line, redacted."""

    key = "error.database"

    def __init__(self, database: str, code: str, why: str) -> None:
        super().__init__(database=database, code=code, why=why)
        self.database, self.code, self.why = database, code, why


class LockTimeoutError(EngineError):
    """A lock was not to be had in time; nothing was changed. `holders` say who has it (H17)."""

    key = "error.lock_timeout"

    def __init__(self, database: str, timeout_s: float, holders: tuple[str, ...]) -> None:
        super().__init__(database=database, timeout_s=timeout_s, holders=holders)
        self.holders = holders


class BackupInvalidError(EngineError):
    """A backup cannot be trusted: truncated, foreign lines, wrong counts. Nothing was changed.

    `backup` names it, `why` is a catalogue key without its room (`truncated`), `found` the fact.
    """

    key = "error.backup_invalid"

    def __init__(self, backup: str, why: str, found: str = "") -> None:
        super().__init__(backup=backup, why=why, found=found)
        self.backup, self.why, self.found = backup, why, found

    @property
    def text(self) -> Text:
        """One sentence for each reason."""
        return text(f"backup.invalid_{self.why}", backup=self.backup, found=self.found)


class ProxyError(EngineError):
    """The proxy's configuration could not be written, or the proxy does not show it."""

    key = "error.proxy"

    def __init__(self, proxy: str, why: str) -> None:
        super().__init__(proxy=proxy, why=why)
        self.proxy, self.why = proxy, why


class ConfigFileError(EngineError):
    """A configuration file is missing, unreadable or malformed."""

    key = "error.config_file"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path=path, why=why)
        self.path, self.why = path, why


class LeaseHeldError(RollbotError):
    """Another process, or a child of a dead one, still works on this environment."""

    key = "error.lease_held"


class ChatError(RollbotError):
    """A chat platform did not take a message. `retry_after_s` says when to try again."""

    key = "error.chat"

    def __init__(self, platform: str, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(platform=platform, why=why)
        self.platform, self.why, self.retry_after_s = platform, why, retry_after_s


class ChatNoAccountError(ChatError):
    """Nobody can be written to under this account. Not repeated: the runbook is to be mended."""

    key = "error.chat_no_account"


class ChatGoneError(ChatError):
    """The message or channel is no longer there: post anew or rebind.

    `moved_to` is the new address of a migrated group, when the platform tells it.
    """

    key = "error.chat_gone"

    def __init__(self, platform: str, why: str, moved_to: str | None = None) -> None:
        super().__init__(platform, why)
        self.moved_to = moved_to
