"""The picture of ``evaluate examples``: a grid of images, each beside its most probable classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.evaluation.plotting import COLOURS, new_figure, save, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL import Image

BLUE, VERMILLION = COLOURS[:2]
N_COLUMNS = 5
WIDTH, HEIGHT = 3.5, 2.3  # inches of a cell
SIDE = 1.65  # of a picture, and height of the bars
GAP = 0.1
HEAD = 0.68  # above all cells
N_BARS = 10
PIXEL_ART = 64  # px; a smaller picture keeps its pixels when it is enlarged


class Cell(NamedTuple):
    """One image: its heading and labels, and its classes, most probable first."""

    heading: str
    given_label: str
    predicted_label: str
    is_flagged: bool
    probable: Sequence[tuple[str, float]]
    picture: Image.Image | None  # None: it is missing or unreadable


def draw_grid(folder: Path, cells: Sequence[Cell], title: str) -> None:
    """examples.svg and .png."""
    n_columns = min(N_COLUMNS, max(2, len(cells)))
    width = GAP + WIDTH * n_columns
    height = HEAD + HEIGHT * math.ceil(len(cells) / n_columns)
    figure = new_figure(width, height)
    figure.set_layout_engine("none")  # every place is given here
    figure.text(GAP / width, 1 - 0.28 / height, title, fontsize=13)
    x = GAP / width
    for words, colour in (
        ("bars: mean probability by the members;", "black"),
        ("given label,", VERMILLION),
        ("suggestion,", BLUE),
        ("others", "0.45"),
    ):
        figure.text(x, 1 - 0.55 / height, words, fontsize=10, color=colour)
        x += (0.07 + 0.075 * len(words)) / width
    for number, cell in enumerate(cells):
        row, column = divmod(number, n_columns)
        left, bottom = GAP + WIDTH * column, height - HEAD - HEIGHT * (row + 1) + GAP
        _write_labels(figure, cell, x=left / width, bottom=bottom, height=height)
        box = (left / width, bottom / height, SIDE / width, SIDE / height)
        _draw_picture(figure.add_axes(box), cell)
        right = left + SIDE + GAP
        bars = (WIDTH - SIDE - 3 * GAP) / width
        _draw_bars(figure.add_axes((right / width, box[1], bars, box[3])), cell)
    save(figure, folder, "examples")


def _write_labels(figure: Any, cell: Cell, *, x: float, bottom: float, height: float) -> None:
    flagged = ", label issue" if cell.is_flagged else ""
    figure.text(x, (bottom + SIDE + 0.26) / height, cell.heading + flagged, fontsize=9)
    same = cell.given_label == cell.predicted_label
    labels = f"given: {shown(cell.given_label, 17)}"
    labels += "" if same else f"  → {shown(cell.predicted_label, 17)}"
    figure.text(x, (bottom + SIDE + 0.08) / height, labels, fontsize=9)


def _draw_picture(axes: Any, cell: Cell) -> None:
    axes.set_axis_off()
    if cell.picture is None:
        axes.text(0.5, 0.5, "cannot be read", ha="center", va="center", color="0.45")
        return
    is_small = max(cell.picture.size) <= PIXEL_ART
    axes.imshow(np.asarray(cell.picture), interpolation="nearest" if is_small else "auto")


def _draw_bars(axes: Any, cell: Cell) -> None:
    """Bars from the top down, the names of the classes on them."""
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(N_BARS - 0.5, -0.5))
    for number, (name, probability) in enumerate(cell.probable):
        colour, alpha, written = "0.85", 1.0, "black"
        if name == cell.given_label:
            colour, alpha, written = VERMILLION, 0.4, "#8A3C00"  # the bar may be too short to see
        elif name == cell.predicted_label:
            colour, alpha = BLUE, 0.45
        axes.barh(number, probability, height=0.86, color=colour, alpha=alpha)
        axes.text(0.02, number, shown(name, 15), fontsize=7.5, va="center", color=written)
        axes.text(1, number, f"{probability:.2f}", fontsize=7.5, va="center", ha="right")
