"""``noisefind evaluate clusters``: accuracy by km_distance with several numbers of clusters."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from noisefind.experiments import conclusions, plots
from noisefind.experiments.sweep import removal_subsets
from noisefind.scores.distance import find_clusters, km_distance
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.config import ClustersConfig
    from noisefind.experiments.files import SweepResult
    from noisefind.experiments.sweep import Sweep

OWN = "km_distance"  # of the run, by --clusters or the elbow


def clusters(sweep: Sweep, config: ClustersConfig) -> SweepResult:
    """Remove the easiest by km_distance, with the run's and with other numbers of clusters."""
    images, n_own = sweep.context.images, sweep.run.read_summary().n_clusters
    place = {id_: row for row, id_ in enumerate(sorted(sweep.run.read_ranking().ids))}
    features = sweep.run.open_features(len(place))
    rows = np.array([place[id_] for id_ in images.ids])
    hardness, fits = {**images.hardness}, []
    sweep.progress.stage("Clustering", len(config.numbers()))
    for number in config.numbers():
        start = time.perf_counter()
        found = find_clusters(
            features, number, n_classes=len(sweep.context.train.classes),
            seed=derived_seed(config.seed, "clusters") % 2**32,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        hardness[f"{OWN}-{number}"] = km_distance(features, found.centers)[rows]
        (distance,) = found.curve.values()
        fits.append(
            {"n_clusters": number, "mean_squared_distance": distance, "seconds": round(seconds, 3)}
        )
        sweep.progress.advance()
    scores = [OWN, *(f"{OWN}-{number}" for number in config.numbers())]
    images = replace(images, hardness=hardness)
    table = sweep.train(removal_subsets(sweep, images, scores, config.shares(), kind="easiest"))

    def draw(folder: Path) -> None:
        title = f"Trained without the easiest by km_distance ({OWN}: {n_own} clusters)"
        plots.draw_sweep(folder, table, "share of the easiest images removed", title)

    more = {"n_clusters": n_own}
    return sweep.finish(
        table, conclusions.of_removal(table, "easiest"), draw, more, tables={"clusters": fits}
    )
