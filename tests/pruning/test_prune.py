"""``noisefind prune`` from the command line, on a run of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.commands import QUICK, CommandLine, finished, read_csv
from tests.images import write_cifar10, write_csv, write_images
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

N_PER_CLASS = 20
CLASSES = ("a", "b", "c")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 20 images, and one file that is none."""
    root = tmp_path_factory.mktemp("data") / "images"
    names = [f"{name}/{number:03d}.png" for name in CLASSES for number in range(N_PER_CLASS)]
    write_images(root, *names, size=16)
    (root / "a" / "broken.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over them, with two labels turned wrong."""
    home = tmp_path_factory.mktemp("run")
    labels = write_csv(home / "labels.csv", ("a/000.png", "b"), ("b/000.png", "c"))
    code = finished(
        "score", data, "-o", home / "run", "--labels", labels, "--members", "3", "--epochs", "15",
        "--clusters", "3",
    )  # fmt: skip
    assert code == 0
    return home / "run"


def kept(out: Path) -> set[str]:
    """The ids that were kept, by kept.csv, which must agree with manifest.csv."""
    names = {row["file_name"] for row in read_csv(out / "kept.csv")}
    manifest = read_csv(out / "manifest.csv")
    assert names == {row["file_name"] for row in manifest if row["keep"] == "true"}
    assert len(manifest) == 3 * N_PER_CLASS + 1
    return names


def test_noise_is_dropped_by_default(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Without a rule the suspected labels go, with their reason; the unreadable file too."""
    output = noisefind("prune", run, "-o", tmp_path / "out")
    assert output.code == 0
    suspected = {
        r["file_name"] for r in read_csv(run / "scores.csv") if r["is_label_issue"] == "true"
    }
    assert suspected
    reasons = {r["file_name"]: r["reason"] for r in read_csv(tmp_path / "out/manifest.csv")}
    assert {name for name, reason in reasons.items() if reason == "noise"} == suspected
    assert reasons["a/broken.png"].startswith("unreadable: ")
    assert kept(tmp_path / "out") == reasons.keys() - suspected - {"a/broken.png"}


def test_hardest_drops_from_the_hard_end_of_the_score(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """--drop hardest --fraction 0.3 --by el2n drops the 18 of 60 with the highest el2n."""
    options = ("--drop", "hardest", "--fraction", "0.3", "--by", "el2n")
    assert noisefind("prune", run, "-o", tmp_path / "out", *options).code == 0
    by_el2n = sorted(read_csv(run / "scores.csv"), key=lambda row: float(row["el2n"]))
    assert kept(tmp_path / "out") == {row["file_name"] for row in by_el2n[:42]}


def test_easy_means_high_where_the_score_says_so(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """--drop easiest --by aum drops the highest aum, since a high aum is easy."""
    options = ("--drop", "easiest", "--fraction", "0.5", "--by", "aum")
    assert noisefind("prune", run, "-o", tmp_path / "out", *options).code == 0
    by_aum = sorted(read_csv(run / "scores.csv"), key=lambda row: float(row["aum"]))
    assert kept(tmp_path / "out") == {row["file_name"] for row in by_aum[:30]}


def test_rules_apply_in_order_to_shares_of_all(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """Noise goes first; the fraction after it is of all 60, not of what is left."""
    options = ("--drop", "noise", "--drop", "random", "--fraction", "0.5", "--seed", "1")
    assert noisefind("prune", run, "-o", tmp_path / "out", *options).code == 0
    reasons = [row["reason"] for row in read_csv(tmp_path / "out/manifest.csv")]
    assert reasons.count("random 0.5 seed 1") == 30
    assert reasons.count("noise") >= 1


def test_windows_that_differ_by_a_hundredth_differ(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """A window keeps the positions from LOW to HIGH of the ranking, easiest first."""
    for name, window in (("x", "0.2:0.5"), ("y", "0.22:0.52")):
        options = ("--window", window, "--by", "el2n", "--min-per-class", "0")
        assert noisefind("prune", run, "-o", tmp_path / name, *options).code == 0
    by_el2n = [
        row["file_name"]
        for row in sorted(read_csv(run / "scores.csv"), key=lambda row: float(row["el2n"]))
    ]
    assert kept(tmp_path / "x") == set(by_el2n[12:30])
    assert kept(tmp_path / "y") == set(by_el2n[13:31])


def test_balance_and_floor(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """--balance takes the same share of each class; no class falls under --min-per-class."""
    options = ("--drop", "coverage", "--fraction", "0.5", "--by", "aum", "--balance")
    assert noisefind("prune", run, "-o", tmp_path / "even", *options).code == 0
    labels = [row["label"] for row in read_csv(tmp_path / "even/kept.csv")]
    given = [row["given_label"] for row in read_csv(run / "scores.csv")]
    for name in CLASSES:
        assert abs(labels.count(name) - given.count(name) / 2) <= 1
    floor = ("--drop", "hardest", "--fraction", "0.99", "--min-per-class", "4")
    assert noisefind("prune", run, "-o", tmp_path / "floor", *floor).code == 0
    labels = [row["label"] for row in read_csv(tmp_path / "floor/kept.csv")]
    assert [labels.count(name) for name in CLASSES] == [4, 4, 4]


def test_all_formats(noisefind: CommandLine, run: Path, data: Path, tmp_path: Path) -> None:
    """txt, npy and imagefolder name the same images; the tree files them under given labels."""
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    formats = [word for name in ("txt", "npy", "imagefolder") for word in ("--format", name)]
    options = ("--drop", "random", "--fraction", "0.5", *formats)
    assert noisefind("prune", run, "-o", tmp_path / "out", *options).code == 0
    names = kept(tmp_path / "out")
    assert set((tmp_path / "out/kept.txt").read_text().splitlines()) == names
    ids = sorted(row["file_name"] for row in read_csv(run / "scores.csv"))
    assert {ids[row] for row in np.load(tmp_path / "out/kept.npy")} == names
    links = [path for path in (tmp_path / "out/imagefolder").rglob("*.png") if path.is_symlink()]
    assert {path.resolve().relative_to(data).as_posix() for path in links} == names
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob("*")}


def test_images_that_moved(noisefind: CommandLine, data: Path, tmp_path: Path) -> None:
    """--data says where the images are now; without it a line names what is gone."""
    here, there, run = tmp_path / "here", tmp_path / "there", tmp_path / "run"
    shutil.copytree(data, here)
    assert noisefind("score", here, "-o", run, *QUICK).code == 0
    here.rename(there)
    options = ("--format", "imagefolder", "--copy")
    line = noisefind.refused("prune", run, "-o", tmp_path / "out", *options)
    assert "--data" in line
    assert not (tmp_path / "out").exists()
    assert noisefind("prune", run, "-o", tmp_path / "out", *options, "--data", there).code == 0
    copies = list((tmp_path / "out/imagefolder").rglob("*.png"))
    assert len(copies) == len(kept(tmp_path / "out"))


def test_cifar_becomes_png_files(noisefind: CommandLine, tmp_path: Path) -> None:
    """The imagefolder of a CIFAR run holds its pictures as PNG files."""
    cifar = write_cifar10(tmp_path / "cifar-10-batches-py")
    assert noisefind("score", cifar, "-o", tmp_path / "run", *QUICK).code == 0
    options = ("--drop", "random", "--fraction", "0.1", "--format", "imagefolder")
    assert noisefind("prune", tmp_path / "run", "-o", tmp_path / "out", *options).code == 0
    pictures = list((tmp_path / "out/imagefolder").rglob("*.png"))
    assert len(pictures) == len(read_csv(tmp_path / "out/kept.csv"))


def test_dry_run_writes_nothing(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """--dry-run says per class what would go and leaves no folder."""
    output = noisefind("prune", run, "-o", tmp_path / "out", "--dry-run")
    assert (output.code, "Would drop: noise" in output.out) == (0, True)
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_kept(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """OUT with files in it is refused; --force replaces an earlier prune and nothing else."""
    out = tmp_path / "out"
    noisefind("prune", run, "-o", out)
    (out / "notes.txt").write_text("mine")
    before = (out / "kept.csv").read_bytes()
    options = ("--drop", "random", "--fraction", "0.5")
    assert "--force" in noisefind.refused("prune", run, "-o", out, *options)
    assert (out / "kept.csv").read_bytes() == before
    assert noisefind("prune", run, "-o", out, *options, "--force").code == 0
    assert (out / "kept.csv").read_bytes() != before
    assert (out / "notes.txt").read_text() == "mine"


def test_bad_requests_are_refused_in_one_line(
    noisefind: CommandLine, run: Path, data: Path, tmp_path: Path
) -> None:
    """Rules that do not fit, runs that are none, outputs inside the data: exit 2, one line."""
    out = tmp_path / "out"
    cases = {
        (run, "--drop", "hardest"): "--fraction",
        (run, "--drop", "hardest", "--fraction", "1.5"): "--fraction",
        (run, "--drop", "hardest", "--fraction", "0.3", "--by", "el3n"): "el3n",
        (run, "--window", "0.7:0.3"): "0.7:0.3",
        (run, "--drop", "most"): "--drop",
        (tmp_path / "none",): "not the folder of a finished run",
        (data,): "not the folder of a finished run",
    }
    for arguments, words in cases.items():
        assert words in noisefind.refused("prune", *arguments, "-o", out)
    assert "lies in the data" in noisefind.refused("prune", run, "-o", data / "out")
    assert not out.exists()


def test_what_cannot_be_meant_is_refused(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """The run folder as output, --copy without a tree, --data that does not exist."""
    out = tmp_path / "out"
    assert "is the run itself" in noisefind.refused("prune", run, "-o", run, "--force")
    assert "--copy has an effect only with --format imagefolder: add it" in noisefind.refused(
        "prune", run, "-o", out, "--copy"
    )
    assert "does not exist" in noisefind.refused("prune", run, "-o", out, "--data", tmp_path / "no")


def test_what_a_class_floor_spares_is_said(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """Where --min-per-class lets fewer go than were asked for, the output says how many."""
    rules = ("--drop", "random", "--fraction", "0.5", "--min-per-class", str(N_PER_CLASS - 2))
    output = noisefind("prune", run, "-o", tmp_path / "out", *rules)
    n_dropped = 3 * N_PER_CLASS - len(kept(tmp_path / "out"))
    assert f"--min-per-class keeps {30 - n_dropped} images" in output.out


def test_a_picture_with_two_labels_is_kept_unless_one_is_flagged(
    noisefind: CommandLine, tmp_path: Path
) -> None:
    """Both flagged: both stay, and the summary says so. One flagged: that one goes alone."""
    ids = ["a/0.png", "b/0.png", "a/1.png", "b/1.png"]
    write_images(tmp_path / "data", *ids)
    for n_flagged, dropped in ((2, []), (1, ["a/0.png"]), (3, ["a/1.png"])):
        made_up = MadeUp(
            ids, ["a", "b", "a", "b"], ["b", "a", "b", "b"], n_flagged, groups=[1, 1, 0, 0]
        )
        run = write_run(tmp_path / f"run{n_flagged}", made_up, tmp_path / "data")
        out = tmp_path / f"out{n_flagged}"
        output = noisefind("prune", run.path, "-o", out)
        assert output.code == 0
        manifest = read_csv(out / "manifest.csv")
        assert [r["file_name"] for r in manifest if r["reason"] == "noise"] == dropped
        is_said = "1 picture is kept under different labels" in output.out
        assert is_said == (dropped != ["a/0.png"])
