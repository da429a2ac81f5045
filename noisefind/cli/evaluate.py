"""The subcommands of ``noisefind evaluate``: parse, call one function, print."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from noisefind.cli.experiments import sweeps
from noisefind.cli.help import Command, Group
from noisefind.cli.options import AsJson, ConfigFile, Data, Output, with_options
from noisefind.config import (
    DetectionConfig,
    EmbeddingConfig,
    ExamplesConfig,
    SelftestConfig,
    load_config,
)

evaluate = typer.Typer(
    name="evaluate",
    cls=Group,
    help="Measure how reliable the results are.",
    invoke_without_command=True,
)

evaluate.add_typer(sweeps)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]


@evaluate.callback()
def _evaluate(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@evaluate.command(cls=Command)
@with_options(DetectionConfig)
def detection(
    run: Run,
    truth: Annotated[Path, typer.Option("--truth", help="Table with file_name and true_label.")],
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Compare the scores and label issues of RUN with known true labels."""
    from noisefind.cli.evaluate_console import carry_out, print_detection
    from noisefind.evaluation.detection import evaluate_detection

    options = load_config(DetectionConfig, config, given)
    work = partial(evaluate_detection, run, truth, output, options)
    carry_out("detection", work, print_detection, as_json=as_json)


@evaluate.command(cls=Command)
@with_options(SelftestConfig)
def selftest(
    data: Data,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Inject errors into the labels of DATA, score it, and count how many are found."""
    from noisefind.cli.evaluate_console import carry_out, print_selftest
    from noisefind.evaluation.selftest import selftest as run_selftest

    options = load_config(SelftestConfig, config, given)
    work = partial(run_selftest, data, output, options)
    carry_out("selftest", work, print_selftest, as_json=as_json)


@evaluate.command(cls=Command)
def correlation(run: Run, output: Output, as_json: AsJson = False) -> None:
    """Correlate all scores of RUN. High values are made hard first."""
    from noisefind.cli.evaluate_console import carry_out, print_correlation
    from noisefind.evaluation.correlation import evaluate_correlation

    work = partial(evaluate_correlation, run, output)
    carry_out("correlation", work, print_correlation, as_json=as_json)


@evaluate.command(cls=Command)
def distribution(run: Run, output: Output, as_json: AsJson = False) -> None:
    """Draw histograms of all scores of RUN, with the label issues marked."""
    from noisefind.cli.evaluate_console import carry_out, print_distribution
    from noisefind.evaluation.distribution import evaluate_distribution

    work = partial(evaluate_distribution, run, output)
    carry_out("distribution", work, print_distribution, as_json=as_json)


@evaluate.command(cls=Command)
@with_options(ExamplesConfig)
def examples(
    run: Run, output: Output, config: ConfigFile = None, as_json: AsJson = False, **given: Any
) -> None:
    """Show the hardest images of RUN by a score, with labels and predictions."""
    from noisefind.cli.evaluate_console import carry_out, print_examples
    from noisefind.evaluation.examples import evaluate_examples

    options = load_config(ExamplesConfig, config, given)
    work = partial(evaluate_examples, run, output, options)
    carry_out("examples", work, print_examples, as_json=as_json)


@evaluate.command(cls=Command)
@with_options(EmbeddingConfig)
def embedding(
    run: Run, output: Output, config: ConfigFile = None, as_json: AsJson = False, **given: Any
) -> None:
    """Draw a t-SNE map of the features of RUN, with the label issues marked."""
    from noisefind.cli.evaluate_console import carry_out, print_embedding
    from noisefind.evaluation.embedding import evaluate_embedding

    options = load_config(EmbeddingConfig, config, given)
    work = partial(evaluate_embedding, run, output, options)
    carry_out("embedding", work, print_embedding, as_json=as_json)
