"""Which jobs a worker runs: one function, one argument, nothing that RQ would do besides.

Who can write to Redis can queue any function that can be imported, and RQ runs callbacks,
webhooks and dependents that no list of job functions sees.
"""

from __future__ import annotations

import re
from collections.abc import Container

from rq.exceptions import DeserializationError
from rq.job import Job

from commands.store.queue import JOB_TIMEOUT_S

_ROLLBACK_ID = re.compile(r"RB-[1-9]\d{0,8}")
_JOB_ID = re.compile(r"drive-[A-Za-z0-9_-]+-\d+")

_CALLBACKS = ("_success_callback_name", "_failure_callback_name", "_stopped_callback_name")
_EXTRAS = ("webhooks", "retries_left", "repeats_left", "rate_limit_key", "_dependency_ids")


def refusal(job: Job, allowed: Container[str]) -> str | None:
    """Why this job must not run; None for one of ours."""
    try:
        function, instance = job.func_name, job.instance
        args, kwargs = tuple(job.args), dict(job.kwargs)
    except (DeserializationError, TypeError, ValueError):
        return "it cannot be read"
    objections = {
        "its id is not one of ours": not _JOB_ID.fullmatch(job.id),
        f"function {function!r} is not allowed": function not in allowed or instance is not None,
        "its arguments are not a rollback's id": bool(kwargs) or not _is_rollback(args),
        "it carries a callback, webhook, retry, repeat or dependency": any(
            getattr(job, name, None) for name in (*_CALLBACKS, *_EXTRAS)
        ),
        "other jobs depend on it": bool(job.connection.exists(job.dependents_key)),
        "it has no time limit": not 0 < (job.timeout or 0) <= JOB_TIMEOUT_S,
    }
    return next((why for why, holds in objections.items() if holds), None)


def rollback_id(job: Job) -> str:
    """The rollback that a job which was not refused drives."""
    return str(job.args[0])


def _is_rollback(args: tuple[object, ...]) -> bool:
    match args:
        case (str(name),):
            return _ROLLBACK_ID.fullmatch(name) is not None
    return False
