"""``noisefind evaluate curriculum``: from easy to hard and back, in phases that add images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.experiments import conclusions as verdict
from noisefind.experiments import plots
from noisefind.experiments.subsets import FULL, RANDOM, Point, Stage, kept, simple
from noisefind.pruning.rules import Rule
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from pathlib import Path

    from noisefind.config import CurriculumConfig
    from noisefind.experiments.files import SweepResult
    from noisefind.experiments.subsets import Choice, Images
    from noisefind.experiments.sweep import Sweep

# what is dropped so that the phase holds the images that come first
DIRECTIONS = {"easy-first": "hardest", "hard-first": "easiest"}


def curriculum(sweep: Sweep, config: CurriculumConfig) -> SweepResult:
    """Train in phases by each score in both directions, beside random order and all data."""
    parts, images, labels = config.parts(), sweep.bench.images, sweep.bench.train.labels
    seeds = [derived_seed(config.seed, "random subset", n) for n in range(config.seeds)]
    by_chance = tuple(
        stages(images, "random", "", parts, sweep.choice._replace(seed=seed)) for seed in seeds
    )
    points = [
        simple(FULL, None, [images.rows], labels, sum(epochs for epochs, _ in parts)),
        Point(RANDOM, None, by_chance, labels),
    ]
    for score in config.scores():
        for direction, dropped in DIRECTIONS.items():
            phases = stages(images, dropped, score, parts, sweep.choice)
            points.append(Point(f"{score}-{direction}", None, (phases,), labels))
    table = sweep.train(points, restart=config.restart)

    def draw(folder: Path) -> None:
        title = "Trained in phases that add images"
        plots.draw_ways(folder, table, {}, title)
        plots.draw_epochs(folder, table, points, title)

    return sweep.finish(table, verdict.of_ways(table), draw)


def stages(
    images: Images, dropped: str, score: str, parts: Sequence[tuple[int, Decimal]], choice: Choice
) -> tuple[Stage, ...]:
    """The stages of one training: of each, what is left when ``dropped`` images are taken out."""
    found = []
    for epochs, share in parts:
        rule = Rule(dropped, fraction=float(1 - share), by=score, seed=choice.seed)  # type: ignore[arg-type]
        found.append(Stage(kept(images, rule, choice), epochs))
    return tuple(found)
