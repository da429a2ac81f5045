"""The options of ``noisefind evaluate``, in the manner of definitions.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from noisefind.config.definitions import InjectConfig, ScoreConfig
from noisefind.config.option import BaseConfig, option


@dataclass(frozen=True)
class DetectionConfig(BaseConfig):
    """The options of ``noisefind evaluate detection``."""

    draws: int = option(
        1000, "Intervals", "Bootstrap draws of the images, for 95 % intervals; 0: none.",
        low=0, high=100_000,
    )  # fmt: skip
    seed: int = option(0, "Intervals", "Seed of the draws.", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class SelftestConfig(ScoreConfig):
    """The options of ``noisefind evaluate selftest``: those of ``score``, and what to plant."""

    kind: str = option(
        "symmetric", "Noise", "Label noise to plant, as of noisefind inject.",
        choices=("symmetric", "pair", "moved"),
    )  # fmt: skip
    fraction: str = option("0.05,0.1,0.2", "Noise", "Shares of labels to change, by commas.")
    seeds: int = option(
        3, "Noise", "Runs of each share, with seeds from --seed on.", low=1, high=99
    )

    def fractions(self) -> list[float]:
        """The shares, each checked as the one of ``inject`` is."""
        parts = self.fraction.split(",")
        return sorted({InjectConfig(fraction=cast("Any", part)).fraction for part in parts})


@dataclass(frozen=True)
class ExamplesConfig(BaseConfig):
    """The options of ``noisefind evaluate examples``."""

    by: str = option("label_score", "Examples", "Score that says what is hard.")
    top: int = option(25, "Examples", "How many images are shown.", low=1, high=200)
    easiest: bool = option(False, "Examples", "Show the other end of the score.")
    data: Path | None = option(
        None, "Examples", "Where the images are now, if they have moved since they were scored."
    )


@dataclass(frozen=True)
class EmbeddingConfig(BaseConfig):
    """The options of ``noisefind evaluate embedding``."""

    sample: int = option(
        2000, "Embedding", "Images to show at most; by chance where there are more.",
        low=2, high=20_000,
    )  # fmt: skip
    seed: int = option(0, "Embedding", "Seed of the choice and of the map.", low=0, high=2**31 - 1)
