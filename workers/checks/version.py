"""Which version a service says it runs."""

from __future__ import annotations

import json

from commands.domain.errors import EngineError
from commands.domain.proof import ProofItem, Verdict
from commands.domain.runbook import ServiceDefinition
from commands.ports import Web
from workers.checks.health import HTTP_GOOD

ASK_TIMEOUT_S = 5.0


def read_version(web: Web, service: ServiceDefinition) -> str | None:
    """What the version URL answers, or None if that could not be learned.

    The answer is a JSON object with the runbook's `version_field` (dots go into nested objects),
    or the version alone as plain text.
    """
    if not service.version_url:
        return None
    try:
        answer = web.get(service.version_url, ASK_TIMEOUT_S)
    except EngineError:
        return None
    return field_of(answer.body, service.version_field) if answer.status in HTTP_GOOD else None


def field_of(body: bytes, field: str) -> str | None:
    """The value at a dotted path of a JSON answer, or the one word of a plain one."""
    try:
        value = json.loads(body)
    except ValueError:
        words = body.decode(errors="replace").split()
        return words[0] if len(words) == 1 else None
    for name in field.split("."):
        if not isinstance(value, dict):
            break
        value = value.get(name)
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def prove_version(service: str, expected: str, found: str | None) -> ProofItem:
    """Compare; `v1.2.3` and `1.2.3` are one version. Nothing to compare is unknown, never good."""
    if found is None or not expected:
        verdict = Verdict.UNKNOWN
    else:
        same = found.removeprefix("v") == expected.removeprefix("v")
        verdict = Verdict.OK if same else Verdict.BAD
    return ProofItem(
        service=service, what="version", expected=expected, found=found or "", verdict=verdict
    )
