"""The process of the command line: exit codes, Ctrl-C, and output streams that never raise.

Exit code 1 is for ``--fail-over`` alone. Python, click and rich end with 1 or 120 where stdout is
a closed pipe or a full disk; the streams here never tell them.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

EXIT_GATE = 1  # for --fail-over only
EXIT_ERROR = 2
EXIT_FAULT = 70  # EX_SOFTWARE; Python's own 1 is the exit code of a closed gate
EXIT_INTERRUPTED = 130


def leave_on_interrupt() -> None:
    """From now on Ctrl-C ends the process at once: nothing needs to be cleaned up."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell starts jobs in a script
        signal.signal(signal.SIGINT, _leave)


def share_cores() -> None:
    """Let threads that wait for each other sleep; to be called before PyTorch is imported.

    By default they spin. Beside one other busy program on two cores a pass of the feature network
    over 400 images then took 17 to 32 s, instead of 5 to 9 s; on an idle machine 4 s either way.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def default_interrupt() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, so that temporary files are removed."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_number: int, _frame: object) -> None:
    try:
        os.write(2, b"error: interrupted\n")
    finally:
        os._exit(EXIT_INTERRUPTED)


class _LenientFile(io.FileIO):
    """A file descriptor whose writes never fail; ``error`` is the first reason but a closed pipe.

    After a failure all further output is discarded. The reader of a closed pipe (head, less) has
    what it wants: this is no error.
    """

    error: OSError | None = None
    _is_open = True

    def write(self, data: Buffer, /) -> int:
        size = memoryview(data).nbytes
        if not self._is_open:
            return size
        try:
            while (done := super().write(data)) is None:  # a non-blocking pipe that is full
                select.select([], [self], [])
        except OSError as error:
            self._is_open = False
            if not isinstance(error, BrokenPipeError):
                self.error = error
            return size
        return done


def open_missing_streams() -> None:
    """Point closed descriptors 0 to 2 (``>&-``) to nowhere: the next open file would get them."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free number, so this one
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def lenient(descriptor: int, like: TextIO | Any) -> tuple[TextIO, _LenientFile]:
    """A stream on a descriptor that never raises, with the encoding of another; and its file.

    What has no encoding, as a path that is not UTF-8, is written with backslashes.
    """
    file = _LenientFile(descriptor, "w", closefd=False)
    text = io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=like.encoding,
        errors="backslashreplace",
        line_buffering=file.isatty() or descriptor == 2,
    )
    return text, file
