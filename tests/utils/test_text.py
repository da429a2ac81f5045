"""Values in messages: harmless and short."""

from __future__ import annotations

import pytest

from noisefind.utils.text import cut, error_text, is_text, shortened, shown_path

LARGE = ["x" * 10**6, "\0" * 1000, 10**5000, list(range(10**5)), b"x" * 1000, {"a": "b" * 500}]


@pytest.mark.parametrize("value", LARGE, ids=range(len(LARGE)))
def test_a_value_of_any_size_is_short(value: object) -> None:
    """At most 81 printable characters in one line."""
    text = shortened(value)
    assert len(text) <= 81
    assert text.isprintable()


def test_short_values_are_as_they_are() -> None:
    """The repr of what is short; beginning and end of what is long."""
    assert [shortened(value) for value in ("a b", 7, None)] == ["'a b'", "7", "None"]
    assert shortened("a" * 200 + "b" * 200, 10) == "'aaaa…bbbb'"
    assert (cut("abcdef", 4), cut("abcd", 4)) == ("ab…ef", "abcd")
    assert shown_path("/a/b") == "'/a/b'"


def test_text_is_what_utf8_holds() -> None:
    """A lone surrogate, which stands for a byte of a path, is no text."""
    assert is_text("caf\u00e9")
    assert not is_text("caf\udce9")


def nested(depth: int) -> object:
    value: object = ()
    for _ in range(depth):
        value = (value, value)
    return value


class Broken:
    """A value without a repr."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


VALUES = [
    nested(60), "x" * 10**7, b"x" * 10**7, bytearray(10**7), [b"x" * 10**7], 10**5000,
    [10**5000], {n: n for n in range(10**5)}, "\n\u202e" * 100, Broken(),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_any_value_is_short(value: object) -> None:
    """The text of a value of any size is one line of about 80 characters."""
    text = shortened(value)
    assert 0 < len(text) <= 81
    assert text.isprintable()


def test_small_values_are_their_repr() -> None:
    """A value that fits is shown by its repr."""
    for value in (3, "a b", (1, 2), [1.5, None], {"a": b"b"}):
        assert shortened(value) == repr(value)


def test_errors_are_one_line() -> None:
    """The message of an error is cut and put into one line; without one its class is named."""
    assert error_text(ValueError("a\nb\t c")) == "a b c"
    assert error_text(KeyError()) == "KeyError"
    assert len(error_text(ValueError("x" * 10**6))) <= 201
