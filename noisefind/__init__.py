"""noisefind: find wrong labels and rank examples by difficulty in image-classification datasets.

The commands of the command line are functions here: ``score``, ``prune``, ``inject``, ``report``,
``compare``, and of ``evaluate``: ``evaluate_detection``, ``selftest``, ``evaluate_sweep`` (for all
that train on subsets), ``evaluate_correlation``, ``evaluate_distribution``, ``evaluate_examples``
and ``evaluate_embedding``. ``open_run`` opens a finished run.

For arrays: ``find_label_issues``; ``scores``, one function per score of ``Predictions``; ``noise``,
label noise of several kinds; ``metrics`` of detection; ``pruning.select``, which images to keep.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from noisefind._version import __version__ as __version__

if TYPE_CHECKING:  # for type checkers; a test keeps these imports equal to _HOMES
    from noisefind import noise as noise
    from noisefind import pruning as pruning
    from noisefind import scores as scores
    from noisefind.cli.terminal import TerminalProgress
    from noisefind.config import CleanConfig as CleanConfig
    from noisefind.config import ClustersConfig as ClustersConfig
    from noisefind.config import CurriculumConfig as CurriculumConfig
    from noisefind.config import DetectionConfig as DetectionConfig
    from noisefind.config import EasiestConfig as EasiestConfig
    from noisefind.config import EmbeddingConfig as EmbeddingConfig
    from noisefind.config import ExamplesConfig as ExamplesConfig
    from noisefind.config import HardestConfig as HardestConfig
    from noisefind.config import InjectConfig as InjectConfig
    from noisefind.config import PruneConfig as PruneConfig
    from noisefind.config import ReportConfig as ReportConfig
    from noisefind.config import ScoreConfig as ScoreConfig
    from noisefind.config import SelftestConfig as SelftestConfig
    from noisefind.config import WindowConfig as WindowConfig
    from noisefind.config import with_preset as with_preset
    from noisefind.detection import LabelIssues as LabelIssues
    from noisefind.detection import find_label_issues as find_label_issues
    from noisefind.errors import NoisefindError as NoisefindError
    from noisefind.evaluation import metrics as metrics
    from noisefind.evaluation.compare import compare as compare
    from noisefind.evaluation.correlation import evaluate_correlation as evaluate_correlation
    from noisefind.evaluation.detection import evaluate_detection as evaluate_detection
    from noisefind.evaluation.distribution import evaluate_distribution as evaluate_distribution
    from noisefind.evaluation.embedding import evaluate_embedding as evaluate_embedding
    from noisefind.evaluation.examples import evaluate_examples as evaluate_examples
    from noisefind.evaluation.inject import inject as inject
    from noisefind.evaluation.selftest import selftest as selftest
    from noisefind.experiments.subcommands import evaluate_sweep as evaluate_sweep
    from noisefind.pruning.prune import prune as prune
    from noisefind.reporting.report import report as report
    from noisefind.runs.run import Run as Run
    from noisefind.runs.run import open_run as open_run
    from noisefind.scores.predictions import Predictions as Predictions
    from noisefind.scoring.pipeline import score as score
    from noisefind.similarity.duplicates import find_duplicates as find_duplicates
    from noisefind.training.recorder import Recorder as Recorder

# Public name -> its module, imported when the name is first used: torch takes seconds. Where the
# module has no such name, the public name is the module itself.
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
    "Recorder": "training.recorder",
    "ReportConfig": "config",
    "Run": "runs.run",
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
    "find_duplicates": "similarity.duplicates",
    "find_label_issues": "detection",
    "inject": "evaluation.inject",
    "metrics": "evaluation.metrics",
    "noise": "noise",
    "open_run": "runs.run",
    "prune": "pruning.prune",
    "pruning": "pruning",
    "report": "reporting.report",
    "score": "scoring.pipeline",
    "scores": "scores",
    "selftest": "evaluation.selftest",
    "with_preset": "config",
}
__all__ = list(_HOMES)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'noisefind' has no attribute {name!r}")
    module = import_module(f"noisefind.{_HOMES[name]}")
    return getattr(module, name, module)


def terminal_progress() -> TerminalProgress:
    """The bars of the command line, for the library: no folder below ``cli`` may import them."""
    from noisefind.cli.terminal import TerminalProgress

    return TerminalProgress()
