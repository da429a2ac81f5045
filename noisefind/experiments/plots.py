"""Plots of a sweep: accuracy by position, by epoch, or by way of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.evaluation.plotting import new_figure, save, style, tidy
from noisefind.experiments.subsets import FULL, NOISY, RANDOM
from noisefind.experiments.summary import mean_and_std

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.experiments.subsets import Subset
    from noisefind.experiments.summary import Difference
    from noisefind.experiments.table import Series, SweepTable

ACCURACY = "accuracy on the test images, %"
START = "start of the window: share of the ranking that is easier"
PREDICTED = "predicted: from here on\nthe window holds\ninjected errors"
CONTROLS: dict[str, dict[str, Any]] = {
    FULL: {"color": "black", "linestyle": (0, (6, 3))},
    RANDOM: {"color": "0.45", "linestyle": (0, (2, 2))},
}


def draw_sweep(folder: Path, table: SweepTable, x_label: str, title: str) -> None:
    """accuracy.svg and .png: a line per score, a band of one standard deviation."""
    figure = new_figure()
    axes = figure.add_subplot()
    number = 0
    for series in table.series():
        line_style = CONTROLS.get(series.score)
        if line_style is None:
            line_style, number = style(number), number + 1
        _line(axes, table, series, label=series.score, line_style=line_style)
    tidy(axes)
    axes.set(xlabel=x_label, ylabel=ACCURACY, title=_with_band(title, table))
    _legend_beside(axes)
    save(figure, folder, "accuracy")


def draw_epochs(folder: Path, table: SweepTable, subsets: Iterable[Subset], title: str) -> None:
    """epochs.svg and .png: accuracy after every epoch, a line per subset."""
    figure = new_figure()
    axes = figure.add_subplot()
    number = 0
    for subset in subsets:
        line_style = CONTROLS.get(subset.score)
        if line_style is None:
            line_style, number = style(number), number + 1
        accuracy = np.stack([curve.test for curve in table.curves[subset.name]])
        found = np.array([mean_and_std(a) for a in accuracy.T])
        x = np.arange(1, len(found) + 1)
        _band(axes, x, found, marker="o" if len(x) == 1 else "", label=subset.name, **line_style)
    axes.set(xlabel="epochs of training", ylabel=ACCURACY, title=_with_band(title, table))
    axes.xaxis.get_major_locator().set_params(integer=True)
    tidy(axes)
    _legend_beside(axes)
    save(figure, folder, "epochs")


def draw_ways(folder: Path, table: SweepTable, names: dict[str, str], title: str) -> None:
    """accuracy.svg and .png: a row per way of training with its seeds, mean and spread."""
    figure = new_figure(8, 1.6 + 0.5 * len(table.subsets))
    axes = figure.add_subplot()
    number = 0
    for row, subset in enumerate(table.subsets):
        accuracy = 100 * table.final(subset)
        mean, std = mean_and_std(accuracy)
        line_style = CONTROLS.get(subset.score)
        if line_style is None:
            line_style, number = style(number), number + 1
        axes.plot(accuracy, np.full(len(accuracy), row + 0.16), ".", color="0.6", markersize=5)
        axes.errorbar(
            mean,
            row,
            xerr=0 if np.isnan(std) else std,
            fmt="o",
            color=line_style["color"],
            capsize=4,
        )
        if subset.score == FULL:
            axes.axvline(mean, **CONTROLS[FULL], linewidth=1)
    key = f"{ACCURACY}\n(small dots: seeds; large: mean; bar: one standard deviation)"
    axes.set(yticks=range(len(table.subsets)), xlabel=key, title=f"{title}\n({table.how})")
    axes.set_yticklabels([names.get(p.name, p.name) for p in table.subsets])
    axes.invert_yaxis()
    tidy(axes)
    save(figure, folder, "accuracy")


def draw_clean_and_noisy(
    folder: Path, table: SweepTable, scores: Sequence[str], predicted: float
) -> None:
    """accuracy.svg and .png: windows with and without injected errors, a panel per score."""
    n_columns = min(3, len(scores))
    n_rows = -(-len(scores) // n_columns)
    figure = new_figure(3.6 + 3.2 * n_columns, 0.8 + 3.2 * n_rows)  # the legend takes 2.6
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, score in zip(panels, scores, strict=False):
        for number, whose in enumerate(("given", NOISY)):
            colour = style(number)["color"]
            for one in table.series():
                if one.whose != whose or one.score not in (score, FULL, RANDOM):
                    continue
                line_style = {"color": colour}
                if one.score in CONTROLS:
                    line_style |= {"linestyle": CONTROLS[one.score]["linestyle"], "alpha": 0.7}
                label = f"{whose} labels" + ("" if one.score == score else f", {one.score}")
                _line(axes, table, one, label=label, line_style=line_style)
        axes.axvline(predicted, color="0.6", linewidth=1, linestyle=":", label=PREDICTED)
        axes.set(title=score)
        tidy(axes)
    for axes in panels[len(scores) :]:
        axes.set_visible(False)
    figure.suptitle(_with_band("Windows under the given labels and with injected errors", table))
    figure.supxlabel(START, fontsize=10)
    figure.supylabel(ACCURACY, fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    save(figure, folder, "accuracy")


def draw_differences(
    folder: Path,
    differences: Mapping[str, tuple[NDArray[np.float64], Sequence[Difference]]],
    predicted: float,
) -> None:
    """difference.svg and .png: noisy minus clean of each score, with 95 % intervals.

    Args:
        folder: where to write.
        differences: score -> (K,) starts, and what was found there.
        predicted: the start from which windows hold injected errors.
    """
    figure = new_figure()
    axes = figure.add_subplot()
    for number, (score, (x, found)) in enumerate(differences.items()):
        line_style = style(number)
        mean, low, high = 100 * np.array(found).T
        axes.plot(x, mean, marker="o", markersize=4, label=score, **line_style)
        axes.fill_between(x, low, high, color=line_style["color"], alpha=0.12, linewidth=0)
    axes.axhline(0, color="black", linewidth=1)
    axes.axvline(predicted, color="0.6", linewidth=1, linestyle=":", label=PREDICTED)
    axes.set(xlabel=START, ylabel="noisy minus clean, percentage points")
    axes.set(title="Accuracy lost by the injected errors (band: 95 % interval over the seeds)")
    tidy(axes)
    _legend_beside(axes)
    save(figure, folder, "difference")


def _line(
    axes: Any, table: SweepTable, series: Series, *, label: str, line_style: dict[str, Any]
) -> None:
    """Final accuracy by position; a horizontal line for a series without positions."""
    found = np.array([mean_and_std(table.final(p)) for p in series.subsets])
    if series.subsets[0].position is None:
        at = [float(p.position) for p in table.subsets if p.position is not None]
        x, found = np.array([min(at), max(at)]), np.repeat(found, 2, axis=0)
    else:
        x = np.array([float(p.position or 0) for p in series.subsets])
    marker = "" if series.score in CONTROLS else "o"
    _band(axes, x, found, marker=marker, label=label, **line_style)


def _band(axes: Any, x: NDArray[Any], found: NDArray[Any], **line_style: Any) -> None:
    """A line through the means (K, 2), with a band of one standard deviation to either side."""
    mean, std = 100 * found.T
    axes.plot(x, mean, markersize=4, linewidth=1.6, **line_style)
    axes.fill_between(x, mean - std, mean + std, color=line_style["color"], alpha=0.12, linewidth=0)


def _with_band(title: str, table: SweepTable) -> str:
    n_seeds = len(table.seeds)
    band = f"; band: one standard deviation over {n_seeds} seeds" if n_seeds > 1 else ""
    return f"{title}\n({table.how}{band})"


def _legend_beside(axes: Any) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=9)
