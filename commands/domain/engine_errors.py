"""What the world answers badly: engine, database, proxy, files, and a step's own question."""

from __future__ import annotations

from commands.domain.error import RollbotError
from commands.domain.text import Param, Text, text


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
