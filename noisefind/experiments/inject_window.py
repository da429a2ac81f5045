"""``evaluate window --inject``: effect of label errors on windows of a ranking.

Errors are injected into the training labels, and the data is scored again. A network is trained on
the same windows with the clean and with the noisy labels. The noisy run stays in the cache, where
an interrupted run continues.

The hardest images of a good ranking are the injected errors. So a window of width w that starts at
s holds none of them until s + w reaches 1 minus their share. That is the predicted start of the
loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from noisefind._version import __version__
from noisefind.config import InjectConfig, plain
from noisefind.evaluation.inject import COLUMNS, inject_noise
from noisefind.experiments import conclusions, plots
from noisefind.experiments.context import images_of
from noisefind.experiments.subsets import GIVEN, NOISY, Choice, kept
from noisefind.experiments.summary import Difference, mean_and_std, paired
from noisefind.experiments.sweep import Sweep, window_subsets
from noisefind.experiments.sweep import windows as clean_windows
from noisefind.pruning.rules import Rule
from noisefind.utils.cache import cache_key
from noisefind.utils.files import write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.config import WindowConfig
    from noisefind.experiments.files import SweepResult
    from noisefind.experiments.subsets import RankedImages
    from noisefind.experiments.table import SweepTable


class NoiseEffect(NamedTuple):
    """Accuracy on noisy minus accuracy on clean labels, of one score at one start."""

    score: str
    start: str
    difference: float
    std: float
    low: float
    high: float
    n_seeds: int


@dataclass(frozen=True)
class _NoisyRun:
    """The same images with injected errors, ranked by a run on them."""

    images: RankedImages
    labels: NDArray[np.int64]  # (N,)
    is_changed: NDArray[np.bool_]  # (N,)
    run: Path

    def share_found(self, score: str, share: float) -> float:
        """Share of the injected errors among the hardest ``share`` of the images by a score."""
        hardest = kept(self.images, Rule("easiest", 1 - share, score), Choice(min_per_class=0))
        return float(self.is_changed[hardest].sum() / self.is_changed[self.images.rows].sum())


def windows(sweep: Sweep, config: WindowConfig) -> SweepResult:
    """Train on windows of the ranking; with ``--inject`` also on noisy labels, side by side."""
    if config.inject is None:
        return clean_windows(sweep, config)
    return clean_and_noisy(sweep, config, config.inject)


def clean_and_noisy(sweep: Sweep, config: WindowConfig, share: float) -> SweepResult:
    """Sweep the windows of both rankings and compare them start by start."""
    noisy = _score_again(sweep, config, share)
    context = sweep.context
    table = sweep.train(
        window_subsets(sweep, config, context.images, context.train.labels)
        + window_subsets(sweep, config, noisy.images, noisy.labels, whose=NOISY)
    )
    effects = compare(table)
    predicted = max(0.0, round(1 - share - float(config.share()), 6))
    found = [
        *conclusions.of_windows(table),
        *(conclude(s, f, predicted, noisy.share_found(s, share)) for s, f in effects.items()),
    ]

    def draw(folder: Path) -> None:
        plots.draw_clean_and_noisy(folder, table, config.scores(), predicted)
        lines = {
            score: (
                np.array([float(effect.start) for effect in found]),
                [Difference(effect.difference, effect.low, effect.high) for effect in found],
            )
            for score, found in effects.items()
        }
        plots.draw_differences(folder, lines, predicted)

    rows = [effect._asdict() for found in effects.values() for effect in found]
    more = {
        "injected": {
            "kind": config.kind,
            "requested": share,
            "actual": float(noisy.is_changed.mean()),
        },
        "noisy_run": str(noisy.run.absolute()),
        "predicted_start": predicted,
    }
    return sweep.finish(table, found, draw, more, tables={"differences": rows})


def compare(table: SweepTable) -> dict[str, list[NoiseEffect]]:
    """Score -> noisy minus clean at each start, paired by seed."""
    of_noisy = {(p.score, p.position): p for p in table.subsets if p.whose == NOISY}
    effects: dict[str, list[NoiseEffect]] = {}
    for subset in table.subsets:
        if subset.whose != GIVEN or subset.position is None:
            continue
        clean, noisy = table.final(subset), table.final(of_noisy[subset.score, subset.position])
        mean, low, high = paired(noisy, clean)
        _, spread = mean_and_std(noisy - clean)
        effect = NoiseEffect(
            score=subset.score, start=plain(subset.position), difference=mean, std=spread,
            low=low, high=high, n_seeds=len(clean),
        )  # fmt: skip
        effects.setdefault(subset.score, []).append(effect)
    return effects


def first_loss(effects: list[NoiseEffect]) -> int | None:
    """The number of the first start at which the whole interval lies below 0."""
    return next((n for n, effect in enumerate(effects) if effect.high < 0), None)


def conclude(
    score: str, effects: list[NoiseEffect], predicted: float, share_found: float
) -> conclusions.Conclusion:
    """The first start at which noisy windows lose accuracy, compared with the predicted one.

    Args:
        score: the score that orders the images.
        effects: noisy minus clean at each start.
        predicted: windows that start after it hold some of the hardest images, as many as changed.
        share_found: share of the injected errors among these; 1 for a perfect ranking.
    """
    found = first_loss(effects)
    expected = next((n for n, e in enumerate(effects) if float(e.start) > predicted), None)
    text = f"{score}, noisy minus clean: "
    if found is None:
        text += "no start has its 95 % interval below 0"
    else:
        first = effects[found]
        size = conclusions.in_points(Difference(first.difference, first.low, first.high))
        text += f"the 95 % interval is below 0 from start {first.start} on ({size})"
    text += f". A loss is predicted for starts above {predicted:.3g}: "
    if expected is None:
        text += "this sweep has no such window"
    elif found is None:
        text += conclusions.NOT_SHOWN
    elif found == expected:
        text += "it begins there"
    else:
        steps = "1 step" if abs(found - expected) == 1 else f"{abs(found - expected)} steps"
        text += f"it begins {steps} {'earlier' if found < expected else 'later'}"
    text += f". The hardest images, as many as injected errors, include {share_found:.0%} of these"
    shown = effects[found].start if found and found == expected else None
    return conclusions.Conclusion(NOISY, score, shown, text)


def _score_again(sweep: Sweep, config: WindowConfig, share: float) -> _NoisyRun:
    """Inject errors in the training labels and score them, or find both in the cache."""
    from noisefind.scoring.pipeline import score

    train, context = sweep.context.train, sweep.context
    noise = InjectConfig(kind=config.kind, fraction=share, seed=config.seed)
    injected = inject_noise(train, noise)
    scored = replace(
        sweep.run.read_summary().score_config(),
        labels=None, hold_out=None, fail_over=None, cache_dir=None,
        device=config.device, threads=config.threads,
    )  # fmt: skip
    key = cache_key(
        __version__, train.fingerprint, train.classes, injected.labels.tolist(), scored.to_dict()
    )
    home = context.cache / f"noisy-{key}"
    home.mkdir(parents=True, exist_ok=True)
    names = np.array(train.classes, dtype=object)
    columns = (train.ids, names[injected.labels], names[train.labels])
    write_csv(home / "labels.csv", COLUMNS, zip(*columns, strict=True))
    n_changed = int(injected.is_changed.sum())
    sweep.progress.say(f"{n_changed:,} of {len(train):,} labels changed; scoring them again")
    scored = replace(
        scored, labels=home / "labels.csv", only_listed=True, cache_dir=config.cache_dir
    )
    result = score(sweep.data, home / "run", scored, resume=True, progress=sweep.progress)
    is_learned = np.zeros(len(train), dtype=np.bool_)
    is_learned[context.images.rows] = True
    images = images_of(train, is_learned, result.ranking)
    return _NoisyRun(images, injected.labels, injected.is_changed, home / "run")
