"""The options of those subcommands of ``noisefind evaluate`` that analyse runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from noisefind.config.inject import InjectConfig
from noisefind.config.option import BaseConfig, option
from noisefind.config.score import EnsembleConfig


@dataclass(frozen=True)
class DetectionConfig(BaseConfig):
    """The options of ``noisefind evaluate detection``."""

    draws: int = option(
        1000, "Intervals", "Bootstrap draws of the images for 95 % intervals. 0: none.",
        low=0, high=100_000,
    )  # fmt: skip
    seed: int = option(0, "Intervals", "Seed of the draws.", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class SelftestConfig(EnsembleConfig):
    """The options of ``noisefind evaluate selftest``: those of a run, and the noise to inject."""

    kind: str = option(
        "symmetric", "Noise", "Label noise to inject, as in noisefind inject.",
        choices=("symmetric", "pair", "moved"),
    )  # fmt: skip
    fraction: str = option(
        "0.05,0.1,0.2", "Noise", "Shares of labels to change, separated by commas, as 5%,0.1."
    )
    seeds: int = option(
        3, "Noise", "Runs for each share. Their seeds count up from --seed.", low=1, high=99
    )

    def fractions(self) -> list[float]:
        """The shares, each checked like that of ``inject``."""
        parts = self.fraction.split(",")
        return sorted({InjectConfig(fraction=cast("Any", part)).fraction for part in parts})


@dataclass(frozen=True)
class ExamplesConfig(BaseConfig):
    """The options of ``noisefind evaluate examples``."""

    by: str = option("label_score", "Examples", "Score that orders the images.")
    top: int = option(25, "Examples", "Number of images to show.", low=1, high=200)
    easiest: bool = option(False, "Examples", "Show the other end of the score.")
    data: Path | None = option(
        None, "Examples", "Folder of the images, if they have moved since they were scored."
    )


@dataclass(frozen=True)
class EmbeddingConfig(BaseConfig):
    """The options of ``noisefind evaluate embedding``."""

    sample: int = option(
        2000, "Embedding", "Largest number of images on the map. If there are more, some "
        "are drawn at random.",
        low=2, high=20_000,
    )  # fmt: skip
    seed: int = option(0, "Embedding", "Seed of the choice and of the map.", low=0, high=2**31 - 1)
