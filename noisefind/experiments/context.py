"""The bench of a sweep: the images that subsets are chosen from, and a trainer that is ready."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.experiments.splits import open_sources, run_config, with_labels
from noisefind.experiments.subsets import Images
from noisefind.utils.cache import cache_folder, cache_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.config import SweepConfig
    from noisefind.data.dataset import Dataset
    from noisefind.runs.folder import Ranking, RunFolder
    from noisefind.training.subsets import TrainSubsets
    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class Bench:
    """All that a sweep needs of its data.

    Attributes:
        train: N images with the run's labels; some may be validated on.
        images: the M of them that subsets are chosen from, as the run ranks them.
        trainer: trains jobs.
        network: that it trains.
        batch_size: images per step.
        epochs: of a training on the full data.
        cache: folder of the curves.
        key: all that decides a curve besides its job.
        facts: what is told of the data.
    """

    train: Dataset
    images: Images
    trainer: TrainSubsets
    network: str
    batch_size: int
    epochs: int
    cache: Path
    key: str
    facts: dict[str, Any]


def images_of(train: Dataset, is_learned: NDArray[np.bool_], ranking: Ranking) -> Images:
    """The images that subsets are chosen from, as a run ranks them; joined by id."""
    rows = np.flatnonzero(is_learned)
    ids = [train.ids[row] for row in rows]
    place = {id_: number for number, id_ in enumerate(ranking.ids)}
    order = np.array([place[id_] for id_ in ids])
    number = {name: n for n, name in enumerate(train.classes)}
    given = [number[ranking.given_labels[row]] for row in order]
    # a class that only images apart have cannot be learned: then the label stays
    suggested = [
        number.get(ranking.predicted_labels[row], own)
        for row, own in zip(order, given, strict=True)
    ]
    return Images(
        ids=ids,
        rows=rows,
        labels=np.array(given, np.int64),
        is_label_issue=ranking.is_label_issue[order],
        suggested=np.array(suggested, np.int64),
        hardness={name: values[order] for name, values in ranking.hardness().items()},
    )


def open_bench(
    data: str | Path,
    run: RunFolder,
    config: SweepConfig,
    out: Path,
    progress: Progress,
    true_labels: Mapping[str, str] | None = None,
) -> Bench:
    """Everything up to the first training; test images get their ``true_labels`` where known.

    Raises:
        NoisefindError: there is nothing to test on, the data is not what was scored, or the
            network cannot be trained.
    """
    cache = cache_folder(config.cache_dir, out / "cache")
    ranking, scored = run.read_ranking(), run_config(run.read_summary())
    sources = open_sources(data, run, config, cache, progress)
    if true_labels:
        sources = replace(sources, test=with_labels(sources.test, true_labels))
    from noisefind.experiments.trainer import open_machine  # imports torch: seconds

    machine = open_machine(sources, ranking, scored.max_pixels, config, cache, progress)
    parts, recipe = machine.parts, machine.recipe
    key = cache_key(
        parts.train.fingerprint, len(parts.train.classes),
        np.flatnonzero(parts.is_learned).tolist(), parts.validation.tolist(),
        parts.test.tolist(), machine.key,
    )  # fmt: skip
    facts = {
        "n_train": int(parts.is_learned.sum()),
        "n_classes": len(parts.train.classes),
        "n_validation": len(parts.validation),
        "validation_from": "a tenth of the training images, stratified"
        if parts.is_validated is None
        else "split validation",
        "n_test": len(parts.test),
        "test_from": sources.test_from,
        "fingerprint": parts.train.fingerprint,
        "recipe": asdict(recipe),
        "device": machine.device,
    }
    progress.say(
        f"{facts['n_train']:,} images to learn from, {facts['n_validation']:,} to validate on "
        f"({facts['validation_from']}), {facts['n_test']:,} to test on ({facts['test_from']})"
    )
    return Bench(
        replace(parts.train, images=[]),  # pixels come from the store: frees a CIFAR
        images_of(parts.train, parts.is_learned, ranking),
        machine.trainer, config.network, recipe.batch_size, recipe.epochs, cache / "sweeps", key,
        facts,
    )  # fmt: skip
