"""Names of files and classes as harmless text."""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` without what could steer a terminal, turn the reading direction or break a line."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
