"""Features of several networks and views as one array, without a copy of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from noisefind.utils.files import mapped_again

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats: TypeAlias = NDArray[np.floating]
Features: TypeAlias = "Floats | JoinedFeatures"


class JoinedFeatures:
    """Networks stand side by side; the views of one network are averaged.

    It has the length, the shape and the rows of an array (N, d), and reads rows when they are asked
    for.

    Args:
        networks: for each network its views, arrays (N, d of the network).

    Examples:
        >>> one, mirrored = np.array([[0.0, 2.0]]), np.array([[4.0, 2.0]])
        >>> JoinedFeatures([[one, mirrored], [np.array([[7.0]])]])[[0]].tolist()
        [[2.0, 2.0, 7.0]]
    """

    def __init__(self, networks: Sequence[Sequence[Floats]]) -> None:
        self.networks = networks

    @property
    def shape(self) -> tuple[int, int]:
        """(N, d)."""
        return len(self), sum(views[0].shape[1] for views in self.networks)

    def __len__(self) -> int:
        return len(self.networks[0][0])

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Floats:
        """(n, d)."""
        parts = [
            np.mean([mapped_again(view)[rows] for view in views], axis=0) for views in self.networks
        ]
        return np.concatenate(parts, axis=1)


def joined(networks: Sequence[Sequence[Floats]]) -> Features:
    """One array as it is, several as one."""
    if len(networks) == len(networks[0]) == 1:
        return networks[0][0]
    return JoinedFeatures(networks)
