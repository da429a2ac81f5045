"""Archives of images, .zip and uncompressed .tar: read like folders; or WebDataset shards.

Only the directory of an archive is read here; the images stay in it until they are decoded.
"""

from __future__ import annotations

import posixpath
import re
import stat
import tarfile
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

from noisefind.data.dataset import Skipped
from noisefind.data.found import Found, file_stamp
from noisefind.data.layout import Files, is_image_name
from noisefind.data.left_out import UNKNOWN
from noisefind.data.metadata import read_files
from noisefind.data.packed import TarMember, ZipMember
from noisefind.data.signature import holds_image
from noisefind.errors import DataError
from noisefind.utils.text import error_text, is_text, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from noisefind.data.image_source import ImageSource

MAX_HEADER = 1_000_000  # bytes of a name in a tar archive; a damaged one can claim any number
MAX_IMAGE = 1 << 30  # bytes; a small file in a zip archive can claim to unpack to any number
_NAMES = (b"L", b"K", b"x", b"g", b"X")  # types of members that hold names and attributes


def is_archive(path: Path) -> bool:
    """Whether the path's suffix is that of a zip or tar archive, compressed or not."""
    return bool(re.search(r"\.(zip|tar|tgz|tar\.\w+)$", path.name.lower())) and not path.is_dir()


def open_archive(path: Path, class_depth: int | None = None, exclude: Sequence[str] = ()) -> Found:
    """Read class folders, split folders or a metadata.csv in a .zip or .tar archive.

    Args:
        path: the archive. An image's id is its name in it.
        class_depth: see :func:`noisefind.data.layout.read_layout`.
        exclude: likewise.

    Returns:
        All images that lie in a class folder or that a metadata.csv lists, of all splits.

    Raises:
        DataError: it is damaged or compressed as a whole, or no image lies in a class folder.
    """
    members: Iterable[ZipMember | TarMember]
    members = _zip_members(path) if path.suffix.lower() == ".zip" else tar_members(path)
    container = file_stamp(path.stat())
    sources: dict[str, ImageSource] = {}
    stamps: dict[str, str] = {}
    tables: dict[str, ImageSource] = {}
    skipped: list[Skipped] = []
    for member in members:
        name = posixpath.normpath(member.name)
        reason = _reason(name, member, sources)
        if reason:
            shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            skipped.append(Skipped(shown, reason))
            if reason == UNKNOWN:
                tables.setdefault(shown, member)
            continue
        sources[name] = member
        stamps[name] = f"{container} {member.offset} {member.n_bytes}"
    found = read_files(Files(path, stamps, [], skipped, tables), class_depth, exclude)
    return replace(found, images=[sources[id_] for id_ in found.ids])


def _reason(name: str, member: ZipMember | TarMember, sources: dict[str, ImageSource]) -> str:
    """Why a member is left out, or ""."""
    if not is_text(name) or "\0" in name:
        return "name is not UTF-8"
    if name.startswith(("/", "../")):
        return "name leads out of the archive"
    if any(part.startswith(".") or part == "__MACOSX" for part in name.split("/")):
        return "hidden"
    if not is_image_name(name) and not _starts_as_image(name, member):
        return UNKNOWN
    return "name appears twice in the archive" if name in sources else ""


def _starts_as_image(name: str, member: ZipMember | TarMember) -> bool:
    try:
        return holds_image(name, member.read_start)
    except OSError as error:
        if error.errno:
            raise
        return False  # encrypted or damaged, so nothing shows that it is an image


def tar_members(path: Path) -> Iterator[TarMember]:
    """The regular files of an uncompressed tar archive, in their order.

    Raises:
        DataError: it is damaged, or compressed.
    """
    try:
        with tarfile.open(path, mode="r:", tarinfo=_Header, errorlevel=2) as tar:
            for member in tar:
                if member.isreg() and not member.issparse():
                    yield TarMember(path, member.name, member.offset_data, member.size)
                tar.members = []  # type: ignore[attr-defined]  # else it keeps every header, about 1 kB each
    except Exception as error:  # tarfile raises many kinds on damaged headers
        if isinstance(error, OSError) and error.errno:
            raise
        raise _unreadable(path, error) from error


class _Header(tarfile.TarInfo):
    """A header whose long name cannot ask for more memory than a name needs."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """The header in a block; those for long names and attributes are read into memory."""
        member = super().frombuf(buf, encoding, errors)
        if member.size > MAX_HEADER and member.type in _NAMES:
            raise tarfile.ReadError(f"a name of {member.size:,} bytes")
        return member


def _unreadable(path: Path, error: Exception) -> DataError:
    """The error for a tar archive that cannot be read."""
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return DataError(
            f"{shown_path(path)} is compressed, so its images cannot be read one by one: "
            f"unpack it (tar -xf) and give the folder, or repack it as .tar or .zip"
        )
    return DataError(f"{shown_path(path)} is damaged or no tar archive: {error_text(error)}")


def _zip_members(path: Path) -> Iterator[ZipMember]:
    """The files of a zip archive, in their order."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise DataError(
            f"{shown_path(path)} is damaged or no zip archive: {error_text(error)}"
        ) from error
    n_archive = path.stat().st_size
    for info in infos:
        if info.compress_size > n_archive or info.file_size > MAX_IMAGE:
            raise DataError(
                f"{shown_path(path)}: {shortened(info.filename)} has {info.file_size:,} bytes, "
                "more than the archive or an image can have; make the archive again"
            )
        if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
            continue
        yield ZipMember(
            path,
            info.filename,
            info.header_offset,
            info.compress_size,
            info.file_size,
            info.CRC,
            info.compress_type,
            is_encrypted=bool(info.flag_bits & 1),
        )
