"""The verbs of ``noisefind evaluate`` that train again and again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from noisefind.cli.options import AsJson, ConfigFile, Data, Output, with_options
from noisefind.config import SWEEPS, SweepConfig, load_config

HELP = {
    "easiest": "Train anew without the easiest images by each score, beside full data and chance.",
    "hardest": "Train anew without the hardest images by each score, beside full data and chance.",
    "window": "Train anew on windows of each ranking; with --inject on clean and noisy labels.",
    "clean": "Train anew without the suspected labels, and with them corrected.",
    "curriculum": "Train from easy to hard and from hard to easy, in phases.",
    "clusters": "Train anew without the easiest by km_distance, for several numbers of clusters.",
}

sweeps = typer.Typer()

Run = Annotated[Path, typer.Option("--run", help="Folder of the finished run on DATA.")]


def _add(verb: str, kind: type[SweepConfig]) -> None:
    """A command: all of them differ by their options alone."""

    @sweeps.command(verb, help=HELP[verb])
    @with_options(kind)
    def command(
        data: Data,
        run: Run,
        output: Output,
        config: ConfigFile = None,
        as_json: AsJson = False,
        **given: Any,
    ) -> None:
        from noisefind.cli.evaluate_console import carry_out
        from noisefind.cli.experiments_console import print_sweep
        from noisefind.experiments.subcommands import evaluate_sweep

        options = load_config(kind, config, given)
        work = partial(evaluate_sweep, verb, data, run, output, options)
        carry_out(verb, work, print_sweep, as_json=as_json)


for name, config_class in SWEEPS.items():
    _add(name, config_class)
