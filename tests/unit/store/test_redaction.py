from __future__ import annotations

import time

import pytest

from commands.domain.secret_shapes import MASK
from commands.store.redaction import Redactor


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ("postgresql://app:s3cr3t@db:5432/app", "s3cr3t"),
        ("redis://:hunter2hunter2@redis:6379", "hunter2hunter2"),
        ("env POSTGRES_PASSWORD=hunter2 docker", "hunter2"),
        ('{"api_key": "abcdef123"}', "abcdef123"),
        ("--password swordfish", "swordfish"),
        ("postgresql://u:p@sswd@h/db", "sswd"),
        ("Authorization: Bearer abc.def.ghi-123", "abc.def.ghi-123"),
        ("xoxb-123-456-abc", "123-456-abc"),
        ("bot 123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA said", "AAAAAAAA"),
        ("the canary-in-the-mine sang", "canary-in-the-mine"),
    ],
)
def test_what_looks_like_a_secret_is_masked(shown: str, hidden: str) -> None:
    """Known values and telling shapes leave only the mask, and masking again changes nothing."""
    redactor = Redactor(["canary-in-the-mine"])

    masked = redactor.text(shown)

    assert hidden not in masked
    assert MASK in masked
    assert redactor.text(masked) == masked


@pytest.mark.parametrize(
    "words",
    [
        "registry:5000/api@sha256:0123456789abcdef",
        "rollback api v1.2.3 at http://localhost:8000/health?full=1",
        "the secret of the outage was a full disk",
    ],
)
def test_plain_words_stay(words: str) -> None:
    """Image references, addresses and prose are not mistaken for secrets."""
    assert Redactor().text(words) == words


def test_a_telling_name_hides_any_value_but_a_fingerprint() -> None:
    """`SECRET_KEY` never shows its value; its fingerprint may be compared."""
    data = {"SECRET_KEY": "short", "DB_PASSWORD": "sha256:00ff", "list": [{"token": "x"}], "n": 1}

    assert Redactor().data(data) == {
        "SECRET_KEY": MASK,
        "DB_PASSWORD": "sha256:00ff",
        "list": [{"token": MASK}],
        "n": 1,
    }


@pytest.mark.parametrize(
    "part", ["a", "a:", "://", "://u:", "token", "token=", "password ", "1", "-----BEGIN "]
)
def test_no_text_takes_long(part: str) -> None:
    """A hostile text of 100,000 characters is masked in no time, whatever it repeats."""
    began = time.process_time()

    Redactor(["canary-in-the-mine"]).text(part * (100_000 // len(part)))

    assert time.process_time() - began < 5, "a second, on a quick machine"
