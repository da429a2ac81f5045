"""The options of those subcommands of ``noisefind evaluate`` that train on subsets."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from noisefind.config.grid import parse_grid
from noisefind.config.option import AUTO, SHARE, option
from noisefind.config.training import TrainingConfig
from noisefind.errors import ConfigError


@dataclass(frozen=True)
class SweepConfig(TrainingConfig):
    """Options that all sweeps share. Images and scores are those of the run."""

    network: str = option(
        "probe", "Ensemble", "The network that is trained on every subset: one of those of "
        "noisefind score.", pattern="names",
    )  # fmt: skip
    seeds: int = option(
        3, "Sweep", "Trainings of each subset, and draws of each random subset. Their seeds count "
        "up from --seed.", low=1, high=99,
    )  # fmt: skip
    equal: str = option(
        "steps", "Sweep", "steps: a subset is trained for as many steps as the full data. Its "
        "images are seen more often. epochs: for as many epochs. A subset gets fewer steps.",
        choices=("steps", "epochs"),
    )  # fmt: skip
    balance: bool = option(
        False, "Subsets", "Choose within every class, also for random subsets. Class shares stay."
    )
    min_per_class: int = option(
        1, "Subsets", "Keep at least this number of images per class.", low=0, high=2**31 - 1
    )
    test: Path | None = option(
        None, "Data", "Images to test on: their split test, or all of them if there is none. "
        "Default: those set aside by score --hold-out, else the split test of DATA.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network == AUTO or "," in self.network:
            raise ConfigError(
                f"--network is {self.network!r}, but a sweep trains one network: give one, as "
                "--network cnn; it takes precedence over a preset"
            )

    def all_seeds(self) -> list[int]:
        """The seeds of the trainings."""
        return [self.seed + number for number in range(self.seeds)]


@dataclass(frozen=True)
class RankedSweepConfig(SweepConfig):
    """Options of the sweeps that order the images by scores."""

    by: str = option(
        "el2n,aum",
        "Sweep",
        "Scores that order the images, separated by commas.",
        pattern="names",
    )

    def scores(self) -> list[str]:
        """The scores of ``by``, in the order given."""
        return self.by.split(",")


@dataclass(frozen=True)
class _RemoveConfig(SweepConfig):
    remove: str = option(
        "0.1:0.7:0.1",
        "Sweep",
        "Shares to remove: FIRST:LAST:STEP, or a list with commas, as 10%,0.3.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.shares()

    def shares(self) -> list[Decimal]:
        """The shares to remove, rising."""
        return _inside("--remove", parse_grid("--remove", self.remove))


@dataclass(frozen=True)
class EasiestConfig(_RemoveConfig, RankedSweepConfig):
    """The options of ``noisefind evaluate easiest``."""


@dataclass(frozen=True)
class HardestConfig(_RemoveConfig, RankedSweepConfig):
    """The options of ``noisefind evaluate hardest``."""

    remove: str = option(
        "0.1:0.9:0.1",
        "Sweep",
        "Shares to remove: FIRST:LAST:STEP, or a list with commas, as 10%,0.3.",
    )


@dataclass(frozen=True)
class ClustersConfig(_RemoveConfig):
    """The options of ``noisefind evaluate clusters``."""

    k: str = option(
        "5,10,55,100,200", "Sweep", "Numbers of clusters to compare with that of the run, as 5,10.",
        pattern=r"[1-9]\d*(,[1-9]\d*)*",
    )  # fmt: skip

    def numbers(self) -> list[int]:
        """The numbers of clusters, rising."""
        return sorted(set(map(int, self.k.split(","))))


@dataclass(frozen=True)
class WindowConfig(RankedSweepConfig):
    """The options of ``noisefind evaluate window``."""

    width: str = option("0.4", "Sweep", "Share of the ranking in a window, as 0.4 or 40%.")
    start: str = option(
        "0:0.6:0.1",
        "Sweep",
        "Starts of the windows, from easiest (0) to hardest (1), as shares of the "
        "ranking: 0.3 or 30%.",
    )
    fine: str | None = option(None, "Sweep", "Further starts, as 0.5:0.6:0.01 or 50%:60%:1%.")
    inject: float | None = option(
        None, "Noise", "Also inject this share of label errors, score the data again, and compare "
        "the windows with and without them.", low=0.0, high=1.0, pattern=SHARE,
    )  # fmt: skip
    kind: str = option(
        "moved", "Noise", "Label noise of --inject, as in noisefind inject.",
        choices=("moved", "symmetric", "pair"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        last = self.starts()[-1]
        if last + self.share() > 1:
            raise ConfigError(
                f"--start {last}: a window of --width {self.width} from there ends beyond 1"
            )

    def share(self) -> Decimal:
        """The width of a window."""
        (width, *others) = parse_grid("--width", self.width)
        if others or width == 0:
            raise ConfigError(f"--width is {self.width!r}; it must be one share above 0, as 0.4")
        return width

    def starts(self) -> list[Decimal]:
        """All starts, rising."""
        fine = [] if self.fine is None else parse_grid("--fine", self.fine)
        return sorted({*parse_grid("--start", self.start), *fine})


@dataclass(frozen=True)
class CleanConfig(SweepConfig):
    """The options of ``noisefind evaluate clean``."""

    truth: Path | None = option(
        None, "Data", "Table with file_name and true_label. Also train without the "
        "labels that are wrong by it, and with the true labels. Test images get their true labels "
        "too.",
    )  # fmt: skip


@dataclass(frozen=True)
class CurriculumConfig(RankedSweepConfig):
    """The options of ``noisefind evaluate curriculum``."""

    phases: str = option(
        "10:0.5,5:0.6,5:0.7,5:0.8,5:0.9,40:1", "Sweep", "Phases of the training as EPOCHS:SHARE, "
        "separated by commas. Each phase takes the easiest (or hardest) share of the images, "
        "as 0.5 or 50%.",
        pattern=r"[1-9]\d{0,3}:[\d.]+%?(,[1-9]\d{0,3}:[\d.]+%?)*",
    )  # fmt: skip
    restart: bool = option(
        False, "Training", "Restart the schedule of the learning rate with each phase."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.phase_list()

    def phase_list(self) -> list[tuple[int, Decimal]]:
        """Epochs and share of each phase."""
        pairs = [part.split(":") for part in self.phases.split(",")]
        found = [(int(epochs), parse_grid("--phases", share)[0]) for epochs, share in pairs]
        if any(share == 0 for _, share in found):
            raise ConfigError(f"--phases is {self.phases!r}; a phase needs a share above 0")
        return found


SWEEPS: dict[str, type[SweepConfig]] = {
    "easiest": EasiestConfig,
    "hardest": HardestConfig,
    "window": WindowConfig,
    "clean": CleanConfig,
    "curriculum": CurriculumConfig,
    "clusters": ClustersConfig,
}


def _inside(name: str, shares: list[Decimal]) -> list[Decimal]:
    if shares[-1] == 1:
        raise ConfigError(f"{name} 1 would leave nothing to train on")
    return shares
