"""Every option once: name, default, range and help text.

The fields of :class:`ScoreConfig` and the classes below it are the options. From them come the
command line (``options.py``), the YAML file, docs/options.md and the configuration that a run
folder echoes. ``"auto"`` stands for a value that noisefind chooses by the data or the machine; the
chosen one is in run.json too.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import yaml

from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AUTO = "auto"
NETWORKS = ("probe", "cnn", "resnet18")
NOISE_KINDS = ("symmetric", "pair", "asymmetric", "moved", "confusion")
PRESETS: dict[str, dict[str, object]] = {
    "fast": {"network": "probe"},  # what auto means on a CPU
    "standard": {"network": "probe,cnn"},  # and on a GPU
}
# what may differ between a run and its resumption without changing a byte of the result
FREE_ON_RESUME = ("cache_dir", "members", "fail_over")
SHARE = "share"  # hint of an option that takes 0.02 and 2% alike

Config = TypeVar("Config", bound="BaseConfig")


def fail_over_option() -> Any:
    """The gate of a pipeline; every command that knows the share of suspected labels has it."""
    return option(
        None, "Pipeline", "Exit with 1, after everything is written, when a larger share of the "
        "labels than this is suspected to be wrong: 2% or 0.02.", low=0.0, high=1.0, pattern=SHARE,
    )  # fmt: skip


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
    """Define an option; ``low`` and ``high`` are allowed values, ``pattern`` a hint for strings."""
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
    """What all configurations can do; an instance holds only valid values of the right types.

    Raises:
        ConfigError: a value is outside its range.
    """

    def __post_init__(self) -> None:
        types = get_type_hints(type(self))
        for f in fields(cast("Any", self)):
            object.__setattr__(self, f.name, _check(f, types[f.name], getattr(self, f.name)))

    def to_dict(self) -> dict[str, object]:
        """All options as plain values that YAML and JSON can hold."""
        values = dataclasses.asdict(cast("Any", self))
        return {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}


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
    """The options of ``noisefind score``."""

    preset: str = option(
        AUTO, "Ensemble", "fast: probes on frozen features (auto on a CPU). standard: probes and "
        "small CNNs from pixels (auto on a GPU).", choices=(AUTO, *PRESETS),
    )  # fmt: skip
    network: str = option(
        AUTO, "Ensemble", "What the members are; several kinds separated by commas. probe: one "
        "hidden layer on frozen features. cnn: a small convolutional network from pixels. "
        "resnet18: for small images with a 3x3 first convolution, as torchvision has it from "
        "64 px on.", choices=(AUTO, *NETWORKS), pattern="list",
    )  # fmt: skip
    members: int | str = option(AUTO, "Ensemble", "Members of each kind.", low=1, high=1000)
    epochs: int | str = option(
        AUTO, "Ensemble", "Epochs that each member trains.", low=1, high=10_000
    )
    seed: int = option(0, "Ensemble", "Seed of every random choice.", low=0, high=2**31 - 1)

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
        None, "Features", "State dict for --features timm:NAME, .safetensors or of torch.save. "
        "Default: timm downloads its own.",
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
    momentum: float = option(0.9, "Training", "Nesterov momentum of sgd.", low=0.0, high=0.999)
    weight_decay: float | str = option(AUTO, "Training", "Weight decay.", low=0.0, high=10.0)
    schedule: str = option(
        AUTO, "Training", "How the learning rate goes over the steps.",
        choices=(AUTO, "constant", "cosine", "one-cycle"),
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
        "the range of difficulty (CCS).",
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
    balance: bool = option(
        False, "Rules", "Apply each rule within every class, so that class shares stay."
    )
    min_per_class: int = option(
        1, "Rules", "No class falls under this number of images.", low=0, high=2**31 - 1
    )
    format: list[str] = option(
        [], "Output", "Also write: txt (paths), npy (row numbers), imagefolder (a tree of links). "
        "May be repeated.",
        choices=("txt", "npy", "imagefolder"),
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
        checked = [load_config(InjectConfig, None, {"fraction": part}) for part in parts]
        return sorted({config.fraction for config in checked})


def load_config(
    kind: type[Config],
    file: Path | None,
    given: Mapping[str, object],
    before: Mapping[str, object] = MappingProxyType({}),
) -> Config:
    """The configuration from defaults, then the preset, then the YAML ``file``, then ``given``.

    ``given`` holds what was typed: option name to value, None where an option was not typed.
    ``before`` is the whole configuration of a run that goes on: it stands in for the defaults.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is outside its range.
    """
    typed = {name: value for name, value in given.items() if value not in (None, [])}
    from_file = _read_yaml(kind, file) if file else {}
    values = {**from_file, **typed}
    values = {**PRESETS.get(str(values.get("preset")), {}), **before, **values}
    return kind(**cast("Any", values))


def differing(
    old: Mapping[str, object], new: Mapping[str, object], ignore: Iterable[str] = ()
) -> list[str]:
    """Names of the options whose values differ, as ``--name`` (old value, new value)."""
    names = [name for name in new if name not in ignore and old.get(name) != new[name]]
    return [f"{flag(name)} (was {old.get(name)}, is {new[name]})" for name in names]


def plain_number(number: float) -> str:
    """A bound as a person writes it: 2,147,483,647, 0.999, 1e-08."""
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def flag(name: str) -> str:
    """The command-line spelling of an option's name."""
    return "--" + name.replace("_", "-")


def _read_yaml(kind: type[BaseConfig], file: Path) -> dict[str, object]:
    try:
        values = yaml.load(file.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506  it is safe
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"--config {file}: cannot be read: {reason}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"--config {file}: must hold lines of the form `option: value`")
    named = {str(name).replace("-", "_"): value for name, value in values.items()}
    known = [f.name for f in fields(cast("Any", kind))]
    unknown = next((name for name in named if name not in known), None)
    if unknown is not None:
        near = get_close_matches(unknown, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise ConfigError(f"--config {file}: unknown option {unknown!r}; {hint}")
    given = {name: value for name, value in named.items() if value is not None}
    try:
        kind(**given)
    except ConfigError as error:
        raise ConfigError(f"--config {file}: {error}") from None
    return given


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which no key stands twice; the plain loader takes the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"{twice!r} stands there twice")
        return super().construct_mapping(node, deep)


def _check(option_field: dataclasses.Field[Any], kind: object, value: object) -> object:
    """``value`` as the option's type, or a ConfigError that says what is allowed."""
    if get_origin(kind) is list:
        items = value if isinstance(value, list) else [value]
        return [_check_one(option_field, get_args(kind)[0], item) for item in items]
    return _check_one(option_field, kind, value)


def _check_one(option_field: dataclasses.Field[Any], kind: object, value: object) -> object:
    meta = option_field.metadata
    types = [t for t in get_args(kind) or (kind,) if t is not type(None)]
    if value is None and type(None) in get_args(kind):
        return None
    if types == [bool]:
        if not isinstance(value, bool):
            raise _refusal(option_field, value, "true or false")
        return value
    if types == [Path]:
        return Path(str(value))
    if meta["pattern"] == SHARE:
        return _check_share(option_field, value)
    if int in types or float in types:
        return _check_number(option_field, types, value)
    text = str(value)
    names = text.split(",") if meta["pattern"] == "list" else [text]
    if meta["choices"] and (set(names) - set(meta["choices"]) or len(set(names)) < len(names)):
        raise _refusal(option_field, value, "one of " + ", ".join(meta["choices"]))
    if meta["pattern"] not in ("", "list") and not re.fullmatch(meta["pattern"], text):
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
    bounds = f"{plain_number(low)} to {plain_number(high)}"
    rule = f"{'a whole number' if kind is int else 'a number'} from {bounds}"
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


def _check_share(option_field: dataclasses.Field[Any], value: object) -> float:
    """0.02 of ``0.02``, ``"0.02"`` and ``"2%"``."""
    text = str(value).strip()
    try:
        # in decimals, since 0.7 / 100 is not the float nearest to 0.007
        share = Decimal(text[:-1]) / 100 if text.endswith("%") else Decimal(text)
    except InvalidOperation:
        share = Decimal("nan")
    low, high = option_field.metadata["low"], option_field.metadata["high"]
    if share.is_nan() or not low <= share <= high:
        raise _refusal(option_field, value, "a share from 0 to 1 such as 0.02, or 0% to 100%")
    return float(share)


def _refusal(option_field: dataclasses.Field[Any], value: object, rule: str) -> ConfigError:
    return ConfigError(f"{flag(option_field.name)} is {value!r}; it must be {rule}")
