"""Images inside another file: members of a tar or zip archive, cells of a Parquet or Arrow table.

Each is a small object with the place of its bytes. Nothing is unpacked to the disk.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from noisefind.data.content import sample_of_range
from noisefind.data.signature import N_BYTES

if TYPE_CHECKING:
    from pathlib import Path


class TarMember(NamedTuple):
    """A regular file in an uncompressed tar archive."""

    archive: Path
    name: str
    offset: int  # of the first byte, in bytes
    n_bytes: int

    def read_bytes(self) -> bytes:
        """Read the range of the archive."""
        return _read_range(self.archive, self.offset, self.n_bytes)

    def read_start(self) -> bytes:
        """The first bytes, which show whether it is an image."""
        return _read_range(self.archive, self.offset, min(N_BYTES, self.n_bytes))

    def sample(self) -> bytes:
        """Digest of the member, or of blocks of a large one."""
        try:
            with self.archive.open("rb", buffering=0) as file:
                return sample_of_range(file, self.offset, self.n_bytes)
        except OSError:
            return b""


# A zip archive's local header: 26 bytes of fields that the directory has too, then two lengths.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_STORED, _DEFLATED = 0, 8
START = 1024  # packed bytes that unpack to the first bytes, whatever Huffman code precedes them


class ZipMember(NamedTuple):
    """A file in a zip archive, stored or deflated."""

    archive: Path
    name: str
    offset: int  # of the local header
    n_packed: int  # bytes in the archive
    n_bytes: int
    crc: int
    method: int
    is_encrypted: bool

    def read_bytes(self) -> bytes:
        """Unpack the member, whose CRC-32 is checked."""
        # one byte more than promised shows a member that unpacks to more
        content = self._unpacked(self.n_packed, self.n_bytes + 1)
        if len(content) != self.n_bytes or zlib.crc32(content) != self.crc:
            raise OSError(None, "damaged in the zip archive")
        return content

    def read_start(self) -> bytes:
        """The first bytes, which show whether it is an image; unchecked."""
        return self._unpacked(min(self.n_packed, START), N_BYTES)

    def _unpacked(self, n_packed: int, n_bytes: int) -> bytes:
        """At most ``n_bytes`` bytes of the content, from the first ``n_packed`` in the archive."""
        if self.is_encrypted:
            raise OSError(None, "encrypted in the zip archive")
        if self.method not in (_STORED, _DEFLATED):
            raise OSError(None, f"zip method {self.method}, only stored and deflated can be read")
        head = _read_range(self.archive, self.offset, _LOCAL_HEADER.size)
        signature, n_name, n_extra = _LOCAL_HEADER.unpack(head)
        if signature != b"PK\x03\x04":
            raise OSError(None, "damaged in the zip archive")
        start = self.offset + _LOCAL_HEADER.size + n_name + n_extra
        packed = _read_range(self.archive, start, n_packed)
        if self.method == _STORED:
            return packed[:n_bytes]
        try:
            return zlib.decompressobj(-15).decompress(packed, n_bytes)
        except zlib.error:
            raise OSError(None, "damaged in the zip archive") from None

    def sample(self) -> bytes:
        """Size and CRC-32 of the content, as the archive's directory has them."""
        return hashlib.sha256(f"{self.n_bytes} {self.crc}".encode()).digest()


def _read_range(path: Path, offset: int, n_bytes: int) -> bytes:
    """Bytes of a file; OSError where it is shorter."""
    handle = os.open(path, os.O_RDONLY)
    try:
        content = os.pread(handle, n_bytes, offset)
        while len(content) < n_bytes:  # one read gives at most 2 GB
            more = os.pread(handle, n_bytes - len(content), offset + len(content))
            if not more:
                raise OSError(None, "the archive is truncated")
            content += more
        return content
    finally:
        os.close(handle)
