"""Images that belong to another image, such as masks and previews, found by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from noisefind.utils.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A word that ends where letters end: x_mask.png, masks/x.png, x-thumb.jpg.
_SIDE = re.compile(
    r"(?<![a-z])(masks?|seg|segmentations?|annotations?|labels?|gt|previews?|thumbs?"
    r"|thumbnails?|overlays?|depth)(?![a-z])",
    re.IGNORECASE,
)
_MAIN = re.compile(r"(?<![a-z])(images?|imgs?|photos?|originals?|rgb)(?![a-z])", re.IGNORECASE)
_SHARE = 0.25  # of all images: half of the names are in a pair then, each with its partner


def side_images(ids: Sequence[str]) -> Iterator[str]:
    """A warning where a quarter or more of the names are those of masks or previews of others.

    Args:
        ids: (N,) paths of images.
    """
    sides = [(id_, word) for id_ in ids if (word := _SIDE.search(id_))]
    if len(sides) < max(_SHARE * len(ids), 2):
        return
    mains = {_bare(id_) for id_ in ids if not _SIDE.search(id_)}
    paired = [(id_, word) for id_, word in sides if _bare(_SIDE.sub("", id_)) in mains]
    if len(paired) < max(_SHARE * len(ids), 2):
        return
    id_, word = paired[0]
    before = id_[word.start() - 1 : word.start()].strip("/")
    pattern = word[0] if f"/{word[0]}/" in f"/{id_}" else f"*{before}{word[0]}*"
    yield (
        f"warning: {counted(len(paired), 'image')} look like masks or previews of others, by "
        f"their names: --exclude '{pattern}' leaves them out"
    )


def _bare(id_: str) -> str:
    """A path without suffix, separators and words such as images."""
    stem = id_[: id_.rfind(".")] if id_.rfind(".") > id_.rfind("/") else id_
    return re.sub(r"[\W_]+", "/", _MAIN.sub("", stem)).strip("/")
