"""image_issues beside what CleanVision says of the same files.

    python benchmarks/image_issues.py DATA SIZE

DATA is a folder of class or split folders, SIZE the side in px at which `score` would store its
images. Needs the package cleanvision. Prints for every issue how many images each flags, and how
many both; and the seconds of each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from noisefind.config import DataConfig
from noisefind.data.open import open_dataset
from noisefind.data.pixels import open_pixels
from noisefind.scoring.image_checks import ImageCheckSettings, image_measures
from noisefind.similarity.quality import image_issues
from noisefind.utils.progress import Progress

ISSUES = (
    "dark", "light", "blurry", "low_information", "odd_aspect_ratio", "odd_size", "grayscale"
)  # fmt: skip


def main() -> None:
    """Print the table."""
    from cleanvision import Imagelab

    data, size = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        dataset = open_dataset(data, DataConfig(split="all"), cache_dir=cache, say=print)
        start = time.perf_counter()
        stored = open_pixels(
            dataset, size, cache=cache, max_pixels=10**9, n_threads=2, progress=Progress()
        )
        decoded = time.perf_counter()
        settings = ImageCheckSettings(10**9, cache, n_threads=2, progress=Progress(), seed=0)
        measures = image_measures(stored, settings)
        issues = image_issues(measures, stored.sizes)
        done = time.perf_counter()
    print(f"noisefind: {decoded - start:.1f} s of decoding, {done - decoded:.1f} s of measuring")
    start = time.perf_counter()
    lab = Imagelab(data_path=str(data))
    lab.find_issues({issue: {} for issue in ISSUES}, n_jobs=2, verbose=False)
    print(f"CleanVision: {time.perf_counter() - start:.1f} s")
    print("| issue | noisefind | CleanVision | both |\n| --- | --- | --- | --- |")
    for issue in ISSUES:
        flagged = lab.issues.index[lab.issues[f"is_{issue}_issue"]]
        theirs = {Path(path).resolve().relative_to(data).as_posix() for path in flagged}
        ours = {
            id_
            for id_, text in zip(stored.dataset.ids, issues, strict=True)
            if issue in text.split(";")
        }
        print(f"| {issue} | {len(ours)} | {len(theirs)} | {len(ours & theirs)} |")


if __name__ == "__main__":
    main()
