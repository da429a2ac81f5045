"""Fields of a configuration as options of a typer command, and as docs/options.md."""

from __future__ import annotations

import inspect
import sys
from dataclasses import MISSING
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer

from noisefind.config import (
    SHARE,
    SWEEPS,
    BaseConfig,
    DetectionConfig,
    EmbeddingConfig,
    ExamplesConfig,
    InjectConfig,
    PresetOption,
    PruneConfig,
    ReportConfig,
    ScoreConfig,
    SelftestConfig,
    flag,
    options_of,
    plain_number,
)

if TYPE_CHECKING:
    import dataclasses
    from collections.abc import Callable, Mapping

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Class folders, split folders, a table (CSV, JSON, Parquet), a CIFAR directory or "
        ".tar.gz. Or cifar10 or cifar100 to download it.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="YAML file of options. Typed options take precedence."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="New folder to write to.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout instead of text.")
]
# Groups of the help text, in the order in which a user needs them.
PANELS = (
    "Sweep", "Subsets", "Noise", "Rules", "Review", "Common", "Report", "Examples", "Embedding",
    "Intervals", "Data", "Own model", "Ensemble", "Features", "Training", "Scores", "Hardware",
    "Output", "Pipeline",
)  # fmt: skip
COMMANDS: dict[str, type[BaseConfig]] = {
    "score": ScoreConfig,
    "prune": PruneConfig,
    "inject": InjectConfig,
    "report": ReportConfig,
    "evaluate detection": DetectionConfig,
    "evaluate selftest": SelftestConfig,
    "evaluate examples": ExamplesConfig,
    "evaluate embedding": EmbeddingConfig,
    **{f"evaluate {name}": kind for name, kind in SWEEPS.items()},
}


def with_options(kind: type[BaseConfig]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command one option per field of ``kind``; it receives them as ``**given``.

    An option that was not typed arrives as None (or an empty list), so that a YAML file or a
    preset can fill it; the help text shows the true default.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def wrapper(**arguments: object) -> object:
            return command(**arguments)

        own = [
            p
            for p in inspect.signature(command, eval_str=True).parameters.values()
            if p.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        types = get_type_hints(PresetOption) | get_type_hints(kind)
        added = [_parameter(f, types[f.name]) for f in sorted(options_of(kind), key=_panel)]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *added)]
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def _panel(option_field: dataclasses.Field[Any]) -> int:
    return PANELS.index(option_field.metadata["group"])


def describe(option_field: dataclasses.Field[Any]) -> tuple[str, str]:
    """The help text of an option, and its default in readable form."""
    meta = option_field.metadata
    text = meta["help"]
    if meta["choices"] and not all(choice in text for choice in meta["choices"]):
        text += f" One of: {', '.join(meta['choices'])}."
    if meta["pattern"] == SHARE:
        text += " Written as 0.3 or 30%."
    default = option_field.default
    if default is MISSING or default is None:
        return text, ""
    if isinstance(default, bool):
        return text, "yes" if default else "no"
    return text, str(default)


def _parameter(option_field: dataclasses.Field[Any], kind: object) -> inspect.Parameter:
    text, default = describe(option_field)
    if default and "Default" not in text:
        text += f" Default: {default}."
    settings: dict[str, Any] = {
        "help": text,
        "show_default": False,
        "rich_help_panel": option_field.metadata["group"],
    }
    name = flag(option_field.name)
    names = [f"{name}/--no-{name[2:]}"] if kind is bool else [name]
    is_list = get_origin(kind) is list
    # typer checks only yes or no; config/option.py checks values, with the same words as for YAML
    typed: object = list[str] if is_list else bool | None if kind is bool else str | None
    if kind is not bool:
        is_share = option_field.metadata["pattern"] == SHARE
        settings["metavar"] = "SHARE" if is_share else _metavar(set(get_args(kind)) or {kind})
    return inspect.Parameter(
        option_field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=[] if is_list else None,
        annotation=Annotated[typed, typer.Option(*names, **settings)],
    )


def _metavar(types: set[object]) -> str:
    """The placeholder of the value in the help text."""
    return "PATH" if Path in types else "N" if int in types else "X" if float in types else "TEXT"


def options_document() -> str:
    """docs/options.md: every option of every command, with its default and range."""
    lines = [
        "# Options",
        "",
        "Made from the definitions in `noisefind/config/` by",
        "`python -m noisefind.cli.options > docs/options.md`; a test fails when it is out of date.",
        "",
        "A typed value takes precedence over the `--config` file, the file over `--preset`, and",
        "the preset over the default. The file holds a line per option, and a list for an option",
        "that may be repeated:",
        "",
        "```yaml",
        "members: 20",
        "learning_rate: 0.001  # learning-rate is the same",
        "rotate: true",
        "```",
        "",
        "```yaml",
        "drop: [noise, random]",
        "fraction: 30%  # 0.3 is the same",
        "```",
    ]
    for command, kind in COMMANDS.items():
        lines += ["", f"## noisefind {command}", ""]
        lines += ["| option | default | range | meaning |", "| --- | --- | --- | --- |"]
        for option_field in sorted(options_of(kind), key=_panel):
            text, default = describe(option_field)
            cells = (f"`{flag(option_field.name)}`", default, _range(option_field.metadata), text)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _range(metadata: Mapping[str, Any]) -> str:
    if metadata["choices"]:
        return ", ".join(metadata["choices"])
    if metadata["low"] is None:
        return ""
    return f"{plain_number(metadata['low'])} to {plain_number(metadata['high'])}"


if __name__ == "__main__":
    sys.stdout.write(options_document())
