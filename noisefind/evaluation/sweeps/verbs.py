"""One function for all verbs that train again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from noisefind.config import SweepConfig
    from noisefind.evaluation.sweeps.files import SweepResult
    from noisefind.progress import Progress


def evaluate_sweep(
    verb: str,
    data: str | Path,
    run: str | Path,
    output: str | Path,
    config: SweepConfig | None = None,
    *,
    progress: Progress | None = None,
) -> SweepResult:
    """Choose parts of the data by the ranking of a run, train on each, and test.

    Args:
        verb: ``easiest``, ``hardest``, ``window``, ``clean``, ``curriculum`` or ``clusters``.
        data: the data that was scored.
        run: the folder of the finished run.
        output: where to write; new or empty.
        config: the options of the verb; None for the defaults.
        progress: told how far it is.

    Raises:
        NoisefindError: before anything is trained: the run is not finished, the data is not what it
            scored, there is nothing to test on, or ``output`` is in the way.
        ValueError: an unknown verb.
    """
    from noisefind import config as configs
    from noisefind.evaluation.sweeps import clean, clusters, curriculum, sweep

    known: dict[str, tuple[Callable[..., SweepResult], type[SweepConfig]]] = {
        "easiest": (sweep.remove, configs.EasiestConfig),
        "hardest": (sweep.remove, configs.HardestConfig),
        "window": (sweep.windows, configs.WindowConfig),
        "clean": (clean.clean, configs.CleanConfig),
        "curriculum": (curriculum.curriculum, configs.CurriculumConfig),
        "clusters": (clusters.clusters, configs.ClustersConfig),
    }
    if verb not in known:
        raise ValueError(f"verb is {verb!r}; known: {', '.join(known)}")
    run_verb, kind = known[verb]
    options: Any = config or kind()
    return run_verb(sweep.open_sweep(verb, data, run, output, options, progress), options)
