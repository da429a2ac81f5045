"""``find_label_issues``: label issues from arrays of any kind of data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.detection.kernel_ridge import leave_one_out_scores
from noisefind.detection.label_issues import LabelIssues, Members, judge
from noisefind.detection.leave_one_out import LeaveOneOut, fit_leave_one_out
from noisefind.detection.noise_rate import mean_noise
from noisefind.utils.numbers import checked_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.floating]
    Ints = NDArray[np.int64]

SMALLEST_PROB = 1e-6  # below, a probability is the rounding of the model that gave it
# How a predicted probability may support a class, and the first inverse temperature of each. Chosen
# on clothing with pair noise (seed 0) and CIFAR-10 human-random1, symmetric-05 and -10: F1 of the
# flags .816, .675, .752, .828, with the first alone .799, .642, .745, .828.
SCALES = ((np.log, 1.0), (np.sqrt, 5.0), (np.positive, 7.0))
SUM_TOLERANCE = 1e-2  # of a row of predicted probabilities; half precision misses 1 by .005


def find_label_issues(
    labels: ArrayLike,
    pred_probs: ArrayLike | None = None,
    features: ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> LabelIssues:
    """Find wrong labels from predicted probabilities, from features, or from both.

    With ``features``: kernel ridge regression predicts each label without it, a model of label
    noise turns that into probabilities (docs: "How a label is judged"). ``pred_probs`` add their
    margin log p[given] - log max other p, unless they have memorised the labels, which the features
    show. Without ``features`` the model of label noise reads the probabilities directly, and they
    have to be out of sample: this cannot be checked.

    Args:
        labels: (N,) given labels: names, or whole numbers. With ``class_names`` or ``pred_probs``
            numbers are 0 .. C-1; without they may be any.
        pred_probs: (N, C), or (M, N, C) of several models. Rows sum to 1. Columns are in the order
            of ``class_names``, else of the numbers, else of the sorted names.
        features: (N, d) numbers of any model of any data: images, text, tables.
        class_names: (C,) names of the classes.
        groups: (N,) examples of one source (copies of a picture, frames of a film, one patient);
            examples of one group are left out together. Counts for ``features`` alone.
        seed: of the random choices: centres of the regression, ties.

    Returns:
        LabelIssues: per example and for the whole dataset.

    Raises:
        ValueError: neither ``pred_probs`` nor ``features``, or an array that does not fit.

    Examples:
        >>> import numpy as np
        >>> from noisefind import find_label_issues
        >>> rng = np.random.default_rng(0)
        >>> labels = np.repeat(["cat", "dog"], 100)
        >>> features = rng.normal(size=(200, 8)) + np.where(labels == "cat", 3, -3)[:, None]
        >>> labels[7] = "dog"  # a wrong label
        >>> issues = find_label_issues(labels, features=features)
        >>> int(issues.ranked()[0]), issues.suggested_label[7], int(issues.is_label_issue.sum())
        (7, 'cat', 1)
    """
    probs = None if pred_probs is None else _checked_probs(pred_probs)
    y, classes = _numbered(labels, class_names, None if probs is None else probs.shape[2])
    _require_rows(len(y), pred_probs=None if probs is None else probs.shape[1])
    members = None if probs is None else _members(probs, y)
    if features is not None:
        x = np.atleast_1d(np.asarray(features))
        _require_rows(len(y), features=len(x))
        scores = leave_one_out_scores(
            checked_features(x), y, len(classes),
            groups=None if groups is None else _checked_groups(groups, len(y)), seed=seed,
        )  # fmt: skip
        leave_one_out = fit_leave_one_out(scores, y, seed=seed)
    else:
        leave_one_out, members = _of_probs(probs, y, seed), None
    return judge(y, classes, leave_one_out, members, seed=seed)


def _of_probs(probs: Floats | None, labels: Ints, seed: int) -> LeaveOneOut:
    """The noise models of out-of-sample predicted probabilities (M, N, C).

    Log-probabilities rank best. But probabilities that were learned from noisy labels contain part
    of the noise already, so their model explains doubts by its temperature and finds too few wrong
    labels. Probabilities and their roots make it find more. The target is the mean of the three.
    """
    if probs is None:
        raise ValueError("find_label_issues needs pred_probs, features or both")
    mean = np.maximum(probs.mean(0), SMALLEST_PROB)
    models = [
        fit_leave_one_out(scale(mean).astype(np.float32), labels, first=first, seed=seed)
        for scale, first in SCALES
    ]
    target = np.mean([model.p_given(labels) for model in models], axis=0)
    return models[0]._replace(
        noise=mean_noise([one.noise for one in models]), target=target, p_pair=None
    )


def _members(probs: Floats, labels: Ints) -> Members:
    """Margins and mean of (M, N, C) predicted probabilities."""
    margin = np.zeros(len(labels))
    every = np.arange(len(labels))
    for one in probs:
        log = np.log(np.maximum(one, SMALLEST_PROB))
        given = log[every, labels].astype(np.float64)
        log[every, labels] = -np.inf
        margin += (given - log.max(1)) / len(probs)
    return Members(margin, lambda rows: probs[:, rows].mean(0))


def _numbered(
    labels: ArrayLike, class_names: Sequence[str] | None, n_columns: int | None
) -> tuple[Ints, tuple[Any, ...]]:
    """(N,) class numbers, and what they stand for."""
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"labels have shape {values.shape}, must be (N,) with N of at least 1")
    is_number = values.dtype.kind in "iu"
    if not is_number and not all(isinstance(value, str) for value in values.tolist()):
        raise ValueError(f"labels are {values.dtype}, must be whole numbers or names")
    if class_names is not None:
        classes: tuple[Any, ...] = tuple(class_names)
        if len(set(classes)) < len(classes):
            raise ValueError("class_names must differ from one another")
    elif is_number and n_columns is not None:
        classes = tuple(range(n_columns))
    else:
        classes = tuple(np.unique(values).tolist())
    if n_columns is not None and len(classes) != n_columns:
        raise ValueError(
            f"pred_probs have {n_columns} columns for {len(classes)} classes; class_names give the "
            "columns their names"
        )
    if len(classes) < 2:
        raise ValueError(f"labels are of {len(classes)} class, must be of at least 2")
    known = range(len(classes)) if is_number and class_names is not None else classes
    number = {name: n for n, name in enumerate(known)}
    strange = next((value for value in np.unique(values).tolist() if value not in number), None)
    if strange is not None:
        shown = ", ".join(map(repr, list(known)[:5])) + (", ..." if len(classes) > 5 else "")
        raise ValueError(f"labels hold {strange!r}, must be one of {shown}")
    if is_number and known == range(len(classes)):
        return values.astype(np.int64), classes
    names, places = np.unique(values, return_inverse=True)
    return np.array([number[name] for name in names.tolist()], np.int64)[places], classes


def _checked_probs(pred_probs: ArrayLike) -> Floats:
    """(M, N, C) float32 or float64."""
    probs = np.asarray(pred_probs)
    if probs.dtype.kind not in "fiu" or probs.ndim not in (2, 3) or 0 in probs.shape:
        raise ValueError(
            f"pred_probs are {probs.dtype} {probs.shape}, must be numbers (N, C) or (M, N, C)"
        )
    if probs.dtype not in (np.float32, np.float64):
        probs = probs.astype(np.float32)
    probs = probs if probs.ndim == 3 else probs[None]
    for model in probs:
        wrong = ~(np.abs(model.sum(1) - 1) <= SUM_TOLERANCE) | (
            model.min(1) < 0
        )  # NaN is wrong too
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(
                f"pred_probs row {row} is {np.array2string(model[row][:5], precision=3)}, must be "
                "0 to 1 and sum to 1; logits need a softmax first"
            )
    return probs


def _checked_groups(groups: ArrayLike, n_rows: int) -> Ints:
    values = np.asarray(groups)
    if values.ndim != 1:
        raise ValueError(f"groups have shape {values.shape}, must be (N,)")
    _require_rows(n_rows, groups=len(values))
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _require_rows(n_rows: int, **lengths: int | None) -> None:
    for name, length in lengths.items():
        if length is not None and length != n_rows:
            raise ValueError(f"{name} have {length:,} rows for {n_rows:,} labels")
