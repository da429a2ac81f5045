"""Reader of the pickles of CIFAR, and of no other pickles.

A pickle is a program. `PickleReader` runs the few opcodes that such files need, and the few names
that they use lead to the functions of this file. Numpy's own functions are not reachable:
`ndarray.__setstate__` and `dtype.__setstate__` trust what they are given, and the latter would
change numpy for the whole process.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import DataError
from noisefind.utils.pickle_reader import PickleError, PickleReader
from noisefind.utils.text import error_text, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def read_pickle(content: bytes, where: str) -> dict[str, object]:
    """Read a pickled dict of numbers, texts, lists and integer arrays.

    Args:
        content: the pickle, written by Python 2 or 3 with any version of numpy.
        where: the file's name, for errors.

    Returns:
        The dict, its keys as str, arrays among its values as numpy arrays.

    Raises:
        DataError: the file is damaged, is no dict, or refers to any other class.
    """
    try:
        value = PickleReader(_Names(len(content)).find).read(io.BytesIO(content))
    except Exception as error:  # any kind, by the documentation of pickle
        reason = f"{type(error).__name__}: {error_text(error)}"
        raise DataError(f"{where!r} is damaged or no CIFAR file ({reason})") from error
    if not isinstance(value, dict):
        raise DataError(f"{where!r} is no CIFAR file: expected a dict")
    return {
        key.decode("latin1") if isinstance(key, bytes) else str(key): (
            item.values if isinstance(item, _Array) else item
        )
        for key, item in value.items()
    }


class _Dtype:
    """Replacement of an integer numpy.dtype."""

    __slots__ = ("code", "order")

    def __init__(self, code: object) -> None:
        if not isinstance(code, str) or not re.fullmatch("[iu][1248]", code):
            raise PickleError(f"arrays of {shortened(code)}")
        self.code = code
        self.order = "="

    def build(self, state: object) -> None:
        """Take the order of the bytes, which is the second item."""
        if not isinstance(state, tuple) or state[1] not in ("<", ">", "=", "|"):
            raise PickleError("a wrong type of an array")
        self.order = str(state[1])


class _Array:
    """Replacement of a numpy.ndarray while it is built."""

    __slots__ = ("_names", "values")

    def __init__(self, names: _Names) -> None:
        self._names = names
        self.values: NDArray[np.integer] = np.empty(0, np.uint8)

    def build(self, state: object) -> None:
        """Take shape, type, order and bytes."""
        if not isinstance(state, tuple):
            raise PickleError("a wrong array")
        _, shape, dtype, is_fortran, raw = state
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise PickleError(f"an array of the shape {shortened(shape)}")
        self.values = self._names.numbers(dtype, raw).reshape(
            shape, order="F" if is_fortran else "C"
        )


class _Names:
    """The functions that stand for the names in one file."""

    def __init__(self, n_bytes: int) -> None:
        self._left = 2 * n_bytes + 8  # that may be copied, as one text may be used again and again
        self._allowed: dict[tuple[str, str], Callable[..., object] | None] = {
            ("numpy", "ndarray"): None,  # only ever the first argument of _reconstruct
            ("numpy", "dtype"): lambda code, _align=None, _copy=None: _Dtype(code),
            ("numpy._core.multiarray", "_reconstruct"): lambda _type, _shape, _code: _Array(self),
            ("numpy._core.multiarray", "scalar"): self._scalar,
            ("numpy._core.numeric", "_frombuffer"): self._from_buffer,
            ("_codecs", "encode"): lambda text, _encoding: self._raw(text),
        }

    def find(self, module: str, name: str) -> object:
        """The function for a name."""
        key = (module.replace("numpy.core.", "numpy._core."), name)  # before numpy 2
        if key not in self._allowed:
            raise PickleError(f"it refers to {shortened(f'{module}.{name}')}")
        return self._allowed[key]

    def numbers(self, dtype: object, raw: object) -> NDArray[np.integer]:
        """The numbers in ``raw``, which is a str where Python 2 wrote it."""
        if not isinstance(dtype, _Dtype):
            raise PickleError("an array without a type")
        return np.frombuffer(self._raw(raw), np.dtype(dtype.order + dtype.code))

    def _raw(self, text: object) -> bytes | bytearray:
        if isinstance(text, bytes | bytearray):
            return text
        if not isinstance(text, str):
            raise PickleError("the content of an array is no bytes")
        self._left -= len(text)
        if self._left < 0:
            raise PickleError("it repeats its content")
        return text.encode("latin1")

    def _scalar(self, dtype: object, raw: object) -> int:
        return int(self.numbers(dtype, raw)[0])

    def _from_buffer(self, raw: object, dtype: object, shape: object, order: object) -> _Array:
        array = _Array(self)
        array.build((1, shape, dtype, order == "F", raw))
        return array
