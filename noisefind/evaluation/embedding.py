"""The command ``noisefind evaluate embedding``: a map of the features of a run, by t-SNE.

embedding.csv     file_name,given_label,predicted_label,is_label_issue,x,y
embedding.svg .png      the map
embedding.json    options and counts; written last
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from noisefind.config import EmbeddingConfig
from noisefind.evaluation.analysis import AnalysisResult, CsvTable, open_analysis, rounded
from noisefind.evaluation.plotting import COLOURS, legend_beside, new_figure, save, shown
from noisefind.utils.arrays import DamagedError
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress
from noisefind.utils.seeds import derived_seed, random_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("file_name", "given_label", "predicted_label", "is_label_issue", "x", "y")
PERPLEXITY = 30.0  # about as many neighbours count
MARKERS = "o^s"
IN_LEGEND = len(COLOURS) * len(MARKERS)  # classes; more cannot be distinguished


@displays_progress
def evaluate_embedding(
    run: str | Path,
    output: str | Path,
    config: EmbeddingConfig | None = None,
    *,
    progress: Progress | Literal[False] | None = None,
) -> AnalysisResult:
    """Map the features of a run to two dimensions by t-SNE, and mark the label issues.

    Args:
        run: the folder of a finished run.
        output: the output folder, new or empty.
        config: the options; None for the defaults.
        progress: receives progress and messages; None: a bar on stderr where a person watches,
            in a terminal or a notebook; False: nothing is printed.

    Returns:
        The content of embedding.json (``summary``) and the output folder.

    Raises:
        RunError: ``run`` is not a finished run or its features are missing, or ``output`` is not
            empty.

    Examples:
        ```python
        config = noisefind.EmbeddingConfig(sample=200)
        result = noisefind.evaluate_embedding("run", "embedding", config)
        print(result.output, result.summary["n_shown"])
        ```
    """
    config, progress = config or EmbeddingConfig(), progress or Progress()
    analysis = open_analysis("embedding", run, output, progress)
    ranking = analysis.ranking
    order = np.array(sorted(range(len(ranking)), key=ranking.ids.__getitem__))
    features = analysis.run.open_features(len(order))
    ids = [ranking.ids[row] for row in order]
    keys = random_keys(ids, derived_seed(config.seed, "embedding", "sample"))[:, 0]
    sample = np.sort(np.argsort(keys)[: config.sample])
    seed = derived_seed(config.seed, "embedding", "t-sne") % 2**32
    progress.stage("t-SNE", 1)
    vectors = np.asarray(features[sample], np.float32)
    if not np.isfinite(vectors).all():
        raise DamagedError(analysis.run.reduced_features, "has numbers that are not finite")
    places = tsne(vectors, seed)
    progress.advance()
    rows = order[sample].tolist()
    given = [ranking.given_labels[row] for row in rows]
    is_flagged = ranking.is_label_issue[rows]
    table = [
        (ranking.ids[row], label, ranking.predicted_labels[row], flag, rounded(x), rounded(y))
        for row, label, flag, (x, y) in zip(
            rows, given, np.where(is_flagged, "true", "false").tolist(), places, strict=True
        )
    ]
    classes = analysis.summary.classes
    numbers = np.array([classes.index(label) for label in given])
    return analysis.write(
        {
            **config.to_dict(),
            "n_shown": len(rows),
            "n_label_issues_shown": int(is_flagged.sum()),
            "perplexity": rounded(perplexity(len(rows))),
        },
        {"embedding": CsvTable(COLUMNS, table)},
        lambda folder: _draw(
            folder, places, numbers, classes, is_flagged=is_flagged, n_images=len(ranking)
        ),
    )


def perplexity(n_images: int) -> float:
    """The perplexity of t-SNE: 30, or less if there are few images."""
    return min(PERPLEXITY, max(1.0, (n_images - 1) / 3))


def tsne(features: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """(n, d) features to (n, 2) places; on one thread, so that a seed gives the same bytes."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    has_plane = min(features.shape) > 1 and np.ptp(features, axis=0).max() > 0
    method = TSNE(
        perplexity=perplexity(len(features)), init="pca" if has_plane else "random",
        learning_rate="auto", random_state=seed,
    )  # fmt: skip
    with threadpool_limits(1):
        return np.asarray(method.fit_transform(features), np.float64)


def _draw(
    folder: Path,
    places: NDArray[np.float64],
    numbers: NDArray[np.int64],
    classes: Sequence[str],
    *,
    is_flagged: NDArray[np.bool_],
    n_images: int,
) -> None:
    """embedding.svg and .png: a point per image in the colour of its given label."""
    from matplotlib.lines import Line2D

    in_legend = len(classes) <= IN_LEGEND
    figure = new_figure(9.6 if in_legend else 7.6, 7)
    axes = figure.add_subplot()
    handles: list[Any] = []
    for number, name in enumerate(classes):
        style: dict[str, Any] = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number // len(COLOURS) % len(MARKERS)],
            "linestyle": "",
            "markersize": 4,
            "markeredgewidth": 0,
        }
        here = places[numbers == number]
        axes.plot(*here.T, alpha=0.75, **style)
        handles.append(Line2D([], [], **{**style, "markersize": 6}))
        if not in_legend and len(here):
            _write_name(axes, here, shown(name, 14))
    ring: dict[str, Any] = {
        "marker": "o", "linestyle": "", "markersize": 8, "markerfacecolor": "none",
        "markeredgecolor": "black", "markeredgewidth": 0.8,
    }  # fmt: skip
    axes.plot(*places[is_flagged].T, **ring)
    handles.append(Line2D([], [], **ring))
    names = [*map(shown, classes), f"label issue ({is_flagged.sum():,})"]
    if in_legend:
        legend_beside(figure, handles, names)
    else:
        axes.legend(handles[-1:], names[-1:], loc="upper right", frameon=False)
    axes.set(xticks=[], yticks=[], xlabel="t-SNE, first axis", ylabel="t-SNE, second axis")
    part = f"{len(places):,} of {n_images:,}" if len(places) < n_images else f"{n_images:,}"
    axes.set_title(
        f"Features of {part} images, coloured by given label\n"
        "(neighbours have similar features; long distances mean nothing)",
        fontsize=11,
    )
    axes.set_aspect("equal", adjustable="datalim")
    save(figure, folder, "embedding")


def _write_name(axes: Any, places: NDArray[np.float64], name: str) -> None:
    """Write the name of a class at the medoid of its images."""
    distances = np.abs(places[:, None] - places[None]).sum(axis=2).sum(axis=1)
    axes.annotate(
        name, places[distances.argmin()], ha="center", va="center", fontsize=6.5,
        bbox={"facecolor": "white", "alpha": 0.6, "linewidth": 0, "pad": 0.4},
    )  # fmt: skip
