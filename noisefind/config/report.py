"""The options of ``noisefind report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisefind.config.option import BaseConfig, option


@dataclass(frozen=True)
class ReportConfig(BaseConfig):
    """The options of ``noisefind report``."""

    images: int = option(
        500, "Report", "Images shown with a picture: a fair share for each kind of finding, then "
        "the worst labels. All images are in the table. 0: no pictures. The data is not needed "
        "then.", low=0, high=20_000,
    )  # fmt: skip
    format: list[str] = option(
        [], "Output", "Also write all scored images, next to the page: label-studio (tasks with "
        "pre-annotations), fiftyone, huggingface (metadata.jsonl), cleanlab (a table under its "
        "column names). May be repeated.",
        choices=("label-studio", "fiftyone", "huggingface", "cleanlab"),
    )  # fmt: skip
    data: Path | None = option(
        None, "Report", "Folder of the images, if they have moved since they were scored."
    )
