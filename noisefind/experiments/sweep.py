"""``noisefind evaluate easiest|hardest|window``: training on subsets of a ranking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisefind.config import CleanConfig, RankedSweepConfig
from noisefind.data.table import read_table
from noisefind.errors import ConfigError
from noisefind.evaluation.plotting import can_plot
from noisefind.experiments import conclusions, plots
from noisefind.experiments.context import SweepContext, open_context
from noisefind.experiments.curves import train_subsets
from noisefind.experiments.files import SweepResult, write_sweep
from noisefind.experiments.subsets import (
    FULL,
    GIVEN,
    RANDOM,
    Choice,
    RankedImages,
    Subset,
    random_subsets,
    single_phase,
    window,
    window_size,
    without,
)
from noisefind.experiments.table import SweepTable
from noisefind.runs.folder import RunFolder
from noisefind.runs.output import open_output
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.config import EasiestConfig, HardestConfig, SweepConfig, WindowConfig
    from noisefind.experiments.conclusions import Conclusion
    from noisefind.utils.output import OutputFolder


@dataclass(frozen=True)
class Sweep:
    """The input of every subcommand that trains on subsets."""

    subcommand: str
    data: str | Path
    run: RunFolder
    output: OutputFolder
    config: SweepConfig
    context: SweepContext
    progress: Progress
    true_labels: Mapping[str, str] | None = None  # of clean's --truth

    @property
    def choice(self) -> Choice:
        """The options of choosing images."""
        config = self.config
        return Choice(config.seed, config.balance, config.min_per_class)

    def controls(
        self,
        n_kept: Mapping[Decimal | None, int],
        images: RankedImages,
        labels: NDArray[np.int64],
        *,
        whose: str = GIVEN,
    ) -> list[Subset]:
        """The full data, and at each position random subsets of that many images."""
        epochs = self.context.epochs
        subsets = [single_phase(FULL, None, [images.rows], labels, epochs=epochs, whose=whose)]
        for position, n_images in n_kept.items():
            draws = random_subsets(images, n_images, self.config.seeds, self.choice)
            subsets.append(
                single_phase(RANDOM, position, draws, labels, epochs=epochs, whose=whose)
            )
        return subsets

    def train(self, subsets: Sequence[Subset], *, restart: bool = False) -> SweepTable:
        """Train on every subset with every seed."""
        seeds = self.config.all_seeds()
        curves = train_subsets(
            subsets, seeds, self.context, equal=self.config.equal, restart=restart,
            progress=self.progress,
        )  # fmt: skip
        how = f"{self.context.network}, equal {self.config.equal}"
        return SweepTable(
            seeds=seeds, curves=curves, subsets=subsets,
            n_classes=len(self.context.train.classes), how=how,
        )  # fmt: skip

    def finish(
        self,
        table: SweepTable,
        found: Sequence[Conclusion],
        draw: Callable[[Path], None],
        more: Mapping[str, Any] | None = None,
        *,
        tables: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    ) -> SweepResult:
        """Write the files; ``more`` goes into sweep.json, ``tables`` also into NAME.csv."""
        document = {
            "subcommand": self.subcommand,
            "data": str(Path(self.data).absolute()) if Path(self.data).exists() else str(self.data),
            "run": str(self.run.path.absolute()),
            "run_id": self.run.read_summary().run_id,
            "config": self.config.to_dict(),
            **self.context.facts,
            **(more or {}),
            "rule": conclusions.RULE,
            "conclusions": [c._asdict() for c in found],
        }
        return write_sweep(
            self.output, table=table, train=self.context.train, document=document, draw=draw,
            tables=tables or {},
        )  # fmt: skip


def open_sweep(
    subcommand: str,
    data: str | Path,
    run: str | Path,
    output: str | Path,
    *,
    config: SweepConfig,
    progress: Progress | None = None,
) -> Sweep:
    """Open run and data, and refuse bad input before any training.

    Args and errors: those of ``subcommands.evaluate_sweep``.
    """
    folder, out, progress = RunFolder(Path(run)), Path(output), progress or Progress()
    summary = folder.read_summary()
    output_folder = open_output(out, summary.root, summary.data)
    if isinstance(config, RankedSweepConfig):
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
    context = open_context(data, folder, config, out, progress=progress, true_labels=true_labels)
    return Sweep(
        subcommand=subcommand, data=data, run=folder, output=output_folder, config=config,
        context=context, progress=progress, true_labels=true_labels,
    )  # fmt: skip


def remove(sweep: Sweep, config: EasiestConfig | HardestConfig) -> SweepResult:
    """Train without the easiest, or without the hardest, images."""
    kind = sweep.subcommand
    subsets = removal_subsets(
        sweep, sweep.context.images, config.scores(), config.shares(), kind=kind
    )
    table = sweep.train(subsets)

    def draw(folder: Path) -> None:
        title = f"Trained without the {kind} images"
        plots.draw_sweep(folder, table, f"share of the {kind} images removed", title)
        if len(config.shares()) == 1:
            plots.draw_epochs(folder, table, subsets, title)

    return sweep.finish(table, conclusions.of_removal(table, kind), draw)


def removal_subsets(
        sweep: Sweep, images: RankedImages, scores: Sequence[str], shares: Sequence[Decimal], *,
    kind: str,
) -> list[Subset]:  # fmt: skip
    """The controls, then what remains by each score at each share."""
    labels, epochs, choice = sweep.context.train.labels, sweep.context.epochs, sweep.choice
    subsets = [
        single_phase(
            score, share, [without(images, kind, score, share, choice=choice)], labels,
            epochs=epochs,
        )
        for score in scores
        for share in shares
    ]  # fmt: skip
    n_kept = {p.position: len(p.draws[0][0].rows) for p in subsets[: len(shares)]}
    return [*sweep.controls(n_kept, images, labels), *subsets]


def windows(sweep: Sweep, config: WindowConfig) -> SweepResult:
    """Train on windows of the ranking."""
    subsets = window_subsets(sweep, config, sweep.context.images, sweep.context.train.labels)
    table = sweep.train(subsets)

    def draw(folder: Path) -> None:
        title = f"Trained on windows of {conclusions.as_percent(config.share())} of the ranking"
        plots.draw_sweep(folder, table, plots.START, title)
        if len(config.starts()) == 1:
            plots.draw_epochs(folder, table, subsets, title)

    return sweep.finish(table, conclusions.of_windows(table), draw)


def window_subsets(
    sweep: Sweep,
    config: WindowConfig,
    images: RankedImages,
    labels: NDArray[np.int64],
    *,
    whose: str = GIVEN,
) -> list[Subset]:
    """The controls, then the windows of each score."""
    n_kept = window_size(len(images.ids), config.share())
    subsets = sweep.controls({None: n_kept}, images, labels, whose=whose)
    for score in config.scores():
        for start in config.starts():
            rows = window(images, score, start, config.share(), choice=sweep.choice)
            subset = single_phase(
                score, start, [rows], labels, epochs=sweep.context.epochs, whose=whose
            )
            subsets.append(subset)
    return subsets
