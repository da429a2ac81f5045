"""One function for all verbs that train again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noisefind.config import SWEEPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from noisefind.config import SweepConfig
    from noisefind.experiments.files import SweepResult
    from noisefind.utils.progress import Progress


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
    from noisefind.experiments import clean, clusters, curriculum, sweep

    known: dict[str, Callable[..., SweepResult]] = {
        "easiest": sweep.remove,
        "hardest": sweep.remove,
        "window": sweep.windows,
        "clean": clean.clean,
        "curriculum": curriculum.curriculum,
        "clusters": clusters.clusters,
    }
    if verb not in known:
        raise ValueError(f"verb is {verb!r}; known: {', '.join(known)}")
    options: Any = config or SWEEPS[verb]()
    return known[verb](sweep.open_sweep(verb, data, run, output, options, progress), options)
