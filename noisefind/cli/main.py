"""The command line: parse, call one function, print. Nothing heavy is imported at the top."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from noisefind._version import __version__
from noisefind.cli.evaluate import evaluate
from noisefind.cli.help import Command, Group
from noisefind.cli.options import AsJson, ConfigFile, Data, Output, with_options
from noisefind.cli.process import (
    EXIT_ERROR,
    EXIT_FAULT,
    EXIT_GATE,
    EXIT_INTERRUPTED,
    leave_on_interrupt,
    lenient,
    open_missing_streams,
)
from noisefind.config import InjectConfig, PruneConfig, ReportConfig, ScoreConfig, load_config
from noisefind.errors import NoisefindError
from noisefind.utils.disk import is_disk_full
from noisefind.utils.text import is_text, shortened, shown_path

# newer typer carries a copy of click, older imports click: this is ClickException of either
_UsageProblem: Any = typer.BadParameter.__mro__[2]


class _GateClosedError(Exception):
    """Too many labels are wrong for ``--fail-over``; everything is written and printed."""


app = typer.Typer(
    name="noisefind",
    cls=Group,
    help="Find wrong labels and rank examples by difficulty in image-classification datasets.",
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


@app.command(cls=Command)
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


@app.command(cls=Command)
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
    from noisefind.cli.gate import reason_to_fail
    from noisefind.cli.prune_console import print_prune
    from noisefind.pruning.prune import prune as run_prune

    options = load_config(PruneConfig, config, given)
    result = run_prune(run, output, options, force=force, dry_run=dry_run)
    print_prune(result, dry_run=dry_run, as_json=as_json)
    _pass_gate(reason_to_fail(result.summary, options.fail_over))


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
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
    if sys.stdout is not sys.__stdout__:  # a test, or a program that reads what is printed
        sys.exit(_exit_code())
    open_missing_streams()
    sys.stdout, written = lenient(1, sys.stdout)
    sys.stderr, _ = lenient(2, sys.stderr)
    code = _exit_code()
    leave_on_interrupt()
    sys.stdout.flush()
    if written.error is not None and code in (0, EXIT_GATE):
        _print_error(f"cannot write to stdout: {written.error.strerror}; give it another place")
        code = EXIT_ERROR
    sys.exit(code)


def _exit_code() -> int:
    """Run the command line; its exit code, after an error is printed."""
    try:
        _require_usable_arguments()
        code = app(standalone_mode=False, prog_name="noisefind")
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except _GateClosedError as closed:
        _print_error(str(closed))
        return EXIT_GATE
    except NoisefindError as error:
        return _failed(str(error))
    except _UsageProblem as error:
        return _failed(error.format_message())
    except OSError as error:
        return _failed_system(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        if isinstance(error, SystemExit) and _is_completion():
            return EXIT_ERROR if error.code else 0
        traceback.print_exc()  # a fault of noisefind or of the system: print all
        return EXIT_FAULT
    if code == EXIT_INTERRUPTED:  # newer typer returns it, older raises Abort
        leave_on_interrupt()  # who presses Ctrl-C twice gets no traceback
        _print_error("interrupted; noisefind score … --resume continues the run")
    if code == EXIT_GATE:  # typer, of a shell that it cannot complete
        return EXIT_ERROR
    return code if isinstance(code, int) else 0


def _failed_system(error: OSError) -> int:
    """Print why a file could not be used; the exit code."""
    where = "" if error.filename is None else f"{shown_path(error.filename)}: "
    if is_disk_full(error):
        return _failed(
            f"{where}{error.strerror}; free some space and run the same command again "
            "(noisefind score with --resume)"
        )
    if error.filename is None:
        traceback.print_exc()
        return EXIT_FAULT
    # a path of the user: missing, too long, without permission
    return _failed(f"{where}{error.strerror}")


def _is_completion() -> bool:
    """Whether typer completes a line or prints its script for the shell; it then calls sys.exit."""
    options = {"--install-completion", "--show-completion"}
    return "_NOISEFIND_COMPLETE" in os.environ or not options.isdisjoint(sys.argv[1:])


def _require_usable_arguments() -> None:
    """NoisefindError for what no output file could hold, and for a working directory that is gone.

    Files hold absolute paths as UTF-8.
    """
    for argument in sys.argv[1:]:
        if not is_text(argument):
            raise NoisefindError(
                f"argument {shortened(argument)} is not UTF-8; rename the file or folder"
            )
    try:
        here = str(Path.cwd())
    except OSError as error:
        raise NoisefindError(
            f"the working directory cannot be used ({error.strerror}); change to another folder"
        ) from None
    if not is_text(here):
        raise NoisefindError(f"the working directory {shown_path(here)} is not UTF-8; rename it")


def _pass_gate(reason: str | None) -> None:
    if reason:
        raise _GateClosedError(reason)


def _failed(message: str) -> int:
    _print_error(message)
    return EXIT_ERROR


def _print_error(message: str) -> None:
    from noisefind.cli.terminal import print_error

    print_error(message)


if __name__ == "__main__":
    main()
