"""Context of a sweep: the images that subsets are chosen from, and a trainer for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.experiments.splits import open_sources, with_labels
from noisefind.experiments.subsets import RankedImages
from noisefind.utils.cache import cache_folder, cache_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.config import SweepConfig
    from noisefind.data.dataset import Dataset
    from noisefind.runs.folder import RunFolder
    from noisefind.runs.ranking import Ranking
    from noisefind.training.subsets import TrainSubsets
    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class SweepContext:
    """All that a sweep needs of its data and its network.

    Attributes:
        train: N images with the run's labels; some may be for validation.
        images: the M of them that subsets are chosen from, as the run ranks them.
        trainer: trains jobs and yields their curves.
        network: the name of the trained network.
        batch_size: images per step.
        epochs: of a training on the full data.
        cache: folder of the curves.
        key: all that a curve depends on besides its job.
        facts: counts and sources of the data, for sweep.json.
    """

    train: Dataset
    images: RankedImages
    trainer: TrainSubsets
    network: str
    batch_size: int
    epochs: int
    cache: Path
    key: str
    facts: dict[str, Any]


def images_of(train: Dataset, is_learned: NDArray[np.bool_], ranking: Ranking) -> RankedImages:
    """The images that subsets are chosen from, in the ranking of a run; joined by id."""
    rows = np.flatnonzero(is_learned)
    ids = [train.ids[row] for row in rows]
    place = {id_: number for number, id_ in enumerate(ranking.ids)}
    order = np.array([place[id_] for id_ in ids])
    number = {name: n for n, name in enumerate(train.classes)}
    given = [number[ranking.given_labels[row]] for row in order]
    # no training image has the suggested class: the label stays
    suggested = [
        number.get(ranking.predicted_labels[row], own)
        for row, own in zip(order, given, strict=True)
    ]
    return RankedImages(
        ids=ids,
        rows=rows,
        labels=np.array(given, np.int64),
        is_label_issue=ranking.is_label_issue[order],
        suggested=np.array(suggested, np.int64),
        hardness={name: values[order] for name, values in ranking.hardness().items()},
    )


def open_context(
    data: str | Path,
    run: RunFolder,
    config: SweepConfig,
    out: Path,
    *,
    progress: Progress,
    true_labels: Mapping[str, str] | None = None,
) -> SweepContext:
    """Prepare everything up to the first training; test images get ``true_labels`` where listed.

    Raises:
        NoisefindError: there is nothing to test on, the data is not what was scored, or the
            network cannot be trained.
    """
    cache = cache_folder(config.cache_dir, out / "cache")
    ranking, scored = run.read_ranking(), run.read_summary().score_config()
    sources = open_sources(data, run, config, cache=cache, progress=progress)
    if true_labels:
        sources = replace(sources, test=with_labels(sources.test, true_labels))
    from noisefind.experiments.trainer import open_trainer  # imports torch: seconds

    ready = open_trainer(
        sources, ranking, config, max_pixels=scored.max_pixels, cache=cache, progress=progress
    )
    splits, recipe = ready.splits, ready.recipe
    key = cache_key(
        splits.train.fingerprint, len(splits.train.classes),
        np.flatnonzero(splits.is_learned).tolist(), splits.validation.tolist(),
        splits.test.tolist(), ready.key,
    )  # fmt: skip
    facts = {
        "n_train": int(splits.is_learned.sum()),
        "n_classes": len(splits.train.classes),
        "n_validation": len(splits.validation),
        "validation_from": "a tenth of the training images, stratified"
        if splits.is_validated is None
        else "split validation",
        "n_test": len(splits.test),
        "test_from": sources.test_from,
        "fingerprint": splits.train.fingerprint,
        "recipe": asdict(recipe),
        "device": ready.device,
    }
    progress.say(
        f"{facts['n_train']:,} images to learn from, {facts['n_validation']:,} to validate on "
        f"({facts['validation_from']}), {facts['n_test']:,} to test on ({facts['test_from']})"
    )
    return SweepContext(
        train=replace(splits.train, images=[]),  # pixels come from the store: frees a CIFAR
        images=images_of(splits.train, splits.is_learned, ranking), trainer=ready.trainer,
        network=config.network, batch_size=recipe.batch_size, epochs=recipe.epochs,
        cache=cache / "sweeps", key=key, facts=facts,
    )  # fmt: skip
