"""Numbers of the user for each image: a .npy file, and a text file with the id of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from noisefind.errors import DataError
from noisefind.utils.files import open_array, row_chunks
from noisefind.utils.numbers import LIMIT, usable_rows
from noisefind.utils.text import cut, error_text, shortened

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CHUNK = 4096
MAX_FEATURES = 8192  # numbers per image: the matrix of their products has its square, 0.5 GB
MAX_ID = 4096  # bytes of an id, as of a path on Linux
MAX_IDS = 1_000_000_000  # bytes of all ids


def given_rows(
    file: Path, ids_file: Path | None, ids: tuple[str, ...], *, option: str = "--features"
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """The array in ``file`` (M, d), memory-mapped, and which of its rows belongs to each id (N,).

    ``ids_file`` holds one id per line, by default beside ``file`` as .txt. Ids that are not in
    the dataset are ignored. Never more than a chunk of rows of the array is in memory.

    ``option`` is named in errors.

    Raises:
        DataError: a file cannot be read or does not fit the other, an id has no row or two, a
            number is not finite.
    """
    ids_file = ids_file or file.with_suffix(".txt")
    try:
        features = open_array(file)
    except Exception as error:  # noqa: BLE001  numpy raises nearly anything on a hostile header
        raise DataError(f"{option} {file}: cannot be read: {error_text(error)}") from None
    names = _lines(ids_file, max(features.shape, default=0))
    fits = features.ndim == 2 and features.shape[1] > 0 and len(features) == len(names)
    if not fits or features.dtype.kind != "f":
        what = f"{cut(str(features.dtype), 80)} {shortened(features.shape)}"
        raise DataError(
            f"{option} {file}: holds {what}; it must be floats "
            f"(images, numbers), a row for each of the {len(names)} lines of {ids_file}"
        )
    if features.shape[1] > MAX_FEATURES:
        raise DataError(
            f"{option} {file}: has {features.shape[1]:,} numbers per image; at most "
            f"{MAX_FEATURES:,} are possible: reduce them first, as with a PCA"
        )
    row_of = {name: row for row, name in enumerate(names)}
    if len(row_of) < len(names):
        twice = next(name for row, name in enumerate(names) if row_of[name] != row)
        raise DataError(f"{ids_file}: {shortened(twice)} appears twice; each id must have one row")
    missing = [id_ for id_ in ids if id_ not in row_of]
    if missing:
        raise DataError(
            f"{ids_file}: {len(missing)} of {len(ids)} images have no row, "
            f"first {shortened(missing[0])}"
        )
    order = np.array([row_of[id_] for id_ in ids])
    done = 0
    for chunk in row_chunks(features, CHUNK, order):
        is_usable = usable_rows(chunk)
        if not is_usable.all():
            bad = ids[done + int(np.argmin(is_usable))]
            raise DataError(
                f"{option} {file}: the row of {shortened(bad)} is not finite, or holds a number "
                f"beyond {LIMIT:g}"
            )
        done += len(chunk)
    return cast("NDArray[np.floating]", features), order


def _lines(ids_file: Path, n_rows: int) -> list[str]:
    """The lines of a text file, which is no longer than ids of ``n_rows`` rows can be."""
    most = min(MAX_ID * (n_rows + 1), MAX_IDS)
    text, is_longer = "", False
    try:
        with ids_file.open("rb") as file:
            content = file.read(most + 1)
        is_longer = len(content) > most
        if not is_longer:
            text = content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(
            f"--feature-ids {ids_file}: cannot be read as UTF-8: {error_text(error)}"
        ) from None
    if is_longer:
        raise DataError(
            f"--feature-ids {ids_file}: is longer than {most:,} bytes; it must have one id in a "
            f"line for each of {n_rows:,} rows"
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    return text.split("\n")  # splitlines would cut ids at U+2028 and others
