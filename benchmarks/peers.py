"""What others would do with the same features: cleanlab, neighbours, chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # of the regression; the best on its first fold is taken
N_NEIGHBOURS = 30
RANKINGS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
FILTERS = (
    "prune_by_noise_rate", "prune_by_class", "both", "confident_learning",
    "predicted_neq_given", "low_self_confidence", "low_normalized_margin",
)  # fmt: skip


def out_of_sample(features: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, C) probabilities by 5 folds of a logistic regression, as cleanlab's manual proposes."""
    x = features / np.sqrt(np.mean(np.square(features, dtype=np.float64)))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    train, test = next(iter(folds.split(x, labels)))

    def loss(strength: float) -> float:
        model = LogisticRegression(C=strength, max_iter=300).fit(x[train], labels[train])
        return float(log_loss(labels[test], model.predict_proba(x[test]), labels=model.classes_))

    best = min(STRENGTHS, key=loss)
    model = LogisticRegression(C=best, max_iter=300)
    return np.asarray(cross_val_predict(model, x, labels, cv=folds, method="predict_proba"))


def cleanlab_suspicion(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Each of its rankings, HIGH is suspicious."""
    from cleanlab.rank import get_label_quality_scores

    return {
        f"cleanlab {method}": -get_label_quality_scores(
            labels, probabilities, method=method,
            adjust_pred_probs=method != "confidence_weighted_entropy",
        )
        for method in RANKINGS
    } | {
        f"cleanlab {method} unadjusted": -get_label_quality_scores(
            labels, probabilities, method=method
        )
        for method in RANKINGS[:2]
    }  # fmt: skip


def cleanlab_flags(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> dict[str, NDArray[np.bool_]]:
    """What each of its filters suspects."""
    from cleanlab.filter import find_label_issues

    return {
        f"cleanlab {name}": np.asarray(
            find_label_issues(labels, probabilities, filter_by=name, n_jobs=1)
        )
        for name in FILTERS
    }


def neighbour_suspicion(
    features: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Share of the 30 nearest images by cosine with another label."""
    search = NearestNeighbors(n_neighbors=N_NEIGHBOURS + 1, metric="cosine").fit(features)
    near = search.kneighbors(features, return_distance=False)[:, 1:]
    return np.asarray((labels[near] != labels[:, None]).mean(1))
