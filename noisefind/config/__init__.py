"""Options: defined here, what one is (option.py), and which value counts (layers.py)."""

from noisefind.config.definitions import (
    NOISE_KINDS,
    TIMM,
    DataConfig,
    InjectConfig,
    PruneConfig,
    ScoreConfig,
)
from noisefind.config.evaluation import DetectionConfig, SelftestConfig
from noisefind.config.layers import FREE_ON_RESUME, differing, load_config
from noisefind.config.option import AUTO, SHARE, BaseConfig, flag, plain_number
from noisefind.config.presets import PRESETS
from noisefind.config.report import ReportConfig

__all__ = [
    "AUTO",
    "FREE_ON_RESUME",
    "NOISE_KINDS",
    "PRESETS",
    "SHARE",
    "TIMM",
    "BaseConfig",
    "DataConfig",
    "DetectionConfig",
    "InjectConfig",
    "PruneConfig",
    "ReportConfig",
    "ScoreConfig",
    "SelftestConfig",
    "differing",
    "flag",
    "load_config",
    "plain_number",
]
