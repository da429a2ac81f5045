"""What a sweep has shown, in words and as values; pure."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from noisefind.config import plain
from noisefind.experiments.subsets import FULL, GIVEN, RANDOM

if TYPE_CHECKING:
    from collections.abc import Callable

    from noisefind.experiments.subsets import Point
    from noisefind.experiments.summary import Difference
    from noisefind.experiments.table import Series, Table

NOT_SHOWN = "not shown"
RULE = (
    "Without loss: the 95 % interval of the paired difference to the full data over the seeds "
    "(Student's t) lies above -0.5 points. It speaks of other seeds, not of other test images."
)


class Verdict(NamedTuple):
    """What is shown of one series; ``shown`` is the point, None where nothing is."""

    labels: str
    score: str
    shown: str | None
    text: str


def of_removal(table: Table, kind: str) -> list[Verdict]:
    """Of each score, the largest share that can be removed without loss."""

    def judge(series: Series) -> tuple[str | None, str]:
        good = [p for p in series.points if _is_no_loss(table.difference(p, FULL))]
        if not good:
            return None, f"removing any share of the {kind} without loss: {NOT_SHOWN}"
        last = good[-1]
        share = last.at or Decimal(0)
        text = f"{as_percent(share)} of the {kind} removed without loss: "
        return plain(share), text + against(table, last, FULL)

    return _each(table, judge)


def of_windows(table: Table) -> list[Verdict]:
    """Of each score, the best window, and whether it loses nothing."""

    def judge(series: Series) -> tuple[str | None, str]:
        top = max(series.points, key=lambda p: float(table.final(p).mean()))
        is_good = _is_no_loss(table.difference(top, FULL))
        start = plain(top.at) if top.at is not None else ""
        text = (
            f"best from {start} on, at {table.final(top).mean():.1%}: {against(table, top, FULL)}, "
            f"{against(table, top, RANDOM)}; without loss: {'shown' if is_good else NOT_SHOWN}"
        )
        return start if is_good else None, text

    return _each(table, judge)


def of_ways(table: Table) -> list[Verdict]:
    """Of each way of training, whether it gains, loses, or neither is shown."""

    def judge(series: Series) -> tuple[str | None, str]:
        (point,) = series.points
        difference = table.difference(point, FULL)
        if difference is None:
            return None, f"{table.final(point).mean():.1%}"
        what = "neither gain nor loss is shown"
        if difference.low > 0:
            what = "a gain"
        elif difference.is_loss:
            what = "a loss"
        elif difference.is_no_loss:
            what = "no loss"
        text = f"{table.final(point).mean():.1%}, {against(table, point, FULL)}: {what}"
        return what if difference.is_no_loss else None, text

    return _each(table, judge, with_controls=True)


def against(table: Table, point: Point, control: str) -> str:
    """How far a point is above or below a control."""
    difference = table.difference(point, control)
    return f"{in_points(difference)} against {control}" if difference else ""


def in_points(difference: Difference) -> str:
    """A difference in percentage points, with its interval."""
    mean, low, high = (100 * value for value in difference)
    if math.isnan(difference.low):
        return f"{mean:+.1f} points (no interval from one seed)"
    return f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})"


def as_percent(share: Decimal) -> str:
    """A share as a person writes it."""
    return f"{plain(100 * share)} %"


def _is_no_loss(difference: Difference | None) -> bool:
    return difference is not None and difference.is_no_loss


def _each(
    table: Table,
    judge: Callable[[Series], tuple[str | None, str]],
    *,
    with_controls: bool = False,
) -> list[Verdict]:
    verdicts = []
    for series in table.series():
        if series.score in (FULL, RANDOM) and not with_controls:
            continue
        shown, text = judge(series)
        labels = "" if series.whose == GIVEN else f"{series.whose} labels, "
        verdicts.append(
            Verdict(series.whose, series.score, shown, f"{labels}{series.score}: {text}")
        )
    return verdicts
