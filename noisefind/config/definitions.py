"""Every option once: name, default, range and help text.

The fields of :class:`ScoreConfig` and the classes below it are the options. From them come the
command line (``options.py``), the YAML file, docs/options.md and the configuration that a run
folder echoes. ``"auto"`` stands for a value that noisefind chooses by the data or the machine; the
chosen one is in run.json too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from noisefind.config.option import AUTO, SHARE, BaseConfig, option
from noisefind.config.presets import PRESETS
from noisefind.errors import ConfigError

TIMM = "timm:"  # before the name of a feature network
NOISE_KINDS = ("symmetric", "pair", "asymmetric", "moved", "confusion")


def fail_over_option() -> Any:
    """The gate of a pipeline; every command that knows the share of wrong labels has it."""
    return option(
        None, "Pipeline", "Exit with 1, after everything is written, when even the lower end of "
        "the noise rate's 95 % interval is above this share of the labels: 2% or 0.02.",
        low=0.0, high=1.0, pattern=SHARE,
    )  # fmt: skip


@dataclass(frozen=True)
class DataConfig(BaseConfig):
    """Which images and labels of DATA are meant; shared by the commands that open it."""

    split: str | None = option(
        None, "Data", "Which split to take: train, validation, test or all. Default: train where "
        "there are splits.",
    )  # fmt: skip
    labels: Path | None = option(
        None, "Data", "CSV or JSONL file (file_name,label) whose labels replace the given ones."
    )
    only_listed: bool = option(False, "Data", "Take only the images that --labels lists.")
    root: Path | None = option(
        None, "Data", "Folder that the paths in a table are relative to. Default: the table's own."
    )
    cifar_labels: str = option(
        "fine", "Data", "Which labels of CIFAR-100.", choices=("fine", "coarse")
    )


@dataclass(frozen=True)
class ScoreConfig(DataConfig):
    """The options of ``noisefind score``; values of a preset go before the defaults.

    Options are given by name. A copy by ``dataclasses.replace`` keeps all values as they are.
    """

    preset: str = option(
        AUTO, "Ensemble", "fast: probes on frozen features (auto on a CPU). standard: probes and "
        "small CNNs from pixels (auto on a GPU). thorough: trains the pretrained network on as "
        "well, at 128 px (for a GPU). thesis-cifar10, thesis-cifar100 and thesis-vegetables: the "
        "settings of docs/thesis.md.", choices=(AUTO, *PRESETS),
    )  # fmt: skip
    network: str = option(
        AUTO, "Ensemble", "What the members are; several kinds separated by commas. probe: one "
        "hidden layer on frozen features. cnn: a small convolutional network from pixels. "
        "lite0: the pretrained feature network, trained on with a new head. "
        "resnet18: for small images with a 3x3 first convolution, as torchvision has it from "
        "64 px on. resnet18-plain: without shortcuts. one-conv: a single convolution. Or a "
        "classifier of torchvision, as mobilenet_v3_small.", pattern="names",
    )  # fmt: skip
    members: int | str = option(AUTO, "Ensemble", "Members of each kind.", low=1, high=1000)
    epochs: int | str = option(
        AUTO, "Ensemble", "Epochs that each member trains.", low=1, high=10_000
    )
    trajectory_members: int = option(
        0, "Ensemble", "Further members of each kind from which alone flips and forgetting come.",
        low=0, high=1000,
    )  # fmt: skip
    trajectory_epochs: int | str = option(
        AUTO, "Ensemble", "Epochs that each of them trains. Auto: as many as the others.",
        low=1, high=10_000,
    )  # fmt: skip
    seed: int = option(0, "Ensemble", "Seed of every random choice.", low=0, high=2**31 - 1)

    hold_out: float | None = option(
        None, "Data", "Share of each class to set aside before scoring, as 0.2 or 20%: a test "
        "split for noisefind evaluate, listed in held_out.csv.", low=0.0, high=0.9, pattern=SHARE,
    )  # fmt: skip
    leaks: bool = option(
        True, "Data", "Look for scored images that are in another split too; reads the images of "
        "all splits.",
    )  # fmt: skip
    max_pixels: int = option(
        100_000_000, "Data", "Images with more pixels than this are left out.", low=1, high=2**40
    )
    image_size: int | str = option(
        AUTO, "Data", "Side in px of the images that networks are trained on. Auto: the images' "
        "own up to 64, else 64.", low=8, high=1024,
    )  # fmt: skip

    features: str = option(
        "pretrained", "Features", "pretrained: an EfficientNet-Lite0 that comes with the "
        "installation. swav: a ResNet-18 trained on the images themselves, without labels (needs "
        "the extra swav; hours without a GPU). timm:NAME: any network of timm. Or a .npy file with "
        "a row per image.",
    )  # fmt: skip
    weights: Path | None = option(
        None, "Features", "File of a state_dict: for --features timm:NAME that network's (default: "
        "timm downloads its own); else what the members of --network begin with, without its head "
        "where that is for another number of classes (default: from scratch).",
    )  # fmt: skip
    feature_ids: Path | None = option(
        None, "Features", "Text file with the id of each row of --features FILE.npy, one per line. "
        "Default: FILE.txt beside it.",
    )  # fmt: skip
    feature_size: int | str = option(
        AUTO, "Features", "Side in px at which the pretrained network or timm's sees the images. "
        "Auto: 96 for images up to 64 px, else 192; that of the network where it takes only one.",
        low=32, high=1024,
    )  # fmt: skip
    swav_epochs: int = option(200, "Features", "Epochs of --features swav.", low=1, high=100_000)
    swav_output: str = option(
        "backbone", "Features", "Which 512 numbers of --features swav: the network's own, or the "
        "scores for its prototypes.", choices=("backbone", "prototypes"),
    )  # fmt: skip

    batch_size: int | str = option(AUTO, "Training", "Images per step.", low=2, high=65_536)
    optimizer: str = option(
        AUTO, "Training", "How weights are updated.", choices=(AUTO, "sgd", "adam", "adamw")
    )
    learning_rate: float | str = option(
        AUTO, "Training", "The highest learning rate.", low=1e-8, high=100.0
    )
    momentum: float = option(0.9, "Training", "Momentum of sgd.", low=0.0, high=0.999)
    nesterov: bool = option(True, "Training", "Nesterov's form of that momentum.")
    weight_decay: float | str = option(AUTO, "Training", "Weight decay.", low=0.0, high=10.0)
    schedule: str = option(
        AUTO, "Training", "How the learning rate goes over the steps. steps: lower after each of "
        "--schedule-epochs. plateau: lower when the loss on a tenth of the images, held out of the "
        "member's training, stays up.",
        choices=(AUTO, "constant", "cosine", "one-cycle", "steps", "plateau"),
    )  # fmt: skip
    schedule_factor: float = option(
        0.5, "Training", "What steps and plateau multiply the rate by.", low=1e-6, high=1.0
    )
    schedule_epochs: str | None = option(
        None, "Training", "Epochs after which steps lowers the rate, as 40,45,50.",
        pattern=r"\d+(,\d+)*",
    )  # fmt: skip
    schedule_patience: int = option(
        2, "Training", "Epochs without a better loss that plateau bears; the next one lowers the "
        "rate.", low=0, high=10_000,
    )  # fmt: skip
    normalize: str = option(
        "quarter", "Training", "Mean and deviation that pixels (0 to 1) are scaled by. quarter: .5 "
        "and .25. half: .5 and .5. dataset: those of the scored images, per channel. imagenet: "
        "those that published weights expect. none: 0 and 1.",
        choices=("quarter", "half", "dataset", "imagenet", "none"),
    )  # fmt: skip
    crop: bool = option(
        True, "Training", "Augment by shifts of up to 1/8 of the side, reflected at the border."
    )
    flip: bool = option(True, "Training", "Augment by horizontal flips.")
    rotate: bool = option(False, "Training", "Augment by rotations of up to 15 degrees.")

    never_learned: str = option(
        "top", "Scores", "Forgetting score of what was never learned: top (as many as epochs) or "
        "zero (as in the thesis that noisefind grew from).", choices=("top", "zero"),
    )  # fmt: skip
    clusters: int | str = option(
        AUTO, "Scores", "Centres for km_distance. Auto: by the elbow of the k-means curve.",
        low=1, high=10_000,
    )  # fmt: skip

    device: str = option(
        AUTO, "Machine", "auto, cpu, cuda or cuda:N. Auto: the GPU where there is one.",
        pattern=r"auto|cpu|cuda(:\d+)?",
    )  # fmt: skip
    devices: str | None = option(
        None, "Machine", "Several of cpu and cuda:N, separated by commas: networks from pixels are "
        "trained in one process for each, which share the CPU threads. All else runs on the first. "
        "Instead of --device.", pattern=r"(cpu|cuda:\d+)(,(cpu|cuda:\d+))*",
    )  # fmt: skip
    threads: int | str = option(
        AUTO, "Machine", "CPU threads. Auto: as many as there are cores to use.", low=1, high=1024
    )
    cache_dir: Path | None = option(
        None, "Machine", "Where decoded pixels and features are kept. Default: noisefind in the "
        "user's cache; in the run folder where that cannot be written.",
    )  # fmt: skip
    fail_over: float | None = fail_over_option()

    def __new__(cls, **given: object) -> Self:
        """Only here is it known what was given: it may be a default, which no preset overrules."""
        config = super().__new__(cls)
        object.__setattr__(config, "_given", frozenset(given))
        return config

    def __post_init__(self) -> None:
        given: frozenset[str] = self.__dict__.pop("_given")
        for name, value in PRESETS.get(str(self.preset), {}).items():
            if name not in given:
                object.__setattr__(self, name, value)
        super().__post_init__()
        networks = self.network.split(",")
        has_probe = not {AUTO, "probe"}.isdisjoint(networks)
        if self.schedule == "steps" and self.schedule_epochs is None:
            raise ConfigError("--schedule steps needs --schedule-epochs, as 40,45,50")
        if self.schedule == "plateau" and has_probe:
            raise ConfigError(
                "--schedule plateau needs a --network from pixels: probes share one learning rate; "
                "try cosine"
            )
        if self.network_weights is not None and (has_probe or len(networks) > 1):
            raise ConfigError(
                f"--weights {self.weights} needs --features timm:NAME, or one --network from "
                "pixels, as cnn"
            )

    @property
    def network_weights(self) -> Path | None:
        """``weights``, unless they are those of the feature network."""
        return None if self.features.startswith(TIMM) else self.weights

    def networks(self, *, on_gpu: bool) -> tuple[str, ...]:
        """The kinds of members, in the order given."""
        network = self.network
        if network == AUTO:
            network = str(PRESETS["standard" if on_gpu else "fast"]["network"])
        return tuple(network.split(","))


@dataclass(frozen=True)
class PruneConfig(BaseConfig):
    """The options of ``noisefind prune``; ``selection.py`` gives the rules their meaning."""

    drop: list[str] = option(
        [], "Rules", "What to drop; may be repeated and is applied in the order given. noise: the "
        "suspected wrong labels (the default when no rule is given). hardest, easiest: by a score. "
        "random: by chance. coverage: a third of the share from the very hardest, then evenly over "
        "the range of difficulty (CCS). duplicates: all but the easiest image of each group of "
        "duplicates.",
        choices=("noise", "hardest", "easiest", "random", "coverage", "duplicates"),
    )  # fmt: skip
    fraction: list[float] = option(
        [], "Rules", "Share of all readable images that a --drop takes: one for all, or one for "
        "each in order.", low=0.0, high=1.0,
    )  # fmt: skip
    by: list[str] = option(
        [], "Rules", "Score that says what is hard: one for all rules, or one for each in order. "
        "Default: aum.",
    )  # fmt: skip
    window: str | None = option(
        None, "Rules", "LOW:HIGH, as 0.3:0.7: keep this part of the ranking from easiest (0) to "
        "hardest (1).",
    )  # fmt: skip
    seed: int = option(0, "Rules", "Seed of random choices and of ties.", low=0, high=2**31 - 1)
    balance: bool = option(
        False, "Rules", "Apply each rule within every class, so that class shares stay."
    )
    min_per_class: int = option(
        1, "Rules", "No class falls under this number of images.", low=0, high=2**31 - 1
    )
    decisions: list[str] = option(
        [], "Review", "CSV file of decisions that the report gave; may be repeated, one for each "
        "reviewer. They come before the rules: noise drops nothing that was kept or relabelled.",
    )  # fmt: skip
    format: list[str] = option(
        [], "Output", "Also write: txt (paths), npy (row numbers), imagefolder (a tree of links); "
        "label-studio (tasks with pre-annotations), fiftyone, huggingface (metadata.jsonl), "
        "cleanlab (a table under its column names). May be repeated.",
        choices=(
            "txt", "npy", "imagefolder", "label-studio", "fiftyone", "huggingface", "cleanlab",
        ),
    )  # fmt: skip
    copy: bool = option(False, "Output", "imagefolder: copy the files instead of linking them.")
    data: Path | None = option(
        None, "Output", "Where the images are now, if they have moved since they were scored."
    )
    fail_over: float | None = fail_over_option()


@dataclass(frozen=True)
class InjectConfig(DataConfig):
    """The options of ``noisefind inject``; ``noise.py`` gives the kinds their meaning."""

    kind: str = option(
        "symmetric", "Noise", "symmetric: any other class. pair: the next class. asymmetric: as "
        "--matrix says. moved: any other class, equal shares of all classes. confusion: the "
        "images and wrong classes that --run finds plausible.", choices=NOISE_KINDS,
    )  # fmt: skip
    fraction: float = option(
        0.1, "Noise", "Share of all labels that change, rounded to whole images.", low=0.0, high=1.0
    )
    seed: int = option(0, "Noise", "Seed of every random choice.", low=0, high=2**31 - 1)
    matrix: Path | None = option(
        None, "Noise", "For asymmetric: YAML file of lines `class: other class`, or CSV file of "
        "C x C shares, a row per true class, that add up to 1 in each row.",
    )  # fmt: skip
    run: Path | None = option(None, "Noise", "For confusion: folder of a finished run on DATA.")
    format: list[str] = option(
        [], "Output", "Also write: imagefolder (a tree of links under the noisy labels).",
        choices=("imagefolder",),
    )  # fmt: skip
    copy: bool = option(False, "Output", "imagefolder: copy the files instead of linking them.")
