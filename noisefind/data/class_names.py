"""Names of classes that a person reads as one name."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from noisefind.utils.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

N_SHOWN = 3  # groups of names in the warning


def alike(classes: Iterable[str]) -> list[list[str]]:
    """Groups of names that differ only in spaces, letter case or Unicode form (NFC, NFD)."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        folded = unicodedata.normalize("NFC", name).casefold()
        groups.setdefault("".join(unicodedata.normalize("NFC", folded).split()), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def warning(classes: Iterable[str]) -> str:
    """One line that names the classes with similar names; "" if there are none."""
    groups = alike(classes)
    if not groups:
        return ""
    shown = "; ".join(" and ".join(map(_exact, names[:N_SHOWN])) for names in groups[:N_SHOWN])
    more = f" and {len(groups) - N_SHOWN} more" if len(groups) > N_SHOWN else ""
    return (
        "warning: names of classes differ only in spaces, letter case or Unicode form, and count "
        f"as separate classes: {shown}{more}; rename them if they are one class"
    )


def _exact(name: str) -> str:
    """A name that differs visibly from the others of its group: NFC and NFD look the same."""
    return shortened(name) if name.isascii() else f"{shortened(name)} ({len(name)} characters)"
