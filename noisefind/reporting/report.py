"""The command ``noisefind report``: one HTML file from a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from noisefind.config import ReportConfig
from noisefind.errors import DataError, RunError
from noisefind.reporting.data import read_report_data
from noisefind.reporting.exports import check_beside, names_beside, write_beside
from noisefind.reporting.page import MARK, N_GROUPS, N_IN_GROUP, Pictures, page
from noisefind.reporting.thumbnails import LARGE, SMALL, thumbnails
from noisefind.runs.folder import RunFolder
from noisefind.runs.images import reopen
from noisefind.runs.output import open_output
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from noisefind.reporting.data import ReportData
    from noisefind.reporting.thumbnails import Size
    from noisefind.utils.output import OutputFolder

NAME = "report.html"


@dataclass(frozen=True)
class ReportResult:
    """The report that was written."""

    path: Path
    n_images: int
    n_pictures: int  # images of the ranking that have one
    n_unreadable: int  # that should have had one
    n_bytes: int
    files: list[str]  # names of what --format wrote beside it


@displays_progress
def report(
    run: str | Path,
    output: str | Path | None = None,
    config: ReportConfig | None = None,
    *,
    progress: Progress | Literal[False] | None = None,
) -> ReportResult:
    """Write one HTML page that shows a run and records decisions; images are only read.

    Args:
        run: the folder of a finished run.
        output: the file; None for report.html in ``run``. An earlier report is replaced.
        config: the options; None for the defaults.
        progress: receives the progress of the images; None: a bar on stderr where a
            person watches; False: nothing is printed.

    Returns:
        The path of the page, its size, the numbers of images, and the files written beside it.

    Raises:
        RunError: ``run`` is not a finished run, or a file that would be replaced is not an earlier
            report.
        DataError: the images are not where they were.

    Examples:
        ```python
        result = noisefind.report("run", config=noisefind.ReportConfig(images=100))
        print(result.path, result.n_pictures)
        ```
    """
    config, folder = config or ReportConfig(), RunFolder(Path(run))
    out = folder.path / NAME if output is None else Path(output)
    data = read_report_data(folder)
    folder_of_page, names = _check_out(out, data), names_beside(config)
    check_beside(out, data, config)
    rows = _pictured(data, config.images)
    uris = _pictures(folder, data, rows, config=config, progress=progress or Progress())
    ids = data.ranking.ids
    pictures = Pictures(
        large={row: uris[ids[row], LARGE] for row in rows if (ids[row], LARGE) in uris},
        small={id_: uri for (id_, size), uri in uris.items() if size == SMALL},
    )
    text = page(data, pictures)
    with folder_of_page.write([out.name, *names]) as partial:
        (partial / out.name).write_text(text, encoding="utf-8", newline="")
        write_beside(partial, data, config)
    n_pictures, n_bytes = len(pictures.large), out.stat().st_size
    return ReportResult(
        out, len(ids), n_pictures, n_unreadable=len(rows) - n_pictures, n_bytes=n_bytes, files=names
    )


def _pictured(data: ReportData, n_images: int) -> list[int]:
    """Rows whose image is shown: conflicting duplicates, part of the sample, the worst rows."""
    pairs = [row for group in data.conflicting[:N_GROUPS] for row in group[:N_IN_GROUP]]
    rows = dict.fromkeys([*pairs, *data.sample[: n_images // 5]][:n_images])
    for row in range(len(data.ranking)):
        if len(rows) >= n_images:
            break
        rows[row] = None
    return sorted(rows)


def _pictures(
    folder: RunFolder,
    data: ReportData,
    rows: list[int],
    *,
    config: ReportConfig,
    progress: Progress,
) -> dict[tuple[str, Size], str]:
    """Data URIs of all images on the page; empty with ``--images 0``."""
    if config.data is not None and not config.data.exists():
        raise DataError(f"--data {config.data}: does not exist")
    if not config.images:
        return {}
    hint = "give their folder with --data DIR, or leave the pictures out with --images 0"
    dataset = reopen(data.summary, folder, config.data, split="all", hint=hint)
    max_pixels = data.summary.score_config().max_pixels
    made = thumbnails(dataset, _wanted(data, rows), max_pixels=max_pixels, progress=progress)
    if not made:
        first = data.ranking.ids[rows[0]]
        raise DataError(
            f"{dataset.root}: no image of the run can be read here, for example {first!r}; {hint}"
        )
    return made


def _wanted(data: ReportData, rows: list[int]) -> Iterator[tuple[str, Size]]:
    """The images that the page shows, with the size of each."""
    ids = data.ranking.ids
    large = {ids[row] for row in rows}
    yield from ((ids[row], LARGE) for row in rows)
    if data.neighbours is not None:
        near = (neighbour.row for row in rows for neighbour in data.neighbours.of(row))
        yield from ((ids[row], SMALL) for row in near if ids[row] not in large)
    for groups in (data.duplicates, data.leaks):
        for group in (groups or [])[:N_GROUPS]:
            yield from ((image.file_name, SMALL) for image in group.images[:N_IN_GROUP])


def _check_out(out: Path, data: ReportData) -> OutputFolder:
    """The folder of the page; RunError if ``out`` is a folder or a file of another program."""
    if out.is_dir():
        raise RunError(f"{str(out)!r} is a folder: name a file, as {str(out / NAME)!r}")
    summary = data.summary
    folder = open_output(out.parent, summary.root, summary.data, may_be_full=True)
    if out.exists() and not out.is_file():  # reading a pipe would wait for ever
        raise RunError(f"{str(out)!r} is a pipe or a device: name a file")
    if out.exists() and MARK not in out.read_bytes()[:2000].decode(errors="replace"):
        raise RunError(f"{str(out)!r} was not written by noisefind report: choose another name")
    return folder
