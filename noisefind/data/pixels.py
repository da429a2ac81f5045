"""Pixels, decoded and resized once: a memory-mapped uint8 array in the cache.

Every epoch, member and network reads this array, never the files again. Decoding runs in threads:
Pillow gives up Python's lock while it decodes and resizes.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from PIL import Image

from noisefind.data.content import content_digest, pixels_digest
from noisefind.data.decode import (
    DIGEST_SIZE,
    UnreadableImageError,
    decoding,
    deep_extent,
    picture_of,
    read_picture,
    read_thumbnail,
    shorter_side,
    to_fit,
    to_square,
)
from noisefind.data.view import choose_view
from noisefind.errors import DataError
from noisefind.utils.cache import build_once, cache_key
from noisefind.utils.disk import require_space
from noisefind.utils.files import new_array, open_array, save_array
from noisefind.utils.text import counted, listed, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.data.image_source import ImageSource
    from noisefind.utils.progress import Progress

FORMAT = 3  # of the stored pixels; raise it when they change for the same files
FORMAT_RESIZED = 1
UNREADABLE = "unreadable.json"  # beside the pixels: id -> reason of the images without a row
SAMPLE = 200  # images whose headers are read for the size of a dataset's images
DEEP_SAMPLE = 100  # images of which those of more than 8 bits are read, to see what is white
CHUNK = 64  # images per task of a thread, and rows per step of a copy


class Stored(NamedTuple):
    """The stored pixels of the images that could be read, a row each."""

    dataset: Dataset  # the readable part; its fingerprint is a digest of the decoded pixels
    pixels: NDArray[np.uint8]  # (N, size, size, 3), memory-mapped
    sizes: NDArray[np.int32]  # (N, 2) width and height of the originals, upright
    digests: NDArray[np.uint8]  # (N, 16) equal where all decoded pixels are
    max_pixels: int  # the limit with which the originals were read

    @property
    def key(self) -> str:
        """A name of these pixels, for the cache keys of what is computed from them."""
        size = self.pixels.shape[1]
        return f"{self.dataset.fingerprint} {FORMAT} {size} {self.max_pixels}"


def typical_side(dataset: Dataset) -> int:
    """The median shorter side in pixels of a sample of the images; 0 if none could be read."""
    if isinstance(dataset.images, np.ndarray):
        return int(min(dataset.images.shape[1:3]))
    step = max(1, len(dataset) // SAMPLE)
    with decoding():
        sides = [shorter_side(path) for path in dataset.images[::step]]
    known = [side for side in sides if side is not None]
    return int(np.median(known)) if known else 0


def with_view(
    dataset: Dataset, stretch: str, bands: str | None, *, max_pixels: int, n_threads: int
) -> Dataset:
    """The dataset, and the other splits, with the view that a sample of its images suggests.

    Args:
        dataset: the images.
        stretch: as for :func:`noisefind.data.view.choose_view`.
        bands: three numbers from 1, with commas, of files with several; None: the first three.
        max_pixels: images with more pixels are not opened.
        n_threads: that read images.
    """
    images = dataset.images
    chosen = None if bands is None else [int(band) for band in bands.split(",")]
    found = []
    if stretch == "auto" and not isinstance(images, np.ndarray):
        sample = images[:: max(1, len(images) // DEEP_SAMPLE)]
        with decoding(), ThreadPoolExecutor(n_threads) as pool:
            extents = pool.map(lambda image: deep_extent(image, max_pixels, chosen), sample)
            found = [one for one in extents if one is not None]
    view = choose_view(found, stretch, chosen)
    elsewhere = dataset.elsewhere and replace(dataset.elsewhere, view=view)
    return replace(dataset, view=view, elsewhere=elsewhere)


def thumbnail(dataset: Dataset, row: int, side: int, max_pixels: int) -> Image.Image:
    """One image with its proportions, to be shown; within ``decoding()``.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    if isinstance(dataset.images, np.ndarray):
        return to_fit(Image.fromarray(dataset.images[row]), side)
    return read_thumbnail(dataset.images[row], side, max_pixels, dataset.view)


def open_pixels(
    dataset: Dataset,
    size: int,
    *,
    cache: Path,
    max_pixels: int,
    n_threads: int,
    progress: Progress,
    later: Mapping[Path, int] | None = None,
) -> Stored:
    """The readable part of ``dataset`` and its pixels ``(N, size, size, 3)``, in the same order.

    The pixels are made on the first call and found in the cache afterwards, as long as the files
    have the same names, sizes, times and content (of large files a sample). They are made again
    when a file that could not be read then can be read now. The fingerprint of the dataset that is
    returned is a digest of all decoded pixels: what is computed from them is kept under it.
    ``later`` are the bytes that other folders will need; they are checked with those of the pixels.

    Raises:
        DataError: fewer than two classes have a readable image.
        RunError: too little disk space.
    """
    progress.stage("Checking files", len(dataset))
    content = content_digest(dataset.images, n_threads=n_threads, advance=progress.advance)
    key = cache_key(
        "pixels", FORMAT, dataset.fingerprint, content, size, max_pixels, repr(dataset.view)
    )

    def build(folder: Path) -> None:
        _require_space(folder, len(dataset) * size * size * 3, later)
        progress.stage("Reading images", len(dataset))
        failures = _decode_all(
            dataset, size, folder, max_pixels=max_pixels, n_threads=n_threads, progress=progress
        )
        (folder / UNREADABLE).write_text(json.dumps(failures))

    def is_current(folder: Path) -> bool:
        return not _any_readable(
            dataset, _failures(folder), size, max_pixels=max_pixels, n_threads=n_threads
        )

    folder = build_once(cache / "pixels" / key, build, say=progress.say, is_current=is_current)
    failures = _failures(folder)
    kept = dataset.without(failures) if failures else dataset
    if gone := sorted(set(dataset.classes) - set(kept.classes)):
        n_classes = counted(len(gone), "class", "classes")
        progress.say(f"warning: no image can be read in {n_classes}: {listed(gone)}")
    if failures and len(kept.classes) < 2:
        first, reason = next(iter(failures.items()))
        raise DataError(
            f"{dataset.root}: {len(failures)} of {len(dataset)} images cannot be read and the rest "
            f"have fewer than two classes; first {first!r}: {reason}"
        )
    pixels, sizes, digests = (
        open_array(folder / f"{name}.npy") for name in ("pixels", "sizes", "digests")
    )
    sizes = cast("NDArray[np.int32]", sizes)
    digests = cast("NDArray[np.uint8]", digests)
    fingerprint = pixels_digest(kept.ids, digests, sizes)
    return Stored(
        replace(kept, fingerprint=fingerprint),
        cast("NDArray[np.uint8]", pixels),
        sizes,
        digests,
        max_pixels=max_pixels,
    )


def resized_pixels(
    pixels: NDArray[np.uint8], size: int, *, key: str, cache: Path, progress: Progress
) -> NDArray[np.uint8]:
    """``pixels`` at another size, from the stored ones (no file is read again); cached.

    ``key`` identifies the pixels: :attr:`Stored.key`.
    """
    if pixels.shape[1] == size:
        return pixels

    def build(folder: Path) -> None:
        _require_space(folder, len(pixels) * size * size * 3)
        progress.stage(f"Resizing to {size} px", len(pixels))
        target = _new_array(folder / "pixels.npy", len(pixels), size)
        for rows in _chunks(len(pixels)):
            for row in range(rows.start, rows.stop):
                target[row] = np.asarray(to_square(Image.fromarray(pixels[row]), size))
            progress.advance(rows.stop - rows.start)

    name = cache_key("resized", FORMAT_RESIZED, key, pixels.shape, size)
    folder = build_once(cache / "pixels" / name, build, say=progress.say)
    return cast("NDArray[np.uint8]", open_array(folder / "pixels.npy"))


def _decode_all(
    dataset: Dataset,
    size: int,
    folder: Path,
    *,
    max_pixels: int,
    n_threads: int,
    progress: Progress,
) -> dict[str, str]:
    """Write what was read of the readable images only; return id -> reason of the others."""
    images = dataset.images
    decoded = _new_array(folder / "pixels.npy", len(dataset), size)
    sizes = np.zeros((len(dataset), 2), np.int32)
    digests = np.zeros((len(dataset), DIGEST_SIZE), np.uint8)
    failures: dict[str, str] = {}
    mended: list[str] = []
    stopped = Event()

    def decode(rows: range) -> int:
        for row in rows:
            if stopped.is_set():
                break
            try:
                picture = (
                    picture_of(images[row], size)
                    if isinstance(images, np.ndarray)
                    else read_picture(images[row], size, max_pixels, dataset.view)
                )
                decoded[row], sizes[row] = picture.pixels, (picture.width, picture.height)
                digests[row] = np.frombuffer(picture.digest, np.uint8)
                if picture.is_mended:
                    mended.append(dataset.ids[row])
            except UnreadableImageError as error:
                failures[dataset.ids[row]] = str(error)
        return len(rows)

    with decoding(), ThreadPoolExecutor(n_threads) as pool:
        try:
            for count in pool.map(decode, _chunks(len(dataset))):
                progress.advance(count)
        except BaseException:  # Ctrl-C above all: it must not wait for the tasks under way
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    if mended:
        n_damaged = counted(len(mended), "damaged image")
        progress.say(f"{n_damaged} read all the same, for example {shortened(min(mended))}")
    readable = np.array([id_ not in failures for id_ in dataset.ids], np.bool_)
    if failures:
        _compact(folder, decoded, readable)
    save_array(folder / "sizes.npy", sizes[readable])
    save_array(folder / "digests.npy", digests[readable])
    return dict(sorted(failures.items()))


def _failures(folder: Path) -> dict[str, str]:
    failures: dict[str, str] = json.loads((folder / UNREADABLE).read_text())
    return failures


def _any_readable(
    dataset: Dataset, failures: dict[str, str], size: int, *, max_pixels: int, n_threads: int
) -> bool:
    """Whether an image that could not be read can be read now.

    The file itself is as it was (time, size and content are in the key), but its permissions,
    the disk or the decoders may have changed.
    """
    failed = [row for row, id_ in enumerate(dataset.ids) if id_ in failures]

    def is_readable(row: int) -> bool:
        try:
            read_picture(cast("ImageSource", dataset.images[row]), size, max_pixels, dataset.view)
        except UnreadableImageError:
            return False
        return True

    with decoding(), ThreadPoolExecutor(n_threads) as pool:
        return any(pool.map(is_readable, failed))


def _compact(folder: Path, decoded: NDArray[np.uint8], readable: NDArray[np.bool_]) -> None:
    """Rewrite the array without the rows that could not be read, a chunk at a time."""
    rows = np.flatnonzero(readable)
    _require_space(folder, len(rows) * decoded[:1].nbytes)
    target = _new_array(folder / "readable.npy", len(rows), decoded.shape[1])
    for chunk in _chunks(len(rows)):
        target[chunk.start : chunk.stop] = decoded[rows[chunk.start : chunk.stop]]
    (folder / "readable.npy").replace(folder / "pixels.npy")


def _new_array(
    path: Path, n_images: int, size: int
) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    shape = (n_images, size, size, 3)
    return cast(
        "np.memmap[tuple[int, ...], np.dtype[np.uint8]]",
        new_array(path, shape, np.uint8),
    )


def _chunks(n_images: int) -> Iterator[range]:
    for start in range(0, n_images, CHUNK):
        yield range(start, min(start + CHUNK, n_images))


def _require_space(folder: Path, n_bytes: int, later: Mapping[Path, int] | None = None) -> None:
    hint = "give --cache-dir a larger disk, or a smaller --feature-size and --image-size"
    what = "the pixels and the run need" if later else "the pixels need"
    require_space(what, {folder.parent: n_bytes, **(later or {})}, hint)
