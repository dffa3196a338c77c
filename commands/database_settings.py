"""Addresses of databases: one for each environment, and one for its scratch server."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

DATABASE_URL = "ROLLBOT_DATABASE_URL_"
SCRATCH_URL = "ROLLBOT_SCRATCH_URL_"


class DatabaseSettings(BaseSettings):
    """`ROLLBOT_DATABASE_URL_PRODUCTION=postgresql://user:password@host:5432/samokoder`."""

    database_urls: dict[str, SecretStr] = Field(default_factory=dict, validation_alias=DATABASE_URL)
    scratch_urls: dict[str, SecretStr] = Field(default_factory=dict, validation_alias=SCRATCH_URL)

    def database_url(self, environment: str) -> SecretStr | None:
        """The address of an environment's database; None when it is not given by one."""
        return self.database_urls.get(database_variable(environment))

    def scratch_url(self, environment: str) -> SecretStr | None:
        """A server of its own for proofs and rehearsals; None: production's own server."""
        return self.scratch_urls.get(scratch_variable(environment))

    def database_secrets(self) -> set[str]:
        """The addresses that hold a password, and the passwords, as written and as meant."""
        given = (*self.database_urls.values(), *self.scratch_urls.values())
        found = set[str]()
        for url in (one.get_secret_value() for one in given):
            password = _password(url)
            found |= {url, password, unquote(password)} if password else set()
        return found


def database_variable(environment: str) -> str:
    """The variable with an environment's address: ROLLBOT_DATABASE_URL_PRODUCTION."""
    return DATABASE_URL + _spelt(environment)


def scratch_variable(environment: str) -> str:
    """The variable with its scratch server's: ROLLBOT_SCRATCH_URL_PRODUCTION."""
    return SCRATCH_URL + _spelt(environment)


def _spelt(environment: str) -> str:
    return environment.upper().replace("-", "_")


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        # No address at all; whatever it is, it was meant to be a secret.
        return url
