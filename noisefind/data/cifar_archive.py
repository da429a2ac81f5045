"""The files of CIFAR in its .tar.gz archive, read in one pass; nothing is written to the disk."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from noisefind.errors import DataError
from noisefind.utils.text import error_text, shortened

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE = 400_000_000  # bytes; the training file of CIFAR-100 has 155 million
MAX_TOTAL = 1_000_000_000  # bytes of a whole archive, unpacked; CIFAR has 190 million
MAX_READ = 600_000_000  # bytes of all files of CIFAR; the images are in memory twice
MAX_MEMBERS = 1000
MAX_EXTRA = 100_000  # bytes of a header for long names and the like


class _TooMuchError(Exception):
    """An archive has more than CIFAR's can have."""


def files_in_archive(archive: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each regular file whose name without its folders matches ``wanted``.

    Raises:
        DataError: the archive is damaged, has such a file twice, or unpacks to much more than
            CIFAR does.
    """
    try:
        with gzip.open(archive) as unpacked:
            stream: Any = _Limited(unpacked)  # tarfile needs no more of it than `read`
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as tar:
                yield from _wanted_files(tar, wanted)
    except _TooMuchError as error:
        raise DataError(
            f"{str(archive)!r} has {error}, which CIFAR has not: fetch the archive again"
        ) from None
    except Exception as error:  # tarfile raises many kinds on damaged headers
        raise DataError(
            f"{str(archive)!r} is damaged or no .tar.gz: {error_text(error)}"
        ) from error


def _wanted_files(tar: tarfile.TarFile, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """The same from the open archive."""
    seen: set[str] = set()
    n_read = 0
    for number, member in enumerate(tar):
        if number >= MAX_MEMBERS:
            raise _TooMuchError(f"more than {MAX_MEMBERS:,} members")
        name = PurePosixPath(member.name).name
        # Links may point anywhere; the size of a sparse file is not that of its content.
        if not member.isreg() or member.issparse() or not wanted.fullmatch(name):
            continue
        n_read += member.size
        if member.size > MAX_FILE or n_read > MAX_READ:
            raise _TooMuchError(f"{shortened(member.name)} with {member.size:,} bytes")
        if name in seen:
            raise _TooMuchError(f"two files {name}")
        seen.add(name)
        content = tar.extractfile(member)
        if content is not None:
            yield name, content.read()


class _Limited:
    """A stream of at most MAX_TOTAL bytes."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self._left = MAX_TOTAL

    def read(self, size: int) -> bytes:
        """The next bytes."""
        self._left -= size
        if self._left < 0:
            raise _TooMuchError(f"more than {MAX_TOTAL:,} bytes unpacked")
        return self._stream.read(size)


class _Member(tarfile.TarInfo):
    """A header whose size is checked before tarfile believes it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        """The header in a block; those for long names and attributes are read into memory."""
        member = super().frombuf(buf, encoding, errors)
        is_extra = not member.isfile() and not member.isdir() and not member.islnk()
        if not 0 <= member.size <= (MAX_EXTRA if is_extra else MAX_TOTAL):
            raise _TooMuchError(f"a header with the size {member.size:,}")
        return member
