"""Every score, the verdict and the peers on every development case.

    NOISEFIND_DATA=FOLDER python benchmarks/detection.py UNPACKED RESULTS
        [--preset fast] [--seeds 3] [--cnn]

RESULTS is a folder: results.csv gets a row per case, seed, method and metric as they come, and a
case that stands there already is not run again; the tables are printed from it. cases.py says what
FOLDER and UNPACKED hold, peers.py what the peers are; they see the features that the run reduced.
--cnn runs one case alone, by small CNNs from pixels in place of the probes, and in place of
cleanlab's regression. Needs cleanlab (the extra ``benchmarks``).
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

import numpy as np
from cases import Case, cifar_cases, clothing_cases, wrong_ids
from peer_cnn import out_of_sample_by_cnn, small_pixels
from peers import (
    cleanlab_flags,
    cleanlab_suspicion,
    neighbour_suspicion,
    out_of_sample,
)

from noisefind import ScoreConfig, score, with_preset
from noisefind.evaluation import metrics
from noisefind.scores import difficulty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

Key = tuple[str, int, str, str]
COLUMNS = ("case", "seed", "method", "metric", "value")
N_BINS = 15  # of the calibration error, with equally many images each
WITH_CNN = "clothing symmetric-10"  # its first seed


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unpacked", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cnn", action="store_true")
    options = parser.parse_args()
    tables = options.results / "tables"
    file = options.results / "results.csv"
    done = {key[:2] for key in read(file)}
    cases, network = clothing_cases(tables, range(options.seeds)), "probe"
    if options.cnn:
        case, network = next(case for case in cases if case.name == WITH_CNN), "cnn"
        cases = iter([case._replace(name=f"{case.name} by small CNNs")])
    else:
        cases = chain(cases, cifar_cases(tables, options.unpacked))
    for case in cases:
        if (case.name, case.seed) not in done:
            append(file, run_case(case, network, options.preset))
    print_tables(read(file))


def run_case(case: Case, network: str, preset: str) -> dict[Key, float]:
    """All metrics of noisefind and the peers."""
    is_wrong_of = wrong_ids(case.table)
    found: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        config = with_preset(
            ScoreConfig, preset, labels=case.table, only_listed=True, seed=case.seed,
            network=network,
        )  # fmt: skip
        result = score(case.data, Path(folder) / "run", config)
        found["label_score", "seconds"] = time.perf_counter() - start
        features = np.load(result.folder.reduced_features)
    ranking = result.ranking
    is_wrong = np.array([is_wrong_of[id_] for id_ in ranking.ids])
    found["label_score", "calibration_error"] = calibration_error(ranking.label_scores, is_wrong)
    rate = asdict(result.summary.noise_rate)
    found |= {("noise_rate", name): rate[name] for name in ("estimate", "low", "high")}
    found["noise_rate", "true"] = float(is_wrong.mean())
    found |= judge("label_score", -ranking.label_scores, is_wrong)
    found |= judge_flags("is_label_issue", ranking.is_label_issue, is_wrong)
    is_suspected = ranking.is_label_issue | ranking.is_worth_a_look
    found |= judge_flags("is_label_issue or is_worth_a_look", is_suspected, is_wrong)
    for name, values in ranking.scores.items():
        found |= judge(name, difficulty(name, values), is_wrong)
    found |= judge("random", np.random.default_rng(case.seed).random(len(is_wrong)), is_wrong)
    by_id = np.argsort(np.array(ranking.ids, dtype=object))  # the order of the features
    labels = np.unique(np.array(ranking.given_labels)[by_id], return_inverse=True)[1]
    wrong = is_wrong[by_id]
    start = time.perf_counter()
    if network == "cnn":
        pixels = small_pixels(case.data, sorted(ranking.ids), result.summary.sizes.network)
        probabilities = out_of_sample_by_cnn(pixels, labels, case.seed)
    else:
        probabilities = out_of_sample(features, labels)
    found["cleanlab", "seconds"] = time.perf_counter() - start
    for name, suspicion in cleanlab_suspicion(labels, probabilities).items():
        found |= judge(name, suspicion, wrong)
    for name, flags in cleanlab_flags(labels, probabilities).items():
        found |= judge_flags(name, flags, wrong)
    found |= judge("30 neighbours", neighbour_suspicion(features, labels), wrong)
    return {(case.name, case.seed, *key): value for key, value in found.items()}


def judge(
    method: str, suspicion: NDArray[np.float64], is_wrong: NDArray[np.bool_]
) -> dict[tuple[str, str], float]:
    """How well a ranking finds the wrong labels; nothing where there are none."""
    if not is_wrong.any():
        return {}
    curve = metrics.curve(metrics.steps(is_wrong, suspicion), None)
    return {
        (method, "auroc"): float(metrics.auroc(curve)[0]),
        (method, "average_precision"): float(metrics.average_precision(curve)[0]),
        (method, "f1_at_n"): float(metrics.f1_at_n(curve)[0]),
        (method, "best_f1"): float(metrics.best_f1(curve)[0]),
    }


def judge_flags(
    method: str, is_flagged: NDArray[np.bool_], is_wrong: NDArray[np.bool_]
) -> dict[tuple[str, str], float]:
    """What flags are worth."""
    flags = metrics.flag_metrics(is_wrong, is_flagged)._asdict()
    return {(method, name): float(value[0]) for name, value in flags.items()}


def calibration_error(label_score: NDArray[np.float64], is_wrong: NDArray[np.bool_]) -> float:
    """Mean distance of label_score from the share of right labels, over equally large bins."""
    bins = np.array_split(np.argsort(label_score), N_BINS)
    gaps = [abs(label_score[rows].mean() - (~is_wrong[rows]).mean()) * len(rows) for rows in bins]
    return float(sum(gaps) / len(is_wrong))


def read(file: Path) -> dict[Key, float]:
    """What was measured so far."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as opened:
        return {
            (r["case"], int(r["seed"]), r["method"], r["metric"]): float(r["value"])
            for r in csv.DictReader(opened)
        }


def append(file: Path, measured: dict[Key, float]) -> None:
    """Add the rows of a case at once."""
    is_new = not file.exists()
    with file.open("a", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        if is_new:
            writer.writerow(COLUMNS)
        writer.writerows((*key, f"{value:.6g}") for key, value in measured.items())


def print_tables(measured: dict[Key, float]) -> None:
    """Markdown: rankings, flags, calibration and noise rate; mean (deviation) over seeds."""
    values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for (case, _, method, metric), value in measured.items():
        values[case, method, metric].append(value)
    cases = list(dict.fromkeys(case for case, _, _ in values))
    methods = list(dict.fromkeys(m for _, m, metric in values if metric == "auroc"))
    flags = list(dict.fromkeys(m for _, m, metric in values if metric == "precision"))
    for metric in ("average_precision", "auroc", "f1_at_n"):
        print_table(metric, methods, cases, [(m, metric) for m in methods], values)
    for metric in ("f1", "precision", "recall", "share"):
        print_table(f"flags: {metric}", flags, cases, [(m, metric) for m in flags], values)
    rest = [("label_score", "best_f1"), ("label_score", "calibration_error")]
    rest += [("noise_rate", name) for name in ("true", "estimate", "low", "high")]
    rest += [("label_score", "seconds"), ("cleanlab", "seconds")]
    print_table("the rest", [" ".join(key) for key in rest], cases, rest, values)


def print_table(
    title: str,
    rows: list[str],
    cases: list[str],
    keys: list[tuple[str, str]],
    values: dict[tuple[str, str, str], list[float]],
) -> None:
    """One table, a row per method and a column per case."""

    def cell(found: Iterable[float]) -> str:
        numbers = list(found)
        if not numbers:
            return ""
        spread = f" ({stdev(numbers):.3f})" if len(numbers) > 1 else ""
        return f"{mean(numbers):.3f}{spread}"

    print(f"\n| {title} | " + " | ".join(cases) + " |")
    print("| --- " * (len(cases) + 1) + "|")
    for name, key in zip(rows, keys, strict=True):
        cells = [cell(values.get((case, *key), [])) for case in cases]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
