"""What a secret looks like, by itself: pure, for what reads configuration and what redacts."""

from __future__ import annotations

import re

MASK = "***"

_ANYWHERE = re.IGNORECASE

# A word that must be there before a pattern is tried, the pattern, and what it leaves standing.
# Each begins with a literal, so that no text, however long or hostile, takes more than one pass.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # DSN user info: postgresql://user:password@host
    (("://",), re.compile(r"(?P<keep>://[^\s/:@]*:)[^\s/]+(?=@)"), rf"\g<keep>{MASK}"),
    # KEY=value, "secret": "value"
    (
        ("token", "pass", "secret", "key"),
        re.compile(
            r"(?P<keep>(?:token|passwd|password|passphrase|secret|secret_key|api_?key"
            r"|private_key|access_key)[\"']?\s{0,8}[=:]\s{0,8}[\"']?)(?!\*\*\*)[^\s\"',;&]+",
            _ANYWHERE,
        ),
        rf"\g<keep>{MASK}",
    ),
    (("-pass",), re.compile(r"(?P<keep>-pass(?:word)?\s+)\S+", _ANYWHERE), rf"\g<keep>{MASK}"),
    (
        ("bearer ", "basic "),
        re.compile(r"(?P<keep>\b(?:bearer|basic) +)[A-Za-z0-9._~+/=-]{8,}", _ANYWHERE),
        rf"\g<keep>{MASK}",
    ),
    (("xox", "xapp-"), re.compile(r"\bxox[a-z]-[A-Za-z0-9-]+|\bxapp-[A-Za-z0-9-]+"), MASK),
    ((":",), re.compile(r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b"), MASK),
    (
        ("akia", "asia", "gh"),
        re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}"),
        MASK,
    ),
    (
        ("private key",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
)


def without_secrets(value: str) -> str:
    """One string with everything masked that looks like a secret. Safe to repeat."""
    lowered = value.lower()
    for words, pattern, left in _PATTERNS:
        if any(word in lowered for word in words):
            value = pattern.sub(left, value)
    return value
