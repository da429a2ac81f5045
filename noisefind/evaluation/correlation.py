"""The command ``noisefind evaluate correlation``: correlation of all scores of a run.

correlation.csv   score,other,pearson,spearman: every pair, twice, and each with itself
correlation.svg .png    both as heat maps
correlation.json  all of it; written last
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from noisefind.evaluation.analysis import AnalysisResult, CsvTable, open_analysis, rounded
from noisefind.evaluation.metrics import pearson, spearman
from noisefind.evaluation.plotting import COLOURS, new_figure, save
from noisefind.scores import SCORES
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = ("score", "other", "pearson", "spearman")
TURNED = "every score is turned so that high is hard"
DARK = 0.6  # from this correlation on a white number is easier to read


@displays_progress
def evaluate_correlation(
    run: str | Path, output: str | Path, *, progress: Progress | Literal[False] | None = None
) -> AnalysisResult:
    """Correlate all scores of a run and label_score, each with the sign that makes high hard.

    Args:
        run: the folder of a finished run.
        output: the output folder, new or empty.
        progress: receives messages about parts left out; None: they are shown on stderr where a
            person watches; False: nothing is printed.

    Returns:
        The content of correlation.json (``summary``) and the output folder.

    Raises:
        RunError: ``run`` is not a finished run, or ``output`` is not empty.

    Examples:
        ```python
        result = noisefind.evaluate_correlation("run", "correlation")
        print(result.summary["spearman"]["aum"]["el2n"])
        ```
    """
    analysis = open_analysis("correlation", run, output, progress or Progress())
    hardness = analysis.ranking.hardness()
    names = sorted(hardness, key=lambda name: name != "label_score")  # it comes first
    values = np.stack([hardness[name] for name in names])
    matrices = {"pearson": pearson(values), "spearman": spearman(values)}
    rows = [
        (name, other, *(rounded(matrix[i, j]) for matrix in matrices.values()))
        for i, name in enumerate(names)
        for j, other in enumerate(names)
    ]
    nested = {
        kind: {
            name: {other: rounded(matrix[i, j]) for j, other in enumerate(names)}
            for i, name in enumerate(names)
        }
        for kind, matrix in matrices.items()
    }
    return analysis.write(
        {"direction": TURNED, **nested},
        {"correlation": CsvTable(COLUMNS, rows)},
        lambda folder: _draw(folder, names, matrices),
    )


def _draw(folder: Path, names: Sequence[str], matrices: dict[str, Floats]) -> None:
    """correlation.svg and .png: a heat map of each kind with its numbers."""
    from matplotlib.colors import LinearSegmentedColormap

    blue, vermillion = COLOURS[:2]
    signed = LinearSegmentedColormap.from_list("signed", [vermillion, "white", blue])
    colours = signed.with_extremes(bad="0.88")
    side = 1.6 + 0.46 * len(names)
    figure = new_figure(2 * side + 0.6, side + 0.1)
    panels = figure.subplots(1, 2)
    labels = [
        name if name in SCORES and SCORES[name].high_is_hard else f"– {name}" for name in names
    ]
    image: Any = None
    for axes, (kind, matrix) in zip(panels, matrices.items(), strict=True):
        image = axes.imshow(matrix, cmap=colours, vmin=-1, vmax=1, aspect="auto")
        axes.set_title(f"{kind.capitalize()} correlation")
        axes.set_xticks(range(len(names)), labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), labels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for (i, j), value in np.ndenumerate(matrix):
            text = "·" if np.isnan(value) else f"{value:z.2f}".replace("-", "−")
            colour = "white" if abs(value) > DARK else "black"
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(image, ax=panels, label="correlation", shrink=0.8, pad=0.01)
    note = "every score turned so that high is hard (those with a minus); grey: a score is constant"
    figure.supxlabel(note, fontsize=10)
    save(figure, folder, "correlation")
