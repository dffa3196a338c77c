"""Logs: one JSON object a line on standard error (readable text on a terminal), no secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from commands.settings import secrets_for_logs
from commands.store.redaction import Redactor


def configure() -> None:
    """Set logging up for this process. Safe to repeat."""
    redactor = Redactor(secrets_for_logs())
    # Bolt prints rejected bodies and httpx prints addresses with tokens at INFO.
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", force=True)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Redacting(redactor))

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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _redacted(redactor: Redactor, value: object) -> object:
    return redactor.text(value) if isinstance(value, str) else value


class _Redacting(logging.Filter):
    """Takes secrets out of what libraries log."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redactor.text(record.getMessage()), None
        return True
