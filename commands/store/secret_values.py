"""Which values of a project's env file are secrets: what the redactor must know by value.

Masking a word that is no secret would break what is remembered (an image's name, a version), so
the rule errs on neither side blindly: a telling name decides at once; without one, a value is a
secret when it looks like nothing else. What stands in the runbook never is: no secret does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote, unquote

# `STRIPE_SECRET_KEY_LIVE` and `PGPASSWORD` tell as much as `SECRET_KEY` does.
_TELLING = re.compile(
    r"token|passw|passphrase|pwd|secret|(?:^|_)pass(?:_|$)|(?:^|_)key(?:_|$)|(?:^|_)auth(?:_|$)"
    r"|credential|private|signing|salt|(?:^|_)dsn(?:_|$)|cookie|webhook",
    re.IGNORECASE,
)
_VERSION_NAME = re.compile(
    r"(?:^|_)(?:version|tag|image|digest|sha|commit|revision|release|registry)$|^compose_",
    re.IGNORECASE,
)
# Numbers, versions, words, paths, hosts, lists of them: what people write where no secret is meant.
_WORD = r"(?:[A-Z]?[a-z]+|[A-Z]+)"
_HOST = r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?::\d{1,5})?"
_PLAIN = re.compile(
    r"v?\d+(?:\.\d+)*(?:[-+.][0-9A-Za-z.-]*)?"
    rf"|{_WORD}(?:[-_ .,:/@]+{_WORD})*"
    r"|[./~][\w./~+-]*"
    rf"|{_HOST}(?:,{_HOST})*"
    r"|\S*sha256:[0-9a-f]{64}",
)
_USER_INFO = re.compile(r"://(?P<user>[^\s/:@]*)(?::(?P<password>\S+))?@")
_SHORTEST_UNNAMED = 16
_LONG_LINE = 16


def secret_values(
    values: Mapping[str, str | None], harmless: Collection[str] = (), public: str = ""
) -> tuple[str, ...]:
    """The secrets among an env file's `values`, in every form in which they may be printed.

    `harmless` are names that never hold one (the pins). `public` is a text without secrets (the
    runbook): a value that stands in it is none.
    """
    found: dict[str, None] = {}
    for name, value in values.items():
        if not value or name in harmless:
            continue
        for secret in _secrets(name, value):
            if secret not in public:
                found |= dict.fromkeys(_forms(secret))
    return tuple(found)


def _secrets(name: str, value: str) -> Iterator[str]:
    inside = tuple(_in_address(value))
    if inside:
        # The address around it is no secret, and people need to read it.
        yield from inside
    elif _TELLING.search(name) or not (_VERSION_NAME.search(name) or _looks_plain(value)):
        yield value


def _in_address(value: str) -> Iterator[str]:
    """The password of a DSN, or the token that stands in its place."""
    user_info = _USER_INFO.search(value)
    if user_info is None:
        return
    if user_info["password"] is None:
        if len(user_info["user"]) >= _SHORTEST_UNNAMED:
            yield user_info["user"]
        return
    yield user_info["password"]
    # An `@` further on belongs to the address, or to a password that nobody quoted: both count.
    yield user_info["password"].split("@")[0]


def _looks_plain(value: str) -> bool:
    if len(value) < _SHORTEST_UNNAMED:
        return True
    is_address = "://" in value and "?" not in value
    return is_address or _PLAIN.fullmatch(value) is not None


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield unquote(secret)
    yield quote(secret, safe="")
    if "\n" in secret:
        yield from (line for line in secret.splitlines() if len(line) >= _LONG_LINE)
