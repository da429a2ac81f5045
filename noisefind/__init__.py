"""noisefind: find wrong labels and rank examples by difficulty in image-classification datasets.

The verbs of the command line are functions here: ``noisefind.score`` and ``noisefind.prune``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noisefind.config import PruneConfig, ScoreConfig
    from noisefind.errors import NoisefindError
    from noisefind.predictions import Predictions
    from noisefind.pruning import prune
    from noisefind.scoring import score

__version__ = "0.1.0"
__all__ = ["NoisefindError", "Predictions", "PruneConfig", "ScoreConfig", "prune", "score"]

_HOMES = {
    "NoisefindError": "errors",
    "Predictions": "predictions",
    "PruneConfig": "config",
    "ScoreConfig": "config",
    "prune": "pruning",
    "score": "scoring",
}


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: ``score`` brings torch, which takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'noisefind' has no attribute {name!r}")
    return getattr(import_module(f"noisefind.{_HOMES[name]}"), name)
