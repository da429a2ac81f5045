"""Options: definitions.py has every one, option.py what one is, layers.py which value counts."""

from noisefind.config.definitions import (
    NOISE_KINDS,
    TIMM,
    DataConfig,
    DetectionConfig,
    InjectConfig,
    PruneConfig,
    ScoreConfig,
    SelftestConfig,
)
from noisefind.config.layers import FREE_ON_RESUME, differing, load_config
from noisefind.config.option import AUTO, SHARE, BaseConfig, flag, plain_number
from noisefind.config.presets import PRESETS

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
    "ScoreConfig",
    "SelftestConfig",
    "differing",
    "flag",
    "load_config",
    "plain_number",
]
