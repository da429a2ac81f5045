"""The command ``noisefind evaluate distribution``: histograms of all scores of a run.

distribution.csv  score,low,high,n_images,n_label_issues: every bar of every histogram
distribution.svg .png   the histograms, on one sheet
distribution.json least, middle and largest value of each score, and its direction; written last
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from noisefind.evaluation.analysis import AnalysisResult, CsvTable, open_analysis, rounded
from noisefind.evaluation.plotting import COLOURS, new_figure, save, tidy
from noisefind.scores import SCORES
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = ("score", "low", "high", "n_images", "n_label_issues")
N_BINS = 40
MANY = 100_000  # possible values; so many are as good as a continuum
N_COLUMNS = 4


@displays_progress
def evaluate_distribution(
    run: str | Path, output: str | Path, *, progress: Progress | Literal[False] | None = None
) -> AnalysisResult:
    """Draw histograms of label_score and of all scores of a run, each in its own direction.

    Args:
        run: the folder of a finished run.
        output: the output folder, new or empty.
        progress: receives messages about parts left out; None: they are shown on stderr where a
            person watches; False: nothing is printed.

    Returns:
        The content of distribution.json (``summary``) and the output folder.

    Raises:
        RunError: ``run`` is not a finished run, or ``output`` is not empty.

    Examples:
        ```python
        result = noisefind.evaluate_distribution("run", "distribution")
        print(result.summary["scores"]["aum"])
        ```
    """
    analysis = open_analysis("distribution", run, output, progress or Progress())
    ranking = analysis.ranking
    scores = {"label_score": ranking.label_scores, **ranking.scores}
    is_flagged = ranking.is_label_issue
    edges = {name: bin_edges(values) for name, values in scores.items()}
    counts = {
        name: (
            np.histogram(values, edges[name])[0],
            np.histogram(values[is_flagged], edges[name])[0],
        )
        for name, values in scores.items()
    }
    rows = [
        (name, rounded(low), rounded(high), *numbers)
        for name in scores
        for low, high, *numbers in zip(
            edges[name][:-1], edges[name][1:], *(c.tolist() for c in counts[name]), strict=True
        )
    ]
    spreads = {name: _spread(name, values, is_flagged) for name, values in scores.items()}
    return analysis.write(
        {"scores": spreads},
        {"distribution": CsvTable(COLUMNS, rows)},
        lambda folder: _draw(folder, edges, counts),
    )


def bin_edges(values: Floats) -> Floats:
    """Edges of at most ``N_BINS`` bins of equal width.

    If the values have equal distances, as counts do, each bin holds equally many of the
    possible values: otherwise some bars would be high for no other reason than rounding.
    """
    distinct = np.unique(values)
    if len(distinct) == 1:
        return np.array([distinct[0] - 0.5, distinct[0] + 0.5])
    step = np.diff(distinct).min()
    places = (distinct - distinct[0]) / step
    if places[-1] > MANY or np.abs(places - places.round()).max() > 0.01:
        return np.linspace(distinct[0], distinct[-1], N_BINS + 1, dtype=np.float64)
    n_values = round(places[-1]) + 1
    per_bin = math.ceil(n_values / N_BINS)
    places = np.arange(math.ceil(n_values / per_bin) + 1) * per_bin - 0.5
    return np.asarray(distinct[0] + step * places, np.float64)


def high_is_hard(name: str) -> bool:
    """The direction of a score; a low label_score is likely wrong."""
    return name in SCORES and SCORES[name].high_is_hard


def _spread(name: str, values: Floats, is_flagged: NDArray[np.bool_]) -> dict[str, object]:
    flagged = values[is_flagged]
    return {
        "high_is_hard": high_is_hard(name),
        "min": rounded(values.min()),
        "median": rounded(np.median(values)),
        "max": rounded(values.max()),
        "median_of_label_issues": rounded(np.median(flagged)) if len(flagged) else None,
    }


def _draw(
    folder: Path,
    edges: Mapping[str, Floats],
    counts: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> None:
    """distribution.svg and .png: a panel per score."""
    from matplotlib.patches import Patch

    n_rows = math.ceil(len(edges) / N_COLUMNS)
    figure = new_figure(3.1 * N_COLUMNS, 0.8 + 2.3 * n_rows)
    panels = figure.subplots(n_rows, N_COLUMNS, squeeze=False, sharey=True).ravel()
    for axes, name in zip(panels, edges, strict=False):
        for drawn, colour in zip(counts[name], COLOURS, strict=False):
            axes.stairs(np.maximum(drawn, 0.1), edges[name], baseline=0.1, fill=True, color=colour)
        axes.set(title=name, yscale="log", ylim=(0.6, None))
        hard = "likely wrong" if name == "label_score" else "hard"
        if high_is_hard(name):
            axes.set_xlabel(f"{hard} →", loc="right")
        else:
            axes.set_xlabel(f"← {hard}", loc="left")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.get_major_locator().set_params(nbins=6, steps=[1, 2, 5, 10])
        tidy(axes)
    for axes in panels[len(edges) :]:
        axes.set_visible(False)
    n_images, n_issues = (int(c.sum()) for c in next(iter(counts.values())))
    handles: list[Any] = [Patch(color=colour) for colour in COLOURS[:2]]
    names = [f"all {n_images:,} images", f"{n_issues:,} with a label issue"]
    figure.legend(handles, names, loc="outside upper center", ncols=2, frameon=False)
    figure.supylabel("images in a bar (ten times as many from line to line)", fontsize=10)
    save(figure, folder, "distribution")
