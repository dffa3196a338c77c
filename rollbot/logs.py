"""Logs: one JSON object a line on standard error (readable text on a terminal), no secrets."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

import structlog

from commands.settings import secrets_for_logs
from commands.store.redaction import Redactor


def configure() -> Redactor:
    """Set logging up for this process. Safe to repeat.

    Returns the redactor that every log line passes: what it learns later stays out of the logs.
    """
    redactor = Redactor(secrets_for_logs())
    # Bolt prints rejected bodies and httpx prints addresses with tokens at INFO.
    logging.basicConfig(level=logging.WARNING, force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Redacting(redactor))
    # What nobody caught is printed by the interpreter, whose words nobody else looks at.
    sys.excepthook = _last_words(redactor)

    def redact(
        logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        del logger, method
        return {key: _redacted(redactor, value) for key, value in event.items()}

    on_terminal = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        # Asked for at every line: what was standard error when this was set up may be closed.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    return redactor


def _redacted(redactor: Redactor, value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str() | dict() | list() | tuple():
            return redactor.data(value)
        case _:
            return redactor.text(str(value))


class _Redacting(logging.Formatter):
    """Takes secrets out of what libraries log, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


def _last_words(redactor: Redactor) -> Callable[..., None]:
    def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        said = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(redactor.text(said))

    return say
