"""The scores of 200 digits are those in golden_digits.csv, so that no change moves them unseen."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.commands import copy_digits, finished_process, read_csv

GOLDEN = Path(__file__).with_name("golden_digits.csv")
TEXTS = ("given_label", "predicted_label", "is_label_issue", "is_outlier_issue")
PROBABILITIES = ("predicted_prob", "label_score")
SCORES = (
    "el2n", "ensemble_std", "pred_sum", "forgetting", "flips",
    "km_distance", "aum", "loss", "confidence", "variability", "correctness",
)  # fmt: skip
# Other processors add in another order. Between the AVX2 and the SSE 4.1 kernels of PyTorch,
# oneDNN and OpenBLAS the probabilities differ by up to 7e-6 and the scores by up to 2.4e-4.
TOLERANCE = {**dict.fromkeys(PROBABILITIES, 2e-5), **dict.fromkeys(SCORES, 1e-3)}


@pytest.mark.slow
def test_scores_are_the_golden_ones(tmp_path: Path) -> None:
    """Defaults on the first 20 images of each digit: every label, flag and score is unchanged.

    Where a change is intended, write the file again: ``write_golden(RUN / "scores.csv")``.
    """
    data = copy_digits(tmp_path / "digits", 20)
    assert finished_process("score", data, "-o", tmp_path / "run", "--threads", "1") == 0
    golden = {row["file_name"]: row for row in read_csv(GOLDEN)}
    found = {row["file_name"]: row for row in read_csv(tmp_path / "run" / "scores.csv")}
    assert found.keys() == golden.keys()
    for name in TEXTS:
        assert {id_: found[id_][name] for id_ in golden} == {
            id_: row[name] for id_, row in golden.items()
        }, name
    for name, tolerance in TOLERANCE.items():
        new, old = (
            np.array([float(rows[id_][name]) for id_ in golden]) for rows in (found, golden)
        )
        np.testing.assert_allclose(new, old, rtol=0, atol=tolerance, err_msg=name)


def write_golden(scores: Path) -> None:
    """Write golden_digits.csv from the scores.csv of such a run, by file name."""
    rows = sorted(read_csv(scores), key=lambda row: row["file_name"])
    with GOLDEN.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, ("file_name", *TEXTS, *TOLERANCE), extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
