"""``noisefind score`` from the command line on real images."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.runs.folder import RunFolder
from noisefind.runs.tables import SCORE_COLUMNS
from noisefind.training.record import n_recorded
from tests.commands import (
    DIGITS,
    QUICK,
    TRUTH,
    CommandLine,
    copy_digits,
    finished_process,
    process,
    read_csv,
)
from tests.images import write_cifar10, write_csv, write_images

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def digits_run(noisy_digits: Path) -> Path:
    """A run on the sample data, a tenth of whose labels are wrong."""
    return noisy_digits / "run"


def folder(root: Path, n_images: int = 12, classes: str = "ab") -> Path:
    """Class folders with images of about one colour each."""
    names = [f"{name}/{number:03d}.png" for name in classes for number in range(n_images)]
    return write_images(root, *names, size=16)


@pytest.mark.slow
def test_the_first_rows_are_the_planted_errors(tmp_path: Path) -> None:
    """At least nine tenths of what was planted lie in the first 5 % of rows, with the defaults."""
    is_wrong = {row["file_name"]: row["label"] != row["true_label"] for row in read_csv(TRUTH)}
    assert finished_process("score", DIGITS, "-o", tmp_path / "run") == 0
    ranked = [is_wrong[row["file_name"]] for row in read_csv(tmp_path / "run/scores.csv")]
    assert (len(ranked), sum(ranked)) == (1000, 30)
    assert sum(ranked[:50]) >= 27


@pytest.mark.slow
def test_scores_csv_keeps_its_contract(digits_run: Path) -> None:
    """Stable header, ranks from 1, worst first, class names, label_score in 0..1."""
    text = (digits_run / "scores.csv").read_text(encoding="utf-8")
    rows = read_csv(digits_run / "scores.csv")
    assert text.splitlines()[0].split(",") == list(SCORE_COLUMNS)
    assert [int(row["rank"]) for row in rows] == list(range(1, 1001))
    label_scores = [float(row["label_score"]) for row in rows]
    assert label_scores == sorted(label_scores)
    assert 0 <= label_scores[0] <= label_scores[-1] <= 1
    assert {row["given_label"] for row in rows} == {path.name for path in DIGITS.iterdir()}
    assert {row["is_label_issue"] for row in rows} == {"true", "false"}


def test_verdict_agrees_with_itself(digits_run: Path) -> None:
    """A suspected label is never its own suggestion, has reasons, and adds to the noise rate."""
    rows = read_csv(digits_run / "scores.csv")
    for row in rows:
        if row["is_label_issue"] == "true":
            assert row["predicted_label"] != row["given_label"]
            assert float(row["label_score"]) <= 0.7
            assert row["reasons"]
    rate = json.loads((digits_run / "run.json").read_text())["noise_rate"]
    expected = np.mean([1 - float(row["label_score"]) for row in rows])
    assert rate["low"] < rate["estimate"] < rate["high"]
    assert rate["estimate"] == pytest.approx(expected, abs=2e-3)


def test_evidence_is_in_the_run_folder(digits_run: Path) -> None:
    """Details in the order of the scores; rates of classes and pairs that fit the whole."""
    ids = [row["file_name"] for row in read_csv(digits_run / "scores.csv")]
    assert [row["file_name"] for row in read_csv(digits_run / "details.csv")] == ids
    classes = read_csv(digits_run / "noise_per_class.csv")
    assert sum(int(row["n_images"]) for row in classes) == 1000
    pairs = read_csv(digits_run / "joint.csv")
    counts = [float(row["n_images"]) for row in pairs]
    assert counts == sorted(counts, reverse=True)
    assert all(row["given_label"] != row["true_label"] for row in pairs)


@pytest.mark.slow
def test_members_that_memorised_the_labels_do_not_count(
    noisefind: CommandLine, noisy_digits: Path, tmp_path: Path
) -> None:
    """Over-trained on purpose: the run warns of it, and still flags the injected errors."""
    labels = noisy_digits / "noise/labels.csv"
    output = noisefind(
        "score", DIGITS, "-o", tmp_path / "run", "--labels", labels, "--members", "1",
        "--epochs", "60", "--weight-decay", "0", "--clusters", "3", "--feature-size", "32",
    )  # fmt: skip
    assert "have memorised" in output.err
    assert json.loads((tmp_path / "run/run.json").read_text())["memorised"] is True
    wrong = {r["file_name"] for r in read_csv(labels) if r["label"] != r["true_label"]}
    rows = read_csv(tmp_path / "run/scores.csv")
    flagged = {row["file_name"] for row in rows if row["is_label_issue"] == "true"}
    assert len(flagged & wrong) >= 0.8 * len(wrong)


def test_run_json_tells_all(digits_run: Path) -> None:
    """The echo names the whole configuration, versions, seconds, counts and the fingerprint."""
    summary = json.loads((digits_run / "run.json").read_text())
    assert summary["format"] == 2
    assert summary["config"]["seed"] == 0
    assert (summary["n_images"], summary["n_skipped"]) == (1000, 0)
    assert {"features", "training", "total"} <= summary["seconds"].keys()
    assert {"torch", "numpy", "python"} <= summary["versions"].keys()
    assert len(summary["fingerprint"]) == 64


def test_summary_says_what_to_type_next(noisefind: CommandLine, tmp_path: Path) -> None:
    """Results on stdout, progress as plain lines on stderr where that is no terminal."""
    output = noisefind("score", folder(tmp_path / "data"), "-o", tmp_path / "run", *QUICK)
    assert output.code == 0
    assert "No error can be shown in 24 labels" in output.out
    *_, report, prune = output.out.splitlines()
    assert report == f"Next: noisefind report {tmp_path / 'run'}"
    assert prune.startswith(f"then: noisefind prune {tmp_path / 'run'} -o CLEAN (would leave out ")
    assert prune.endswith(" of 24 images)")
    dry = noisefind("prune", tmp_path / "run", "-o", tmp_path / "clean", "--dry-run", "--json")
    n_dropped = json.loads(dry.out)["n_dropped"]
    assert f"would leave out {n_dropped} of 24" in prune
    assert "24 images in 2 classes" in output.err
    assert "of disk" in output.err
    assert "\x1b" not in output.out + output.err


def test_nothing_asks_the_network(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with the defaults opens no socket, not even to look for weights."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    output = noisefind("score", folder(tmp_path / "data"), "-o", tmp_path / "run", *QUICK)
    assert output.code == 0


BROKEN = {
    "empty.png": b"",
    "text.jpg": b"this is no picture",
    "header.png": b"\x89PNG\r\n\x1a\n",
    "gif.gif": b"GIF89a\x01\x00\x01\x00",
    "tiff.tif": b"II*\x00\xff\xff\xff\xff",
    "webp.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "noise.bmp": b"BM" + bytes(range(200)),
    "postscript.jpeg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "portable.ppm": b"P6 99 99 255\n",
}


def test_broken_files_are_named_and_change_nothing(noisefind: CommandLine, tmp_path: Path) -> None:
    """500 broken files of ten kinds: each is in skipped.csv, and every good image's row stays."""
    good = folder(tmp_path / "good")
    mixed = folder(tmp_path / "mixed")
    truncated = (DIGITS / "one" / "0042.png").read_bytes()[:60]
    names = []
    for number in range(50):
        for name, content in {**BROKEN, "truncated.png": truncated}.items():
            names.append(f"{'ab'[number % 2]}/{number:02d}-{name}")
            (mixed / names[-1]).write_bytes(content)
    for name, data in (("g", good), ("m", mixed)):
        assert noisefind("score", data, "-o", tmp_path / name, *QUICK).code == 0
    skipped = read_csv(tmp_path / "m" / "skipped.csv")
    assert sorted(row["file_name"] for row in skipped) == sorted(names)
    assert all(row["reason"] and "\n" not in row["reason"] for row in skipped)
    assert (tmp_path / "g/scores.csv").read_bytes() == (tmp_path / "m/scores.csv").read_bytes()
    pruned = noisefind("prune", tmp_path / "m", "-o", tmp_path / "out")
    assert pruned.code == 0
    kept = {row["file_name"]: row["keep"] for row in read_csv(tmp_path / "out/manifest.csv")}
    assert (len(kept), {kept[name] for name in names}) == (524, {"false"})


def test_splits_and_labels(noisefind: CommandLine, tmp_path: Path) -> None:
    """The train split is the default; --labels replaces labels by id, --only-listed selects."""
    data = tmp_path / "data"
    folder(data / "train")
    folder(data / "test", 3)
    noisefind("score", data, "-o", tmp_path / "train_run", *QUICK)
    rows = read_csv(tmp_path / "train_run/scores.csv")
    assert (len(rows), {row["split"] for row in rows}) == (24, {"train"})
    assert min(row["file_name"] for row in rows) == "train/a/000.png"

    noisefind("score", data, "-o", tmp_path / "all_run", "--split", "all", *QUICK)
    assert len(read_csv(tmp_path / "all_run/scores.csv")) == 30

    names = [("train/a/000.png", "b")]
    names += [(f"train/{c}/{k:03d}.png", c) for c in "ab" for k in (1, 2, 3)]
    labels = write_csv(tmp_path / "labels.csv", *names)
    noisefind("score", data, "-o", tmp_path / "listed", "--labels", labels, "--only-listed", *QUICK)
    given = {r["file_name"]: r["given_label"] for r in read_csv(tmp_path / "listed/scores.csv")}
    assert given == dict(names)


def test_cifar_directory_and_table(noisefind: CommandLine, tmp_path: Path) -> None:
    """A CIFAR directory is scored under ids by position; a table lists a part of a folder."""
    cifar = write_cifar10(tmp_path / "cifar-10-batches-py")
    assert noisefind("score", cifar, "-o", tmp_path / "c", *QUICK).code == 0
    ids = sorted(row["file_name"] for row in read_csv(tmp_path / "c/scores.csv"))
    assert ids[0] == "train/00000"
    data = folder(tmp_path / "data")
    rows = [(f"{c}/{k:03d}.png", c) for c in "ab" for k in range(4)]
    table = write_csv(tmp_path / "list.csv", *rows)
    assert noisefind("score", table, "--root", data, "-o", tmp_path / "t", *QUICK).code == 0
    assert len(read_csv(tmp_path / "t/scores.csv")) == 8


def test_both_kinds_of_members(noisefind: CommandLine, tmp_path: Path) -> None:
    """Probes and CNNs are trained, each with its record; rotation can be on."""
    output = noisefind(
        "score", folder(tmp_path / "data"), "-o", tmp_path / "run", "--network", "probe,cnn",
        "--rotate", *QUICK,
    )  # fmt: skip
    assert output.code == 0
    kinds = sorted(path.name for path in (tmp_path / "run/record").iterdir())
    assert kinds == ["cnn", "probe"]
    member = np.load(tmp_path / "run/record/cnn/member-00.npy")
    assert (member.shape, member.dtype) == ((2, 4, 24), np.float32)


def test_own_features_are_joined_by_id(noisefind: CommandLine, tmp_path: Path) -> None:
    """--features takes an array whose rows are named by a text file, in any order."""
    data = folder(tmp_path / "data")
    ids = [f"{c}/{k:03d}.png" for c in "ab" for k in range(12)]
    rng = np.random.default_rng(0)
    features = rng.normal(0, 0.1, (24, 6)) + np.repeat([[0.0], [3.0]], 12, axis=0)
    for name, order in (("f", np.arange(24)), ("g", rng.permutation(24))):
        np.save(tmp_path / f"{name}.npy", features[order].astype(np.float32))
        lines = "".join(f"{ids[row]}\n" for row in order)
        (tmp_path / f"{name}.txt").write_text(lines)
        options = ("--features", tmp_path / f"{name}.npy", "-o", tmp_path / f"run-{name}")
        assert noisefind("score", data, *options, *QUICK).code == 0
    f, g = (read_csv(tmp_path / f"run-{name}/scores.csv") for name in "fg")
    assert f == g


@pytest.mark.slow
def test_never_learned_and_clusters_are_choices(noisefind: CommandLine, tmp_path: Path) -> None:
    """--never-learned zero lowers the forgetting of what was never learned to 0, as the thesis."""
    data, found = copy_digits(tmp_path / "digits", 20), {}
    for choice in ("top", "zero"):
        run = tmp_path / choice
        noisefind(
            "score", data, "-o", run, "--members", "2", "--epochs", "3", "--clusters", "5",
            "--feature-size", "32", "--never-learned", choice,
        )  # fmt: skip
        never = [row for row in read_csv(run / "scores.csv") if row["correctness"] == "0"]
        assert len(never) > 0
        found[choice] = {row["forgetting"] for row in never}
        assert [r["n_clusters"] for r in read_csv(run / "features/clusters.csv")] == ["5"]
    assert found == {"top": {"3"}, "zero": {"0"}}


# --- what is refused ---------------------------------------------------------------------------


def test_bad_data_is_refused_in_one_line(noisefind: CommandLine, tmp_path: Path) -> None:
    """Every kind of bad input: exit 2, one line, and no run folder is left behind."""
    data = folder(tmp_path / "data")
    one = folder(tmp_path / "one", classes="a")
    twice = write_csv(tmp_path / "twice.csv", ("a/000.png", "a"), ("a/000.png", "b"))
    unknown = write_csv(tmp_path / "unknown.csv", ("a/999.png", "a"))
    run = tmp_path / "run"
    cases = {
        (tmp_path / "none",): "does not exist",
        (one,): "two classes",
        (data, "--labels", twice): "a/000.png",
        (data, "--labels", unknown): "a/999.png",
        (data, "--only-listed"): "labels",
        (data, "--split", "test"): "no splits",
        (data, "--epochs", "0"): "--epochs",
        (data, "--config", tmp_path / "none.yaml"): "--config",
        (data, "--features", tmp_path / "none.npy"): "--features",
        (data, "--device", "cuda:7"): "--device",
        (data, "--epoch", "3"): "--epoch",
    }
    for arguments, words in cases.items():
        assert words in noisefind.refused("score", *QUICK, "-o", run, *arguments)
    for left in run.rglob("*") if run.exists() else ():
        assert left.name in {"cache", "started.json"}


def test_malicious_cifar_is_refused_and_never_runs(noisefind: CommandLine, tmp_path: Path) -> None:
    """A pickle that would run a command is named and refused with exit 2; nothing has run."""
    cifar = write_cifar10(tmp_path / "cifar-10-batches-py")
    mark = tmp_path / "ran"
    attack = b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."
    (cifar / "data_batch_1").write_bytes(attack)
    assert "data_batch_1" in noisefind.refused("score", cifar, "-o", tmp_path / "run")
    assert not mark.exists()


def test_a_run_is_never_overwritten(noisefind: CommandLine, tmp_path: Path) -> None:
    """RUN exists: exit 2 without --resume; a folder of other things is refused even with it."""
    data = folder(tmp_path / "data")
    noisefind("score", data, "-o", tmp_path / "run", *QUICK)
    before = (tmp_path / "run/scores.csv").read_bytes()
    assert "--resume" in noisefind.refused("score", data, "-o", tmp_path / "run", *QUICK)
    assert (tmp_path / "run/scores.csv").read_bytes() == before
    write_images(tmp_path / "other", "mine.png", size=16)
    line = noisefind.refused("score", data, "-o", tmp_path / "other", "--resume", *QUICK)
    assert "other files" in line


# --- going on ----------------------------------------------------------------------------------


def test_resume_names_what_changed(noisefind: CommandLine, tmp_path: Path) -> None:
    """--resume with another option, other labels or fewer members is refused and names it."""
    data, run = folder(tmp_path / "data"), tmp_path / "run"
    noisefind("score", data, "-o", run, *QUICK)
    quick = {"--members": "2", "--epochs": "2", "--clusters": "3"}

    def again(**changed: str) -> str:
        options = {**quick, **{f"--{name}": value for name, value in changed.items()}}
        words = [word for pair in options.items() for word in pair]
        return noisefind.refused("score", data, "-o", run, "--resume", *words)

    assert "--epochs (was 2, is 5)" in again(epochs="5")
    assert "--members (was 2 x probe" in again(members="1")
    labels = write_csv(tmp_path / "labels.csv", ("a/000.png", "b"))
    assert "labels" in again(labels=str(labels))
    (data / "a/new.png").write_bytes((data / "a/000.png").read_bytes())
    assert "the images" in again(seed="0")


@pytest.mark.slow
def test_resume_with_other_pixels_of_equal_size_and_time(
    noisefind: CommandLine, tmp_path: Path
) -> None:
    """Files that were replaced under the same names, sizes and times are not the same images."""
    names = [f"{name}/{number:03d}.bmp" for name in "ab" for number in range(12)]
    data, run = write_images(tmp_path / "data", *names, size=16), tmp_path / "run"
    for name in names:
        os.utime(data / name, ns=(0, 0))
    assert noisefind("score", data, "-o", run, *QUICK).code == 0
    content = bytearray((data / names[0]).read_bytes())
    content[-1] ^= 1
    (data / names[0]).write_bytes(content)
    os.utime(data / names[0], ns=(0, 0))

    assert "the images" in noisefind.refused("score", data, "-o", run, "--resume", *QUICK)


def test_resume_where_nothing_is_saved_starts(noisefind: CommandLine, tmp_path: Path) -> None:
    """--resume of a run that is not there begins it; of a whole one gives the same again."""
    data, run = folder(tmp_path / "data"), tmp_path / "run"
    assert noisefind("score", data, "-o", run, "--resume", *QUICK).code == 0
    before = (run / "scores.csv").read_bytes()
    assert noisefind("score", data, "-o", run, "--resume", *QUICK).code == 0
    assert (run / "scores.csv").read_bytes() == before


def test_more_members_train_only_the_new_ones(noisefind: CommandLine, tmp_path: Path) -> None:
    """A finished run grows: the old member's file stays as it is, the new ones join."""
    data, run = folder(tmp_path / "data"), tmp_path / "run"
    options = ("--network", "cnn", "--epochs", "2", "--clusters", "3")
    noisefind("score", data, "-o", run, "--members", "1", *options)
    first = (run / "record/cnn/member-00.npy").stat().st_mtime_ns
    assert noisefind("score", data, "-o", run, "--members", "3", "--resume", *options).code == 0
    assert (run / "record/cnn/member-00.npy").stat().st_mtime_ns == first
    assert json.loads((run / "run.json").read_text())["members"] == {"cnn": 3}
    noisefind("score", data, "-o", tmp_path / "once", "--members", "3", *options)
    assert (run / "scores.csv").read_bytes() == (tmp_path / "once/scores.csv").read_bytes()


@pytest.mark.parametrize("place", ["noisefind.scoring.pipeline._leave_one_out",
                                   "noisefind.scoring.pipeline.write_findings"])  # fmt: skip
def test_a_run_that_is_interrupted_while_it_grows(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """After its training, or among its tables: --resume gives the scores of all members.

    With old and new tables in it, it is not read as a finished run.
    """

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    data, run = folder(tmp_path / "data"), tmp_path / "run"
    options = ("--epochs", "2", "--clusters", "3", "--feature-size", "32", "--members")
    noisefind("score", data, "-o", tmp_path / "once", *options, "2")
    noisefind("score", data, "-o", run, *options, "1")
    with monkeypatch.context() as patch:
        patch.setattr(place, interrupted)
        assert noisefind("score", data, "-o", run, *options, "2", "--resume").code == 130
    assert n_recorded(run / "record/probe") == 2
    is_mixed = place.endswith("write_findings")
    assert noisefind("prune", run, "-o", tmp_path / "out").code == (2 if is_mixed else 0)
    assert noisefind("score", data, "-o", run, *options, "2", "--resume").code == 0
    assert (run / "scores.csv").read_bytes() == (tmp_path / "once/scores.csv").read_bytes()
    assert json.loads((run / "run.json").read_text())["members"] == {"probe": 2}


UNINTERRUPTED = (
    "--network", "cnn", "--members", "2", "--epochs", "4", "--seed", "5", "--clusters", "3",
    "--feature-size", "32",
)  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``, 200 digits, and ``run``, a run that went to its end at once."""
    home = tmp_path_factory.mktemp("uninterrupted")
    data = copy_digits(home / "data", 20)
    assert finished_process("score", data, "-o", home / "run", *UNINTERRUPTED) == 0
    return home


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_to_the_same_scores(
    uninterrupted: Path, tmp_path: Path, kill: signal.Signals
) -> None:
    """Killed when the first member file appears, then resumed: scores.csv is the same, all of it.

    Ctrl-C leaves with 130 and says how to go on.
    """
    command = ("score", uninterrupted / "data", "-o", tmp_path / "killed", *UNINTERRUPTED)
    killed = process(*command)
    while not (tmp_path / "killed/record/cnn/member-00.npy").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(kill)
    _, err = killed.communicate()
    if kill == signal.SIGINT:
        assert (killed.returncode, "--resume" in err) == (130, True)
    assert not (tmp_path / "killed/run.json").exists()
    assert finished_process(*command, "--resume") == 0
    whole_scores = (uninterrupted / "run/scores.csv").read_bytes()
    assert (tmp_path / "killed/scores.csv").read_bytes() == whole_scores


def test_moved_run_folder_still_prunes(noisefind: CommandLine, tmp_path: Path) -> None:
    """A run folder is whole in itself: renamed, it can be read."""
    noisefind("score", folder(tmp_path / "data"), "-o", tmp_path / "run", *QUICK)
    shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    assert noisefind("prune", tmp_path / "elsewhere", "-o", tmp_path / "out").code == 0


def test_an_output_folder_that_cannot_be_is_refused(noisefind: CommandLine, tmp_path: Path) -> None:
    """Within the data, or below a file: one line, and nothing is left behind."""
    data = folder(tmp_path / "data")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert "lies in the data" in noisefind.refused("score", data, "-o", data / "run")
    assert "cannot be written" in noisefind.refused("score", data, "-o", tmp_path / "file" / "run")
    assert sorted(tmp_path.rglob("*")) == before


def test_two_processes_cannot_work_in_one_run(noisefind: CommandLine, tmp_path: Path) -> None:
    """While a folder is held a second run is refused, with --resume too, and changes nothing."""
    data, run = folder(tmp_path / "data"), tmp_path / "run"
    with RunFolder(run).held(resume=False):
        for options in ((), ("--resume",)):
            line = noisefind.refused("score", data, "-o", run, *QUICK, *options)
            assert "another noisefind is at work" in line
    assert not run.exists()


def test_resume_needs_no_option_again(noisefind: CommandLine, tmp_path: Path) -> None:
    """A run goes on with the options that it began with, unless others are typed."""
    data, run = folder(tmp_path / "data"), tmp_path / "run"
    output = noisefind("score", data, "-o", run, *QUICK)
    assert "too few to judge, none of their labels is flagged: " in output.err
    before = (run / "scores.csv").read_bytes()
    output = noisefind("score", data, "-o", run, "--resume")
    assert (output.code, "is complete; nothing is left" in output.err) == (0, True)
    assert "Training" not in output.err
    assert (run / "scores.csv").read_bytes() == before
    assert "--epochs (was 2, is 3)" in noisefind.refused(
        "score", data, "-o", run, "--resume", "--epochs", "3"
    )


def test_more_clusters_than_images_are_said(noisefind: CommandLine, tmp_path: Path) -> None:
    """Every image its own centre makes km_distance rounding noise, and the run says so."""
    data = folder(tmp_path / "data")
    output = noisefind("score", data, "-o", tmp_path / "run", *QUICK, "--clusters", "500")
    assert "--clusters 500: only" in output.err
