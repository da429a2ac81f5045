"""Names, paths and values as harmless text of limited length."""

from __future__ import annotations

import reprlib

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
    limits = _Limits()
    limits.maxstring, limits.maxother, limits.maxlevel = 3 * length, 3 * length, 3
    try:
        text = visible(limits.repr(value))
    except Exception:  # noqa: BLE001  an integer of more than 4,300 digits; a repr that fails
        return f"<{type(value).__name__} that is too large to show>"
    return cut(text, length)


class _Limits(reprlib.Repr):
    """The repr of containers, cut in size and depth; reprlib itself takes long for long bytes."""

    def repr_bytes(self, value: bytes | bytearray, _level: int) -> str:
        return repr(value[: self.maxother])

    repr_bytearray = repr_bytes


def error_text(error: BaseException, length: int = 200) -> str:
    """The message of any exception in one line of at most ``length`` characters, about."""
    text = " ".join(str(error)[: 10 * length].split()) or type(error).__name__
    return cut(visible(text), length)


def shown_path(path: object) -> str:
    """A path in quotes, for a message."""
    return shortened(str(path), PATH_LENGTH)


def cut(text: str, length: int) -> str:
    """``text`` without its middle where it is longer than ``length``."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}…{text[-half:]}"


def percent(share: float) -> str:
    """A share as text with one decimal place: ``3.4 %``."""
    return f"{100 * share:.1f} %"


def interval(estimate: float, low: float, high: float) -> str:
    """A share and its 95 % interval as text."""
    return f"{percent(estimate)} (95 % interval {percent(low)} to {percent(high)})"


def counted(count: int, total: int) -> str:
    """A number of things, and its share of all."""
    return f"{count:,} ({percent(count / total)})" if total else f"{count:,}"


def card(title: str, **facts: object) -> str:
    """The ``repr`` of a result: a title, and a line for each fact that is not None or empty."""
    lines = [cut(visible(title), PATH_LENGTH)]
    for name, fact in facts.items():
        if fact is not None and fact != "":
            number = f"{fact:,}" if isinstance(fact, int) else cut(visible(str(fact)), PATH_LENGTH)
            lines.append(f"  {name.replace('_', ' ')}: {number}")
    return "\n".join(lines)
