"""A part of the images set aside before anything learns: stratified, by id, exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from noisefind.errors import ConfigError
from noisefind.pruning.rules import Rule
from noisefind.pruning.selection import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset


def set_aside(
    ids: Sequence[str], labels: NDArray[np.int64], share: float, seed: int
) -> NDArray[np.bool_]:
    """Which of the images are set aside: ``round(share * N)``, of each class the same share.

    Which they are depends on seed and ids, not on the order of rows. A class keeps one image.

    Args:
        ids: (N,) unique.
        labels: (N,) class numbers from 0.
        share: 0 to 1.
        seed: decides which.
    """
    rule = Rule("random", fraction=share, seed=seed)
    nothing = np.zeros(len(ids))
    chosen = select(
        [rule], ids=ids, labels=labels, is_label_issue=nothing.astype(np.bool_), difficulty={},
        tie_breaker=nothing, balance=True,
    )  # fmt: skip
    return ~chosen.keep


def hold_out(dataset: Dataset, share: float | None, seed: int) -> tuple[Dataset, Dataset | None]:
    """What is left of the dataset, and what is set aside; None where ``share`` is None.

    Raises:
        ConfigError: nothing would be set aside.
    """
    if share is None:
        return dataset, None
    is_held = set_aside(dataset.ids, dataset.labels, share, seed)
    if not is_held.any():
        raise ConfigError(
            f"--hold-out {share:g} of {len(dataset):,} images is none, with one of each class "
            "staying; ask for more"
        )
    return dataset.only(~is_held), dataset.only(is_held)
