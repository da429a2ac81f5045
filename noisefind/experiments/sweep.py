"""``noisefind evaluate easiest|hardest|window``: train on parts of a ranking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisefind.config import CleanConfig
from noisefind.data.table import read_table
from noisefind.errors import ConfigError
from noisefind.evaluation.plotting import can_plot
from noisefind.experiments import conclusions as verdict
from noisefind.experiments import plots
from noisefind.experiments.context import Bench, open_bench
from noisefind.experiments.curves import train_points
from noisefind.experiments.files import SweepResult, write_sweep
from noisefind.experiments.subsets import (
    FULL,
    GIVEN,
    RANDOM,
    Choice,
    Images,
    Point,
    random_subsets,
    simple,
    window,
    window_size,
    without,
)
from noisefind.experiments.table import Table
from noisefind.runs.folder import RunFolder
from noisefind.runs.output import open_output
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.config import EasiestConfig, HardestConfig, SweepConfig, WindowConfig
    from noisefind.experiments.conclusions import Verdict
    from noisefind.utils.output import OutputFolder


@dataclass(frozen=True)
class Sweep:
    """What every verb begins with."""

    verb: str
    data: str | Path
    run: RunFolder
    output: OutputFolder
    config: SweepConfig
    bench: Bench
    progress: Progress
    true_labels: Mapping[str, str] | None = None  # of clean's --truth

    @property
    def choice(self) -> Choice:
        """How images are chosen."""
        config = self.config
        return Choice(config.seed, config.balance, config.min_per_class)

    def controls(
        self,
        n_kept: Mapping[Decimal | None, int],
        images: Images,
        labels: NDArray[np.int64],
        whose: str = GIVEN,
    ) -> list[Point]:
        """The full data, and at each position random subsets of so many images."""
        epochs = self.bench.epochs
        points = [simple(FULL, None, [images.rows], labels, epochs, whose)]
        for at, n_images in n_kept.items():
            draws = random_subsets(images, n_images, self.config.seeds, self.choice)
            points.append(simple(RANDOM, at, draws, labels, epochs, whose))
        return points

    def train(self, points: Sequence[Point], *, restart: bool = False) -> Table:
        """Train on every point with every seed."""
        seeds = self.config.all_seeds()
        curves = train_points(
            points, seeds, self.bench, equal=self.config.equal, restart=restart,
            progress=self.progress,
        )  # fmt: skip
        how = f"{self.bench.network}, equal {self.config.equal}"
        return Table(seeds, curves, points, len(self.bench.train.classes), how)

    def finish(
        self,
        table: Table,
        verdicts: Sequence[Verdict],
        draw: Callable[[Path], None],
        more: Mapping[str, Any] | None = None,
        tables: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    ) -> SweepResult:
        """Write the files; ``more`` joins what sweep.json holds, ``tables`` too as NAME.csv."""
        document = {
            "verb": self.verb,
            "data": str(Path(self.data).absolute()) if Path(self.data).exists() else str(self.data),
            "run": str(self.run.path.absolute()),
            "run_id": self.run.read_summary()["run_id"],
            "config": self.config.to_dict(),
            **self.bench.facts,
            **(more or {}),
            "rule": verdict.RULE,
            "verdicts": [v._asdict() for v in verdicts],
        }
        return write_sweep(
            self.output, table, self.bench.train, document, draw=draw, tables=tables or {}
        )


def open_sweep(
    verb: str,
    data: str | Path,
    run: str | Path,
    output: str | Path,
    config: SweepConfig,
    progress: Progress | None = None,
) -> Sweep:
    """Open everything, and refuse what cannot be done before anything is trained.

    Args and errors: as of ``verbs.evaluate_sweep``.
    """
    folder, out, progress = RunFolder(Path(run)), Path(output), progress or Progress()
    summary = folder.read_summary()
    output_folder = open_output(out, summary["root"], summary["data"])
    if "by" not in config.NOT_TAKEN:
        known = folder.read_ranking().hardness()
        unknown = next((name for name in config.scores() if name not in known), None)
        if unknown:
            raise ConfigError(f"--by {unknown!r} is no known score: one of {', '.join(known)}")
    if not can_plot():
        progress.say("no plots: matplotlib is not installed; pip install 'noisefind[plots]'")
    true_labels = None
    if isinstance(config, CleanConfig) and config.truth is not None:
        true_labels = {
            id_: row.label for id_, row in read_table(config.truth, "true_label").items()
        }
    bench = open_bench(data, folder, config, out, progress, true_labels)
    return Sweep(verb, data, folder, output_folder, config, bench, progress, true_labels)


def remove(sweep: Sweep, config: EasiestConfig | HardestConfig) -> SweepResult:
    """Train on what is left when the easiest, or the hardest, images are removed."""
    kind = sweep.verb
    points = removal_points(sweep, sweep.bench.images, kind, config.scores(), config.shares())
    table = sweep.train(points)

    def draw(folder: Path) -> None:
        title = f"Trained without the {kind} images"
        plots.draw_sweep(folder, table, f"share of the {kind} images removed", title)
        if len(config.shares()) == 1:
            plots.draw_epochs(folder, table, points, title)

    return sweep.finish(table, verdict.of_removal(table, kind), draw)


def removal_points(
    sweep: Sweep, images: Images, kind: str, scores: Sequence[str], shares: Sequence[Decimal]
) -> list[Point]:
    """The controls, then what is left by each score at each share."""
    labels, epochs, choice = sweep.bench.train.labels, sweep.bench.epochs, sweep.choice
    points = [
        simple(score, share, [without(images, kind, score, share, choice)], labels, epochs)
        for score in scores
        for share in shares
    ]
    n_kept = {p.at: len(p.subsets[0][0].rows) for p in points[: len(shares)]}
    return [*sweep.controls(n_kept, images, labels), *points]


def windows(sweep: Sweep, config: WindowConfig) -> SweepResult:
    """Train on windows of the ranking; with ``--inject`` also on noisy labels, side by side."""
    if config.inject is not None:
        from noisefind.experiments.inject_window import clean_and_noisy

        return clean_and_noisy(sweep, config, config.inject)
    points = window_points(sweep, config, sweep.bench.images, sweep.bench.train.labels)
    table = sweep.train(points)

    def draw(folder: Path) -> None:
        title = f"Trained on windows of {verdict.as_percent(config.share())} of the ranking"
        plots.draw_sweep(folder, table, plots.START, title)
        if len(config.starts()) == 1:
            plots.draw_epochs(folder, table, points, title)

    return sweep.finish(table, verdict.of_windows(table), draw)


def window_points(
    sweep: Sweep,
    config: WindowConfig,
    images: Images,
    labels: NDArray[np.int64],
    whose: str = GIVEN,
) -> list[Point]:
    """The controls, then the windows of each score."""
    n_kept = window_size(len(images.ids), config.share())
    points = sweep.controls({None: n_kept}, images, labels, whose)
    for score in config.scores():
        for start in config.starts():
            rows = window(images, score, start, config.share(), sweep.choice)
            points.append(simple(score, start, [rows], labels, sweep.bench.epochs, whose))
    return points
