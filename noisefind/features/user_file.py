"""Feature vectors of the user: a .npy file, and a text file with the id of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from noisefind.errors import DataError
from noisefind.utils.files import open_array, row_chunks
from noisefind.utils.numbers import LIMIT, usable_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CHUNK = 4096


def given_features(
    file: Path, ids_file: Path | None, ids: tuple[str, ...]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """The array in ``file`` (M, d), memory-mapped, and which of its rows belongs to each id (N,).

    ``ids_file`` holds one id per line, by default beside ``file`` as .txt. Ids that are not in
    the dataset are ignored. Never more than a chunk of rows of the array is in memory.

    Raises:
        DataError: a file cannot be read or does not fit the other, an id has no row or two, a
            number is not finite.
    """
    ids_file = ids_file or file.with_suffix(".txt")
    try:
        features = open_array(file)
        text = ids_file.read_text(encoding="utf-8-sig")
    except Exception as error:  # noqa: BLE001  numpy raises nearly anything on a hostile header
        reason = " ".join(str(error).split())
        raise DataError(f"--features {file}: cannot be read: {reason}") from None
    names = text.removesuffix("\n").split("\n")  # splitlines would cut ids at U+2028 and others
    fits = features.ndim == 2 and features.shape[1] > 0 and len(features) == len(names)
    if not fits or features.dtype.kind != "f":
        raise DataError(
            f"--features {file}: holds {features.dtype} {features.shape}; it must be floats "
            f"(images, numbers), a row for each of the {len(names)} lines of {ids_file}"
        )
    row_of = {name: row for row, name in enumerate(names)}
    if len(row_of) < len(names):
        twice = next(name for row, name in enumerate(names) if row_of[name] != row)
        raise DataError(f"{ids_file}: {twice!r} appears twice; each id must have one row")
    missing = [id_ for id_ in ids if id_ not in row_of]
    if missing:
        raise DataError(
            f"{ids_file}: {len(missing)} of {len(ids)} images have no row, first {missing[0]!r}"
        )
    order = np.array([row_of[id_] for id_ in ids])
    done = 0
    for chunk in row_chunks(features, CHUNK, order):
        is_usable = usable_rows(chunk)
        if not is_usable.all():
            bad = ids[done + int(np.argmin(is_usable))]
            raise DataError(
                f"--features {file}: the row of {bad!r} is not finite, or holds a number beyond "
                f"{LIMIT:g}"
            )
        done += len(chunk)
    return cast("NDArray[np.floating]", features), order
