"""The plots of ``evaluate detection``; needs matplotlib, which comes with ``noisefind[plots]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.evaluation import metrics
from noisefind.evaluation.plotting import new_figure, save, style, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PLOTS = tuple(
    f"{name}.{suffix}"
    for name in ("precision_recall", "precision_reviewed")
    for suffix in ("svg", "png")
)
N_POINTS = 500  # of a curve; more cannot be seen


def write_plots(
    folder: Path,
    is_wrong: NDArray[np.bool_],
    is_flagged: NDArray[np.bool_],
    noise_scores: Mapping[str, NDArray[np.float64]],
) -> None:
    """Write precision against recall, and precision against the share that is reviewed.

    Args:
        folder: where to write ``PLOTS``.
        is_wrong: (N,) whether the label is wrong.
        is_flagged: (N,) whether it is flagged.
        noise_scores: score name -> (N,), HIGH means likely wrong; the first is drawn strongest.
    """
    curves = {
        name: metrics.curve(metrics.steps(is_wrong, values))
        for name, values in noise_scores.items()
    }
    noise_share = float(is_wrong.mean())
    flags = metrics.flag_metrics(is_wrong, is_flagged)
    shown = min(1.0, max(0.05, 3 * noise_share))
    recall_axes, recall_figure = _axes("recall: share of the wrong labels found", 1.0)
    review_axes, review_figure = _axes(
        "share of all images reviewed, most likely wrong first", shown
    )
    for number, (name, curve) in enumerate(curves.items()):
        style = _style(number)
        ap = metrics.average_precision(curve)[0]
        reviewed, found = _points(curve, 1.0)
        recall = found / curve.n_wrong[0]
        recall_axes.plot(recall, found / reviewed, label=f"{name}  {ap:.3f}", **style)
        reviewed, found = _points(curve, shown)
        review_axes.plot(reviewed / curve.n_images[0], found / reviewed, label=name, **style)
    recall_axes.plot(
        flags.recall, flags.precision, "o", color="black", label="is_label_issue", zorder=5
    )
    review_axes.plot(
        flags.share, flags.precision, "o", color="black", label="is_label_issue", zorder=5
    )
    reviewed = np.linspace(1e-6, shown, N_POINTS)
    control: dict[str, Any] = {"color": "grey", "linestyle": (0, (5, 3)), "linewidth": 1}
    review_axes.plot(
        reviewed, np.minimum(1, noise_share / reviewed), label="all wrong ones first", **control
    )
    for axes in (recall_axes, review_axes):
        axes.axhline(noise_share, label="by chance", **{**control, "linestyle": (0, (1, 2))})
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=9)
    recall_axes.set_title("Precision and recall (numbers: average precision)")
    review_axes.set_title("How many of the reviewed labels are wrong")
    save(recall_figure, folder, "precision_recall")
    save(review_figure, folder, "precision_reviewed")


def _points(
    curve: metrics.DetectionCurve, shown: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Images reviewed, up to the share ``shown``, and wrong labels found, at so many points."""
    last = max(1.0, shown * curve.n_images[0])
    ends = curve.n_reviewed[0, 1:][np.diff(curve.n_found[0]) > 0]  # where precision peaks
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, N_POINTS).astype(np.int64))]
    spaced = np.round(np.linspace(1, last, N_POINTS))  # within a tie the curve of precision is bent
    reviewed = np.unique(np.concatenate((ends[ends <= last], spaced)))
    return reviewed, np.interp(reviewed, curve.n_reviewed[0], curve.n_found[0])


def _style(number: int) -> dict[str, Any]:
    """Colour, dashes and width of the curve of this number."""
    if number == 0:
        return {"color": "black", "linewidth": 2.4, "zorder": 4}
    return {**style(number - 1), "linewidth": 1.3}


def _axes(x_label: str, right: float) -> tuple[Any, Any]:
    figure = new_figure()
    axes = figure.add_subplot()
    axes.set(xlabel=x_label, ylabel="precision: share of them that are wrong")
    axes.set(xlim=(0, right), ylim=(0, 1.02))
    tidy(axes)
    return axes, figure
