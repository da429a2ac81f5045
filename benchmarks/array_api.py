"""``find_label_issues`` on arrays: against cleanlab on the same predictions, and its cost.

    NOISEFIND_DATA=FOLDER python benchmarks/array_api.py quality UNPACKED RESULTS [--seeds 3]
    python benchmarks/array_api.py cost [--examples 1000000] [--classes 10] [--features 512]

quality: on every development case (cases.py says what FOLDER and UNPACKED hold), noisefind and
cleanlab get the same out-of-sample probabilities: 5 folds of a logistic regression on the product's
own features. noisefind is measured on the probabilities alone, on the features alone and on both.
RESULTS is a folder; results.csv in it gets a row per case, seed, method and metric as they come. A
case in it is not run again, and the probabilities are kept. Nobody is told the noise rate. Needs
cleanlab (extra ``benchmarks``).

cost: seconds and peak memory of one call on made-up features, in a process of its own.
"""

from __future__ import annotations

import argparse
import csv
import resource
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cases import cifar_cases, clothing_cases, wrong_ids
from detection import append, judge, judge_flags, print_table, read
from peers import cleanlab_flags, cleanlab_suspicion, out_of_sample

from noisefind import ScoreConfig, find_label_issues, score

if TYPE_CHECKING:
    from cases import Case
    from detection import Key
    from numpy.typing import NDArray


def main() -> None:
    """One of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    quality = commands.add_parser("quality")
    quality.add_argument("unpacked", type=Path)
    quality.add_argument("results", type=Path)
    quality.add_argument("--seeds", type=int, default=3)
    cost = commands.add_parser("cost")
    cost.add_argument("--examples", type=int, default=1_000_000)
    cost.add_argument("--classes", type=int, default=10)
    cost.add_argument("--features", type=int, default=512)
    options = parser.parse_args()
    if options.command == "cost":
        print_cost(options.examples, options.classes, options.features)
    else:
        run_quality(options.unpacked, options.results, options.seeds)


def run_quality(unpacked: Path, results: Path, n_seeds: int) -> None:
    """Run what is missing, then print the tables."""
    file, tables = results / "results.csv", results / "tables"
    cases = chain(clothing_cases(tables, range(n_seeds)), cifar_cases(tables, unpacked))
    done = {key[:2] for key in read(file)}
    for case in cases:
        if (case.name, case.seed) not in done and not case.name.endswith(" own"):
            append(file, run_case(case, results))
    print_tables(read(file))


def run_case(case: Case, results: Path) -> dict[Key, float]:
    """All metrics of noisefind and cleanlab on one case."""
    features, labels, is_wrong = arrays(case, results)
    found: dict[tuple[str, str], float] = {}
    kept = results / "pred_probs" / f"{case.name.replace(' ', '-')}-{case.seed}.npy"
    if not kept.exists():
        start = time.perf_counter()
        probs = out_of_sample(features, labels)
        found["regression", "seconds"] = time.perf_counter() - start
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, probs)
    probs = np.load(kept)
    given = {
        "noisefind, pred_probs": (probs, None),
        "noisefind, features": (None, features),
        "noisefind, both": (probs, features),
    }
    for name, inputs in given.items():
        start = time.perf_counter()
        issues = find_label_issues(labels, *inputs, seed=case.seed)
        found[name, "seconds"] = time.perf_counter() - start
        found |= judge(name, -issues.label_score, is_wrong)
        found |= judge_flags(name, issues.is_label_issue, is_wrong)
    for name, suspicion in cleanlab_suspicion(labels, probs).items():
        found |= judge(name, suspicion, is_wrong)
    for name, flags in cleanlab_flags(labels, probs).items():
        found |= judge_flags(name, flags, is_wrong)
    return {(case.name, case.seed, *key): value for key, value in found.items()}


def arrays(
    case: Case, results: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Reduced features, given labels and which of them are wrong.

    The cases of a dataset have the same images. Features do not depend on labels, so RESULTS keeps
    one array for all of them.
    """
    kept = results / "features" / f"{case.data.name}.npz"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            config = ScoreConfig(
                labels=case.table, only_listed=True, members=1, epochs=1, clusters=2
            )
            result = score(case.data, Path(folder) / "run", config)
            kept.parent.mkdir(parents=True, exist_ok=True)
            ids = sorted(result.ranking.ids)  # the order of the features
            np.savez(kept, ids=ids, features=np.load(result.folder.reduced_features))
    with np.load(kept) as stored:
        features, ids = stored["features"], stored["ids"].tolist()
    with case.table.open(encoding="utf-8", newline="") as file:
        given = {row["file_name"]: row["label"] for row in csv.DictReader(file)}
    wrong = wrong_ids(case.table)
    labels = np.unique([given[id_] for id_ in ids], return_inverse=True)[1]
    return features, labels, np.array([wrong[id_] for id_ in ids])


def print_tables(measured: dict[Key, float]) -> None:
    """Markdown: average precision of the rankings, F1 of the flags."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for (case, _, method, metric), value in measured.items():
        values.setdefault((case, method, metric), []).append(value)
    cases = list(dict.fromkeys(case for case, _, _ in values))
    for metric in ("average_precision", "f1"):
        methods = list(dict.fromkeys(m for _, m, one in values if one == metric))
        print_table(metric, methods, cases, [(m, metric) for m in methods], values)


def print_cost(n_examples: int, n_classes: int, n_features: int) -> None:
    """Seconds and peak memory of features alone, with 5 % of the labels wrong."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, n_examples)
    centers = rng.standard_normal((n_classes, n_features), np.float32)
    features = np.empty((n_examples, n_features), np.float32)
    for start in range(0, n_examples, 100_000):
        rows = slice(start, start + 100_000)
        features[rows] = centers[labels[rows]]
        features[rows] += 2 * rng.standard_normal(features[rows].shape, np.float32)
    wrong = rng.permutation(n_examples)[: n_examples // 20]
    labels[wrong] = (labels[wrong] + rng.integers(1, n_classes, len(wrong))) % n_classes
    start_seconds = time.perf_counter()
    issues = find_label_issues(labels, features=features)
    seconds = time.perf_counter() - start_seconds
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    is_wrong = np.zeros(n_examples, np.bool_)
    is_wrong[wrong] = True
    f1 = judge_flags("", issues.is_label_issue, is_wrong)["", "f1"]
    print("| examples | classes | features | seconds | peak memory, GB | F1 |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {n_examples:,} | {n_classes:,} | {n_features:,} | {seconds:.0f} | {peak_gb:.1f} | "
        f"{f1:.3f} |"
    )


if __name__ == "__main__":
    main()
