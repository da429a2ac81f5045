"""All curves of a sweep, and the rows of its files that are read from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.config import plain
from noisefind.experiments import summary
from noisefind.experiments.subsets import FULL, RANDOM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from noisefind.experiments.subsets import Point
    from noisefind.training.subsets import Curve

    Floats = NDArray[np.float64]


class Size(NamedTuple):
    """What a point is trained on (its largest stage); the smallest over the seeds."""

    n_images: int
    n_classes: int
    smallest_class: int


class Series(NamedTuple):
    """The points of one score or control under one set of labels, in the order of the sweep."""

    whose: str
    score: str
    points: list[Point]


@dataclass(frozen=True)
class Table:
    """The curves of all points.

    Attributes:
        seeds: of the trainings.
        curves: name of a point -> a curve for each seed.
        points: in the order of the sweep.
        n_classes: of the training data.
        how: the network, and what is equal between subsets, in words.
    """

    seeds: Sequence[int]
    curves: Mapping[str, Sequence[Curve]]
    points: Sequence[Point]
    n_classes: int
    how: str

    def series(self) -> list[Series]:
        """The points by labels and score."""
        found: dict[tuple[str, str], list[Point]] = {}
        for point in self.points:
            found.setdefault((point.whose, point.score), []).append(point)
        return [Series(*key, points) for key, points in found.items()]

    def final(self, point: Point) -> Floats:
        """(S,) test accuracy after the last epoch."""
        return np.array([summary.final(curve) for curve in self.curves[point.name]])

    def best(self, point: Point) -> Floats:
        """(S,) test accuracy after the epoch that is best on the validation images."""
        return np.array([summary.best(curve) for curve in self.curves[point.name]])

    def control(self, point: Point, score: str) -> Point | None:
        """The control that a point is compared with: of the same labels, at the same place."""
        found = [p for p in self.points if p.score == score and p.whose == point.whose]
        return next((p for p in found if p.at in (None, point.at)), None)

    def size(self, point: Point) -> Size:
        """How many images and classes a point is trained on."""
        rows = [max((stage.rows for stage in stages), key=len) for stages in point.subsets]
        counts = [np.bincount(point.labels[r], minlength=self.n_classes) for r in rows]
        return Size(
            min(len(r) for r in rows),
            min(int((c > 0).sum()) for c in counts),
            min(int(c[c > 0].min()) for c in counts),
        )

    def area(self, series: Series) -> summary.Area | None:
        """The area of a series that goes over a range."""
        full = self.control(series.points[0], FULL)
        if full is None or any(point.at is None for point in series.points):
            return None
        at = np.array([float(point.at or 0) for point in series.points])
        accuracy = np.stack([self.final(point) for point in series.points], axis=1)
        return summary.area(at, accuracy, self.final(full))

    def sweep_rows(self) -> list[dict[str, object]]:
        """sweep.csv: a row per point and seed."""
        return [
            {
                **_names(point), "seed": seed, **self.size(point)._asdict(),
                "final_accuracy": summary.final(curve), "best_accuracy": summary.best(curve),
                "best_epoch": summary.best_epoch(curve),
            }
            for point in self.points
            for seed, curve in zip(self.seeds, self.curves[point.name], strict=True)
        ]  # fmt: skip

    def epoch_rows(self) -> list[tuple[object, ...]]:
        """epochs.csv: a row per point, seed and epoch."""
        return [
            (*_names(point).values(), seed, epoch, validation, test)
            for point in self.points
            for seed, curve in zip(self.seeds, self.curves[point.name], strict=True)
            for epoch, (validation, test) in enumerate(
                zip(curve.validation.tolist(), curve.test.tolist(), strict=True), start=1
            )
        ]

    def summary_rows(self) -> list[dict[str, object]]:
        """summary.csv: a row per point; what is not defined is None."""
        rows = []
        for series in self.series():
            area = self.area(series)
            for point in series.points:
                row: dict[str, object] = {**_names(point), "n_seeds": len(self.seeds)}
                row |= self.size(point)._asdict()
                for name, values in (("final", self.final(point)), ("best", self.best(point))):
                    mean, std = summary.mean_and_std(values)
                    row |= {f"{name}_mean": mean, f"{name}_std": std}
                for control in (FULL, RANDOM):
                    row |= self._minus(point, control)
                row |= {f"area_{n}": area and getattr(area, n) for n in summary.Area._fields}
                rows.append({name: _defined(value) for name, value in row.items()})
        return rows

    def _minus(self, point: Point, control: str) -> dict[str, object]:
        names = [f"minus_{control}{end}" for end in ("", "_low", "_high")]
        difference = self.difference(point, control)
        return dict(zip(names, difference or (None,) * 3, strict=True))

    def difference(self, point: Point, control: str) -> summary.Difference | None:
        """Final accuracy of a point minus that of a control; None of the control itself."""
        other = self.control(point, control)
        if other is None or other is point:
            return None
        return summary.paired(self.final(point), self.final(other))


def _names(point: Point) -> dict[str, object]:
    at = None if point.at is None else plain(point.at)
    return {"labels": point.whose, "score": point.score, "point": at}


def _defined(value: Any) -> object:
    return None if isinstance(value, float) and np.isnan(value) else value
