"""Names, paths and values as harmless text of limited length."""

from __future__ import annotations

PATH_LENGTH = 300  # in messages; longer than any path that a person reads


def visible(text: str) -> str:
    """``text`` with escapes for characters that control a terminal, direction or lines."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8, so into every output file."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shortened(value: object, length: int = 80) -> str:
    """``repr(value)`` for a message; the middle of a long one is left out.

    Args:
        value: from a file or an option, of any size.
        length: the largest number of characters of the result, about.
    """
    if isinstance(value, str) and len(value) > 2 * length:
        value = f"{value[:length]}…{value[-length:]}"  # the repr of a long text takes time
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of more than 4,300 digits; deep nesting
        return f"<{type(value).__name__} that is too large to show>"
    return cut(text, length)


def shown_path(path: object) -> str:
    """A path in quotes, for a message."""
    return shortened(str(path), PATH_LENGTH)


def cut(text: str, length: int) -> str:
    """``text`` without its middle where it is longer than ``length``."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}…{text[-half:]}"
