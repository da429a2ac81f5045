"""Small pictures as data URIs, each with a limited number of bytes."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, features

from noisefind.data.decode import UnreadableImageError, decoding, to_fit
from noisefind.data.pixels import thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from noisefind.data.dataset import Dataset
    from noisefind.utils.progress import Progress

PIXEL_ART = 64  # px; up to this side a picture is kept without loss, and shown enlarged
QUALITIES = (78, 60, 40, 20)  # tried in turn until a picture fits its bytes


class Size(NamedTuple):
    """The limits of a picture."""

    side: int  # px, the longer one
    n_bytes: int  # of the file; as base64 in the page it takes a third more


# 500 of a card, 5 x 500 small ones and 100 enlarged ones at their limits are
# (500 * (9 + 5 * 1.1) + 100 * 28) * 4/3 kB = 13.4 MB
LARGE = Size(192, 9_000)  # of a card
SMALL = Size(64, 1_100)  # of a neighbour
LARGER = Size(480, 28_000)  # after a click
N_LARGER = 100


def thumbnails(
    dataset: Dataset,
    wanted: Iterable[tuple[str, Size]],
    *,
    max_pixels: int,
    progress: Progress,
) -> dict[tuple[str, Size], str]:
    """Data URIs of the wanted pictures; those that cannot be read (any more) are left out.

    Args:
        dataset: where the images are.
        wanted: ids, and the size of each picture.
        max_pixels: images with more pixels are not opened.
        progress: advanced by one for every picture.
    """
    rows = {id_: row for row, id_ in enumerate(dataset.ids)}
    tasks = [(id_, size) for id_, size in dict.fromkeys(wanted) if id_ in rows]
    progress.stage("Pictures", len(tasks))

    def make(task: tuple[str, Size]) -> str | None:
        id_, size = task
        try:
            picture = thumbnail(dataset, rows[id_], size.side, max_pixels)
        except UnreadableImageError:
            return None
        finally:
            progress.advance()
        return data_uri(picture, size.n_bytes)

    with decoding(), ThreadPoolExecutor() as pool:
        made = dict(zip(tasks, pool.map(make, tasks), strict=True))
    return {task: uri for task, uri in made.items() if uri is not None}


def data_uri(picture: Image.Image, n_bytes: int) -> str:
    """The picture as WebP (JPEG where this Pillow has no WebP), in at most ``n_bytes``.

    Small pictures, as those of CIFAR, are compressed without loss, which would show when enlarged.
    """
    kind = "webp" if features.check("webp") else "jpeg"
    if kind == "webp" and max(picture.size) <= PIXEL_ART:
        content = _encoded(picture, kind, lossless=True)
        if len(content) <= n_bytes:
            return _as_uri(content, kind)
    for quality in QUALITIES:
        content = _encoded(picture, kind, quality=quality)
        if len(content) <= n_bytes:
            return _as_uri(content, kind)
    return data_uri(to_fit(picture, max(picture.size) * 2 // 3), n_bytes)  # noise, nearly


def _encoded(picture: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _as_uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
