"""Files that were found and left out: how many of which suffix, and what a user can do about it."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING

from noisefind.utils.text import counted, cut, listed, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from noisefind.data.dataset import Skipped

UNKNOWN = "unknown suffix"
_PACKED = (".csv", ".jsonl", ".zip", ".tar", ".parquet", ".arrow", ".npz")  # data in one file
# Images that other programs convert; the suffixes of images that are read are in `layout`.
_CONVERTIBLE = frozenset({".j2k", ".psd", ".svg", ".tga", ".ico"})
_CONVERTIBLE |= {".dng", ".nef", ".cr2", ".cr3", ".arw", ".exr", ".dds", ".pcx", ".xcf"}


def suffix_of(name: str) -> str:
    """The suffix of a path's last part, in small letters; "" if it has none.

    Examples:
        >>> suffix_of("cat.d/1.JPG"), suffix_of("cat.d/1"), suffix_of(".hidden")
        ('.jpg', '', '')
    """
    # Not PurePath(name).suffix: it takes longer than the rest of the walk of a folder.
    start = name.rfind("/") + 1
    dot = name.rfind(".")
    return name[dot:].lower() if dot > start else ""


def found_suffixes(n_of: Mapping[str, int], most: int = 5) -> str:
    """Suffixes and how many files have each, as in ``9 .psd, 2 .txt``.

    Examples:
        >>> found_suffixes({".txt": 2, ".psd": 9, "": 1})
        '9 .psd, 2 .txt, 1 without suffix'
    """
    ordered = sorted(n_of.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{n:,} {cut(visible(suffix), 20) or 'without suffix'}" for suffix, n in ordered]
    more = f" and {len(shown) - most} more kinds" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def describe_left_out(skipped: Sequence[Skipped]) -> str:
    """``11 files left out: 9 .psd, 2 .txt``; "" if none was."""
    if not skipped:
        return ""
    n_of = Counter(suffix_of(name) for name, *_ in skipped)
    return f"{counted(len(skipped), 'file')} left out: {found_suffixes(n_of)}"


def way_out(root: Path, skipped: Iterable[Skipped]) -> str:
    """What was found instead of images, and the likeliest command; "" if nothing was."""
    unknown = [name for name, reason, *_ in skipped if reason == UNKNOWN]
    if not unknown:
        return ""
    n_of = Counter(map(suffix_of, unknown))
    found = f"; found: {found_suffixes(n_of)}"
    packed = sorted(name for name in unknown if "/" not in name and suffix_of(name) in _PACKED)
    if len(packed) == 1:
        return f"{found}; try: noisefind score {quote(visible(str(root / packed[0])))}"
    if packed:
        return f"{found}; give one of these files: {listed(packed)}"
    suffix = max(sorted(_CONVERTIBLE & n_of.keys()), key=n_of.__getitem__, default="")
    if suffix:
        # {} stands for each file: names may hold spaces, and folders are kept.
        place = quote(visible(str(root)))
        return (
            f"{found}; convert them: find {place} -iname '*{suffix}' "
            "-exec magick mogrify -format png {} +"
        )
    return found
