"""Correct labels go in; the same labels with known errors, and a mask of the errors, come out."""

from noisefind.noise.kinds import (
    Noise,
    asymmetric,
    by_matrix,
    by_plausibility,
    confusion,
    most_plausible_other,
    moved,
    pair,
    pair_matrix,
    quotas,
    symmetric,
    uniform_matrix,
)
from noisefind.noise.matrix import check_matrix, class_map_matrix

__all__ = [
    "Noise",
    "asymmetric",
    "by_matrix",
    "by_plausibility",
    "check_matrix",
    "class_map_matrix",
    "confusion",
    "most_plausible_other",
    "moved",
    "pair",
    "pair_matrix",
    "quotas",
    "symmetric",
    "uniform_matrix",
]
