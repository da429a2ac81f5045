"""Splits of a sweep: images for training, validation and test.

Test images are those of ``--test``, else those that ``score --hold-out`` set aside, else the split
``test`` of DATA. Test and validation images are removed before any subset is chosen, so no subset
can hold one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind.config import DataConfig, SweepConfig
from noisefind.data.archive import is_archive
from noisefind.data.layout import matcher
from noisefind.data.open import open_dataset
from noisefind.data.splits import stratified_sample
from noisefind.data.table import read_table
from noisefind.errors import ConfigError, DataError
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.runs.folder import RunFolder
    from noisefind.runs.ranking import Ranking
    from noisefind.utils.progress import Progress

VALIDATION = 0.1  # share of the training images for validation, where the data has no such split


@dataclass(frozen=True)
class Sources:
    """The images of each source, with the class numbers of that source.

    ``validation`` is None where the data has no such split.
    """

    scored: Dataset
    validation: Dataset | None
    test: Dataset
    test_from: str


@dataclass(frozen=True)
class Splits:
    """The images of each split; all class numbers are those of ``train``.

    Attributes:
        is_train: which of the scored images are in ``train``: all but those of other splits.
        train: N images with the run's labels.
        is_learned: (N,) those that subsets are chosen from; the rest is for validation.
        is_validated: which of the images of the split validation count; None without that split.
        validation: (V,) their labels, or those of the rest of ``train``.
        is_tested: which of the test images count: those whose class can be learned.
        test: (T,) their labels.
    """

    is_train: NDArray[np.bool_]
    train: Dataset
    is_learned: NDArray[np.bool_]
    is_validated: NDArray[np.bool_] | None
    validation: NDArray[np.int64]
    is_tested: NDArray[np.bool_]
    test: NDArray[np.int64]


def open_sources(
    data: str | Path, run: RunFolder, config: SweepConfig, *, cache: Path, progress: Progress
) -> Sources:
    """Find the images of a run again, and those for validation and test.

    Raises:
        ConfigError: there are no test images.
        DataError: the data is not what was scored.
    """
    summary = run.read_summary()
    scored = summary.score_config()

    def opened(place: str | Path, chosen: DataConfig) -> Dataset:
        dataset = open_dataset(place, chosen, cache_dir=cache, say=progress.say)
        return replace(dataset, view=summary.view)

    listed = scored if scored.only_listed else replace(scored, labels=None)
    source = opened(data, listed)
    whole = opened(data, replace(scored, split="all", only_listed=False))
    validation = _split(whole, "validation")
    if config.test is not None:
        has_folders = Path(config.test).is_dir() or is_archive(Path(config.test))
        others = DataConfig(
            split="all",
            class_names=scored.class_names,
            class_depth=scored.class_depth if has_folders else None,
            cifar_labels=scored.cifar_labels,
        )
        other = opened(config.test, others)
        patterns = [matcher(pattern) for pattern in scored.exclude]  # may match nothing here
        is_taken = [not any(matches(id_) for matches in patterns) for id_ in other.ids]
        other = other.only(np.array(is_taken, dtype=np.bool_))
        return Sources(source, validation, _split(other, "test") or other, f"--test {config.test}")
    if run.held_out.exists():
        held = {id_: row.label for id_, row in read_table(run.held_out).items()}
        is_held = _among(source, held)
        _require_all(len(held), int(is_held.sum()), f"{run.held_out} lists")
        test = with_labels(source.only(is_held), held)
        return Sources(source.only(~is_held), validation, test, "set aside by --hold-out")
    own = _split(whole, "test")
    if own is None:
        raise ConfigError(
            f"{data} has no split test to measure accuracy on; give --test DATA2, or score it "
            "again with --hold-out 0.2"
        )
    return Sources(source, validation, own, "split test")


def settle(sources: Sources, ranking: Ranking, seed: int, progress: Progress) -> Splits:
    """Assign the run's labels, and remove validation and test images from training.

    Args:
        sources: their readable images.
        ranking: of the run.
        seed: of the draw of validation images, where the data has no split for them.
        progress: receives what is left out.

    Raises:
        DataError: images of the run are missing, or too few are left.
    """
    is_train = _among(sources.scored, set(ranking.ids))
    _require_all(len(ranking), int(is_train.sum()), "the run scored")
    apart = _places(sources.test) | _places(sources.validation)
    is_apart = np.array([place in apart for place in _place_list(sources.scored)], dtype=np.bool_)
    if (is_train & is_apart).any():
        n_apart = int((is_train & is_apart).sum())
        progress.say(f"{n_apart:,} images of the run are test or validation images: not trained on")
    is_train &= ~is_apart
    if not is_train.any():
        raise DataError("all images that the run scored are test or validation images")
    train = with_labels(
        sources.scored.only(is_train), dict(zip(ranking.ids, ranking.given_labels, strict=True))
    )
    is_tested, test = _known(sources.test, train.classes, "test", progress)
    if sources.validation is not None:
        is_validated, validation = _known(sources.validation, train.classes, "validation", progress)
        return Splits(
            is_train=is_train, train=train, is_learned=np.ones(len(train), dtype=np.bool_),
            is_validated=is_validated, validation=validation, is_tested=is_tested, test=test,
        )  # fmt: skip
    aside = stratified_sample(train.ids, train.labels, VALIDATION, derived_seed(seed, "validation"))
    if not aside.any():
        raise DataError(f"{len(train):,} images are too few to set a tenth aside for validation")
    return Splits(
        is_train=is_train, train=train, is_learned=~aside, is_validated=None,
        validation=train.labels[aside], is_tested=is_tested, test=test,
    )  # fmt: skip


def with_labels(dataset: Dataset, labels: Mapping[str, str]) -> Dataset:
    """The dataset with other labels; ids that are not in ``labels`` keep theirs."""
    names = [
        labels.get(id_, dataset.classes[label])
        for id_, label in zip(dataset.ids, dataset.labels.tolist(), strict=True)
    ]
    classes = sorted(set(names))
    number = {name: n for n, name in enumerate(classes)}
    return replace(
        dataset, classes=tuple(classes), labels=np.array([number[n] for n in names], np.int64)
    )


def _known(
    dataset: Dataset, classes: tuple[str, ...], name: str, progress: Progress
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """A mask of the images that have a class of the training data, and the number of the class."""
    number = {class_: n for n, class_ in enumerate(classes)}
    numbers = np.array([number.get(class_, -1) for class_ in dataset.classes])[dataset.labels]
    is_known = numbers >= 0
    if not is_known.any():
        raise DataError(
            f"no {name} image has a class of the training data: {dataset.classes[0]!r} against "
            f"{classes[0]!r}"
        )
    if not is_known.all():
        n_other = int((~is_known).sum())
        progress.say(f"{n_other:,} {name} images are left out: no training image has their class")
    return is_known, numbers[is_known].astype(np.int64)


def _split(dataset: Dataset, name: str) -> Dataset | None:
    is_in = np.array([split == name for split in dataset.splits])
    return dataset.only(is_in) if is_in.any() else None


def _among(dataset: Dataset, ids: Container[str]) -> NDArray[np.bool_]:
    return np.array([id_ in ids for id_ in dataset.ids], dtype=np.bool_)


def _require_all(n_wanted: int, n_found: int, what: str) -> None:
    if n_found < n_wanted:
        raise DataError(
            f"{n_wanted - n_found:,} of the {n_wanted:,} images that {what} are missing or "
            "cannot be read; give the data that was scored"
        )


def _place_list(dataset: Dataset) -> list[str]:
    """Absolute paths of the images, which are the same for every root."""
    root = dataset.root.resolve()
    return [str(root / id_) for id_ in dataset.ids]


def _places(dataset: Dataset | None) -> set[str]:
    return set() if dataset is None else set(_place_list(dataset))
