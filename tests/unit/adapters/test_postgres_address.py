"""Where a server is: read from an address, its password shown nowhere."""

from __future__ import annotations

import pytest

from commands.domain.errors import SettingsError
from workers.adapters.postgres.address import Address

VARIABLE = "ROLLBOT_DATABASE_URL_PRODUCTION"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_an_address_is_read_whatever_driver_it_names(scheme: str) -> None:
    """The customer's own DATABASE_URL can be pasted; what libpq knows reaches its programs."""
    url = f"{scheme}://app:p%40ss@db.example:6432/samokoder?sslmode=require"

    address = Address.of_url(url, VARIABLE)

    assert address.parameters == {
        "host": "db.example",
        "port": "6432",
        "user": "app",
        "password": "p@ss",
        "sslmode": "require",
    }
    assert address.variables("rollbot RB-17") == {
        "PGHOST": "db.example",
        "PGPORT": "6432",
        "PGUSER": "app",
        "PGPASSWORD": "p@ss",
        "PGSSLMODE": "require",
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": "rollbot RB-17",
        "LC_ALL": "C",
    }


@pytest.mark.parametrize(
    "url",
    [
        "mysql://app:canary@db/samokoder",
        "host=db password=canary",
        "postgresql://app:canary@db:notaport?unheard=of",
        "canary",
    ],
)
def test_what_is_no_address_is_refused_without_being_shown(url: str) -> None:
    """The variable is named; its value, which may be a secret, is not."""
    with pytest.raises(SettingsError) as caught:
        Address.of_url(url, VARIABLE)

    assert caught.value.variable == VARIABLE
    assert "canary" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def test_a_password_shows_in_no_repr_and_no_redacted_text() -> None:
    """Whoever logs the address, or what a program said of it, shows no secret."""
    address = Address.of_url("postgresql://app:canary@db/samokoder", VARIABLE)

    assert "canary" not in repr(address)
    assert address.redacted("FATAL: canary is wrong") == "FATAL: <password> is wrong"
    assert Address({"host": "db"}).redacted("as it was") == "as it was"


def test_inside_its_container_a_server_is_reached_by_its_socket() -> None:
    """The role stays, the way there does not."""
    address = Address({"host": "172.17.0.2", "port": "5432", "user": "app", "password": "x"})

    assert set(address.inside().variables("x")) == {
        "PGUSER",
        "PGPASSWORD",
        "PGAPPNAME",
        "PGCONNECT_TIMEOUT",
        "LC_ALL",
    }
