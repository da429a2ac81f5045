"""The verbs of ``noisefind evaluate`` that train again and again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from noisefind.config import (
    CleanConfig,
    ClustersConfig,
    CurriculumConfig,
    EasiestConfig,
    HardestConfig,
    SweepConfig,
    WindowConfig,
    load_config,
)
from noisefind.options import AsJson, ConfigFile, Data, with_options

VERBS: dict[str, tuple[type[SweepConfig], str]] = {
    "easiest": (
        EasiestConfig,
        "Train anew without the easiest images by each score, beside full data and chance.",
    ),
    "hardest": (
        HardestConfig,
        "Train anew without the hardest images by each score, beside full data and chance.",
    ),
    "window": (
        WindowConfig,
        "Train anew on windows of each ranking; with --inject on clean and noisy labels.",
    ),
    "clean": (CleanConfig, "Train anew without the suspected labels, and with them corrected."),
    "curriculum": (CurriculumConfig, "Train from easy to hard and from hard to easy, in phases."),
    "clusters": (
        ClustersConfig,
        "Train anew without the easiest by km_distance, for several numbers of clusters.",
    ),
}

sweeps = typer.Typer()

Run = Annotated[Path, typer.Option("--run", help="Folder of the finished run on DATA.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to, new.")]


def _add(verb: str, kind: type[SweepConfig], text: str) -> None:
    """A command: all of them differ by their options alone."""

    @sweeps.command(verb, help=text)
    @with_options(kind)
    def command(
        data: Data,
        run: Run,
        output: Output,
        config: ConfigFile = None,
        as_json: AsJson = False,
        **given: Any,
    ) -> None:
        from noisefind.evaluation.console import carry_out
        from noisefind.evaluation.sweeps.console import print_sweep
        from noisefind.evaluation.sweeps.verbs import evaluate_sweep

        options = load_config(kind, config, given)
        work = partial(evaluate_sweep, verb, data, run, output, options)
        carry_out(verb, work, print_sweep, as_json=as_json)


for name, (config_class, help_text) in VERBS.items():
    _add(name, config_class, help_text)
