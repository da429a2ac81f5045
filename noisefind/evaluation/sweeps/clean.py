"""``noisefind evaluate clean``: is training better without the suspected labels?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import DataError, RunError
from noisefind.evaluation.sweeps import plots, verdict
from noisefind.evaluation.sweeps.points import FULL, RANDOM, kept, simple
from noisefind.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.config import CleanConfig
    from noisefind.evaluation.sweeps.files import SweepResult
    from noisefind.evaluation.sweeps.sweep import Sweep

DROP, RELABEL, TRUTH = "drop", "relabel", "truth"
WAYS = {
    FULL: "all images as given",
    RANDOM: "as many dropped at random",
    DROP: "suspected labels dropped",
    RELABEL: "suspected labels corrected\nto the suggestion",
    TRUTH: "all images, true labels",
}


def clean(sweep: Sweep, _: CleanConfig) -> SweepResult:
    """Train without the suspected labels, with them corrected, and beside these the controls."""
    bench, images = sweep.bench, sweep.bench.images
    labels, epochs = bench.train.labels, bench.epochs
    if not images.is_label_issue.any():
        raise RunError(f"{sweep.run.path} suspects no label of the training images: nothing to do")
    rows = kept(images, Rule("noise"), sweep.choice)
    corrected = labels.copy()
    flagged = images.is_label_issue
    corrected[images.rows[flagged]] = images.suggested[flagged]
    points = [
        *sweep.controls({None: len(rows)}, images, labels),
        simple(DROP, None, [rows], labels, epochs),
        simple(RELABEL, None, [images.rows], corrected, epochs),
    ]
    if sweep.true_labels is not None:
        true = true_numbers(bench.train.ids, labels, bench.train.classes, sweep.true_labels)
        points.append(simple(TRUTH, None, [images.rows], true, epochs))
    table = sweep.train(points)
    n_changed = int((corrected != labels).sum())
    more = {"n_suspected": int(flagged.sum()), "n_corrected": n_changed}

    def draw(folder: Path) -> None:
        title = f"{flagged.sum():,} of {len(flagged):,} training labels are suspected"
        plots.draw_ways(folder, table, WAYS, title)

    return sweep.finish(table, verdict.of_ways(table), draw, more)


def true_numbers(
    ids: tuple[str, ...],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    true_labels: Mapping[str, str],
) -> NDArray[np.int64]:
    """(N,) class numbers by the truth; what it does not list keeps its label.

    Raises:
        DataError: it lists none of the images.
    """
    number = {name: n for n, name in enumerate(classes)}
    if not any(id_ in true_labels for id_ in ids):
        raise DataError(f"--truth: lists none of the training images, as {ids[0]!r}")
    true = [
        number.get(true_labels.get(id_, ""), label)
        for id_, label in zip(ids, labels.tolist(), strict=True)
    ]
    return np.array(true, np.int64)
