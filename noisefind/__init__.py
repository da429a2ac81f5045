"""noisefind: find wrong labels and rank examples by difficulty in image-classification datasets.

The verbs of the command line are functions here: ``score``, ``prune``, ``inject``, ``report``,
``compare``, and of ``evaluate`` ``evaluate_detection``, ``selftest``, ``evaluate_sweep`` (all that
train again), ``evaluate_correlation``, ``evaluate_distribution``, ``evaluate_examples`` and
``evaluate_embedding``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from noisefind._version import __version__ as __version__

if TYPE_CHECKING:
    from noisefind.config import (
        CleanConfig,
        ClustersConfig,
        CurriculumConfig,
        DetectionConfig,
        EasiestConfig,
        EmbeddingConfig,
        ExamplesConfig,
        HardestConfig,
        InjectConfig,
        PruneConfig,
        ReportConfig,
        ScoreConfig,
        SelftestConfig,
        WindowConfig,
    )
    from noisefind.detection import LabelIssues, find_label_issues
    from noisefind.errors import NoisefindError
    from noisefind.evaluation.compare import compare
    from noisefind.evaluation.correlation import evaluate_correlation
    from noisefind.evaluation.detection import evaluate_detection
    from noisefind.evaluation.distribution import evaluate_distribution
    from noisefind.evaluation.embedding import evaluate_embedding
    from noisefind.evaluation.examples import evaluate_examples
    from noisefind.evaluation.inject import inject
    from noisefind.evaluation.selftest import selftest
    from noisefind.experiments.subcommands import evaluate_sweep
    from noisefind.pruning.prune import prune
    from noisefind.reporting.report import report
    from noisefind.scores.predictions import Predictions
    from noisefind.scoring.pipeline import score

__all__ = [
    "CleanConfig",
    "ClustersConfig",
    "CurriculumConfig",
    "DetectionConfig",
    "EasiestConfig",
    "EmbeddingConfig",
    "ExamplesConfig",
    "HardestConfig",
    "InjectConfig",
    "LabelIssues",
    "NoisefindError",
    "Predictions",
    "PruneConfig",
    "ReportConfig",
    "ScoreConfig",
    "SelftestConfig",
    "WindowConfig",
    "compare",
    "evaluate_correlation",
    "evaluate_detection",
    "evaluate_distribution",
    "evaluate_embedding",
    "evaluate_examples",
    "evaluate_sweep",
    "find_label_issues",
    "inject",
    "prune",
    "report",
    "score",
    "selftest",
]

_HOMES = {
    "CleanConfig": "config",
    "ClustersConfig": "config",
    "CurriculumConfig": "config",
    "DetectionConfig": "config",
    "EasiestConfig": "config",
    "EmbeddingConfig": "config",
    "ExamplesConfig": "config",
    "HardestConfig": "config",
    "InjectConfig": "config",
    "LabelIssues": "detection",
    "NoisefindError": "errors",
    "Predictions": "scores.predictions",
    "PruneConfig": "config",
    "ReportConfig": "config",
    "ScoreConfig": "config",
    "SelftestConfig": "config",
    "WindowConfig": "config",
    "compare": "evaluation.compare",
    "evaluate_correlation": "evaluation.correlation",
    "evaluate_detection": "evaluation.detection",
    "evaluate_distribution": "evaluation.distribution",
    "evaluate_embedding": "evaluation.embedding",
    "evaluate_examples": "evaluation.examples",
    "evaluate_sweep": "experiments.subcommands",
    "find_label_issues": "detection",
    "inject": "evaluation.inject",
    "prune": "pruning.prune",
    "report": "reporting.report",
    "score": "scoring.pipeline",
    "selftest": "evaluation.selftest",
}


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: ``score`` brings torch, which takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'noisefind' has no attribute {name!r}")
    return getattr(import_module(f"noisefind.{_HOMES[name]}"), name)
