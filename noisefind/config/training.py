"""Options of the training of one network, shared by ``score`` and the sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisefind.config.option import AUTO, BaseConfig, option
from noisefind.errors import ConfigError

TIMM = "timm:"  # before the name of a feature network
PACKAGED = ("lite0", "lite2")  # feature networks that come with the installation
FINE = "fine"  # the larger of the two automatic feature sizes


@dataclass(frozen=True)
class TrainingConfig(BaseConfig):
    """Network, features, optimisation, augmentation and device of a training."""

    network: str = option(
        AUTO, "Ensemble", "Kind of the members. Several kinds are separated by commas. probe: one "
        "hidden layer on frozen features. cnn: a small convolutional network on pixels. "
        "lite0: the pretrained feature network with a new head, fine-tuned. "
        "resnet18: a ResNet-18 whose first convolution is 3x3 below 64 px, and that of torchvision "
        "from 64 px on. resnet18-plain: the same without shortcuts. one-conv: a single "
        "convolution. Or a classifier of torchvision, as mobilenet_v3_small.", pattern="names",
    )  # fmt: skip
    epochs: int | str = option(
        AUTO, "Ensemble", "Epochs that each member is trained for.", low=1, high=10_000
    )
    seed: int = option(0, "Common", "Seed of every random choice.", low=0, high=2**31 - 1)

    features: str = option(
        AUTO, "Features", "lite0, lite2: EfficientNet-Lite networks that come with the "
        "installation. timm:NAME: any network of timm. Several are separated by commas, and their "
        "features stand side by side. swav: a ResNet-18 trained on the images themselves without "
        "labels. It needs the extra swav, and hours without a GPU. Or a .npy file with one row per "
        "image. Auto: lite2 on a CPU, and on a GPU what the preset standard has.",
    )  # fmt: skip
    weights: Path | None = option(
        None, "Features", "File with a state_dict. With --features timm:NAME: weights of that "
        "network. Default: timm downloads them. Otherwise: initial weights of --network. The head "
        "is left out when it has another number of classes. Default: random weights.",
    )  # fmt: skip
    feature_ids: Path | None = option(
        None, "Features", "Text file with the id of each row of --features FILE.npy, one per line. "
        "Default: FILE.txt in the same folder.",
    )  # fmt: skip
    feature_size: int | str = option(
        AUTO, "Features", "Side in px of the images for the feature networks. Auto: 128 for images "
        "up to 64 px, else 192. fine: 160 and 256. A network that takes only one size gets that "
        "size.", low=32, high=1024, choices=(FINE,),
    )  # fmt: skip
    feature_views: int | str = option(
        AUTO, "Features", "1: each image as it is. 2: the mean of its features and those of its "
        "mirror image, for twice the time. Auto: 1.", low=1, high=2,
    )  # fmt: skip

    image_size: int | str = option(
        AUTO, "Training", "Side in px of the images that networks are trained on. Auto: the size "
        "of the images up to 64, else 64.", low=8, high=1024,
    )  # fmt: skip
    batch_size: int | str = option(AUTO, "Training", "Images per step.", low=2, high=65_536)
    optimizer: str = option(
        AUTO, "Training", "Algorithm that updates the weights.",
        choices=(AUTO, "sgd", "adam", "adamw"),
    )  # fmt: skip
    learning_rate: float | str = option(
        AUTO, "Training", "The highest learning rate.", low=1e-8, high=100.0
    )
    momentum: float = option(0.9, "Training", "Momentum of sgd.", low=0.0, high=0.999)
    nesterov: bool = option(True, "Training", "Use Nesterov's form of the momentum.")
    weight_decay: float | str = option(AUTO, "Training", "Weight decay.", low=0.0, high=10.0)
    schedule: str = option(
        AUTO, "Training", "Schedule of the learning rate. steps: lower after each of "
        "--schedule-epochs. plateau: lower when the loss on a tenth of the images stops falling. "
        "The member is not trained on that tenth.",
        choices=(AUTO, "constant", "cosine", "one-cycle", "steps", "plateau"),
    )  # fmt: skip
    schedule_factor: float = option(
        0.5, "Training", "Factor of the learning rate at each step or plateau.", low=1e-6, high=1.0
    )
    schedule_epochs: str | None = option(
        None, "Training", "Epochs after which steps lowers the rate, as 40,45,50.",
        pattern=r"\d+(,\d+)*",
    )  # fmt: skip
    schedule_patience: int = option(
        2, "Training", "Epochs without a lower loss that plateau waits. The next one lowers the "
        "rate.", low=0, high=10_000,
    )  # fmt: skip
    normalize: str = option(
        "quarter", "Training", "Mean and standard deviation for pixels (0 to 1). quarter: .5 "
        "and .25. half: .5 and .5. dataset: computed per channel from the scored images. imagenet: "
        "those of published weights. none: 0 and 1.",
        choices=("quarter", "half", "dataset", "imagenet", "none"),
    )  # fmt: skip
    crop: bool = option(
        True, "Training", "Augment by shifts of up to 1/8 of the side, reflected at the border."
    )
    flip: bool = option(True, "Training", "Augment by horizontal flips.")
    rotate: bool = option(False, "Training", "Augment by rotations of up to 15 degrees.")

    device: str = option(
        AUTO, "Common", "auto, cpu, cuda or cuda:N. Auto: the GPU if there is one.",
        pattern=r"auto|cpu|cuda(:\d+)?",
    )  # fmt: skip
    threads: int | str = option(
        AUTO, "Hardware", "CPU threads. Auto: the number of usable cores.", low=1, high=1024
    )
    cache_dir: Path | None = option(
        None, "Hardware", "Folder for decoded pixels and features. Default: noisefind in the "
        "user's cache, or the run folder if that cannot be written.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.features == "pretrained":  # the name of lite0 in earlier versions
            object.__setattr__(self, "features", "lite0")
        super().__post_init__()
        if self.weights is not None and self.features.count(TIMM) > 1:
            raise ConfigError(f"--weights {self.weights} needs one timm network in --features")
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
        return None if TIMM in self.features else self.weights
