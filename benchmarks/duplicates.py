"""Which altered copies of photographs are known again, and what is taken for a copy that is none.

    python benchmarks/duplicates.py PHOTOGRAPHS [--cleanvision]

PHOTOGRAPHS is a dataset of image files, as class folders. Twice 500 of them are chosen by a seed:
the constants of noisefind/similarity were chosen on the first, the others are for the report. Of
each there are six files: the original, its mirror image, a crop that leaves 97 % of both sides, one
made 30 % smaller, one 10 % brighter, and a JPEG of quality 50. Prints the share of the altered
copies that are found to be the same picture as their original, and how many of all found pairs are
of two originals. `--cleanvision` also asks CleanVision, if it is installed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageEnhance

from noisefind.config import DataConfig
from noisefind.data.open import open_dataset
from noisefind.data.pixels import open_pixels, resized_pixels
from noisefind.features.frozen import FeatureView, frozen_features
from noisefind.features.pretrained import pretrained_network
from noisefind.features.reduce import fit_projection
from noisefind.similarity.duplicates import group_duplicates, near_pairs
from noisefind.similarity.neighbours import nearest_neighbours
from noisefind.similarity.same_picture import SIDE
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

N_IMAGES = 500
SIZE = 192  # px at which photographs are stored and seen
KINDS = ("mirror", "crop", "smaller", "brighter", "jpeg")
Pairs = set[tuple[str, str]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--cleanvision", action="store_true")
    options = parser.parse_args()
    for part, purpose in enumerate(("to choose constants by", "to report on")):
        print(f"\n500 photographs {purpose}")
        with tempfile.TemporaryDirectory() as name:
            home = Path(name)
            write_copies(options.photographs, home / "copies", part)
            start = time.perf_counter()
            same, seconds = found_pairs(home / "copies", home / "cache")
            whole = time.perf_counter() - start
            print(f"noisefind, {seconds:.1f} s besides decoding and features, {whole:.0f} s in all")
            judge(same)
            if options.cleanvision:
                start = time.perf_counter()
                same = cleanvision_pairs(home / "copies")
                print(f"CleanVision, {time.perf_counter() - start:.1f} s")
                judge(same)


def write_copies(source: Path, target: Path, part: int) -> None:
    """Write six files of each photograph of a part, in two class folders."""
    files = sorted(path for path in source.rglob("*.jpg"))
    order = np.random.default_rng(0).permutation(len(files))
    chosen = np.sort(order[part * N_IMAGES : (part + 1) * N_IMAGES])
    for number, row in enumerate(chosen.tolist()):
        folder = target / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        for kind, picture in copies(Image.open(files[row]).convert("RGB"), number):
            if kind == "jpeg":
                picture.save(folder / f"{number:03d}-{kind}.jpg", quality=50)
            else:
                picture.save(folder / f"{number:03d}-{kind}.png")


def copies(picture: Image.Image, number: int) -> Iterator[tuple[str, Image.Image]]:
    """The original and its five altered copies; the crop lies in one corner or in the middle."""
    width, height = picture.size
    dx, dy = round(0.03 * width), round(0.03 * height)
    left, top = [(0, 0), (dx, 0), (0, dy), (dx, dy), (dx // 2, dy // 2)][number % 5]
    yield "original", picture
    yield "mirror", picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    yield "crop", picture.crop((left, top, left + width - dx, top + height - dy))
    yield "smaller", picture.resize((round(0.7 * width), round(0.7 * height)))
    yield "brighter", ImageEnhance.Brightness(picture).enhance(1.1)
    yield "jpeg", picture


def found_pairs(folder: Path, cache: Path) -> tuple[Pairs, float]:
    """Pairs of names that noisefind takes for one picture, and its seconds for that."""
    dataset = open_dataset(folder, DataConfig(), cache_dir=cache, say=print)
    stored = open_pixels(
        dataset, SIZE, cache=cache, max_pixels=10**9, n_threads=2, progress=Progress()
    )
    features = frozen_features(
        FeatureView(pretrained_network(), SIZE), stored.pixels, key="copies", cache=cache,
        device=torch.device("cpu"), progress=Progress(),
    )  # fmt: skip
    reduced = fit_projection(features).apply(features)
    start = time.perf_counter()
    small = resized_pixels(stored.pixels, SIDE, key="copies", cache=cache, progress=Progress())
    near = near_pairs(nearest_neighbours(reduced, n_threads=2), small)
    groups = group_duplicates(stored.digests, near, dataset.labels).group
    seconds = time.perf_counter() - start
    print(f"{groups.max()} groups, the largest of {np.bincount(groups)[1:].max()} files")
    names = [Path(id_).stem for id_ in dataset.ids]
    return {(names[a], names[b]) for a, b in near.tolist()}, seconds


def cleanvision_pairs(folder: Path) -> Pairs:
    """Pairs of names in one of CleanVision's sets."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, n_jobs=2, verbose=False)
    sets = (
        [Path(path).stem for path in some]
        for kind in ("exact_duplicates", "near_duplicates")
        for some in lab.info[kind]["sets"]
    )
    return {(a, b) for some in sets for a in some for b in some if a < b}


def judge(same: Pairs) -> None:
    """Print recall per alteration and the number of false pairs."""
    same = {(min(pair), max(pair)) for pair in same}
    cells = []
    for kind in KINDS:
        altered = ((f"{n:03d}-original", f"{n:03d}-{kind}") for n in range(N_IMAGES))
        cells.append(f"{np.mean([(min(pair), max(pair)) in same for pair in altered]):.1%}")
    n_false = sum(a[:3] != b[:3] for a, b in same)
    print(f"| {' | '.join(KINDS)} | pairs found | of them false |")
    print("| --- " * (len(KINDS) + 2) + "|")
    print(f"| {' | '.join(cells)} | {len(same):,} | {n_false} |", flush=True)
    for a, b in sorted(pair for pair in same if pair[0][:3] != pair[1][:3])[:10]:
        print(f"false: {a} {b}")


if __name__ == "__main__":
    main()
