"""Conclusions from a sweep, as values and as text; pure."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from noisefind.config import plain
from noisefind.experiments.subsets import FULL, GIVEN, RANDOM

if TYPE_CHECKING:
    from collections.abc import Callable

    from noisefind.experiments.subsets import Subset
    from noisefind.experiments.summary import Difference
    from noisefind.experiments.table import Series, SweepTable

NOT_SHOWN = "not shown"
RULE = (
    "Without loss: the 95 % interval of the difference to the full data is above -0.5 percentage "
    "points. The interval is Student's t over the seeds, paired by seed. It accounts for other "
    "seeds, not for other test images."
)


class Conclusion(NamedTuple):
    """The conclusion from one series.

    ``shown`` is the position or the effect; None if there is neither.
    """

    labels: str
    score: str
    shown: str | None
    text: str


def of_removal(table: SweepTable, kind: str) -> list[Conclusion]:
    """For each score, the largest share that can be removed without loss."""

    def conclude(series: Series) -> tuple[str | None, str]:
        good = [p for p in series.subsets if _is_no_loss(table.difference(p, FULL))]
        if not good:
            return None, f"no share of the {kind} is shown to be removable without loss"
        last = good[-1]
        share = last.position or Decimal(0)
        text = f"{as_percent(share)} of the {kind} can be removed without loss: "
        return plain(share), text + against(table, last, FULL)

    return _each(table, conclude)


def of_windows(table: SweepTable) -> list[Conclusion]:
    """For each score, the best window, and whether it is without loss."""

    def conclude(series: Series) -> tuple[str | None, str]:
        top = max(series.subsets, key=lambda p: float(table.final(p).mean()))
        is_good = _is_no_loss(table.difference(top, FULL))
        start = plain(top.position) if top.position is not None else ""
        text = (
            f"the best window starts at {start}: {table.final(top).mean():.1%}, "
            f"{against(table, top, FULL)}, {against(table, top, RANDOM)}. "
            f"Without loss: {'shown' if is_good else NOT_SHOWN}"
        )
        return start if is_good else None, text

    return _each(table, conclude)


def of_ways(table: SweepTable) -> list[Conclusion]:
    """For each way of training: a gain, a loss, no loss, or no conclusion."""

    def conclude(series: Series) -> tuple[str | None, str]:
        (subset,) = series.subsets
        difference = table.difference(subset, FULL)
        if difference is None:
            return None, f"{table.final(subset).mean():.1%}"
        what = "neither a gain nor a loss is shown"
        if difference.low > 0:
            what = "a gain"
        elif difference.is_loss:
            what = "a loss"
        elif difference.is_no_loss:
            what = "no loss"
        text = f"{table.final(subset).mean():.1%}, {against(table, subset, FULL)}: {what}"
        return what if difference.is_no_loss else None, text

    return _each(table, conclude, with_controls=True)


def against(table: SweepTable, subset: Subset, control: str) -> str:
    """Difference of a subset to a control, as text."""
    difference = table.difference(subset, control)
    return f"{in_points(difference)} against {control}" if difference else ""


def in_points(difference: Difference) -> str:
    """A difference in percentage points, with its interval."""
    mean, low, high = (100 * value for value in difference)
    if math.isnan(difference.low):
        return f"{mean:+.1f} points (no interval from one seed)"
    return f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})"


def as_percent(share: Decimal) -> str:
    """A share as a percentage in text."""
    return f"{plain(100 * share)} %"


def _is_no_loss(difference: Difference | None) -> bool:
    return difference is not None and difference.is_no_loss


def _each(
    table: SweepTable,
    conclude: Callable[[Series], tuple[str | None, str]],
    *,
    with_controls: bool = False,
) -> list[Conclusion]:
    found = []
    for series in table.series():
        if series.score in {FULL, RANDOM} and not with_controls:
            continue
        shown, text = conclude(series)
        labels = "" if series.whose == GIVEN else f"{series.whose} labels, "
        text = f"{labels}{series.score}: {text}"
        found.append(Conclusion(series.whose, series.score, shown, text))
    return found
