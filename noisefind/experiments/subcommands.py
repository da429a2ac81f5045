"""One function for all subcommands that train again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from noisefind.config import SWEEPS
from noisefind.utils.progress_display import displays_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from noisefind.config import SweepConfig
    from noisefind.experiments.files import SweepResult
    from noisefind.utils.progress import Progress


@displays_progress
def evaluate_sweep(
    subcommand: str,
    data: str | Path,
    run: str | Path,
    output: str | Path,
    config: SweepConfig | None = None,
    *,
    progress: Progress | Literal[False] | None = None,
) -> SweepResult:
    """Choose subsets of the data by the ranking of a run, train on each, and test.

    Args:
        subcommand: ``easiest``, ``hardest``, ``window``, ``clean``, ``curriculum`` or ``clusters``.
        data: the data that was scored.
        run: the folder of the finished run.
        output: the output folder, new or empty.
        config: the options of the subcommand; None for the defaults.
        progress: receives progress and messages; None: a bar on stderr where a person watches,
            in a terminal or a notebook; False: nothing is printed.

    Returns:
        The accuracy of every training (``table``), the content of the JSON file (``summary``) and
        the output folder.

    Raises:
        NoisefindError: before the first training: the run is not finished, the data is not the data
            of the run, there are no images to test on, or ``output`` is not empty.
        ValueError: the subcommand is unknown.

    Examples:
        ```python
        # "run" was scored with ScoreConfig(hold_out=0.2), or the data has a test split
        config = noisefind.HardestConfig(remove="0.1,0.2")
        result = noisefind.evaluate_sweep("hardest", "photos", "run", "hardest", config)
        print(result.summary["conclusions"])
        ```
    """
    from noisefind.experiments import clean, clusters, curriculum, inject_window, sweep

    known: dict[str, Callable[..., SweepResult]] = {
        "easiest": sweep.remove,
        "hardest": sweep.remove,
        "window": inject_window.windows,
        "clean": clean.clean,
        "curriculum": curriculum.curriculum,
        "clusters": clusters.clusters,
    }
    if subcommand not in known:
        raise ValueError(f"subcommand is {subcommand!r}; known: {', '.join(known)}")
    options: Any = config or SWEEPS[subcommand]()
    opened = sweep.open_sweep(
        subcommand, data, run, output, config=options, progress=progress or None
    )
    return known[subcommand](opened, options)
