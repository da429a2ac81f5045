"""The options of ``noisefind report``, in the manner of definitions.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisefind.config.option import BaseConfig, option


@dataclass(frozen=True)
class ReportConfig(BaseConfig):
    """The options of ``noisefind report``."""

    images: int = option(
        500, "Report", "Images shown with a picture, worst first; all others stand in the table. "
        "0: no pictures, and the data need not be there.", low=0, high=20_000,
    )  # fmt: skip
    format: list[str] = option(
        [], "Output", "Also write beside the page, of all scored images: label-studio (tasks with "
        "pre-annotations), fiftyone, huggingface (metadata.jsonl), cleanlab (a table under its "
        "column names). May be repeated.",
        choices=("label-studio", "fiftyone", "huggingface", "cleanlab"),
    )  # fmt: skip
    data: Path | None = option(
        None, "Report", "Where the images are now, if they have moved since they were scored."
    )
