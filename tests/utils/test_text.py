"""Values in messages: harmless and short."""

from __future__ import annotations

import pytest

from noisefind.utils.text import cut, is_text, shortened, shown_path

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
