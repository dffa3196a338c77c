"""The one place that takes secrets out of what is remembered or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from commands.domain.secret_shapes import MASK, without_secrets

# A shorter value is a word such as "api"; masking it everywhere would break names, not hide a key.
_SHORTEST_SECRET = 6

_SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:token|password|passwd|passphrase|pwd|secret|secret_key|api_?key|private_key"
    r"|access_key|authorization|credentials?|dsn)$",
    re.IGNORECASE,
)
_FINGERPRINT = re.compile(r"(?:hmac-)?(?:sha256|blake2b):[0-9a-f]+|unset|")


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
        return without_secrets(value)

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
