"""The command line: parse, call one function, print. Nothing heavy is imported at the top."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path  # noqa: TC003  typer needs it at run time
from typing import Annotated, Any, NoReturn

import typer

from noisefind._version import __version__
from noisefind.cli.evaluate import evaluate
from noisefind.cli.options import AsJson, ConfigFile, Data, Output, with_options
from noisefind.config import InjectConfig, PruneConfig, ReportConfig, ScoreConfig, load_config
from noisefind.errors import NoisefindError
from noisefind.utils.disk import is_disk_full

EXIT_GATE = 1  # for --fail-over only
EXIT_ERROR = 2
EXIT_FAULT = 70  # EX_SOFTWARE; Python's own 1 is the exit code of a closed gate
EXIT_INTERRUPTED = 130
# newer typer carries a copy of click, older imports click: this is ClickException of either
_UsageProblem: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="noisefind",
    help="Find wrong labels and rank examples by difficulty in image-classification datasets.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(evaluate)


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if version:
        typer.echo(f"noisefind {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
@with_options(ScoreConfig)
def score(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder of the run.")],
    config: ConfigFile = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue an interrupted run, or add --members to a finished run."
        ),
    ] = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Find wrong labels: train an ensemble on DATA, rank its images, worst labels first."""
    from noisefind.cli.console import print_scores
    from noisefind.cli.gate import reason_to_fail
    from noisefind.cli.terminal import TerminalProgress
    from noisefind.runs.folder import RunFolder

    before = RunFolder(output).started_config() if resume else {}
    options = load_config(ScoreConfig, config, given, before)
    from noisefind.scoring.pipeline import score as run_score  # imports torch: seconds

    with TerminalProgress() as progress:
        result = run_score(data, output, options, resume=resume, progress=progress)
    print_scores(result, as_json=as_json)
    _pass_gate(reason_to_fail(result.summary, options.fail_over))


@app.command()
@with_options(PruneConfig)
def prune(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    output: Output,
    config: ConfigFile = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output of an earlier prune.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be dropped per class. Write nothing.")
    ] = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Choose the images to keep and write their manifest. Images are never changed."""
    from noisefind.cli.console import print_prune
    from noisefind.cli.gate import reason_to_fail
    from noisefind.pruning.prune import prune as run_prune

    options = load_config(PruneConfig, config, given)
    result = run_prune(run, output, options, force=force, dry_run=dry_run)
    print_prune(result, dry_run=dry_run, as_json=as_json)
    _pass_gate(reason_to_fail(result.summary, options.fail_over))


@app.command()
@with_options(InjectConfig)
def inject(
    data: Data,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Inject label noise and keep the true labels beside it. Images are never changed."""
    from noisefind.cli.console import print_injection
    from noisefind.cli.terminal import TerminalProgress
    from noisefind.evaluation.inject import inject as run_inject

    options = load_config(InjectConfig, config, given)
    with TerminalProgress() as progress:
        result = run_inject(data, output, options, progress=progress)
    print_injection(result, str(data), as_json=as_json)


@app.command()
@with_options(ReportConfig)
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write. Default: report.html in RUN."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Write one HTML file to review the labels of RUN. It opens in any browser."""
    from noisefind.cli.console import print_report
    from noisefind.cli.terminal import TerminalProgress
    from noisefind.reporting.report import report as run_report

    options = load_config(ReportConfig, config, given)
    with TerminalProgress() as progress:
        result = run_report(run, output, options, progress=progress)
    print_report(result, as_json=as_json)


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="Folder of a finished run.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="Folder of a later run.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New folder to write to. Default: only print."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the label issues of two runs. Images are joined by file name."""
    from noisefind.cli.console import print_comparison
    from noisefind.evaluation.compare import compare as run_compare

    print_comparison(run_compare(run_a, run_b, output), as_json=as_json)


def main() -> None:
    """Run the command line; every error that a user can fix is one line and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except NoisefindError as error:
        _fail(str(error))
    except _UsageProblem as error:
        _fail(error.format_message())
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of stdout (head, less) has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if is_disk_full(error):
            where = f" ({error.filename})" if error.filename else ""
            _fail(
                f"the disk is full{where}: {error.strerror}; free some space and run the same "
                "command again (noisefind score with --resume)"
            )
        traceback.print_exc()
        code = EXIT_FAULT
    except Exception:  # noqa: BLE001  a fault of noisefind or of the system: print all
        traceback.print_exc()
        code = EXIT_FAULT
    if code == EXIT_INTERRUPTED:  # newer typer returns it, older raises Abort
        from noisefind.cli.terminal import print_error

        print_error("interrupted; noisefind score … --resume continues the run")
    sys.exit(code if isinstance(code, int) else 0)


def _pass_gate(reason: str | None) -> None:
    from noisefind.cli.terminal import print_error

    if reason:
        print_error(reason)
        raise typer.Exit(EXIT_GATE)


def _fail(message: str) -> NoReturn:
    from noisefind.cli.terminal import print_error

    print_error(message)
    sys.exit(EXIT_ERROR)


if __name__ == "__main__":
    main()
