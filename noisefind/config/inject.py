"""The options of ``noisefind inject``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisefind.config.data import DataConfig
from noisefind.config.option import SHARE, option

NOISE_KINDS = ("symmetric", "pair", "asymmetric", "moved", "confusion")


@dataclass(frozen=True)
class InjectConfig(DataConfig):
    """The options of ``noisefind inject``; ``noise`` applies the kinds."""

    kind: str = option(
        "symmetric", "Noise", "symmetric: any other class. pair: the next class. asymmetric: by "
        "--matrix. moved: any other class, with equal shares from all classes. confusion: the "
        "images and wrong classes that are plausible by --run.", choices=NOISE_KINDS,
    )  # fmt: skip
    fraction: float = option(
        0.1, "Noise", "Share of all labels that change, rounded to whole images.",
        low=0.0, high=1.0, pattern=SHARE,
    )  # fmt: skip
    seed: int = option(0, "Noise", "Seed of every random choice.", low=0, high=2**31 - 1)
    matrix: Path | None = option(
        None, "Noise", "For asymmetric. YAML file of lines `class: other class`, or CSV file of "
        "C x C shares with one row per true class. Each row adds up to 1.",
    )  # fmt: skip
    run: Path | None = option(None, "Noise", "For confusion: folder of a finished run on DATA.")
    format: list[str] = option(
        [], "Output", "Also write: imagefolder (a tree of links under the noisy labels).",
        choices=("imagefolder",),
    )  # fmt: skip
    copy: bool = option(False, "Output", "imagefolder: copy the files instead of linking them.")
