"""``noisefind evaluate clean``: accuracy without the flagged labels, and with them corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import DataError, RunError
from noisefind.experiments import conclusions, plots
from noisefind.experiments.subsets import FULL, RANDOM, kept, single_phase
from noisefind.pruning.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.config import CleanConfig
    from noisefind.data.dataset import Dataset
    from noisefind.experiments.files import SweepResult
    from noisefind.experiments.sweep import Sweep

DROP, RELABEL = "drop", "relabel"
TRUTH_DROP, TRUTH = "drop-by-truth", "truth"  # the result of perfect label issues
WAYS = {
    FULL: "all images as given",
    RANDOM: "as many dropped at random",
    DROP: "flagged labels dropped",
    RELABEL: "flagged labels corrected\nto the suggestion",
    TRUTH_DROP: "wrong labels dropped\nby the ground truth",
    TRUTH: "all images, true labels",
}


def clean(sweep: Sweep, _: CleanConfig) -> SweepResult:
    """Train without the flagged labels, with them corrected, and on the controls.

    Raises:
        RunError: no label is flagged.
        DataError: the ground truth lists other images, or no wrong label.
    """
    context, images = sweep.context, sweep.context.images
    labels, epochs = context.train.labels, context.epochs
    if not images.is_label_issue.any():
        raise RunError(f"{sweep.run.path} flags no label of the training images: nothing to do")
    rows = kept(images, Rule("noise"), sweep.choice)
    corrected = labels.copy()
    flagged = images.is_label_issue
    corrected[images.rows[flagged]] = images.suggested[flagged]
    subsets = [
        *sweep.controls({None: len(rows)}, images, labels),
        single_phase(DROP, None, [rows], labels, epochs=epochs),
        single_phase(RELABEL, None, [images.rows], corrected, epochs=epochs),
    ]
    more = {
        "n_label_issues": int(flagged.sum()),
        "n_corrected": int((corrected != labels).sum()),
    }
    found = [f"{flagged.sum():,} of {len(flagged):,} training labels are flagged"]
    if sweep.true_labels is not None:
        true, is_wrong = by_truth(context.train, sweep.true_labels)
        wrong = replace(images, is_label_issue=is_wrong[images.rows])
        right = kept(wrong, Rule("noise"), sweep.choice)
        subsets.append(single_phase(TRUTH_DROP, None, [right], labels, epochs=epochs))
        subsets.append(single_phase(TRUTH, None, [images.rows], true, epochs=epochs))
        more["n_wrong"] = int(wrong.is_label_issue.sum())
        more["n_wrong_flagged"] = int((wrong.is_label_issue & flagged).sum())
        found.append("{n_wrong_flagged:,} of the {n_wrong:,} wrong ones among them".format(**more))
    sweep.progress.say(", ".join(found))
    table = sweep.train(subsets)

    def draw(folder: Path) -> None:
        plots.draw_ways(folder, table, WAYS, ",\n".join(found))

    return sweep.finish(table, conclusions.of_ways(table), draw, more)


def by_truth(
    train: Dataset, true_labels: Mapping[str, str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(N,) true class numbers, and (N,) whether the given label differs from them.

    An image that is not listed, or whose true class no label has, keeps its number.

    Raises:
        DataError: it lists none of the images, or no label is wrong.
    """
    if not any(id_ in true_labels for id_ in train.ids):
        raise DataError(
            f"--truth: none of its ids is among the training images: {next(iter(true_labels))!r} "
            f"against {train.ids[0]!r}; names must be relative to the data that was scored"
        )
    given = [train.classes[label] for label in train.labels]
    true = [true_labels.get(id_, own) for id_, own in zip(train.ids, given, strict=True)]
    is_wrong = np.array([a != b for a, b in zip(given, true, strict=True)])
    if not is_wrong.any():
        raise DataError(
            f"--truth: all {len(given):,} training labels are right by it; was the run scored "
            "with --labels?"
        )
    number = {name: n for n, name in enumerate(train.classes)}
    numbers = [number.get(name, own) for name, own in zip(true, train.labels.tolist(), strict=True)]
    return np.array(numbers, np.int64), is_wrong
