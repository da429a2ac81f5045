"""The options of ``noisefind score``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisefind.config.data import DataConfig
from noisefind.config.option import AUTO, SHARE, STRETCH, fail_over_option, option
from noisefind.config.presets import automatic_preset
from noisefind.config.training import TrainingConfig
from noisefind.errors import ConfigError


@dataclass(frozen=True)
class EnsembleConfig(TrainingConfig, DataConfig):
    """Options of a run: images, ensemble, training and scores."""

    members: int | str = option(AUTO, "Common", "Members of each kind.", low=1, high=1000)
    trajectory_members: int = option(
        0, "Ensemble", "Further members of each kind. If there are any, the scores flips and "
        "forgetting are computed from them alone.", low=0, high=1000,
    )  # fmt: skip
    trajectory_epochs: int | str = option(
        AUTO, "Ensemble", "Epochs of each of these further members. Auto: as many as --epochs.",
        low=1, high=10_000,
    )  # fmt: skip

    hold_out: float | None = option(
        None, "Data", "Share of each class to set aside before scoring. It becomes "
        "a test split for noisefind evaluate and is listed in held_out.csv.",
        low=0.0, high=0.9, pattern=SHARE,
    )  # fmt: skip
    leaks: bool = option(
        True, "Data", "Find scored images that are in another split too. Reads the images of "
        "all splits.",
    )  # fmt: skip
    max_pixels: int = option(
        100_000_000, "Data", "Images with more pixels than this are left out.", low=1, high=2**40
    )
    stretch: str = option(
        AUTO, "Data", "auto, none or LOW:HIGH, for images of more than 8 bits. auto: what is black "
        "and white is chosen by a sample of the images, the same for all. none: all 16 bits, and "
        "the own range of each image of floats. LOW:HIGH: the values of black and white.",
        pattern=STRETCH,
    )  # fmt: skip
    bands: str | None = option(
        None, "Data", "Three numbers from 1, as 4,3,2. The bands of a TIFF with several that are "
        "shown as red, green and blue. Needs the extra tiff.",
        pattern=r"[1-9]\d{0,4}(,[1-9]\d{0,4}){2}",
    )  # fmt: skip

    swav_epochs: int = option(200, "Features", "Epochs of --features swav.", low=1, high=100_000)
    swav_output: str = option(
        "backbone", "Features", "The 512 numbers of --features swav. backbone: output of the "
        "network. prototypes: scores for its prototypes.", choices=("backbone", "prototypes"),
    )  # fmt: skip

    never_learned: str = option(
        "top", "Scores", "Forgetting score of images that were never learned. top: the number of "
        "epochs. zero: 0, as in the thesis behind noisefind.", choices=("top", "zero"),
    )  # fmt: skip
    clusters: int | str = option(
        AUTO, "Scores", "Number of centres for km_distance. Auto: the elbow of the k-means curve.",
        low=1, high=10_000,
    )  # fmt: skip

    devices: str | None = option(
        None, "Hardware", "Several of cpu and cuda:N, separated by commas, instead of --device. "
        "Networks on pixels are trained in one process per device. These processes share the CPU "
        "threads. Everything else runs on the first device.",
        pattern=r"(cpu|cuda:\d+)(,(cpu|cuda:\d+))*",
    )  # fmt: skip

    def networks(self, *, on_gpu: bool) -> tuple[str, ...]:
        """The kinds of members, in the order given."""
        network = self.network
        if network == AUTO:
            network = str(automatic_preset(on_gpu=on_gpu)["network"])
        return tuple(network.split(","))


@dataclass(frozen=True)
class ScoreConfig(EnsembleConfig):
    """The options of ``noisefind score``.

    ``load.with_preset`` makes one from a preset.
    """

    pred_probs: list[str] = option(
        [], "Own model", "File of your model's out-of-sample predicted probabilities: .csv or "
        ".parquet (a column per class, ids in file_name), or .npy (ids in FILE.txt). No ensemble "
        "is trained. May be repeated: each file is a member.",
    )  # fmt: skip
    logits: bool = option(False, "Own model", "--pred-probs holds outputs before the softmax.")
    record: Path | None = option(
        None, "Own model", "Folder of noisefind.Recorder: what your own training predicted in each "
        "epoch. No ensemble is trained.",
    )  # fmt: skip

    fail_over: float | None = fail_over_option()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pred_probs and self.record is not None:
            raise ConfigError("--pred-probs and --record exclude each other: give one")
        if self.logits and not self.pred_probs:
            raise ConfigError("--logits has an effect only with --pred-probs: omit it")

    @property
    def has_own_model(self) -> bool:
        """Whether the predictions come from the user, so that no ensemble is trained."""
        return bool(self.pred_probs) or self.record is not None

    def networks(self, *, on_gpu: bool) -> tuple[str, ...]:
        """The kinds of members to train; none with predictions of the user."""
        return () if self.has_own_model else super().networks(on_gpu=on_gpu)
