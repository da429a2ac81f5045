"""``noisefind evaluate curriculum``: training in phases that add images, by difficulty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.experiments import conclusions, plots
from noisefind.experiments.subsets import FULL, RANDOM, Subset, SubsetPhase, kept, single_phase
from noisefind.pruning.rules import Rule
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.config import CurriculumConfig
    from noisefind.experiments.files import SweepResult
    from noisefind.experiments.subsets import Choice
    from noisefind.experiments.sweep import Sweep

# the images that a phase drops, so that it has the first ones of the order
DIRECTIONS = {"easy-first": "hardest", "hard-first": "easiest"}


def curriculum(sweep: Sweep, config: CurriculumConfig) -> SweepResult:
    """Train in phases by each score in both directions, in random order, and on all data."""
    plan, images, labels = config.phase_list(), sweep.context.images, sweep.context.train.labels
    seeds = [derived_seed(config.seed, "random subset", n) for n in range(config.seeds)]

    def phases(dropped: str, score: str, choice: Choice) -> tuple[SubsetPhase, ...]:
        """The phases of one training; each keeps its share and drops ``dropped`` images."""
        found = []
        for epochs, share in plan:
            rule = Rule(dropped, fraction=float(1 - share), by=score, seed=choice.seed)  # type: ignore[arg-type]
            found.append(SubsetPhase(kept(images, rule, choice), epochs))
        return tuple(found)

    by_chance = tuple(phases("random", "", sweep.choice._replace(seed=seed)) for seed in seeds)
    n_epochs = sum(epochs for epochs, _ in plan)
    subsets = [
        single_phase(FULL, None, [images.rows], labels, epochs=n_epochs),
        Subset(RANDOM, None, by_chance, labels),
    ]
    for score in config.scores():
        for direction, dropped in DIRECTIONS.items():
            draws = (phases(dropped, score, sweep.choice),)
            subsets.append(Subset(f"{score}-{direction}", None, draws, labels))
    table = sweep.train(subsets, restart=config.restart)

    def draw(folder: Path) -> None:
        title = "Trained in phases that add images"
        plots.draw_ways(folder, table, {}, title)
        plots.draw_epochs(folder, table, subsets, title)

    return sweep.finish(table, conclusions.of_ways(table), draw)
