"""Images of a finished run: its dataset, opened again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from noisefind.config import DataConfig
from noisefind.data.open import open_dataset
from noisefind.data.records import is_table
from noisefind.errors import DataError
from noisefind.utils.cache import cache_folder

if TYPE_CHECKING:
    from noisefind.data.dataset import Dataset
    from noisefind.runs.folder import RunFolder
    from noisefind.runs.summary import RunSummary


def reopen(
    summary: RunSummary,
    folder: RunFolder,
    moved_to: Path | None = None,
    *,
    split: str | None = None,
    hint: str = "give their folder with --data DIR",
) -> Dataset:
    """The dataset that a run scored, with the labels that its files and folders have now.

    Args:
        summary: run.json.
        folder: the run.
        moved_to: where the images are now; None: where they were.
        split: another split than the one that was scored, or ``all``.
        hint: advice to the user if the images are missing.

    Raises:
        DataError: the images are missing.
    """
    scored = summary.score_config()
    data, root = Path(summary.data), scored.root
    if moved_to is not None and is_table(data) and not is_table(moved_to):
        root = moved_to  # the table stayed, its images have moved
    elif moved_to is not None:
        data = moved_to
    elif not data.exists() and not is_table(data):
        data = Path(summary.root)  # where ``cifar10`` was downloaded to
    gone = next((path for path in (data, root) if path and not path.exists()), None)
    if gone is not None:
        raise DataError(f"{gone}: the images are missing; {hint}")
    of = DataConfig(
        split=split or ("all" if scored.split is None else scored.split),
        root=root if is_table(data) else None,
        path_column=scored.path_column,
        label_column=scored.label_column,
        skip_missing=scored.skip_missing,
        class_names=scored.class_names,
        class_depth=scored.class_depth,
        exclude=scored.exclude,
        cifar_labels=scored.cifar_labels,
    )
    cache = cache_folder(None, folder.path / "cache")
    dataset = open_dataset(data, of, cache_dir=cache, say=lambda _: None)
    return replace(dataset, view=summary.view)


def image_root(root: Path, moved_to: Path | None) -> Path:
    """The folder that ids are relative to: ``root``, or the folder of ``--data``."""
    if moved_to is None:
        return root
    return moved_to.parent if is_table(moved_to) else moved_to
