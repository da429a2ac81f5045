"""Names of files and classes are data: how they are shown so that they can do nothing."""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` without what could steer a terminal, turn the reading direction or break a line."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
