"""All curves of a sweep, and the rows of its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.config import plain
from noisefind.experiments import summary
from noisefind.experiments.subsets import FULL, RANDOM
from noisefind.utils.text import card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from noisefind.experiments.subsets import Subset
    from noisefind.training.subsets import Curve

    Floats = NDArray[np.float64]


class SubsetSize(NamedTuple):
    """Size of a subset, in its largest phase; the minimum over the seeds."""

    n_images: int
    n_classes: int
    smallest_class: int


class Series(NamedTuple):
    """The subsets of one score or control under one set of labels, in the order of the sweep."""

    whose: str
    score: str
    subsets: list[Subset]


@dataclass(frozen=True)
class SweepTable:
    """The curves of all subsets.

    Attributes:
        seeds: of the trainings.
        curves: name of a subset -> a curve for each seed.
        subsets: in the order of the sweep.
        n_classes: of the training data.
        how: the network and what is equal between subsets, as text.
    """

    seeds: Sequence[int]
    curves: Mapping[str, Sequence[Curve]]
    subsets: Sequence[Subset]
    n_classes: int
    how: str

    def __repr__(self) -> str:
        return card("SweepTable", subsets=len(self.subsets), trainings=self.n_trainings)

    @property
    def n_trainings(self) -> int:
        """Number of trainings: one for each subset and seed."""
        return sum(map(len, self.curves.values()))

    def series(self) -> list[Series]:
        """The subsets by labels and score."""
        found: dict[tuple[str, str], list[Subset]] = {}
        for subset in self.subsets:
            found.setdefault((subset.whose, subset.score), []).append(subset)
        return [Series(*key, subsets) for key, subsets in found.items()]

    def final(self, subset: Subset) -> Floats:
        """(S,) test accuracy after the last epoch."""
        return np.array([summary.final(curve) for curve in self.curves[subset.name]])

    def best(self, subset: Subset) -> Floats:
        """(S,) test accuracy after the epoch that is best on the validation images."""
        return np.array([summary.best(curve) for curve in self.curves[subset.name]])

    def control(self, subset: Subset, score: str) -> Subset | None:
        """The control that a subset is compared with: of the same labels, at the same position."""
        found = [p for p in self.subsets if p.score == score and p.whose == subset.whose]
        return next((p for p in found if p.position in (None, subset.position)), None)

    def size(self, subset: Subset) -> SubsetSize:
        """Numbers of images and classes that a subset is trained on."""
        rows = [max((phase.rows for phase in phases), key=len) for phases in subset.draws]
        counts = [np.bincount(subset.labels[r], minlength=self.n_classes) for r in rows]
        return SubsetSize(
            min(len(r) for r in rows),
            min(int((c > 0).sum()) for c in counts),
            min(int(c[c > 0].min()) for c in counts),
        )

    def area(self, series: Series) -> summary.Area | None:
        """The area of a series that goes over a range."""
        full = self.control(series.subsets[0], FULL)
        if full is None or any(subset.position is None for subset in series.subsets):
            return None
        at = np.array([float(subset.position or 0) for subset in series.subsets])
        accuracy = np.stack([self.final(subset) for subset in series.subsets], axis=1)
        return summary.area(at, accuracy, self.final(full))

    def sweep_rows(self) -> list[dict[str, object]]:
        """sweep.csv: a row per subset and seed."""
        return [
            {
                **_names(subset), "seed": seed, **self.size(subset)._asdict(),
                "final_accuracy": summary.final(curve), "best_accuracy": summary.best(curve),
                "best_epoch": summary.best_epoch(curve),
            }
            for subset in self.subsets
            for seed, curve in zip(self.seeds, self.curves[subset.name], strict=True)
        ]  # fmt: skip

    def epoch_rows(self) -> list[tuple[object, ...]]:
        """epochs.csv: a row per subset, seed and epoch."""
        return [
            (*_names(subset).values(), seed, epoch, validation, test)
            for subset in self.subsets
            for seed, curve in zip(self.seeds, self.curves[subset.name], strict=True)
            for epoch, (validation, test) in enumerate(
                zip(curve.validation.tolist(), curve.test.tolist(), strict=True), start=1
            )
        ]

    def summary_rows(self) -> list[dict[str, object]]:
        """summary.csv: a row per subset; what is not defined is None."""
        rows = []
        for series in self.series():
            area = self.area(series)
            for subset in series.subsets:
                row: dict[str, object] = {**_names(subset), "n_seeds": len(self.seeds)}
                row |= self.size(subset)._asdict()
                for name, values in (("final", self.final(subset)), ("best", self.best(subset))):
                    mean, std = summary.mean_and_std(values)
                    row |= {f"{name}_mean": mean, f"{name}_std": std}
                for control in (FULL, RANDOM):
                    row |= self._minus(subset, control)
                row |= {f"area_{n}": area and getattr(area, n) for n in summary.Area._fields}
                rows.append({name: _defined(value) for name, value in row.items()})
        return rows

    def _minus(self, subset: Subset, control: str) -> dict[str, object]:
        names = [f"minus_{control}{end}" for end in ("", "_low", "_high")]
        difference = self.difference(subset, control)
        return dict(zip(names, difference or (None,) * 3, strict=True))

    def difference(self, subset: Subset, control: str) -> summary.Difference | None:
        """Final accuracy of a subset minus that of a control; None of the control itself."""
        other = self.control(subset, control)
        if other is None or other is subset:
            return None
        return summary.paired(self.final(subset), self.final(other))


def _names(subset: Subset) -> dict[str, object]:
    position = None if subset.position is None else plain(subset.position)
    return {"labels": subset.whose, "score": subset.score, "position": position}


def _defined(value: Any) -> object:
    return None if isinstance(value, float) and np.isnan(value) else value
