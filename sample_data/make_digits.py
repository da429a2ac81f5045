"""Makes sample_data/digits and truth.csv: real handwritten digits, 3 % of them filed wrongly.

    python sample_data/make_digits.py

The digits come with scikit-learn, so nothing is downloaded; the same seed gives the same files.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
N_PER_CLASS = 100
PLANTED_SHARE = 0.03
SEED = 2026


def main() -> None:
    """Write the images under their (partly wrong) given labels, and the truth beside them."""
    digits = load_digits()
    rng = np.random.default_rng(SEED)
    rows = np.concatenate(
        [
            rng.permutation(np.flatnonzero(digits.target == label))[:N_PER_CLASS]
            for label in range(len(CLASSES))
        ]
    )
    true = digits.target[rows]
    given = true.copy()
    planted = rng.choice(len(rows), round(PLANTED_SHARE * len(rows)), replace=False)
    steps = rng.integers(1, len(CLASSES), len(planted))  # never 0: always to another class
    given[planted] = (true[planted] + steps) % len(CLASSES)

    truth = []
    for row, given_label, true_label in zip(rows, given, true, strict=True):
        file_name = f"{CLASSES[given_label]}/{row:04d}.png"
        path = HERE / "digits" / file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.round(digits.images[row] * (255 / 16)).astype(np.uint8)  # stored as 0 to 16
        Image.fromarray(pixels).save(path)
        truth.append((file_name, CLASSES[given_label], CLASSES[true_label]))
    with (HERE / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file_name", "label", "true_label"))
        writer.writerows(sorted(truth))


if __name__ == "__main__":
    main()
