"""The command ``noisefind evaluate selftest``: inject errors, score, and measure their detection.

    selftest.csv     fraction,seed,of,metric,value: every measure of every run
    summary.csv      fraction,of,metric,mean,std,n_seeds
    selftest.json    the summary and the options; written last

Errors that the data had before count as false positives. The runs themselves are not kept.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from noisefind.config import EnsembleConfig, InjectConfig, ScoreConfig, SelftestConfig
from noisefind.evaluation.detection import join, measure
from noisefind.evaluation.inject import inject
from noisefind.runs.output import open_output
from noisefind.utils.files import write_csv, write_json
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress
from noisefind.utils.text import card

if TYPE_CHECKING:
    from collections.abc import Iterable

    from noisefind.evaluation.detection import Measure

FORMAT = 1
_FILES = ("selftest.json", "selftest.csv", "summary.csv")


class Spread(NamedTuple):
    """One measure over the seeds; std with ddof 1, NaN of a single seed."""

    fraction: float
    of: str
    metric: str
    mean: float
    std: float
    n_seeds: int


@dataclass(frozen=True)
class SelftestResult:
    """The measures; everything is in the output folder too."""

    spreads: list[Spread]
    summary: dict[str, Any]
    output: Path

    def __repr__(self) -> str:
        found = (
            f"{s.fraction:.2%} injected: {s.mean:.3f}"
            for s in self.spreads
            if (s.of, s.metric) == ("label_score", "average_precision")
        )
        return card(
            f"SelftestResult {self.output}",
            data=self.summary["data"],
            seeds=max(s.n_seeds for s in self.spreads),
            average_precision=", ".join(found),
        )


@displays_progress
def selftest(
    data: str | Path,
    output: str | Path,
    config: SelftestConfig | None = None,
    *,
    progress: Progress | Literal[False] | None = None,
) -> SelftestResult:
    """Inject noise, score and evaluate, for every share of wrong labels and every seed.

    Args:
        data: the same kinds of data as for ``score``.
        output: the output folder, new or empty.
        config: the options; None for the defaults.
        progress: receives progress and messages; None: a bar on stderr where a person watches,
            in a terminal or a notebook; False: nothing is printed.

    Returns:
        Mean and standard deviation of each measure over the seeds (``spreads``), the content of
        selftest.json (``summary``) and the output folder.

    Raises:
        DataError: the data cannot be read, or is not suited to scoring.
        ConfigError: an option is out of range, or so many labels cannot change that way.
        RunError: ``output`` is not empty.

    Examples:
        ```python
        config = noisefind.SelftestConfig(fraction="0.05,0.1", seeds=3)
        result = noisefind.selftest("photos", "selftest", config)
        for spread in result.spreads:
            if (spread.of, spread.metric) == ("label_score", "auroc"):
                print(spread.fraction, spread.mean, spread.std)
        ```
    """
    config, out, progress = config or SelftestConfig(), Path(output), progress or Progress()
    folder = open_output(out, data, data)
    cases = [
        (fraction, config.seed + number)
        for fraction in config.fractions()
        for number in range(config.seeds)
    ]
    measured: dict[tuple[float, int], list[Measure]] = {}
    for number, (fraction, seed) in enumerate(cases, start=1):
        progress.say(f"run {number} of {len(cases)}: {fraction:.2%} injected, seed {seed}")
        measured[fraction, seed] = _measure_once(
            data, fraction, seed, config=config, progress=progress
        )
    spreads = _spreads(measured)
    summary = {
        "format": FORMAT,
        "data": str(Path(data).absolute()) if Path(data).exists() else str(data),
        "config": config.to_dict(),
        "note": "errors that the data had before count as false positives",
        "summary": [{name: _plain(value) for name, value in s._asdict().items()} for s in spreads],
    }
    with folder.write(_FILES) as partial:
        rows = ((*case, m.of, m.metric, m.value) for case, found in measured.items() for m in found)
        header = ("fraction", "seed", "of", "metric", "value")
        write_csv(partial / "selftest.csv", header, map(_cells, rows))
        write_csv(partial / "summary.csv", Spread._fields, map(_cells, spreads))
        write_json(partial / "selftest.json", summary)
    return SelftestResult(spreads, summary, out)


def _measure_once(
    data: str | Path, fraction: float, seed: int, *, config: SelftestConfig, progress: Progress
) -> list[Measure]:
    """The measures of one run: inject, score, compare."""
    from noisefind.scoring.pipeline import score  # imports torch: seconds

    given = {f.name: getattr(config, f.name) for f in fields(EnsembleConfig)}
    shared = {f.name: given[f.name] for f in fields(InjectConfig) if f.name in given}
    noise = InjectConfig(**{**shared, "kind": config.kind, "fraction": fraction, "seed": seed})
    with tempfile.TemporaryDirectory(prefix="noisefind-") as folder:
        injected = inject(data, Path(folder) / "noise", noise, progress=progress)
        scored = replace(ScoreConfig(**given), labels=injected.labels_file, seed=seed)
        ranking = score(data, Path(folder) / "run", scored, progress=progress).ranking
    names, dataset = injected.dataset.classes, injected.dataset
    true_labels = {
        id_: names[label] for id_, label in zip(dataset.ids, dataset.labels.tolist(), strict=True)
    }
    return measure(join(ranking, true_labels, "injected labels"), n_draws=0, seed=0)


def _spreads(measured: dict[tuple[float, int], list[Measure]]) -> list[Spread]:
    """Mean and standard deviation over the seeds, in the order of shares and measures."""
    values: dict[tuple[float, str, str], list[float]] = {}
    for (fraction, _), measures in measured.items():
        for m in measures:
            values.setdefault((fraction, m.of, m.metric), []).append(m.value)
    return [
        Spread(
            *key,
            mean=float(np.mean(v)),
            std=float(np.std(v, ddof=1)) if len(v) > 1 else np.nan,
            n_seeds=len(v),
        )
        for key, v in values.items()
    ]


def _cells(row: Iterable[object]) -> list[object]:
    return [
        "" if value is None else f"{value:.6g}" if isinstance(value, float) else value
        for value in map(_plain, row)
    ]


def _plain(value: object) -> object:
    """NaN as None, which CSV leaves empty and JSON calls null."""
    return None if isinstance(value, float) and np.isnan(value) else value
