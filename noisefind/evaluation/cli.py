"""What a person types after ``noisefind evaluate``: parse, call one function, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from noisefind.config import DetectionConfig, SelftestConfig, load_config
from noisefind.evaluation.sweeps.cli import sweeps
from noisefind.options import ConfigFile, Data, with_options

evaluate = typer.Typer(
    name="evaluate", help="Measure how far results can be trusted.", invoke_without_command=True
)

evaluate.add_typer(sweeps)

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to, new.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, not the table.")]


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
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
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


@evaluate.command()
@with_options(SelftestConfig)
def selftest(
    data: Data,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Plant errors in the labels of DATA, score it anew, and count how many are found."""
    from noisefind.console import TerminalProgress
    from noisefind.evaluation.console import print_selftest

    options = load_config(SelftestConfig, config, given)
    from noisefind.evaluation.selftest import selftest as run_selftest

    with TerminalProgress() as progress:
        result = run_selftest(data, output, options, progress=progress)
    print_selftest(result, as_json=as_json)
