"""Which value of an option counts: typed, then the YAML file, the preset, the default.

The last two are known to the configurations themselves, so that it is the same in a program.
"""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import yaml

from noisefind.config.option import BaseConfig, flag, options_of
from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# what may differ between a run and its resumption without changing a byte of the result
FREE_ON_RESUME = ("cache_dir", "members", "trajectory_members", "fail_over")

Config = TypeVar("Config", bound="BaseConfig")


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
    return kind(**cast("Any", {**before, **from_file, **typed}))


def differing(
    old: Mapping[str, object], new: Mapping[str, object], ignore: Iterable[str] = ()
) -> list[str]:
    """Names of the options whose values differ, as ``--name`` (old value, new value)."""
    names = [name for name in new if name not in ignore and old.get(name) != new[name]]
    return [f"{flag(name)} (was {old.get(name)}, is {new[name]})" for name in names]


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
    known = [f.name for f in options_of(kind)]
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
