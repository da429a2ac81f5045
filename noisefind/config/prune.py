"""The options of ``noisefind prune``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisefind.config.option import SHARE, BaseConfig, fail_over_option, option


@dataclass(frozen=True)
class PruneConfig(BaseConfig):
    """The options of ``noisefind prune``; ``pruning`` applies the rules."""

    drop: list[str] = option(
        [], "Rules", "What to drop. May be repeated and is applied in the order given. noise: the "
        "label issues. This is the default without a rule and without --decisions. hardest, "
        "easiest: by a score. random: by chance. coverage: a third of the share from the hardest "
        "images, the rest uniformly over the range of difficulty (CCS). duplicates: all but the "
        "easiest image of each group of duplicates.",
        choices=("noise", "hardest", "easiest", "random", "coverage", "duplicates"),
    )  # fmt: skip
    fraction: list[float] = option(
        [], "Rules", "Share of all readable images that a --drop removes. One for all rules, or "
        "one for each in order.", low=0.0, high=1.0, pattern=SHARE,
    )  # fmt: skip
    by: list[str] = option(
        [], "Rules", "Score that orders the images by difficulty. One for all rules, or one for "
        "each in order. Default: aum.",
    )  # fmt: skip
    window: str | None = option(
        None, "Rules", "Keep this part of the ranking from easiest (0) to hardest (1): LOW:HIGH, "
        "as 0.3:0.7 or 30%:70%.",
    )  # fmt: skip
    seed: int = option(0, "Rules", "Seed of random choices and of ties.", low=0, high=2**31 - 1)
    balance: bool = option(
        False, "Rules", "Apply each rule within every class. Class shares stay the same."
    )
    min_per_class: int = option(
        1, "Rules", "Keep at least this number of images per class.", low=0, high=2**31 - 1
    )
    decisions: list[str] = option(
        [], "Review", "CSV file of decisions from the report, or JSON export of Label Studio. "
        "May be repeated, once for each reviewer. Decisions take precedence over the rules. "
        "Flagged images that nobody decided stay, unless --drop noise is given. No rule for "
        "label issues drops what a reviewer kept, relabelled or was unsure of.",
    )  # fmt: skip
    format: list[str] = option(
        [], "Output", "Also write: txt (paths), npy (row numbers), imagefolder (a tree of links), "
        "label-studio (tasks with pre-annotations), fiftyone, huggingface (metadata.jsonl), "
        "cleanlab (a table under its column names). May be repeated.",
        choices=(
            "txt", "npy", "imagefolder", "label-studio", "fiftyone", "huggingface", "cleanlab",
        ),
    )  # fmt: skip
    copy: bool = option(False, "Output", "imagefolder: copy the files instead of linking them.")
    data: Path | None = option(
        None, "Output", "Folder of the images, if they have moved since they were scored."
    )
    fail_over: float | None = fail_over_option()
