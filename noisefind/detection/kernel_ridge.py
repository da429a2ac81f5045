"""Kernel ridge regression of the given labels on features, with leave-one-out predictions.

One-hot given labels are regressed on a Gaussian kernel between the features' directions and at most
2,000 of them (Nyström's approximation). For a linear smoother the prediction of row i by a fit to
all other rows has a closed form (Allen 1974, "PRESS"): Y_i - (Y_i - F_i) / (1 - H_ii), with fitted
values F and the diagonal H of the hat matrix. So the prediction for every image comes from a fit
without that image, for the price of one fit. With 3,068 photographs and 2,000 centres it takes 2 s.

Rows of one group are left out together: with the block H_gg of the hat matrix the predictions of a
group are Y_g - (I - H_gg)^-1 (Y_g - F_g).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]
    Ints = NDArray[np.int64]

N_CENTERS = 2000
GAMMA = 0.25  # of exp(-GAMMA * squared distance of unit vectors); .5 and 1 were no better
PENALTIES = np.geomspace(0.03, 100, 12)
TUNING_ROWS = 16_384  # on which the penalty with the smallest leave-one-out error is chosen
# Rows that the regression is fitted to; the others are predicted by a fit without them anyway. The
# fit has 2,001 coefficients per class: 100 rows for each are plenty, and at 1,000,000 rows the
# moments of all would take as long as all the rest.
FIT_ROWS = 200_000
SMALLEST_EIGENVALUE = 1e-5  # of the largest; below it directions of the kernel are rounding
LEAST_FREE = 1e-2  # of 1 - H_ii: a row that determines its own fit alone counts no more than this
CHUNK = 4096


class _Chunk(NamedTuple):
    """Rows that are predicted at once; groups are whole."""

    rows: slice | Ints
    groups: list[Ints]  # places in the chunk of the rows of each group with several rows


class _Kernel(NamedTuple):
    """Maps features to numbers whose products approximate the kernel, and a constant."""

    centers: Floats  # (M, d) of length 1
    roots: Floats  # (M, R)

    def to_centers(self, features: Floats) -> Floats:
        """(n, M) the kernel between (n, d) features and the centres."""
        squared = 2 - 2 * _directions(features) @ self.centers.T
        return np.asarray(np.exp(-GAMMA * squared), np.float32)

    def apply(self, features: Floats) -> Floats:
        """(n, d) to (n, R + 1)."""
        mapped = self.to_centers(features) @ self.roots
        return np.hstack([mapped, np.ones((len(mapped), 1), np.float32)])


class _Fit(NamedTuple):
    """A regression in the coordinates of the eigenvectors of Z'Z, for every penalty."""

    kernel: _Kernel
    axes: Floats  # (R + 1, R + 1)
    values: Doubles  # (R + 1,) eigenvalues
    sums: Doubles  # (R + 1, C) Z'Y there
    direct: Floats | None  # (M, R + 1) roots and axes in one matrix; None for few rows

    def turned(self, features: Floats) -> Floats:
        """(n, R + 1) the mapped features in those coordinates.

        For many rows one product replaces two, which saves a third of the time. Few rows keep the
        two, whose last digits are those of earlier versions.
        """
        if self.direct is None:
            return self.kernel.apply(features) @ self.axes
        turned = self.kernel.to_centers(features) @ self.direct
        turned += self.axes[-1]
        return turned


def leave_one_out_scores(
    features: Floats,
    labels: Ints,
    n_classes: int,
    *,
    groups: Ints | None = None,
    seed: int,
    n_threads: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Floats:
    """Support of each class for each row, predicted by a fit without that row.

    Args:
        features: (N, d), may be memory-mapped; only their directions count.
        labels: (N,) given labels.
        n_classes: C.
        groups: (N,) group numbers; rows of one group are left out together. None: each row alone.
        seed: of the choice of centres.
        n_threads: of the matrix products; None: as many as the library takes.
        advance: receives the steps done, :func:`n_steps` in all.

    Returns:
        (N, C) float32; HIGH is support for the class. About the share of such labels among rows
        like this one, but from a regression: values below 0 or above 1 occur. No entry of row i
        depends on label i beyond the choice of the penalty.
    """
    with threadpool_limits(n_threads, "blas"):
        in_fit = _rows_of_fit(len(labels), groups, seed)
        fit = _fit(features, labels, n_classes, in_fit, seed=seed, advance=advance)
        penalty = _best_penalty(fit, features, labels, groups=groups, seed=seed, advance=advance)
        result = np.empty((len(labels), n_classes), np.float32)
        for chunk in _chunks(len(labels), groups):
            rows = chunk.rows
            turned = fit.turned(features[rows])
            predicted, left_out = _predictions(
                fit, turned, labels[rows], penalty=penalty, groups=chunk.groups
            )
            result[rows] = np.where(in_fit[rows][:, None], left_out, predicted)
            advance(len(turned))
    return result


def n_steps(n_rows: int) -> int:
    """Steps of ``leave_one_out_scores``: a matrix of M centres is decomposed in the time of M rows.

    With groups it may be a few more.
    """
    return 2 * n_rows + min(TUNING_ROWS, n_rows) + 2 * min(N_CENTERS, n_rows)


def _rows_of_fit(n_rows: int, groups: Ints | None, seed: int) -> NDArray[np.bool_]:
    """(N,) at most FIT_ROWS of the rows; whole groups, which may make it a few more."""
    in_fit = np.ones(n_rows, np.bool_)
    if n_rows <= FIT_ROWS:
        return in_fit
    keys = np.random.default_rng([seed, 1]).permutation(n_rows)
    if groups is not None:
        keys = keys[np.unique(groups, return_index=True)[1]][
            np.unique(groups, return_inverse=True)[1]
        ]
    return np.asarray(keys < np.partition(keys, FIT_ROWS)[FIT_ROWS], np.bool_)


def _fit(
    features: Floats,
    labels: Ints,
    n_classes: int,
    in_fit: NDArray[np.bool_],
    *,
    seed: int,
    advance: Callable[[int], None],
) -> _Fit:
    kernel = _fit_kernel(features, seed)
    advance(min(N_CENTERS, len(labels)))
    size = kernel.roots.shape[1] + 1
    moments, sums = np.zeros((size, size)), np.zeros((size, n_classes))
    for chunk in _chunks(len(labels), None):
        rows = np.flatnonzero(in_fit[chunk.rows]) + chunk.rows.start  # type: ignore[union-attr]
        mapped = kernel.apply(features[rows])
        moments += mapped.T @ mapped
        sums += mapped.T @ _one_hot(labels[rows], n_classes)
        advance(len(in_fit[chunk.rows]))
    values, axes = np.linalg.eigh(moments)
    advance(min(N_CENTERS, len(labels)))
    turn = axes.astype(np.float32)
    direct = None if in_fit.all() else kernel.roots @ turn[:-1]
    return _Fit(kernel, turn, np.maximum(values, 0), axes.T @ sums, direct=direct)


def _fit_kernel(features: Floats, seed: int) -> _Kernel:
    chosen = np.random.default_rng(seed).permutation(len(features))[:N_CENTERS]
    centers = _directions(features[np.sort(chosen)])
    among = np.exp(-GAMMA * (2 - 2 * centers @ centers.T)).astype(np.float64)
    values, axes = np.linalg.eigh(among)
    kept = values > SMALLEST_EIGENVALUE * values[-1]
    return _Kernel(centers, (axes[:, kept] / np.sqrt(values[kept])).astype(np.float32))


def _best_penalty(
    fit: _Fit,
    features: Floats,
    labels: Ints,
    *,
    groups: Ints | None,
    seed: int,
    advance: Callable[[int], None],
) -> float:
    """The penalty whose leave-one-out predictions are nearest to the labels, in squares."""
    rows = np.random.default_rng(seed).permutation(len(labels))[:TUNING_ROWS]
    if groups is not None:  # whole groups: a copy left in the fit would hide the error
        rows = np.flatnonzero(np.isin(groups, groups[rows]))[: 2 * TUNING_ROWS]
    rows = np.sort(rows)
    errors = np.zeros(len(PENALTIES))
    for chunk in _chunks(len(rows), None if groups is None else groups[rows]):
        chosen = labels[rows[chunk.rows]]
        turned = fit.turned(features[rows[chunk.rows]])
        target = _one_hot(chosen, fit.sums.shape[1])
        for number, penalty in enumerate(PENALTIES.tolist()):
            left_out = _predictions(fit, turned, chosen, penalty=penalty, groups=chunk.groups)[1]
            errors[number] += float(np.square(left_out - target, dtype=np.float64).sum())
        advance(len(chosen))
    return float(PENALTIES[errors.argmin()])


def _predictions(
    fit: _Fit, turned: Floats, labels: Ints, *, penalty: float, groups: list[Ints]
) -> tuple[Floats, Floats]:
    """(n, C) fitted values of rows, and their predictions by a fit without the row or its group."""
    shrunk = (1 / (fit.values + penalty)).astype(np.float32)
    fitted = turned @ (shrunk[:, None] * fit.sums).astype(np.float32)
    free = np.maximum(1 - np.square(turned) @ shrunk, LEAST_FREE)[:, None]
    target = _one_hot(labels, fit.sums.shape[1])
    left_out = np.asarray(target - (target - fitted) / free, np.float32)
    for rows in groups:
        residual = target[rows] - fitted[rows]
        left_out[rows] = target[rows] - _residual_without(
            turned[rows].astype(np.float64), fit.values + penalty, residual
        )
    return fitted, left_out


def _residual_without(
    turned: Doubles, penalised: Doubles, residual: NDArray[np.floating]
) -> NDArray[np.floating]:
    """(k, C) residuals of a group's rows by a fit without them, from those of the fit with them."""
    if len(turned) > len(penalised):  # the same by the smaller matrix (Woodbury)
        rest = np.diag(penalised) - turned.T @ turned
        return np.asarray(residual + turned @ np.linalg.solve(rest, turned.T @ residual))
    free, axes = np.linalg.eigh(np.eye(len(turned)) - (turned / penalised) @ turned.T)
    return np.asarray(axes @ ((axes.T @ residual) / np.maximum(free, LEAST_FREE)[:, None]))


def _directions(features: Floats) -> Floats:
    """(n, d) float32 of length 1; rows of length 0 stay."""
    x = np.asarray(features, np.float32)
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _one_hot(labels: Ints, n_classes: int) -> Floats:
    target = np.zeros((len(labels), n_classes), np.float32)
    target[np.arange(len(labels)), labels] = 1
    return target


def _chunks(n_rows: int, groups: Ints | None) -> Iterator[_Chunk]:
    """Rows in order; with groups sorted by group, and no group is cut."""
    if groups is None:
        for start in range(0, n_rows, CHUNK):
            yield _Chunk(slice(start, min(start + CHUNK, n_rows)), [])
        return
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(groups[order]) != 0])
    edges = np.r_[starts, n_rows]
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(edges, edges[first] + CHUNK, "right")) - 1)
        place = np.arange(edges[last] - edges[first])
        cuts = edges[first : last + 1] - edges[first]
        several = np.flatnonzero(np.diff(cuts) > 1).tolist()
        yield _Chunk(
            order[edges[first] : edges[last]], [place[cuts[k] : cuts[k + 1]] for k in several]
        )
        first = last
