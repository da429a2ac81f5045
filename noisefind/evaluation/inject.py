"""The command ``noisefind inject``: label noise in a table beside the data, with its ground truth.

labels.csv        file_name,label,true_label: every image of the chosen split, sorted
imagefolder/      <split>/<class>/<name>: links under the noisy labels    format "imagefolder"
imagefolder.csv   labels.csv again, with the names that the images have in imagefolder/
injection.json    requested and realised noise, seed, matrix, fingerprint; written last
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from noisefind import noise
from noisefind._version import __version__
from noisefind.config import InjectConfig
from noisefind.data.open import open_dataset
from noisefind.errors import ConfigError
from noisefind.evaluation.noise_matrix_file import read_matrix
from noisefind.exports.image_tree import require_tree, write_image_tree
from noisefind.runs.folder import RunFolder
from noisefind.runs.output import open_output
from noisefind.runs.predictions import mean_predictions
from noisefind.utils.cache import cache_folder
from noisefind.utils.files import write_csv, write_json
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress
from noisefind.utils.text import card, with_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset

FORMAT = 1
COLUMNS = ("file_name", "label", "true_label")
_TREE = "imagefolder"
_FILES = ("injection.json", "labels.csv", "imagefolder.csv", _TREE)


@dataclass(frozen=True)
class InjectResult:
    """The injected noise; everything is in the output folder too.

    Attributes:
        dataset: the N images with the labels that count as true.
        noise: the N noisy labels as rows of ``dataset.classes``, and where they differ.
        output: the folder.
        summary: what injection.json holds.
    """

    dataset: Dataset
    noise: noise.Noise
    output: Path
    summary: dict[str, Any]

    def __repr__(self) -> str:
        n_images, n_changed = len(self.dataset), int(self.noise.is_changed.sum())
        return card(
            f"InjectResult {self.output}",
            images=n_images,
            changed_labels=with_share(n_changed, n_images),
            kind=self.summary["kind"],
            labels=self.labels_file,
        )

    @property
    def labels_file(self) -> Path:
        """The table for ``score --labels`` and ``evaluate detection --truth``."""
        return self.output / "labels.csv"


@displays_progress
def inject(
    data: str | Path,
    output: str | Path,
    config: InjectConfig | None = None,
    *,
    progress: Progress | Literal[False] | None = None,
) -> InjectResult:
    """Write a table in which some labels are wrong; the data itself is only read.

    Exactly ``round(fraction * N)`` of the N labels change, each to a different class of the data.

    Args:
        data: the same kinds of data as for ``score``.
        output: the output folder, new or empty.
        config: the options; None for the defaults, 10 % symmetric noise.
        progress: receives messages about a download; None: they are shown on stderr where a
            person watches; False: nothing is printed.

    Returns:
        The data with its labels, the noisy labels with the mask of changes, the output folder and
        the content of injection.json (``summary``).

    Raises:
        ConfigError: the options contradict each other, or so many labels cannot change that way.
        DataError: the data cannot be read.
        RunError: ``output`` is not empty, or ``config.run`` is not the folder of a finished run.

    Examples:
        ```python
        result = noisefind.inject("photos", "noise", noisefind.InjectConfig(fraction=0.05))
        print(result.noise.is_changed.sum())  # noise/labels.csv has label and true_label
        ```
    """
    config, out = config or InjectConfig(), Path(output)
    _check_options(config)
    dataset = open_dataset(
        data,
        config,
        cache_dir=cache_folder(None, out / "cache"),
        say=(progress or Progress()).say,
    )
    output_folder = open_output(out, dataset.root, data)
    noisy = inject_noise(dataset, config)
    summary = _summary(data, dataset, noisy, config)
    names = np.array(dataset.classes, dtype=object)
    labels, true_labels = names[noisy.labels].tolist(), names[dataset.labels].tolist()
    with output_folder.write(_FILES) as folder:
        write_csv(
            folder / "labels.csv", COLUMNS, zip(dataset.ids, labels, true_labels, strict=True)
        )
        if _TREE in config.format:
            images = list(zip(dataset.ids, labels, dataset.splits, strict=True))
            places = write_image_tree(images, folder / _TREE, dataset, copy=config.copy)
            rows = zip(places, labels, true_labels, strict=True)
            write_csv(folder / "imagefolder.csv", COLUMNS, sorted(rows))
        write_json(folder / "injection.json", summary)
    return InjectResult(dataset, noisy, out, summary)


def inject_noise(dataset: Dataset, config: InjectConfig) -> noise.Noise:
    """The noise that ``config`` describes; no file is written.

    Raises:
        ConfigError, RunError: as for ``inject``.
    """
    labels, n_classes = dataset.labels, len(dataset.classes)
    n_changed = round(config.fraction * len(dataset))
    if n_changed == 0:
        raise ConfigError(
            f"--fraction {config.fraction:g} of {len(dataset):,} labels is none; "
            f"give {1 / len(dataset):.3g} or more"
        )
    rng = np.random.default_rng(config.seed)
    if config.kind == "symmetric":
        return noise.symmetric(labels, n_classes, n_changed, rng)
    if config.kind == "confusion":
        return _by_run(dataset, cast("Path", config.run), n_changed, rng)
    if config.kind == "asymmetric":
        matrix = read_matrix(cast("Path", config.matrix), dataset.classes)
    elif config.kind == "pair":
        matrix = noise.pair_matrix(n_classes)
    else:
        matrix = noise.uniform_matrix(n_classes)
    counts = noise.quotas(labels, matrix, n_changed, rng)
    _require_room(dataset, counts)
    return noise.by_matrix(labels, matrix, counts, rng)


def _check_options(config: InjectConfig) -> None:
    for kind, name, value in (
        ("asymmetric", "matrix", config.matrix),
        ("confusion", "run", config.run),
    ):
        if config.kind == kind and value is None:
            raise ConfigError(f"--kind {kind} needs --{name}")
        if config.kind != kind and value is not None:
            raise ConfigError(f"--{name} is for --kind {kind}, not for --kind {config.kind}")
    require_tree(config.format, copy=config.copy)


def _require_room(dataset: Dataset, counts: NDArray[np.int64]) -> None:
    """ConfigError where a class would lose more images than it has."""
    sizes = np.bincount(dataset.labels, minlength=len(counts))
    short = int(np.argmax(counts - sizes))
    if not counts.any():
        raise ConfigError("--matrix changes no class of the data: all are 0 off the diagonal")
    if counts[short] > sizes[short]:
        raise ConfigError(
            f"{counts.sum():,} changed labels in these proportions need {counts[short]:,} of "
            f"the {sizes[short]:,} images of class {dataset.classes[short]!r}; give a smaller "
            "--fraction"
        )


def _by_run(dataset: Dataset, run: Path, n_changed: int, rng: np.random.Generator) -> noise.Noise:
    """Confusion noise from the mean predicted probabilities of the members of a run."""
    ids, classes, mean = mean_predictions(RunFolder(run))
    row_of = {id_: row for row, id_ in enumerate(ids)}
    known = np.array([id_ in row_of for id_ in dataset.ids])
    if known.sum() < n_changed:
        raise ConfigError(
            f"--run {run}: has {known.sum():,} of the {len(dataset):,} images, too few to change "
            f"{n_changed:,} labels; score the same data and split, or give a smaller --fraction"
        )
    rows = [row_of[id_] for id_ in np.array(dataset.ids, dtype=object)[known]]
    probabilities = np.zeros((len(rows), len(dataset.classes)), dtype=mean.dtype)
    for column, name in enumerate(dataset.classes):
        if name in classes:
            probabilities[:, column] = mean[rows, classes.index(name)]
    part = noise.confusion(dataset.labels[known], probabilities, n_changed, rng)
    labels, is_changed = dataset.labels.copy(), np.zeros(len(dataset), dtype=np.bool_)
    labels[known], is_changed[known] = part
    return noise.Noise(labels, is_changed)


def _summary(
    data: str | Path, dataset: Dataset, noisy: noise.Noise, config: InjectConfig
) -> dict[str, Any]:
    """The content of injection.json; its matrix counts true class -> given class."""
    n_classes, n_changed = len(dataset.classes), int(noisy.is_changed.sum())
    pairs = np.bincount(dataset.labels * n_classes + noisy.labels, minlength=n_classes**2)
    matrix: dict[str, dict[str, int]] = {name: {} for name in dataset.classes}
    for pair in np.flatnonzero(pairs).tolist():
        true, given = divmod(pair, n_classes)
        matrix[dataset.classes[true]][dataset.classes[given]] = int(pairs[pair])
    return {
        "format": FORMAT,
        "version": __version__,
        "data": str(Path(data).absolute()) if Path(data).exists() else str(data),
        "fingerprint": dataset.fingerprint,
        "kind": config.kind,
        "seed": config.seed,
        "config": config.to_dict(),
        "n_images": len(dataset),
        "requested": {
            "fraction": config.fraction,
            "n_changed": round(config.fraction * len(dataset)),
        },
        "actual": {"fraction": n_changed / len(dataset), "n_changed": n_changed},
        "classes": list(dataset.classes),
        "matrix": matrix,
    }
