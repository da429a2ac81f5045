"""The exports of ``report --format``: every scored image, with its given label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from noisefind.errors import RunError
from noisefind.exports.formats import (
    FILES,
    FOLDERS,
    Export,
    ManifestRow,
    check_exports,
    unknown_export,
    write_exports,
)
from noisefind.runs.images import image_root

if TYPE_CHECKING:
    from noisefind.config import ReportConfig
    from noisefind.reporting.data import ReportData


def names_beside(config: ReportConfig) -> list[str]:
    """The names of the files and folders that the formats write beside the page."""
    return [name for form, names in FILES.items() if form in config.format for name in names]


def check_beside(out: Path, data: ReportData, config: ReportConfig) -> None:
    """Check that the formats can be written, before any work is done.

    Raises:
        RunError: a file or folder would be replaced that no earlier report wrote.
        DataError: a format refers to image files and they are missing.
    """
    check_exports(config.format, data.ranking.ids, _root(data, config))
    for path in (out.parent / name for name in names_beside(config)):
        is_folder = path.name in FOLDERS
        unknown = unknown_export(path) if is_folder and path.is_dir() else None
        is_written_by_report = out.exists() and not path.is_symlink() and path.is_dir() == is_folder
        if unknown is not None or (path.exists() and not is_written_by_report):
            what = path if unknown is None else path / unknown
            raise RunError(
                f"{str(what)!r} was not written by noisefind report: move it away, or name a page "
                "in another folder with -o"
            )


def write_beside(folder: Path, data: ReportData, config: ReportConfig) -> None:
    """Write all images of the run, without pruning or decisions, in each of the formats."""
    if not config.format:
        return
    ranking = data.ranking
    columns = zip(ranking.ids, ranking.given_labels, ranking.splits, strict=True)
    rows = sorted(ManifestRow(*cells, keep=True, reason="") for cells in columns)
    export = Export(rows, ranking, (), root=_root(data, config), run_id=data.summary.run_id)
    write_exports(export, folder, config.format)


def _root(data: ReportData, config: ReportConfig) -> Path:
    return image_root(Path(data.summary.root), config.data)
