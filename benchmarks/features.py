"""What the features are worth: average precision and F1 for networks, sizes and mirror images.

    NOISEFIND_DATA=FOLDER python benchmarks/features.py UNPACKED [--case NAME ...] [SETTING ...]

A SETTING is networks, size and views, as ``lite2:128:1`` or ``lite0,lite2:160:2``. It takes the
verdict of ``score`` on every case (seed 0 of the noise): features, leave-one-out, ten probes, label
issues. What follows in a run, such as image checks and tables, is left out. Features are computed
once for all labels of the same images. cases.py says what FOLDER and UNPACKED hold.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from cases import Case, cifar_cases, clothing_cases

from noisefind.data.decode import read_image
from noisefind.detection.kernel_ridge import leave_one_out_scores
from noisefind.detection.label_issues import LabelIssues, Members, judge
from noisefind.detection.leave_one_out import fit_leave_one_out
from noisefind.evaluation import metrics
from noisefind.features.compute import features_of_views, views_of
from noisefind.features.pretrained import pretrained_network
from noisefind.features.reduce import fit_projection
from noisefind.scores import aum
from noisefind.training.ensemble import TrainingData, train_ensemble
from noisefind.training.network import NetworkOptions
from noisefind.training.recipe import MemberKind, default_recipe
from noisefind.training.record import Record
from noisefind.utils.device import prepare_cpu
from noisefind.utils.progress import Progress
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS = ("lite2:128:1", "lite0,lite2:160:1", "lite0,lite2:160:2")
CPU = torch.device("cpu")
MAX_PIXELS = 10**8


def main() -> None:
    """Print a row per case and setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unpacked", type=Path)
    parser.add_argument("settings", nargs="*", default=list(SETTINGS))
    parser.add_argument("--case", action="append")
    options = parser.parse_args()
    prepare_cpu(torch.get_num_threads())
    print("| case | features | average precision | F1 of the flags | best F1 |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cases = chain(clothing_cases(home, range(1)), cifar_cases(home, options.unpacked))
        for case in (case for case in cases if case.name in (options.case or [case.name])):
            ids, given, true = read_table(case)
            for setting in options.settings:
                features = reduced(case.data, ids, setting, home)
                issues = verdict(features, given, int(true.max()) + 1, case.seed)
                print_row(case.name, setting, issues, given != true)


def read_table(case: Case) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Ids, given and true labels as numbers."""
    with case.table.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file_name"])
    names = sorted({row["true_label"] for row in rows})
    given, true = (
        np.array([names.index(row[column]) for row in rows]) for column in ("label", "true_label")
    )
    return tuple(row["file_name"] for row in rows), given, true


@cache
def reduced(data: Path, ids: tuple[str, ...], setting: str, home: Path) -> NDArray[np.float32]:
    """The reduced features of a setting."""
    networks, size, n_views = setting.split(":")
    stored = int(size) if data.name != "cifar10" else 32
    pixels = np.stack([read_image(data / id_, stored, MAX_PIXELS) for id_ in ids])
    views = views_of(
        [pretrained_network(name) for name in networks.split(",")], int(size), int(n_views)
    )
    features = features_of_views(
        views, pixels, key=f"{data.name} {stored}", cache=home / "cache", device=CPU,
        progress=Progress(),
    )  # fmt: skip
    return fit_projection(features).apply(features[slice(None)])


def verdict(
    features: NDArray[np.float32], labels: NDArray[np.int64], n_classes: int, seed: int
) -> LabelIssues:
    """Leave-one-out predictions and ten probes, joined as in a run."""
    seed_of = derived_seed(seed, "witness")
    scores = leave_one_out_scores(features, labels, n_classes, seed=seed_of)
    leave_one_out = fit_leave_one_out(scores, labels, seed=seed_of)
    with tempfile.TemporaryDirectory() as folder:
        kind = MemberKind("probe", default_recipe("probe", len(labels)), seed)
        train_ensemble(
            TrainingData(features, None, labels, n_classes), [kind], NetworkOptions(),
            Path(folder), device=CPU, devices=[], progress=Progress(),
        )  # fmt: skip
        record = Record(Path(folder) / "probe")
        margin, mean = aum(record.rows(slice(None), labels)), np.array(record.mean[slice(None)])
    members = Members(np.asarray(margin, np.float64), lambda rows: mean[rows])
    return judge(labels, tuple(range(n_classes)), leave_one_out, members, seed=seed)


def print_row(case: str, setting: str, issues: LabelIssues, is_wrong: NDArray[np.bool_]) -> None:
    """Average precision, F1 of is_label_issue and that of the best cut; nothing without errors."""
    if not is_wrong.any():
        return
    curve = metrics.curve(metrics.steps(is_wrong, -issues.label_score), None)
    found = (
        metrics.average_precision(curve)[0],
        metrics.flag_metrics(is_wrong, issues.is_label_issue).f1[0],
        metrics.best_f1(curve)[0],
    )
    print(f"| {case} | {setting} | " + " | ".join(f"{x:.3f}" for x in found) + " |", flush=True)


if __name__ == "__main__":
    main()
