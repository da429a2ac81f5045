"""Configurations from typed options, a YAML file, a preset and defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from noisefind.config.option import AUTO, BaseConfig, flag, option
from noisefind.config.presets import PRESETS
from noisefind.config.training import TrainingConfig
from noisefind.errors import ConfigError
from noisefind.utils.plain_yaml import read_yaml
from noisefind.utils.text import PATH_LENGTH, cut, shortened, visible

if TYPE_CHECKING:
    import dataclasses
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# options that may differ between a run and its resumption without changing a byte of the result
FREE_ON_RESUME = ("cache_dir", "members", "trajectory_members", "fail_over")

Config = TypeVar("Config", bound="BaseConfig")
Training = TypeVar("Training", bound="TrainingConfig")


@dataclass(frozen=True)
class PresetOption(BaseConfig):
    """The option ``--preset``: it sets other options and is no field of a configuration."""

    preset: str = option(
        AUTO, "Common", "fast: probes on the features of one small network (auto on a CPU). "
        "standard: on those of two networks that see larger images (auto on a GPU). thorough: also "
        "of each image mirrored. thesis-cifar10, thesis-cifar100, thesis-vegetables: the settings "
        "of docs/research/thesis.md. Options given otherwise take precedence.",
        choices=(AUTO, *PRESETS),
    )  # fmt: skip


def options_of(kind: type[BaseConfig]) -> list[dataclasses.Field[Any]]:
    """The options of a command: the fields of its configuration, and its preset if it trains."""
    own = fields(cast("Any", kind))
    return [*fields(PresetOption), *own] if issubclass(kind, TrainingConfig) else [*own]


def load_config(
    kind: type[Config],
    file: Path | None,
    given: Mapping[str, object],
    before: Mapping[str, object] = MappingProxyType({}),
) -> Config:
    """The configuration from defaults, then the preset, then the YAML ``file``, then ``given``.

    ``given`` holds what was typed: option name to value, None where an option was not typed.
    ``before`` is the whole configuration of a run to resume. It replaces the defaults.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is outside its range.
    """
    typed = {name: value for name, value in given.items() if value not in (None, [])}
    from_file = _read_options(kind, file) if file else {}
    known = {f.name for f in options_of(kind)}
    old = {name: value for name, value in before.items() if name in known}
    return _filled(kind, {**from_file, **typed}, old)


def with_preset(kind: type[Training], preset: str, /, **options: object) -> Training:
    """A configuration with the values of a preset; ``options`` take precedence over them.

    Args:
        kind: a configuration of a command that trains, such as ``ScoreConfig``.
        preset: ``fast``, ``standard``, ``thorough``, or one of the thesis.
        options: options of ``kind`` by name.

    Returns:
        A configuration of type ``kind``.

    Raises:
        ConfigError: there is no such preset, or a value is outside its range.

    Examples:
        ```python
        config = noisefind.with_preset(noisefind.ScoreConfig, "fast", seed=1)
        noisefind.score("photos", "run", config)
        ```
    """
    return _filled(kind, {**options, "preset": preset})


def differing(
    old: Mapping[str, object], new: Mapping[str, object], ignore: Iterable[str] = ()
) -> list[str]:
    """Names of the options whose values differ, as ``--name`` (old value, new value)."""
    names = [name for name in new if name not in ignore and old.get(name) != new[name]]
    return [f"{flag(name)} (was {old.get(name)}, is {new[name]})" for name in names]


def _filled(
    kind: type[Config],
    given: Mapping[str, object],
    before: Mapping[str, object] = MappingProxyType({}),
) -> Config:
    """``given``, and below it the values of the preset that it names, then ``before``."""
    values = dict(given)
    preset: dict[str, object] = {}
    if issubclass(kind, TrainingConfig):
        name = PresetOption(preset=cast("Any", values.pop("preset", AUTO))).preset
        taken = {f.name for f in fields(cast("Any", kind))}
        preset = {k: v for k, v in PRESETS.get(name, {}).items() if k in taken}
    old = {name: value for name, value in before.items() if name != "preset"}
    return kind(**cast("Any", {**old, **preset, **values}))


def _read_options(kind: type[BaseConfig], file: Path) -> dict[str, object]:
    """The options in a YAML file, checked; ConfigError names the file."""
    name = cut(visible(str(file)), PATH_LENGTH)
    try:
        values = read_yaml(file)
    except ValueError as error:
        raise ConfigError(f"--config {name}: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"--config {name}: must hold lines of the form `option: value`")
    named = {_option_name(key): value for key, value in values.items()}
    known = [f.name for f in options_of(kind)]
    unknown = next((key for key in named if key not in known), None)
    if unknown is not None:
        near = get_close_matches(unknown[:80], known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise ConfigError(f"--config {name}: unknown option {shortened(unknown)}; {hint}")
    given = {key: value for key, value in named.items() if value is not None}
    try:
        _filled(kind, given)
    except ConfigError as error:
        raise ConfigError(f"--config {name}: {error}") from None
    return given


def _option_name(key: object) -> str:
    return key.replace("-", "_") if isinstance(key, str) else shortened(key)
