"""Names of classes: those that a person reads as one name, and names for numbers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from noisefind.errors import DataError
from noisefind.utils.text import counted, error_text, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

N_SHOWN = 3  # groups of names in the warning
JOINED = 0.02  # share of the labels that look joined, and at least two: then it is no accident
_SEPARATORS = re.compile(r"[,|;]")


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


def joined_warning(labels: Iterable[str]) -> str:
    """One line that names labels that look like several joined ones; "" if there are few.

    A label looks joined if one of its parts is also a part of another label, or if it is written
    as a list.

    Examples:
        >>> joined_warning(["cat", "dog", "cat,dog", "dog,cat"])[:52]
        "warning: 2 labels look like several joined ones: 'ca"
        >>> joined_warning(["cat", "dog, brown", "dog, brown"])
        ''
    """
    n_of = Counter(labels)
    parts = {label: {part.strip() for part in _SEPARATORS.split(label)} for label in n_of}
    n_with = Counter(part for of_label in parts.values() for part in of_label)
    joined = [
        label
        for label, of_label in parts.items()
        if re.fullmatch(r"\s*\[.*\]\s*", label, re.DOTALL)
        or (len(of_label) > 1 and any(n_with[part] > 1 for part in of_label))
    ]
    n_joined = sum(n_of[label] for label in joined)
    if n_joined < max(2, JOINED * n_of.total()):
        return ""
    shown = ", ".join(shortened(label, 40) for label in joined[:N_SHOWN])
    return (
        f"warning: {counted(n_joined, 'label')} look like several joined ones: {shown}; each "
        "counts as one class, and an image must have a single label"
    )


def named(labels: Sequence[str], path: Path) -> list[str]:
    """The class names instead of labels that are whole numbers from 0; names stay as they are.

    Args:
        labels: (N,) whole numbers as text, or names of the file.
        path: a text file in UTF-8; line k + 1 is the name of class k.

    Raises:
        DataError: the file cannot be read, has a name twice or none, or a label is no number
            of a line.
    """
    names = read_class_names(path)
    name_of = {str(number): name for number, name in enumerate(names)} | {n: n for n in names}
    wrong = next((label for label in labels if label not in name_of), None)
    if wrong is not None:
        raise DataError(
            f"{shown_path(path)} names the classes 0 to {len(names) - 1}, and an image has the "
            f"label {shortened(wrong)}: omit --class-names, or add the names that are missing"
        )
    return [name_of[label] for label in labels]


def read_class_names(path: Path) -> list[str]:
    """The lines of a text file, which are the names of class 0, 1 and so on.

    Raises:
        DataError: the file cannot be read, or has a name twice or none.
    """
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown_path(path)}: {error_text(error)}") from error
    while names and not names[-1]:
        names.pop()
    if not all(names) or len(set(names)) < len(names):
        raise DataError(f"{shown_path(path)} must have one class name in each line, each once")
    return names


def _exact(name: str) -> str:
    """A name that differs visibly from the others of its group: NFC and NFD look the same."""
    return shortened(name) if name.isascii() else f"{shortened(name)} ({len(name)} characters)"
