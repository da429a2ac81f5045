"""Every option once: name, default, range and help text.

The fields of :class:`ScoreConfig` and :class:`PruneConfig` are the options. From them come the
command line (``options.py``), the YAML file, docs/options.md and the configuration that a run
folder echoes. ``"auto"`` stands for a value that noisefind chooses by the data or the machine; the
chosen one is in run.json too.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import yaml

from noisefind.errors import ConfigError
from noisefind.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AUTO = "auto"
# what may differ between a run and its resumption without changing a byte of the result
FREE_ON_RESUME = ("cache_dir", "members", "trajectory_members")

Config = TypeVar("Config", bound="BaseConfig")


def option(
    default: object,
    group: str,
    text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: str = "",
) -> Any:
    """Define an option; ``low`` and ``high`` are allowed, a string must match ``pattern``.

    The pattern ``names`` stands for names separated by commas.
    """
    metadata = {
        "group": group,
        "help": text,
        "low": low,
        "high": high,
        "choices": choices,
        "pattern": pattern,
    }
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


class BaseConfig:
    """What both configurations can do; an instance holds only valid values."""

    def to_dict(self) -> dict[str, object]:
        """All options as plain values that YAML and JSON can hold."""
        values = dataclasses.asdict(cast("Any", self))
        return {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}


@dataclass(frozen=True)
class ScoreConfig(BaseConfig):
    """The options of ``noisefind score``."""

    preset: str = option(
        AUTO, "Ensemble", "fast: probes on frozen features (auto on a CPU). standard: probes and "
        "small CNNs from pixels (auto on a GPU). thesis-cifar10, thesis-cifar100 and "
        "thesis-vegetables: the settings of docs/thesis.md.", choices=(AUTO, *PRESETS),
    )  # fmt: skip
    network: str = option(
        AUTO, "Ensemble", "What the members are; several kinds separated by commas. probe: one "
        "hidden layer on frozen features. cnn: a small convolutional network from pixels. "
        "resnet18: for small images with a 3x3 first convolution, as torchvision has it from "
        "64 px on. resnet18-plain: without shortcuts. one-conv: a single convolution. Or a "
        "classifier of torchvision, as mobilenet_v3_small.", pattern="names",
    )  # fmt: skip
    weights: Path | None = option(
        None, "Ensemble", "File of a state_dict that the members of --network begin with; its "
        "head is left out where it is for another number of classes. Default: from scratch.",
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

    split: str | None = option(
        None, "Data", "Which split to score: train, validation, test or all. Default: train where "
        "there are splits.",
    )  # fmt: skip
    labels: Path | None = option(
        None, "Data", "CSV or JSONL file (file_name,label) whose labels replace the given ones."
    )
    only_listed: bool = option(False, "Data", "Score only the images that --labels lists.")
    root: Path | None = option(
        None, "Data", "Folder that the paths in a table are relative to. Default: the table's own."
    )
    cifar_labels: str = option(
        "fine", "Data", "Which labels of CIFAR-100.", choices=("fine", "coarse")
    )
    max_pixels: int = option(
        100_000_000, "Data", "Images with more pixels than this are left out.", low=1, high=2**40
    )
    image_size: int | str = option(
        AUTO, "Data", "Side in px of the images that networks are trained on. Auto: the images' "
        "own up to 64, else 64.", low=8, high=1024,
    )  # fmt: skip

    features: str = option(
        "pretrained", "Features", "pretrained: an EfficientNet-Lite0 that comes with the "
        "installation. Or a .npy file with a row per image.",
    )  # fmt: skip
    feature_ids: Path | None = option(
        None, "Features", "Text file with the id of each row of --features FILE.npy, one per line. "
        "Default: FILE.txt beside it.",
    )  # fmt: skip
    feature_size: int | str = option(
        AUTO, "Features", "Side in px at which the pretrained network sees the images. Auto: 96 "
        "for images up to 64 px, else 192.", low=32, high=1024,
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
    threads: int | str = option(
        AUTO, "Machine", "CPU threads. Auto: as many as there are cores to use.", low=1, high=1024
    )
    cache_dir: Path | None = option(
        None, "Machine", "Where decoded pixels and features are kept. Default: noisefind in the "
        "user's cache; in the run folder where that cannot be written.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        networks = self.network.split(",")
        has_probe = not {AUTO, "probe"}.isdisjoint(networks)
        if self.schedule == "steps" and self.schedule_epochs is None:
            raise ConfigError("--schedule steps needs --schedule-epochs, as 40,45,50")
        if self.schedule == "plateau" and has_probe:
            raise ConfigError(
                "--schedule plateau needs a --network from pixels: probes share one learning rate; "
                "try cosine"
            )
        if self.weights is not None and (has_probe or len(networks) > 1):
            raise ConfigError(f"--weights {self.weights} needs one --network from pixels, as cnn")

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
        "suspected wrong labels (the default when no rule is given).",
        choices=("noise", "hardest", "easiest", "random", "coverage"),
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
    balance: bool = option(False, "Rules", "Keep the share of every class.")
    min_per_class: int = option(
        1, "Rules", "No class falls under this number of images.", low=0, high=2**31 - 1
    )
    format: list[str] = option(
        [], "Output", "Also write: txt (paths), npy (row numbers), imagefolder (a tree of links).",
        choices=("txt", "npy", "imagefolder"),
    )  # fmt: skip
    copy: bool = option(False, "Output", "imagefolder: copy the files instead of linking them.")
    data: Path | None = option(
        None, "Output", "Where the images are now, if they have moved since they were scored."
    )


def load_config(kind: type[Config], file: Path | None, given: Mapping[str, object]) -> Config:
    """The configuration from defaults, then the preset, then the YAML ``file``, then ``given``.

    ``given`` holds what was typed: option name to value, None where an option was not typed.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is outside its range.
    """
    typed = {name: value for name, value in given.items() if value not in (None, [])}
    from_file = _read_yaml(kind, file) if file else {}
    values = {**from_file, **typed}
    values = {**PRESETS.get(str(values.get("preset")), {}), **values}
    types = get_type_hints(kind)
    checked = {
        f.name: _check(f, types[f.name], values[f.name])
        for f in fields(cast("Any", kind))
        if f.name in values
    }
    return kind(**checked)


def differing(
    old: Mapping[str, object], new: Mapping[str, object], ignore: Iterable[str] = ()
) -> list[str]:
    """Names of the options whose values differ, as ``--name`` (old value, new value)."""
    names = [name for name in new if name not in ignore and old.get(name) != new[name]]
    return [f"{flag(name)} (was {old.get(name)}, is {new[name]})" for name in names]


def flag(name: str) -> str:
    """The command-line spelling of an option's name."""
    return "--" + name.replace("_", "-")


def _read_yaml(kind: type[BaseConfig], file: Path) -> dict[str, object]:
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"--config {file}: cannot be read: {reason}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"--config {file}: must hold lines of the form `option: value`")
    named = {str(name).replace("-", "_"): value for name, value in values.items()}
    known = [f.name for f in fields(cast("Any", kind))]
    unknown = [name for name in named if name not in known]
    if unknown:
        raise ConfigError(
            f"--config {file}: unknown option {unknown[0]!r}; known: {', '.join(known)}"
        )
    return {name: value for name, value in named.items() if value is not None}


def _check(option_field: dataclasses.Field[Any], kind: object, value: object) -> object:
    """``value`` as the option's type, or a ConfigError that says what is allowed."""
    if get_origin(kind) is list:
        items = value if isinstance(value, list) else [value]
        return [_check_one(option_field, get_args(kind)[0], item) for item in items]
    return _check_one(option_field, kind, value)


def _check_one(option_field: dataclasses.Field[Any], kind: object, value: object) -> object:
    meta = option_field.metadata
    types = [t for t in get_args(kind) or (kind,) if t is not type(None)]
    if types == [bool]:
        if not isinstance(value, bool):
            raise _refusal(option_field, value, "true or false")
        return value
    if types == [Path]:
        return Path(str(value))
    if int in types or float in types:
        return _check_number(option_field, types, value)
    text = str(value)
    if meta["choices"] and text not in meta["choices"]:
        raise _refusal(option_field, value, "one of " + ", ".join(meta["choices"]))
    if meta["pattern"] == "names":  # which there are is known only where they are used
        names = text.split(",")
        if len(set(names)) < len(names) or not all(re.fullmatch(r"[a-z][\w-]*", n) for n in names):
            raise _refusal(option_field, value, "names separated by commas, each once")
    elif meta["pattern"] and not re.fullmatch(meta["pattern"], text):
        raise _refusal(option_field, value, meta["help"].split(". ")[0])
    return text


def _check_number(
    option_field: dataclasses.Field[Any], types: list[object], value: object
) -> float | str:
    auto = str in types
    if auto and value == AUTO:
        return AUTO
    low, high = option_field.metadata["low"], option_field.metadata["high"]
    kind: type[int] | type[float] = float if float in types else int
    rule = f"{'a whole number' if kind is int else 'a number'} from {low:g} to {high:g}"
    if auto:
        rule += ", or auto"
    if isinstance(value, bool) or (kind is int and isinstance(value, float)):
        raise _refusal(option_field, value, rule)
    try:
        number = kind(cast("Any", value))
    except (TypeError, ValueError):
        raise _refusal(option_field, value, rule) from None
    if not low <= number <= high:
        raise _refusal(option_field, value, rule)
    return number


def _refusal(option_field: dataclasses.Field[Any], value: object, rule: str) -> ConfigError:
    return ConfigError(f"{flag(option_field.name)} is {value!r}; it must be {rule}")
