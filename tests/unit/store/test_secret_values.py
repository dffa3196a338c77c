"""Which values of an env file are secrets, and which are words that must stay readable."""

from __future__ import annotations

import pytest

from commands.store.secret_values import secret_values


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DB_PASSWORD", "correct-horse", "correct-horse"),
        ("PGPASSWORD", "hunter2hunter2", "hunter2hunter2"),
        ("STRIPE_SECRET_KEY_LIVE", "word", "word"),
        ("SLACK_WEBHOOK", "https://hooks.test/services/T/B/x", "https://hooks.test/services/T/B/x"),
        ("DATABASE_URL", "postgresql://app:p4ss@db:5432/app", "p4ss"),
        ("DATABASE_URL", "postgresql://app:p4@ss/w@db/app", "p4@ss/w"),
        ("CACHE", "redis://:p%40ss@cache/0", "p@ss"),
        ("GIT", "https://0123456789abcdef0123@git.test/x.git", "0123456789abcdef0123"),
        ("LICENCE", "A1b2C3d4E5f6G7h8I9", "A1b2C3d4E5f6G7h8I9"),
        ("PEM", "-----BEGIN\nMIIEvQIBADANBgkqhkiG9w0B\n-----END", "MIIEvQIBADANBgkqhkiG9w0B"),
    ],
)
def test_secrets_are_known_by_name_or_by_look(name: str, value: str, secret: str) -> None:
    """A telling name, a password inside an address, or a value that looks like nothing else."""
    assert secret in secret_values({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_VERSION", "v1.2.3-rc1+build.20261123"),
        ("WORKER_IMAGE", "registry.test:5000/team/worker-2:0a1b2c3d4e5f"),
        ("COMPOSE_PROJECT_NAME", "samokoder-1a2b3c4d5e"),
        ("POSTGRES", "postgres@sha256:" + "ab" * 32),
        ("ENVIRONMENT", "production"),
        ("HOSTS", "ec2-12-34.compute.test:9092,ec2-12-35.compute.test:9092"),
        ("DATA", "/var/lib/samokoder-2/data"),
        ("SITE", "https://samokoder.example.test/path1"),
        ("MODE", "read only for everybody but the team"),
        ("EMPTY", ""),
        ("UNSET", None),
    ],
)
def test_what_people_read_stays(name: str, value: str | None) -> None:
    """Versions, images, hosts, paths and words would be missed in every card."""
    assert secret_values({name: value}) == ()


def test_neither_pins_nor_what_the_runbook_says_is_secret() -> None:
    """Masking these would break the plan itself: image names and version variables."""
    values = {"RELEASE_NAME": "0a1b2c3d4e5f6a7b8c9d", "DB_PASSWORD": "samokoder"}

    assert secret_values(values, {"RELEASE_NAME"}, 'image = "team/samokoder-api"') == ()
