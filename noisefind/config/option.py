"""Definition of an option, and the check of its values."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, cast, get_args, get_origin, get_type_hints

from noisefind.errors import ConfigError
from noisefind.utils.text import is_text, shortened

AUTO = "auto"
SHARE = "share"  # pattern of an option that takes 0.02 and 2% alike
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?"
STRETCH = rf"auto|none|{_NUMBER}:{_NUMBER}"


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

    The pattern ``names`` means names separated by commas.
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


def fail_over_option() -> Any:
    """The limit of a pipeline, for the commands that estimate the share of wrong labels."""
    return option(
        None, "Pipeline", "Exit with 1 if the lower end of the 95 % interval of the noise "
        "rate is above this share of the labels. All files are written before.",
        low=0.0, high=1.0, pattern=SHARE,
    )  # fmt: skip


class BaseConfig:
    """A configuration: its fields are the options of its command, with valid values.

    Raises:
        ConfigError: a value is outside its range.
    """

    def __post_init__(self) -> None:
        types = get_type_hints(type(self))
        for f in fields(cast("Any", self)):
            object.__setattr__(self, f.name, _check(f, types[f.name], getattr(self, f.name)))

    def to_dict(self) -> dict[str, object]:
        """All options as plain values that YAML and JSON can hold."""
        values = {f.name: getattr(self, f.name) for f in fields(cast("Any", self))}
        return {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}


def flag(name: str) -> str:
    """The command-line spelling of an option's name."""
    return "--" + name.replace("_", "-")


def parse_share(value: object) -> Decimal:
    """A share that was typed as ``0.3`` or ``30%``, in decimals.

    0.7 / 100 is not the float nearest to 0.007.

    Raises:
        ValueError: it is no finite number.

    Examples:
        >>> parse_share("30%"), parse_share(" 0.3")
        (Decimal('0.3'), Decimal('0.3'))
    """
    text = str(value).strip()
    try:
        share = Decimal(text[:-1]) / 100 if text.endswith("%") else Decimal(text)
    except ArithmeticError:
        raise ValueError(text) from None
    if not share.is_finite():
        raise ValueError(text)
    return share


def plain_number(number: float) -> str:
    """A bound in readable form: 2,147,483,647, 0.999, 1e-08."""
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _check(option_field: dataclasses.Field[Any], kind: object, value: object) -> object:
    """``value`` as the option's type, or a ConfigError that names what is allowed."""
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
    if meta["pattern"] == SHARE:
        return _check_share(option_field, value)
    if int in types or float in types:
        return _check_number(option_field, types, value)
    try:
        text = str(value) if isinstance(value, str | int | float | Path) else "\0"
    except ValueError:  # an integer of more than 4,300 digits
        text = "\0"
    if "\0" in text or not is_text(text):
        raise _refusal(option_field, value, "one text in UTF-8 without NUL")
    return Path(text) if types == [Path] else _check_text(option_field, text)


def _check_text(option_field: dataclasses.Field[Any], text: str) -> str:
    meta = option_field.metadata
    if meta["choices"] and text not in meta["choices"]:
        raise _refusal(option_field, text, "one of " + ", ".join(meta["choices"]))
    if meta["pattern"] == "names":  # known names are checked where they are used
        names = text.split(",")
        if len(set(names)) < len(names) or not all(re.fullmatch(r"[a-z][\w-]*", n) for n in names):
            raise _refusal(option_field, text, "names separated by commas, each once")
    elif meta["pattern"] and not re.fullmatch(meta["pattern"], text):
        raise _refusal(option_field, text, meta["help"].split(". ")[0])
    return text


def _check_number(
    option_field: dataclasses.Field[Any], types: list[object], value: object
) -> float | str:
    words = (AUTO, *option_field.metadata["choices"]) if str in types else ()
    if isinstance(value, str) and value in words:
        return value
    low, high = option_field.metadata["low"], option_field.metadata["high"]
    kind: type[int] | type[float] = float if float in types else int
    bounds = f"{plain_number(low)} to {plain_number(high)}"
    rule = f"{'a whole number' if kind is int else 'a number'} from {bounds}"
    if words:
        rule += f", or {' or '.join(words)}"
    if isinstance(value, bool) or (kind is int and isinstance(value, float)):
        raise _refusal(option_field, value, rule)
    try:
        number = kind(cast("Any", value))
    except (TypeError, ValueError, OverflowError):
        raise _refusal(option_field, value, rule) from None
    if not low <= number <= high:
        raise _refusal(option_field, value, rule)
    return number


def _check_share(option_field: dataclasses.Field[Any], value: object) -> float:
    """0.02 of ``0.02``, ``"0.02"`` and ``"2%"``."""
    low, high = option_field.metadata["low"], option_field.metadata["high"]
    rule = f"a share from {low:g} to {high:g} such as 0.02, or {low:.0%} to {high:.0%}"
    try:
        share = parse_share(value)
    except ValueError:  # also of an integer of more than 4,300 digits
        raise _refusal(option_field, value, rule) from None
    if not low <= share <= high:
        raise _refusal(option_field, value, rule)
    return float(share)


def _refusal(option_field: dataclasses.Field[Any], value: object, rule: str) -> ConfigError:
    return ConfigError(f"{flag(option_field.name)} is {shortened(value)}; it must be {rule}")
