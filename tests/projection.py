"""The principal axes of few images, in milliseconds where noisefind takes seconds.

noisefind decomposes the 2,280 x 2,280 moments of the pretrained features: 5 to 10 s for every
``score``, however few the images are. The tests run it about fifty times on a few dozen images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from noisefind.features.reduce import N_COMPONENTS, Projection, fit_projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def quick_projection(
    features: NDArray[np.floating],
    n_components: int = N_COMPONENTS,
    order: NDArray[np.int64] | None = None,
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> Projection:
    """``fit_projection``, by the (N, N) products of the images where these are fewer than features.

    The axes are the same but for their signs and the last digits.
    """
    rows = np.asarray(features if order is None else features[order], np.float64)
    n_images, n_features = rows.shape
    if n_images >= n_features:
        return fit_projection(features, n_components, order, advance=advance)
    mean = rows.mean(0).astype(np.float32)
    centered = rows - mean
    _, vectors = np.linalg.eigh(centered @ centered.T)
    n_kept = min(n_components, max(1, n_images - 1))
    advance(2 * n_images)
    axes, _ = np.linalg.qr(centered.T @ vectors[:, ::-1][:, :n_kept])
    return Projection(mean, np.ascontiguousarray(axes, np.float32))
