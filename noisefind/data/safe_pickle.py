"""Reader of the pickles of CIFAR, and of no other pickles.

A pickle is a program: the stock unpickler imports and calls anything that the file names. Here the
few names that such files use lead to our own methods, and any other name is an error. Numpy's own
functions are not reachable either: `ndarray.__setstate__` and `dtype.__setstate__` trust what they
are given, and the latter would change numpy for the whole process.
"""

from __future__ import annotations

import io
import pickle
import re
from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import DataError

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
        value = _Reader(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # any kind, by the documentation of pickle
        reason = f"{type(error).__name__}: {error}"
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

    __slots__ = ("_code", "_order")

    def __init__(self, code: str) -> None:
        if not re.fullmatch("[iu][1248]", code):
            raise pickle.UnpicklingError(f"arrays of {code!r}")
        self._code = code
        self._order = "="

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self._order = str(state[1])

    def array(self, raw: bytes | str) -> NDArray[np.integer]:
        """The numbers in ``raw``, which is a str where Python 2 wrote it."""
        content = raw.encode("latin1") if isinstance(raw, str) else raw
        return np.frombuffer(content, np.dtype(self._order + self._code))


class _Array:
    """Replacement of a numpy.ndarray while it is built."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: NDArray[np.integer] = np.empty(0, np.uint8)

    def __setstate__(self, state: tuple[object, tuple[int, ...], _Dtype, bool, bytes]) -> None:
        _, shape, dtype, is_fortran, raw = state
        self.values = dtype.array(raw).reshape(shape, order="F" if is_fortran else "C")


class _Reader(pickle.Unpickler):
    """An unpickler whose every global is one of its own methods.

    Methods, since a pickle may set attributes on what it gets, and on a method it cannot.
    """

    def find_class(self, module: str, name: str) -> Callable[..., object] | None:
        module = module.replace("numpy.core.", "numpy._core.")  # before numpy 2
        allowed: dict[tuple[str, str], Callable[..., object] | None] = {
            ("numpy", "ndarray"): None,  # only ever the first argument of _reconstruct
            ("numpy", "dtype"): self._dtype,
            ("numpy._core.multiarray", "_reconstruct"): self._reconstruct,
            ("numpy._core.multiarray", "scalar"): self._scalar,
            ("numpy._core.numeric", "_frombuffer"): self._frombuffer,
            ("_codecs", "encode"): self._encode,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}")
        return allowed[module, name]

    def _dtype(self, code: str, _align: object = None, _copy: object = None) -> _Dtype:
        return _Dtype(code)

    def _reconstruct(self, _type: None, _shape: object, _code: object) -> _Array:
        return _Array()  # filled by __setstate__

    def _scalar(self, dtype: _Dtype, raw: bytes | str) -> int:
        return int(dtype.array(raw)[0])

    def _frombuffer(self, raw: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
        array = _Array()
        array.__setstate__((1, shape, dtype, order == "F", raw))
        return array

    def _encode(self, text: str, _encoding: str) -> bytes:
        return text.encode("latin1")
