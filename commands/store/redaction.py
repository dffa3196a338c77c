"""The one place that takes secrets out of what is remembered or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "***"

# A shorter value is a word such as "api"; masking it everywhere would break names, not hide a key.
_SHORTEST_SECRET = 6

_SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:token|password|passwd|passphrase|pwd|secret|secret_key|api_?key|private_key"
    r"|access_key|authorization|credentials?|dsn)$",
    re.IGNORECASE,
)
_FINGERPRINT = re.compile(r"(?:hmac-)?(?:sha256|blake2b):[0-9a-f]+|unset|")
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


class Redactor:
    """Masks known secret values, and what looks like one, in text and in JSON-like data.

    Known values of five characters or fewer are left alone (see `_SHORTEST_SECRET`); under a
    telling name (`POSTGRES_PASSWORD`) any value goes, except a fingerprint made to be compared.
    Safe to repeat: what is masked stays as it is.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Learn more secret values; the longest is masked first."""
        known = {*self._secrets, *(s for s in secrets if len(s) >= _SHORTEST_SECRET)}
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def text(self, value: str) -> str:
        """One string without its secrets."""
        for secret in self._secrets:
            value = value.replace(secret, MASK)
        lowered = value.lower()
        for words, pattern, left in _PATTERNS:
            if any(word in lowered for word in words):
                value = pattern.sub(left, value)
        return value

    def data(self, value: object, name: str = "") -> object:
        """A JSON-like value without its secrets; `name` is the key under which it stands."""
        match value:
            case str():
                return self._named(value, name)
            case dict():
                return {self.text(key): self.data(item, key) for key, item in value.items()}
            case list() | tuple():
                return [self.data(item, name) for item in value]
            case _:
                return value

    def _named(self, value: str, name: str) -> str:
        if name and _SECRET_NAME.search(name) and not _FINGERPRINT.fullmatch(value):
            return MASK
        return self.text(value)
