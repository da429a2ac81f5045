"""noisefind: find wrong labels and rank examples by difficulty in image-classification datasets.

The verbs of the command line are functions here: ``score``, ``prune``, ``inject``, ``report``,
``evaluate_detection`` and ``selftest``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noisefind.config import (
        DetectionConfig,
        InjectConfig,
        PruneConfig,
        ReportConfig,
        ScoreConfig,
        SelftestConfig,
    )
    from noisefind.errors import NoisefindError
    from noisefind.evaluation.detection import evaluate_detection
    from noisefind.evaluation.selftest import selftest
    from noisefind.injecting import inject
    from noisefind.predictions import Predictions
    from noisefind.pruning import prune
    from noisefind.reporting.report import report
    from noisefind.scoring import score

__version__ = "0.1.0"
__all__ = [
    "DetectionConfig",
    "InjectConfig",
    "NoisefindError",
    "Predictions",
    "PruneConfig",
    "ReportConfig",
    "ScoreConfig",
    "SelftestConfig",
    "evaluate_detection",
    "inject",
    "prune",
    "report",
    "score",
    "selftest",
]

_HOMES = {
    "DetectionConfig": "config",
    "InjectConfig": "config",
    "NoisefindError": "errors",
    "Predictions": "predictions",
    "PruneConfig": "config",
    "ReportConfig": "config",
    "ScoreConfig": "config",
    "SelftestConfig": "config",
    "evaluate_detection": "evaluation.detection",
    "inject": "injecting",
    "prune": "pruning",
    "report": "reporting.report",
    "score": "scoring",
    "selftest": "evaluation.selftest",
}


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: ``score`` brings torch, which takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'noisefind' has no attribute {name!r}")
    return getattr(import_module(f"noisefind.{_HOMES[name]}"), name)
