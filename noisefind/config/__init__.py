"""Typed options, a YAML file and a preset go in; a checked configuration per command comes out.

Every option is a field of a configuration: name, default, range and help text. The command line,
YAML, docs/options.md and run.json are made from these fields. ``"auto"`` is a value that
depends on the data or the hardware; run.json holds the chosen one.
"""

from noisefind.config.data import DataConfig
from noisefind.config.evaluation import (
    DetectionConfig,
    EmbeddingConfig,
    ExamplesConfig,
    SelftestConfig,
)
from noisefind.config.experiments import (
    SWEEPS,
    CleanConfig,
    ClustersConfig,
    CurriculumConfig,
    EasiestConfig,
    HardestConfig,
    RankedSweepConfig,
    SweepConfig,
    WindowConfig,
)
from noisefind.config.grid import parse_grid, plain
from noisefind.config.inject import NOISE_KINDS, InjectConfig
from noisefind.config.load import (
    FREE_ON_RESUME,
    PresetOption,
    differing,
    load_config,
    options_of,
    with_preset,
)
from noisefind.config.option import AUTO, SHARE, BaseConfig, flag, parse_share, plain_number
from noisefind.config.presets import PRESETS, automatic_preset
from noisefind.config.prune import PruneConfig
from noisefind.config.report import ReportConfig
from noisefind.config.score import EnsembleConfig, ScoreConfig
from noisefind.config.training import FINE, PACKAGED, TIMM, TrainingConfig

__all__ = [
    "AUTO",
    "FINE",
    "FREE_ON_RESUME",
    "NOISE_KINDS",
    "PACKAGED",
    "PRESETS",
    "SHARE",
    "SWEEPS",
    "TIMM",
    "BaseConfig",
    "CleanConfig",
    "ClustersConfig",
    "CurriculumConfig",
    "DataConfig",
    "DetectionConfig",
    "EasiestConfig",
    "EmbeddingConfig",
    "EnsembleConfig",
    "ExamplesConfig",
    "HardestConfig",
    "InjectConfig",
    "PresetOption",
    "PruneConfig",
    "RankedSweepConfig",
    "ReportConfig",
    "ScoreConfig",
    "SelftestConfig",
    "SweepConfig",
    "TrainingConfig",
    "WindowConfig",
    "automatic_preset",
    "differing",
    "flag",
    "load_config",
    "options_of",
    "parse_grid",
    "parse_share",
    "plain",
    "plain_number",
    "with_preset",
]
