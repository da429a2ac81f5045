"""Names of files and classes as harmless text, and values of any size as short text."""

from __future__ import annotations

import reprlib


def visible(text: str) -> str:
    """``text`` with escapes for characters that control a terminal, direction or lines."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def shortened(value: object, most: int = 80) -> str:
    """The repr of a value in one line of at most ``most`` characters.

    The work is bounded, whatever the value is: containers are cut in size and in depth.
    """
    limits = _Limits()
    limits.maxstring = limits.maxother = limits.maxlong = most
    limits.maxlevel = 3
    try:
        text = limits.repr(value)
    except Exception:  # noqa: BLE001  the repr of a value may fail in any way
        text = type(value).__name__
    return cut(visible(text), most)


class _Limits(reprlib.Repr):
    """reprlib makes the whole repr of bytes before it cuts it."""

    def repr_bytes(self, value: bytes | bytearray, _level: int) -> str:
        return repr(value[: self.maxother])

    repr_bytearray = repr_bytes


def error_text(error: BaseException, most: int = 200) -> str:
    """The message of any exception in one line of at most ``most`` characters."""
    text = " ".join(str(error)[: 10 * most].split()) or type(error).__name__
    return cut(visible(text), most)


def cut(text: str, most: int = 80) -> str:
    """The start of a text, of at most ``most`` characters."""
    return text if len(text) <= most else text[: most - 2] + " …"
