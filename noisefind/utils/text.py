"""Names of files and classes as harmless text."""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` with escapes for characters that control a terminal, direction or lines."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
