"""The subcommands of ``noisefind evaluate`` that train on subsets."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from noisefind.cli.help import Command
from noisefind.cli.options import AsJson, ConfigFile, Data, Output, with_options
from noisefind.config import SWEEPS, SweepConfig, load_config

HELP = {
    "easiest": "Train without the easiest images by each score, beside all images and chance.",
    "hardest": "Train without the hardest images by each score, beside all images and chance.",
    "window": "Train on windows of each ranking. With --inject: on clean and on noisy labels.",
    "clean": "Train without the label issues, and with them corrected.",
    "curriculum": "Train from easy to hard and from hard to easy, in phases.",
    "clusters": "Train without the easiest images by km_distance, for several numbers of clusters.",
}

sweeps = typer.Typer()

Run = Annotated[Path, typer.Option("--run", help="Folder of the finished run on DATA.")]


def _add(subcommand: str, kind: type[SweepConfig]) -> None:
    """Add a subcommand. They differ only in their options."""

    @sweeps.command(subcommand, cls=Command, help=HELP[subcommand])
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
        work = partial(evaluate_sweep, subcommand, data, run, output=output, config=options)
        carry_out(subcommand, work, print_sweep, as_json=as_json)


for name, config_class in SWEEPS.items():
    _add(name, config_class)
