"""Values and errors as short text."""

from __future__ import annotations

import pytest

from noisefind.utils.text import error_text, shortened


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
    """The text of a value of any size is one line of at most 80 characters."""
    text = shortened(value)
    assert 0 < len(text) <= 80
    assert text.isprintable()


def test_small_values_are_as_they_are() -> None:
    """A value that fits is shown by its repr."""
    for value in (3, "a b", (1, 2), [1.5, None], {"a": b"b"}):
        assert shortened(value) == repr(value)


def test_errors_are_one_line() -> None:
    """The message of an error is cut and put into one line; without one its class is named."""
    assert error_text(ValueError("a\nb\t c")) == "a b c"
    assert error_text(KeyError()) == "KeyError"
    assert len(error_text(ValueError("x" * 10**6))) == 200
