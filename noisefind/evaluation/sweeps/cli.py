"""The verbs of ``noisefind evaluate`` that train again and again."""

from __future__ import annotations

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
from noisefind.options import ConfigFile, Data, with_options

sweeps = typer.Typer()

Run = Annotated[Path, typer.Option("--run", help="Folder of the finished run on DATA.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to, new.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, not the table.")]


def _sweep(
    verb: str,
    kind: type[SweepConfig],
    data: str,
    run: Path,
    output: Path,
    config: Path | None,
    as_json: bool,
    given: dict[str, Any],
) -> None:
    """What all of them do: read the options, run the verb, print."""
    from noisefind.console import TerminalProgress
    from noisefind.evaluation.sweeps.console import print_sweep
    from noisefind.evaluation.sweeps.verbs import evaluate_sweep

    options = load_config(kind, config, given)
    with TerminalProgress() as progress:
        result = evaluate_sweep(verb, data, run, output, options, progress=progress)
    print_sweep(result, as_json=as_json)


@sweeps.command()
@with_options(EasiestConfig)
def easiest(
    data: Data,
    run: Run,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Train anew without the easiest images by each score, beside full data and chance."""
    _sweep("easiest", EasiestConfig, data, run, output, config, as_json, given)


@sweeps.command()
@with_options(HardestConfig)
def hardest(
    data: Data,
    run: Run,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Train anew without the hardest images by each score, beside full data and chance."""
    _sweep("hardest", HardestConfig, data, run, output, config, as_json, given)


@sweeps.command()
@with_options(WindowConfig)
def window(
    data: Data,
    run: Run,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Train anew on windows of each ranking; with --inject on clean and noisy labels."""
    _sweep("window", WindowConfig, data, run, output, config, as_json, given)


@sweeps.command()
@with_options(CleanConfig)
def clean(
    data: Data,
    run: Run,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Train anew without the suspected labels, and with them corrected."""
    _sweep("clean", CleanConfig, data, run, output, config, as_json, given)


@sweeps.command()
@with_options(CurriculumConfig)
def curriculum(
    data: Data,
    run: Run,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Train from easy to hard and from hard to easy, in phases."""
    _sweep("curriculum", CurriculumConfig, data, run, output, config, as_json, given)


@sweeps.command()
@with_options(ClustersConfig)
def clusters(
    data: Data,
    run: Run,
    output: Output,
    config: ConfigFile = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Train anew without the easiest by km_distance, for several numbers of clusters."""
    _sweep("clusters", ClustersConfig, data, run, output, config, as_json, given)
