"""Options that choose images and labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisefind.config.option import BaseConfig, option


@dataclass(frozen=True)
class DataConfig(BaseConfig):
    """Images and labels of DATA; shared by the commands that open it."""

    split: str | None = option(
        None, "Common", "Split to take: train, validation, test or all. Default: train if there "
        "are splits.",
    )  # fmt: skip
    labels: Path | None = option(
        None, "Common", "Table (file_name,label). Its labels replace the given ones."
    )
    only_listed: bool = option(False, "Data", "Take only the images that --labels lists.")
    root: Path | None = option(
        None, "Data", "Folder that paths in a table are relative to. Default: the table's folder."
    )
    path_column: str | None = option(
        None, "Data", "Column of a table that holds the paths. Default: file_name, or the only one "
        "with such a name.",
    )  # fmt: skip
    label_column: str | None = option(
        None, "Data", "Column of a table that holds the labels. Default: label, or the only one "
        "with such a name.",
    )  # fmt: skip
    skip_missing: bool = option(
        False, "Data", "Leave out rows of a table that have no image or no label, or appear twice "
        "with one label.",
    )  # fmt: skip
    class_names: Path | None = option(
        None,
        "Data",
        "Text file with one class name per line, for labels that are numbers from 0.",
    )
    class_depth: int | None = option(
        None, "Data", "Which folder on the way to an image is its class: 1 is a folder in DATA. "
        "Default: by what the folders hold.", low=1, high=100,
    )  # fmt: skip
    exclude: list[str] = option(
        [], "Data", "Pattern of images to leave out, as 'masks' or '*_mask.png': the name of a "
        "file, of a folder, or the whole path in DATA. May be repeated.",
    )  # fmt: skip
    cifar_labels: str = option("fine", "Data", "Labels of CIFAR-100.", choices=("fine", "coarse"))
