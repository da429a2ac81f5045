"""The image checks, end to end: injected duplicates, leaks and image issues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from noisefind.data.decode import picture_of, read_picture
from noisefind.data.pixels import Stored, open_pixels
from noisefind.scoring.image_checks import ImageCheckSettings, check_images, check_other_splits
from noisefind.utils.progress import Progress
from tests.commands import QUICK, CommandLine, read_csv
from tests.images import opened, write_images
from tests.planted import COPY, LARGE, LEAKED, MIRRORED, PLAIN

if TYPE_CHECKING:
    from pathlib import Path


def rows_by_name(planted: Path) -> dict[str, dict[str, str]]:
    return {row["file_name"]: row for row in read_csv(planted / "run/scores.csv")}


def test_duplicates(planted: Path) -> None:
    """A copy under another label is exact, a mirror image near; reasons name the other label."""
    found = read_csv(planted / "run/duplicates.csv")
    rows = rows_by_name(planted)

    original = next(row["file_name"] for row in found if row["file_name"].startswith("train/zero/"))
    assert {row["file_name"]: row["kind"] for row in found} == {
        original: "exact",
        COPY: "exact",
        next(row["file_name"] for row in found if row["duplicate_group"] == "2"): "near",
        MIRRORED: "near",
    }
    assert rows[COPY]["duplicate_group"] == rows[original]["duplicate_group"] == "1"
    assert f"duplicate with label zero: {original}" in rows[COPY]["reasons"]
    assert "duplicate with label" not in rows[MIRRORED]["reasons"]
    assert sum(row["duplicate_group"] != "" for row in rows.values()) == 4


def test_leaks(planted: Path) -> None:
    """An image of the test split that was trained on stands in leaks.csv with both labels."""
    (leak,) = read_csv(planted / "run/leaks.csv")

    assert leak["file_name"].startswith("train/zero/")
    assert leak == {
        "file_name": leak["file_name"], "split": "train", "given_label": "zero",
        "other_file_name": LEAKED, "other_split": "test", "other_label": "zero", "kind": "exact",
    }  # fmt: skip


def test_image_issues(planted: Path) -> None:
    """The one wide picture is of odd shape and odd size; small grey digits are no issue."""
    rows = rows_by_name(planted)

    assert {"odd_aspect_ratio", "odd_size"} <= set(rows[PLAIN]["image_issues"].split(";"))
    assert not any("grayscale" in row["image_issues"] for row in rows.values())
    assert rows[PLAIN]["is_outlier_issue"] == "true"
    assert sum(row["is_outlier_issue"] == "true" for row in rows.values()) <= 2


def test_counts(planted: Path) -> None:
    """run.json counts what the files hold, and says how long it took."""
    summary = json.loads((planted / "run/run.json").read_text())

    counts = ("n_duplicate_groups", "n_conflicting_duplicates", "n_leaks")
    assert [summary[name] for name in counts] == [2, 2, 1]
    assert summary["n_outliers"] >= 1
    assert {"image_checks", "other_splits"} <= summary["seconds"].keys()


def test_neighbours_are_row_numbers_of_sorted_names(planted: Path) -> None:
    """The copy is the nearest neighbour of its original, and the other way round."""
    names = sorted(rows_by_name(planted))
    nearest = np.load(planted / "run/features/neighbours.npy")
    similarity = np.load(planted / "run/features/neighbour_similarity.npy")
    found = (row["file_name"] for row in read_csv(planted / "run/duplicates.csv"))
    original = next(name for name in found if name.startswith("train/zero/"))

    assert nearest.shape == similarity.shape == (len(names), 10)
    assert names[nearest[names.index(COPY), 0]] == original
    assert names[nearest[names.index(original), 0]] == COPY
    np.testing.assert_allclose(similarity[names.index(COPY), 0], 1, rtol=1e-5)


@pytest.mark.slow
def test_other_splits_can_be_left_alone(planted: Path, noisefind: CommandLine) -> None:
    """--no-leaks writes no leaks.csv; the broken file of the test split is not read."""
    options = (*QUICK, *LARGE, "--no-leaks")
    output = noisefind("score", planted / "data", "-o", planted / "alone", *options)

    assert output.code == 0
    assert not (planted / "alone/leaks.csv").exists()
    assert "n_leaks" not in json.loads((planted / "alone/run.json").read_text())
    assert "2 groups of duplicates, 2 images have a conflicting label" in output.out


def test_prune_keeps_one_of_each_group(planted: Path, noisefind: CommandLine) -> None:
    """--drop duplicates drops one of each pair and nothing else."""
    out = planted / "clean"
    output = noisefind("prune", planted / "run", "-o", out, "--drop", "duplicates")

    assert output.code == 0
    dropped = {row["file_name"] for row in read_csv(out / "manifest.csv") if row["keep"] == "false"}
    groups = {
        row["file_name"]: row["duplicate_group"] for row in read_csv(planted / "run/duplicates.csv")
    }
    assert sorted(groups[name] for name in dropped) == ["1", "2"]


def stored_of(data: Path, cache: Path) -> Stored:
    return open_pixels(
        opened(data), 8, cache=cache, max_pixels=10**6, n_threads=1, progress=Progress()
    )


def test_other_splits_that_cannot_be_read(tmp_path: Path) -> None:
    """Where no image of the other splits can be read, that is said, and the run goes on."""
    data = write_images(tmp_path, "train/a/1.png", "train/b/2.png", "test/a/3.png")
    (data / "test/a/3.png").write_bytes(b"no image")
    told: list[str] = []
    progress = Progress()
    progress.say = told.append  # type: ignore[assignment,method-assign]
    stored = stored_of(data, tmp_path / "cache")
    settings = ImageCheckSettings(10**6, tmp_path / "cache", 1, progress, 0)

    assert check_other_splits(stored.dataset, stored, settings) is None
    assert told[0] == "warning: no image can be read in 1 class: a"
    assert len(told) == 2
    assert told[1].startswith("the other splits are not checked: ")


def test_many_copies_do_not_hide_a_mirror_image(tmp_path: Path) -> None:
    """Thirty copies of a picture and thirty of its mirror image are one group."""
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((48, 48))
    mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for number in range(30):
        for label, image in (("a", picture), ("b", mirrored)):
            (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
            image.save(tmp_path / f"data/{label}/{number}.png")
    stored = stored_of(tmp_path / "data", tmp_path / "cache")
    settings = ImageCheckSettings(10**6, tmp_path / "cache", 1, Progress(), 0)
    features = np.repeat(np.eye(2, dtype=np.float32), 30, axis=0)

    found = check_images(stored, stored.dataset.labels, features, settings)

    assert set(found.duplicate_group.tolist()) == {1}
    assert found.is_exact.all()
    assert (found.conflicting_duplicate >= 0).all()


def test_a_digest_knows_one_pixel(tmp_path: Path) -> None:
    """Equal pixels have one digest in whatever file; one pixel, the shape or a turn change it."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 20, 3), dtype=np.uint8)
    other = pixels.copy()
    other[3, 3, 0] ^= 1
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    Image.fromarray(other).save(tmp_path / "pixel.png")
    Image.fromarray(pixels.reshape(20, 40, 3)).save(tmp_path / "shape.png")
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=turned)

    names = ("a.png", "a.bmp", "pixel.png", "shape.png", "turned.png")
    first, same, *others = (read_picture(tmp_path / name, 8, 10**6) for name in names)

    assert first.digest == same.digest == picture_of(pixels, 8).digest
    assert len({first.digest, *(picture.digest for picture in others)}) == 4
    sizes = [(picture.width, picture.height) for picture in (first, *others)]
    assert sizes == [(20, 40), (20, 40), (40, 20), (40, 20)]
