"""Rows of a table that cannot be used: all are counted, and the first ones are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from noisefind.data.dataset import Skipped
from noisefind.data.records import line_error
from noisefind.errors import DataError
from noisefind.utils.text import shown_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

N_NAMED = 10  # in an error


class Fault(NamedTuple):
    """A row that cannot be used; one that ``skip_missing`` leaves out is not ``serious``."""

    line: int
    file_name: str
    reason: str
    is_serious: bool = True


def require_usable(
    path: Path, faults: Iterable[Fault], n_rows: int, *, skip_missing: bool = False, hint: str = ""
) -> list[Skipped]:
    """What is left out of a table.

    Args:
        path: of the table.
        faults: of its rows.
        n_rows: that it has.
        skip_missing: whether faults that are not serious leave a row out.
        hint: the way out, for the error.

    Raises:
        DataError: a row cannot be used and may not be left out.
    """
    faults = sorted(faults)
    serious = [fault for fault in faults if fault.is_serious or not skip_missing]
    if not serious:
        return [Skipped(fault.file_name, f"line {fault.line}: {fault.reason}") for fault in faults]
    if not any(fault.is_serious for fault in serious):
        hint += "; --skip-missing leaves such rows out"
    if len(serious) == 1:
        raise line_error(path, serious[0].line, f"{serious[0].reason}{hint}")
    named = "; ".join(f"line {fault.line}: {fault.reason}" for fault in serious[:N_NAMED])
    more = "; …" if len(serious) > N_NAMED else ""
    raise DataError(
        f"{shown_path(path)}: {len(serious):,} of {n_rows:,} rows cannot be used: "
        f"{named}{more}{hint}"
    )
