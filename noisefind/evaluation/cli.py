"""What a person types after ``noisefind evaluate``: parse, call one function, print."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer needs it at run time
from typing import Annotated, Any

import typer

from noisefind.config import DetectionConfig, load_config
from noisefind.options import ConfigFile, with_options

evaluate = typer.Typer(
    name="evaluate", help="Measure how far results can be trusted.", invoke_without_command=True
)


@evaluate.callback()
def _evaluate(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@evaluate.command()
@with_options(DetectionConfig)
def detection(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    truth: Annotated[
        Path, typer.Option("--truth", help="CSV or JSONL file with file_name and true_label.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to, new.")],
    config: ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of the table.")
    ] = False,
    **given: Any,
) -> None:
    """Judge the scores and suspected labels of RUN against known true labels."""
    from noisefind.console import TerminalProgress
    from noisefind.evaluation.console import print_detection
    from noisefind.evaluation.detection import evaluate_detection

    options = load_config(DetectionConfig, config, given)
    with TerminalProgress() as progress:
        result = evaluate_detection(run, truth, output, options, progress=progress)
    print_detection(result, as_json=as_json)
