"""Dataclasses read from JSON objects: a missing key or a wrong type is an error with its name.

Keys that the dataclass does not have are ignored: a newer noisefind may add some. A field that has
a default may be missing.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from noisefind.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
HINT = "score the data again, into a new folder"
_LARGEST = 2**63  # of whole numbers; a damaged file can have one that is no float
_NAMES = {
    str: "text", int: "a whole number", float: "a finite number", bool: "true or false",
    NoneType: "null", list: "a list", dict: "an object",
}  # fmt: skip


class _WrongTypeError(Exception):
    """A value has another type than its field; the message names the key and its type."""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        RunError: the file cannot be read, or holds something else.
    """
    if path.exists() and not path.is_file():
        raise RunError(f"{path}: must be a file: move it away, and {HINT}")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: cannot be read: {error}; {HINT}") from None
    if not isinstance(values, dict):
        raise RunError(f"{path}: must hold a JSON object, as noisefind writes it; {HINT}")
    return values


def from_object(kind: type[T], values: dict[str, Any], path: Path, hint: str) -> T:
    """An instance of the dataclass ``kind``.

    Args:
        kind: a dataclass of text, numbers, booleans, lists, dictionaries and such dataclasses.
        values: the JSON object.
        path: the file that it was read from; part of the message.
        hint: what to do about an error.

    Raises:
        RunError: a key is missing or has a value of the wrong type.
    """
    try:
        return cast("T", _instance(kind, values, ""))
    except _WrongTypeError as error:
        raise RunError(f"{path}: {error}; {hint}") from None


def _instance(kind: Any, values: dict[str, Any], prefix: str) -> object:
    types, found = get_type_hints(kind), {}
    for field in fields(kind):
        key = prefix + field.name
        if field.name in values:
            found[field.name] = _value(types[field.name], values[field.name], key)
        elif field.default is MISSING:
            raise _WrongTypeError(f"key {key!r} is missing")
    return kind(**found)


def _value(kind: Any, value: object, key: str) -> object:
    """``value`` where it is of the type ``kind``."""
    if kind is Any:
        return value
    if isinstance(kind, UnionType):
        if value is None:
            return None
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    if is_dataclass(kind):
        return _instance(kind, cast("dict[str, Any]", _plain(dict, value, key)), f"{key}.")
    if get_origin(kind) is list:
        items = cast("list[object]", _plain(list, value, key))
        return [_value(get_args(kind)[0], item, f"{key}[{n}]") for n, item in enumerate(items)]
    if get_origin(kind) is dict:
        members = cast("dict[str, object]", _plain(dict, value, key))
        return {name: _value(get_args(kind)[1], v, f"{key}.{name}") for name, v in members.items()}
    return _plain(kind, value, key)


def _plain(kind: type, value: object, key: str) -> object:
    """``value`` where it is of a type that JSON has; whole numbers are floats too."""
    is_huge = isinstance(value, int) and abs(value) >= _LARGEST
    if kind is float and type(value) is int and not is_huge:
        value = float(value)
    is_infinite = isinstance(value, float) and not math.isfinite(value)
    has_nul = isinstance(value, str) and "\0" in value  # no path has one
    if type(value) is not kind or is_infinite or is_huge or has_nul:
        raise _WrongTypeError(f"key {key!r} must be {_NAMES[kind]}, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """A short text for a value in a message."""
    if isinstance(value, float):
        return str(value)
    return _NAMES[type(value)]
