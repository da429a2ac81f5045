"""Small input files of the user, read whole: size limited, never waiting for a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KIB = 1024


def read_text(path: Path, max_bytes: int) -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Raises:
        ValueError: the file cannot be read, is a named pipe, has more than ``max_bytes`` or is
            not UTF-8; the text is for the user.
    """
    try:
        # a pipe of the shell, as <(command), has a writer; a named one could wait for ever
        if path.is_fifo() and path.parts[:2] not in {("/", "dev"), ("/", "proc")}:
            raise ValueError("cannot be read: it is a named pipe; give a regular file")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from None
    if len(content) > max_bytes:
        raise ValueError(f"cannot be read: it is larger than {max_bytes // KIB:,} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"cannot be read: line {line} is not UTF-8") from None
