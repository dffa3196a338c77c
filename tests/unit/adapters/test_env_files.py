"""One variable of an env file changes, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.domain.errors import ConfigFileError
from workers.adapters.env_files import EnvFile

NAME = "APP_VERSION"


def env(text: str) -> EnvFile:
    return EnvFile(".env", text.encode())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("APP_VERSION=v1.3.0\n", "APP_VERSION=v1.2.3\n"),
        ("A=1\nAPP_VERSION=v1.3.0\nB=2\n", "A=1\nAPP_VERSION=v1.2.3\nB=2\n"),
        ("# pin\nexport APP_VERSION=v1.3.0 # why\n", "# pin\nexport APP_VERSION=v1.2.3 # why\n"),
        ('APP_VERSION="v1.3.0"', 'APP_VERSION="v1.2.3"'),
        ("APP_VERSION='v1.3.0'  # x\r\nB=2\r\n", "APP_VERSION='v1.2.3'  # x\r\nB=2\r\n"),
        ("\n\n  APP_VERSION = v1.3.0  \n", "\n\n  APP_VERSION = v1.2.3  \n"),
        ("APP_VERSION=\nB=2\n", "APP_VERSION=v1.2.3\nB=2\n"),
        ("APP_VERSION= # none\n", "APP_VERSION= v1.2.3 # none\n"),
        ("A=1\n", "A=1\nAPP_VERSION=v1.2.3\n"),
        ("A=1", "A=1\nAPP_VERSION=v1.2.3"),
        ("A=1\r\n", "A=1\r\nAPP_VERSION=v1.2.3\r\n"),
        ("", "APP_VERSION=v1.2.3\n"),
        ("\ufeffAPP_VERSION=v1\n", "\ufeffAPP_VERSION=v1.2.3\n"),
        ("OLD_APP_VERSION=v0\n", "OLD_APP_VERSION=v0\nAPP_VERSION=v1.2.3\n"),
        ("KEY='a\nAPP_VERSION=x\n'\n", "KEY='a\nAPP_VERSION=x\n'\nAPP_VERSION=v1.2.3\n"),
    ],
)
def test_only_the_value_changes(before: str, after: str) -> None:
    """Quotes, export, remarks, blanks and line ends of the variable and its neighbours stay."""
    assert env(before).with_variable(NAME, "v1.2.3") == after.encode()


@pytest.mark.parametrize(
    "text",
    ["APP_VERSION=a\nAPP_VERSION=b\n", "APP_VERSION\n", 'APP_VERSION="v1\nB=2\n'],
)
def test_an_ambiguous_variable_is_refused(text: str) -> None:
    """Twice, without a value or with an open quote: nobody knows what Compose would read."""
    with pytest.raises(ConfigFileError):
        env(text).with_variable(NAME, "v1.2.3")


@pytest.mark.parametrize("value", ["v1\nB=2", "v1\r", "'", '"', "a\\b", " v1", "v1 # x", "v\x85"])
def test_a_value_that_would_not_survive_is_refused(value: str) -> None:
    """Only what reads back as itself, and as one line, is written."""
    with pytest.raises(ConfigFileError):
        env("A=1\n").with_variable(NAME, value)


@pytest.mark.parametrize("earlier", ["", "a b", "${TAG:-v1}", "v1#x"])
@pytest.mark.parametrize("line", ["APP_VERSION='{}' # x\n", "export APP_VERSION={}\n"])
def test_an_earlier_value_of_the_team_comes_back(line: str, earlier: str) -> None:
    """Undo writes what stood there, empty or not, in the quotes that it had."""
    before = line.format(earlier)
    pinned = EnvFile(".env", env(before).with_variable(NAME, "v1.2.3"))

    assert pinned.with_variable(NAME, earlier) == before.encode()


@pytest.mark.parametrize("text", ["A=1\n", "A=1", "", "\n\n# end", "A=1\r\n", "A=1\n\n"])
def test_taking_out_a_new_pin_restores_the_bytes(text: str) -> None:
    """A pin that did not exist before leaves no trace when it is undone."""
    pinned = EnvFile(".env", env(text).with_variable(NAME, "v1"))

    assert pinned.without_variable(NAME) == text.encode()


def test_values_are_not_expanded() -> None:
    """A dollar in a value is a dollar: nothing of the worker's environment gets in."""
    assert env("A=${HOME}\nB='x y'\n").values() == {"A": "${HOME}", "B": "x y"}


keys = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).filter(lambda key: key != NAME)
texts = st.text(
    st.characters(exclude_characters="\r\n'\"\\", exclude_categories=["Cs"]), max_size=12
)
lines = st.one_of(
    texts.map(lambda remark: f"# {remark}"),
    st.just(""),
    st.tuples(keys, texts).map("=".join),
    st.tuples(keys, texts).map(lambda pair: f"export {pair[0]}='{pair[1]}' # kept"),
    st.tuples(keys, texts).map(lambda pair: f'{pair[0]}="{pair[1]}"'),
)


@given(
    before=st.lists(lines, max_size=5),
    after=st.lists(lines, max_size=5),
    pin=st.sampled_from([NAME + "={}", "export " + NAME + "={} # pin", NAME + "='{}'", None]),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_every_other_line_survives_byte_for_byte(
    before: list[str], after: list[str], pin: str | None, end: str, *, last: bool
) -> None:
    """Whatever else a team keeps in its env file, a rollback does not touch it."""

    def written(version: str) -> bytes:
        of_pin = [pin.format(version)] if pin else []
        return (end.join([*before, *of_pin, *after]) + (end if last else "")).encode()

    changed = EnvFile(".env", written("v1.3.0")).with_variable(NAME, "v1.2.3")

    if pin:
        assert changed == written("v1.2.3")
    else:
        assert changed.startswith(written(""))
        assert changed[len(written("")) :].strip() == b"APP_VERSION=v1.2.3"


@given(st.binary(max_size=80))
def test_any_bytes_are_changed_alone_or_refused(content: bytes) -> None:
    """Bytes that are no UTF-8, or no env file at all, are kept or the change is refused."""
    try:
        changed = EnvFile(".env", content).with_variable(NAME, "v1")
    except ConfigFileError:
        return
    assert EnvFile(".env", changed).variable(NAME) == "v1"
    if EnvFile(".env", content).variable(NAME) is None:
        assert changed.startswith(content)
