"""Options: defined here, what one is (option.py), and which value counts (layers.py)."""

from noisefind.config.definitions import (
    NOISE_KINDS,
    TIMM,
    DataConfig,
    InjectConfig,
    PruneConfig,
    ScoreConfig,
)
from noisefind.config.evaluation import (
    DetectionConfig,
    EmbeddingConfig,
    ExamplesConfig,
    SelftestConfig,
)
from noisefind.config.grid import parse_grid, plain
from noisefind.config.layers import FREE_ON_RESUME, differing, load_config
from noisefind.config.option import AUTO, SHARE, BaseConfig, flag, options_of, plain_number
from noisefind.config.presets import PRESETS
from noisefind.config.report import ReportConfig
from noisefind.config.sweeps import (
    SWEEPS,
    CleanConfig,
    ClustersConfig,
    CurriculumConfig,
    EasiestConfig,
    HardestConfig,
    SweepConfig,
    WindowConfig,
)

__all__ = [
    "AUTO",
    "FREE_ON_RESUME",
    "NOISE_KINDS",
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
    "ExamplesConfig",
    "HardestConfig",
    "InjectConfig",
    "PruneConfig",
    "ReportConfig",
    "ScoreConfig",
    "SelftestConfig",
    "SweepConfig",
    "WindowConfig",
    "differing",
    "flag",
    "load_config",
    "options_of",
    "parse_grid",
    "plain",
    "plain_number",
]
