"""A reader of plain pickles that runs nothing and whose time and memory are bounded by the file.

The stock unpickler calls what a file names, hashes any key and allocates any length. This one knows
only the opcodes that numbers, texts, lists, tuples and dicts need. It calls only the functions that
its caller gives it.
"""

from __future__ import annotations

import codecs
import pickletools
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from noisefind.utils.text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BytesIO

MAX_OPCODES = 1_500_000  # the largest file of CIFAR has about 300,000
MAX_INT = 1 << 127
# The argument is the value: of integers, floats, texts and bytes in all protocols.
VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}  # how many values they take
OPCODES = {opcode.code.encode("latin1"): opcode for opcode in pickletools.opcodes}


class PickleError(Exception):
    """An opcode, a name or a value of a pickle is not allowed."""


@runtime_checkable
class Built(Protocol):
    """A value that takes the state which a pickle gives it."""

    def build(self, state: object) -> None:
        """Check and take the state."""


class PickleReader:
    """One pickle at a time, from a stream whose content is in memory."""

    def __init__(
        self,
        names: Callable[[str, str], object],
        persistent: Callable[[object], object] | None = None,
    ) -> None:
        """The functions that files may use.

        Args:
            names: of a module and a name: what stands for it, or a PickleError. Functions are
                called with arguments from the file, so they check them.
            persistent: what stands for a persistent id; None: a pickle must have none.
        """
        self._names = names
        self._persistent = persistent
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def read(self, stream: BytesIO) -> object:
        """The next pickle of ``stream``.

        Raises:
            Exception: of any kind, as the stream ends early or is no such pickle.
        """
        self._stack, self._memo = [], {}
        for _ in range(MAX_OPCODES):
            opcode = OPCODES.get(stream.read(1))
            if opcode is None:
                raise PickleError("it is cut off or no pickle")
            name = opcode.name
            if name == "STRING":  # pickletools takes ASCII only
                argument: object = _quoted(stream.readline())
            else:
                argument = opcode.arg.reader(stream) if opcode.arg else None
            if name == "STOP":
                return self._stack.pop()
            if name in VALUES:
                self._stack.append(_small(argument))
            elif name not in {"PROTO", "FRAME"}:
                self._run(name, argument)
        raise PickleError(f"it has more than {MAX_OPCODES:,} opcodes")

    def _run(self, name: str, argument: object) -> None:
        """Run an opcode that adds one value, or keeps the last one in the memo."""
        stack, memo = self._stack, self._memo
        if name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in TUPLES:
            stack.append(tuple(self._popped(TUPLES[name])))
        elif name in {"BINPUT", "LONG_BINPUT", "PUT"}:
            memo[_index(argument)] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in {"BINGET", "LONG_BINGET", "GET"}:
            stack.append(memo[_index(argument)])
        else:
            self._gather(name, argument)

    def _gather(self, name: str, argument: object) -> None:
        """Run an opcode of a list or a dict, or a tuple of any length."""
        stack = self._stack
        match name:
            case "MARK":
                stack.append(_Mark)
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "LIST" | "APPENDS" | "DICT" | "SETITEMS" | "TUPLE":
                items = self._marked()
                if name in {"LIST", "DICT"}:
                    stack.append([] if name == "LIST" else {})
                if name == "TUPLE":
                    stack.append(tuple(items))
                else:
                    _extend(stack[-1], items)
            case "APPEND" | "SETITEM":
                items = self._popped(1 if name == "APPEND" else 2)
                _extend(stack[-1], items)
            case _:
                self._call(name, argument)

    def _call(self, name: str, argument: object) -> None:
        """Run an opcode that uses the caller's functions."""
        stack = self._stack
        if name == "GLOBAL":
            module, _, attribute = str(argument).partition(" ")
            stack.append(self._names(module, attribute))
        elif name == "STACK_GLOBAL":
            of_module, of_attribute = self._popped(2)
            if not isinstance(of_module, str) or not isinstance(of_attribute, str):
                raise PickleError("a name is no text")
            stack.append(self._names(of_module, of_attribute))
        elif name == "REDUCE":
            function, arguments = self._popped(2)
            if not callable(function) or not isinstance(arguments, tuple):
                raise PickleError(f"it calls {shortened(function)}")
            stack.append(function(*arguments))
        elif name == "BUILD":
            (state,) = self._popped(1)
            target = stack[-1]
            if not isinstance(target, Built):
                raise PickleError(f"it changes {shortened(target)}")
            target.build(state)
        elif name == "BINPERSID" and self._persistent is not None:
            stack.append(self._persistent(stack.pop()))
        else:
            raise PickleError(f"it uses the opcode {name}")

    def _popped(self, number: int) -> list[object]:
        """The last values of the stack, removed."""
        values = self._stack[len(self._stack) - number :] if number else []
        if len(values) < number or any(value is _Mark for value in values):
            raise PickleError("values are missing")
        del self._stack[len(self._stack) - number :]
        return values

    def _marked(self) -> list[object]:
        """The values after the last mark, removed with the mark."""
        values: list[object] = []
        while (value := self._stack.pop()) is not _Mark:
            values.append(value)
        return values[::-1]


class _Mark:
    """The mark on the stack, as the class itself."""


def _extend(target: object, items: list[object]) -> None:
    """Add values to a list, or keys and values to a dict."""
    if isinstance(target, list):
        target.extend(items)
    elif isinstance(target, dict):
        keys = items[::2]
        # A tuple of tuples of the memo may take for ever to hash.
        if not all(isinstance(key, str | bytes | int) for key in keys):
            raise PickleError("a key is neither a text nor a number")
        target.update(zip(keys, items[1::2], strict=True))
    else:
        raise PickleError(f"it adds items to {shortened(target)}")


def _index(argument: object) -> int:
    if not isinstance(argument, int):
        raise PickleError("an index is no number")
    return argument


def _small(value: object) -> object:
    """The value, unless it is an integer of absurd size."""
    if isinstance(value, int) and not -MAX_INT <= value < MAX_INT:
        raise PickleError("an integer has more than 128 bits")
    return value


def _quoted(line: bytes) -> str:
    """The text of a STRING opcode of Python 2: a byte string in quotes, with escapes."""
    text = line.strip()
    if len(text) < 2 or text[:1] not in {b"'", b'"'} or text[-1:] != text[:1]:
        raise PickleError("a text has no quotes")
    return codecs.escape_decode(text[1:-1])[0].decode("latin1")
