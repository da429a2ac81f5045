"""``evaluate window --inject``: what label errors do to windows of a ranking.

Errors are planted in the training labels, the data is scored anew, and the same windows are trained
on under the clean and under the noisy labels. The noisy run is kept in the cache, where an
interrupted one goes on.

The hardest images of a good ranking are the planted errors. So a window of width w that starts at s
holds none of them until s + w reaches 1 minus their share: that is the predicted start of the fall.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind._version import __version__
from noisefind.config import InjectConfig, plain
from noisefind.evaluation.inject import COLUMNS, plant
from noisefind.experiments import conclusions as verdict
from noisefind.experiments import plots
from noisefind.experiments.context import images_of
from noisefind.experiments.subsets import GIVEN, NOISY, Choice, kept
from noisefind.experiments.summary import Difference, mean_and_std, paired
from noisefind.experiments.sweep import Sweep, window_points
from noisefind.pruning.rules import Rule
from noisefind.utils.cache import cache_key
from noisefind.utils.files import write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.config import WindowConfig
    from noisefind.experiments.files import SweepResult
    from noisefind.experiments.subsets import Images
    from noisefind.experiments.table import Table


class Fall(NamedTuple):
    """Noisy minus clean of one score at one start."""

    score: str
    start: str
    difference: float
    std: float
    low: float
    high: float
    n_seeds: int


@dataclass(frozen=True)
class _Noisy:
    """The same images under planted errors, as the new run ranks them."""

    images: Images
    labels: NDArray[np.int64]  # (N,)
    is_changed: NDArray[np.bool_]  # (N,)
    run: Path

    def share_last(self, score: str, share: float) -> float:
        """Of the planted errors, those among the hardest ``share`` of the images by a score."""
        hardest = kept(self.images, Rule("easiest", 1 - share, score), Choice(min_per_class=0))
        return float(self.is_changed[hardest].sum() / self.is_changed[self.images.rows].sum())


def clean_and_noisy(sweep: Sweep, config: WindowConfig, share: float) -> SweepResult:
    """Sweep the windows of both rankings and compare them start by start."""
    noisy = _score_anew(sweep, config, share)
    bench = sweep.bench
    table = sweep.train(
        window_points(sweep, config, bench.images, bench.train.labels)
        + window_points(sweep, config, noisy.images, noisy.labels, NOISY)
    )
    falls = compare(table)
    predicted = max(0.0, round(1 - share - float(config.share()), 6))
    verdicts = [
        *verdict.of_windows(table),
        *(judge(s, f, predicted, noisy.share_last(s, share)) for s, f in falls.items()),
    ]

    def draw(folder: Path) -> None:
        plots.draw_clean_and_noisy(folder, table, config.scores(), predicted)
        lines = {
            score: (
                np.array([float(fall.start) for fall in found]),
                [Difference(fall.difference, fall.low, fall.high) for fall in found],
            )
            for score, found in falls.items()
        }
        plots.draw_differences(folder, lines, predicted)

    rows = [fall._asdict() for found in falls.values() for fall in found]
    more = {
        "injected": {"kind": config.kind, "asked": share, "done": float(noisy.is_changed.mean())},
        "noisy_run": str(noisy.run.absolute()),
        "predicted_start": predicted,
    }
    return sweep.finish(table, verdicts, draw, more, {"differences": rows})


def compare(table: Table) -> dict[str, list[Fall]]:
    """Score -> noisy minus clean at each start, paired by seed."""
    of_noisy = {(p.score, p.at): p for p in table.points if p.whose == NOISY}
    falls: dict[str, list[Fall]] = {}
    for point in table.points:
        if point.whose != GIVEN or point.at is None:
            continue
        clean, noisy = table.final(point), table.final(of_noisy[point.score, point.at])
        mean, low, high = paired(noisy, clean)
        spread = mean_and_std(noisy - clean)[1]
        fall = Fall(point.score, plain(point.at), mean, spread, low, high, len(clean))
        falls.setdefault(point.score, []).append(fall)
    return falls


def first_loss(falls: list[Fall]) -> int | None:
    """The number of the first start at which the whole interval lies below 0."""
    return next((n for n, fall in enumerate(falls) if fall.high < 0), None)


def judge(score: str, falls: list[Fall], predicted: float, share_last: float) -> verdict.Verdict:
    """Where noisy windows begin to lose, and whether that is where the injected share predicts.

    Args:
        score: that ordered the images.
        falls: at each start.
        predicted: windows that start beyond it hold some of the hardest, as many as were changed.
        share_last: of the planted errors, those among these hardest: 1 of a perfect ranking.
    """
    found = first_loss(falls)
    expected = next((n for n, f in enumerate(falls) if float(f.start) > predicted), None)
    text = f"{score}, noisy minus clean: "
    if found is None:
        text += "no start has its 95 % interval below 0"
    else:
        fall = falls[found]
        size = verdict.in_points(Difference(fall.difference, fall.low, fall.high))
        text += f"the 95 % interval lies below 0 from start {fall.start} on ({size})"
    text += f"; predicted is a fall beyond {predicted:.3g}: "
    if expected is None:
        text += "no window of this sweep starts there"
    elif found is None:
        text += verdict.NOT_SHOWN
    elif found == expected:
        text += "there"
    else:
        steps = "1 step" if abs(found - expected) == 1 else f"{abs(found - expected)} steps"
        text += f"not there but {steps} {'earlier' if found < expected else 'later'}"
    text += f"; {share_last:.0%} of the planted errors are among as many hardest images"
    is_there = found is not None and found == expected
    return verdict.Verdict(NOISY, score, falls[found].start if is_there and found else None, text)


def _score_anew(sweep: Sweep, config: WindowConfig, share: float) -> _Noisy:
    """Plant errors in the training labels and score them, or find both in the cache."""
    from noisefind.scoring.pipeline import score

    train, bench = sweep.bench.train, sweep.bench
    noise = InjectConfig(kind=config.kind, fraction=share, seed=config.seed)
    planted = plant(train, noise)
    scored = replace(
        sweep.run.read_summary().score_config(),
        labels=None, hold_out=None, fail_over=None, cache_dir=None,
        device=config.device, threads=config.threads,
    )  # fmt: skip
    key = cache_key(
        __version__, train.fingerprint, train.classes, planted.labels.tolist(), scored.to_dict()
    )
    home = bench.cache / f"noisy-{key}"
    home.mkdir(parents=True, exist_ok=True)
    names = np.array(train.classes, dtype=object)
    columns = (train.ids, names[planted.labels], names[train.labels])
    write_csv(home / "labels.csv", COLUMNS, zip(*columns, strict=True))
    n_changed = int(planted.is_changed.sum())
    sweep.progress.say(f"{n_changed:,} of {len(train):,} labels changed; scoring anew")
    scored = replace(
        scored, labels=home / "labels.csv", only_listed=True, cache_dir=config.cache_dir
    )
    result = score(sweep.data, home / "run", scored, resume=True, progress=sweep.progress)
    is_learned = np.zeros(len(train), dtype=np.bool_)
    is_learned[bench.images.rows] = True
    return _Noisy(
        images_of(train, is_learned, result.ranking),
        planted.labels,
        planted.is_changed,
        home / "run",
    )
