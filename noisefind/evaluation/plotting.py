"""Shared parts of the plots of ``evaluate``; needs matplotlib, from ``noisefind[plots]``."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from noisefind.utils.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Okabe and Ito 2008: distinct for colour-blind readers too; without yellow, pale on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES = ("-", "--", ":")


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def style(number: int) -> dict[str, Any]:
    """Colour and dashes of the curve of this number."""
    dashes, colour = divmod(number, len(COLOURS))
    return {"color": COLOURS[colour], "linestyle": DASHES[dashes % len(DASHES)]}


def shown(name: str, length: int = 24) -> str:
    """A class or file name as text of a plot: on one line, without its middle where it is long."""
    name = visible(name)
    if len(name) > length:
        name = f"{name[: length // 2]}…{name[len(name) - (length - 1) // 2 :]}"
    return name.replace("$", r"\$")  # bare ones would begin a formula


def legend_beside(figure: Any, handles: Sequence[Any], names: Sequence[str]) -> None:
    """A legend to the right of the plots; ``names`` may begin with anything."""
    legend = figure.legend(
        handles, ["-"] * len(names), loc="outside right upper", frameon=False, fontsize=9
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)  # matplotlib would leave out a label that begins with "_"


def new_figure(width: float = 8, height: float = 4.8) -> Any:
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def tidy(axes: Any) -> None:
    """A light grid and no frame to the top and right."""
    axes.grid(visible=True, color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Any, folder: Path, name: str) -> None:
    """Write NAME.svg and NAME.png; the same figure gives the same files."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+")  # no font here has it: a box is drawn
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        figure.savefig(folder / f"{name}.png", dpi=150)
