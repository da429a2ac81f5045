"""Damaged run folders: every command reads them rightly, or refuses them in one line."""

from __future__ import annotations

import json
import random
import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.errors import RunError
from noisefind.runs.folder import RunFolder
from noisefind.runs.predictions import mean_predictions
from noisefind.training.record import Record
from noisefind.utils.arrays import DamagedError, open_checked
from noisefind.utils.checksums import CHECKSUMS, write_checksums
from tests.commands import CommandLine, copy_digits, finished

if TYPE_CHECKING:
    from pathlib import Path

SCORE = (
    "--members", "2", "--epochs", "2", "--clusters", "3", "--feature-size", "32", "--threads", "1"
)  # fmt: skip
TABLES = [
    "scores.csv", "details.csv", "noise_per_class.csv", "joint.csv", "duplicates.csv",
    "skipped.csv",
]  # fmt: skip
ARRAYS = [
    "features/reduced.npy", "features/neighbours.npy", "features/neighbour_similarity.npy",
    "record/probe/member-00.npy", "record/probe/spread-after-01.npy",
]  # fmt: skip
OTHERS = ["run.json", "started.json", f"features/{CHECKSUMS}", f"record/probe/{CHECKSUMS}"]
DAMAGES = ["missing", "empty", "short", "garbage", "folder", "flipped", "no numbers"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``, a few images of each class, and ``run``, their scores."""
    home = tmp_path_factory.mktemp("damage")
    copy_digits(home / "data", 4)
    assert finished("score", home / "data", "-o", home / "run", *SCORE) == 0
    return home


def damage(path: Path, kind: str) -> None:
    """Damage one file."""
    content = path.read_bytes()
    path.unlink()
    if kind == "missing":
        return
    if kind == "folder":
        path.mkdir()
        return
    flipped = bytearray(content)
    flipped[-9] ^= 4
    path.write_bytes(
        {
            "empty": b"",
            "short": content[: len(content) * 2 // 3],
            "garbage": random.Random(1).randbytes(len(content)),
            "flipped": bytes(flipped),
            "no numbers": content.replace(b"0.", b"x.").replace(b"1", b"one"),
        }[kind]
    )


def commands(name: str, run: Path, out: Path, data: Path) -> list[tuple[str | Path, ...]]:
    """The commands that read a file of a run."""
    inject = ("inject", data, "-o", out / "noise", "--kind", "confusion", "--run", run)
    report = ("report", run, "-o", out / "page.html", "--images", "0")
    embedding = ("evaluate", "embedding", run, "-o", out / "map", "--sample", "20")
    if name.startswith("record/"):
        return [inject]
    if name == "features/reduced.npy":
        return [embedding]
    if name in ("scores.csv", "run.json"):
        correlation = ("evaluate", "correlation", run, "-o", out / "correlation")
        return [report, ("prune", run, "-o", out / "prune"), ("compare", run, run), correlation]
    return [report]


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", [*TABLES, *ARRAYS, *OTHERS])
def test_commands_read_rightly_or_refuse_in_one_line(
    noisefind: CommandLine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, kind: str,
) -> None:  # fmt: skip
    """File x damage x command: the answer of the whole run, or exit 2 and a line with the file."""
    monkeypatch.setattr("noisefind.evaluation.analysis.can_plot", lambda: False)
    run = tmp_path / "run"
    shutil.copytree(home / "run", run)
    damage(run / name, kind)
    (tmp_path / "out").mkdir()
    for command in commands(name, run, tmp_path / "out", home / "data"):
        output = noisefind(*command)
        assert output.code == 2 or kind in ("missing", "no numbers") or name not in ARRAYS
        assert output.code in (0, 2), (command, output)
        assert "Traceback" not in output.err
        if output.code == 2:
            line = output.err.strip().splitlines()[-1]
            assert line.startswith("error: ")
            assert run.name in line


@pytest.mark.parametrize("name", ARRAYS)
def test_a_flipped_bit_of_an_array_is_an_error(home: Path, tmp_path: Path, name: str) -> None:
    """The error names the file and says what computes it again."""
    run = RunFolder(tmp_path / "run")
    shutil.copytree(home / "run", run.path)
    damage(run.path / name, "flipped")
    n_images = run.read_summary().n_images
    with pytest.raises(DamagedError, match=rf"{name}: is damaged.*--resume computes it again"):
        (run.open_features if "reduced" in name else run.open_neighbours)(n_images)
        mean_predictions(run)


def contents(run: Path) -> dict[str, bytes]:
    """All files that depend on images and options alone."""
    files = (path for path in run.rglob("*") if path.is_file() and path.name != ".lock")
    names = {path.relative_to(run).as_posix(): path.read_bytes() for path in files}
    return {name: content for name, content in names.items() if name != "run.json"}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("flipped", ARRAYS),
        ("short", [*ARRAYS, "scores.csv", "joint.csv"]),
        ("missing", ["features/neighbours.npy", "run.json", "details.csv"]),
        ("garbage", ["run.json", "record/probe/member-01.npy"]),
    ],
)
def test_resume_computes_again_what_is_damaged(
    noisefind: CommandLine, home: Path, tmp_path: Path, kind: str, names: list[str]
) -> None:
    """After it every file is as before, to the byte."""
    run = tmp_path / "run"
    shutil.copytree(home / "run", run)
    for name in names:
        damage(run / name, kind)
    output = noisefind("score", home / "data", "-o", run, *SCORE, "--resume")
    assert output.code == 0, output.err
    assert contents(run) == contents(home / "run")
    RunFolder(run).require_whole()
    assert (
        "nothing is left to do"
        in noisefind("score", home / "data", "-o", run, *SCORE, "--resume").err
    )


@pytest.mark.parametrize("name", ["started.json", "scores.csv", "features/reduced.npy"])
def test_resume_leaves_a_folder_in_place_of_a_file(
    noisefind: CommandLine, home: Path, tmp_path: Path, name: str
) -> None:
    """It is refused in one line, since the folder may hold what the user put there."""
    run = tmp_path / "run"
    shutil.copytree(home / "run", run)
    damage(run / name, "folder")
    (run / name / "mine.txt").write_text("mine")
    line = noisefind.refused("score", home / "data", "-o", run, *SCORE, "--resume")
    assert str(run / name) in line
    assert (run / name / "mine.txt").read_text() == "mine"


def test_a_newer_started_json_is_read(noisefind: CommandLine, home: Path, tmp_path: Path) -> None:
    """Keys and options that this version does not have are ignored; a bad value names the file."""
    run = tmp_path / "run"
    shutil.copytree(home / "run", run)
    values = json.loads((run / "started.json").read_text())
    values |= {"new": 1, "config": {**values["config"], "newer": [1]}}
    (run / "started.json").write_text(json.dumps(values))
    command = ("score", home / "data", "-o", run, "--resume")
    assert noisefind(*command, *SCORE).code == 0
    values["config"]["seed"] = "x"
    (run / "started.json").write_text(json.dumps(values))
    assert "started.json: the config of run" in noisefind.refused(*command)


def test_any_bytes_are_an_array_or_one_error(tmp_path: Path) -> None:
    """500 damaged copies of a file: read as it was written, or refused with its name."""
    path, rng = tmp_path / "a.npy", random.Random(0)
    array = np.arange(60, dtype=np.float32).reshape(10, 6)
    np.save(path, array)
    write_checksums(tmp_path, pattern="*.npy")
    whole = path.read_bytes()
    n_refused = 0
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(rng.randrange(4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        cut = rng.choice([len(content), rng.randrange(len(content) + 1)])
        path.write_bytes(bytes(content[:cut]) + rng.randbytes(rng.choice([0, 0, 9])))
        if bytes(content[:cut]) == whole and path.stat().st_size == len(whole):
            assert open_checked(path, "f", (10, None)).tolist() == array.tolist()
            continue
        n_refused += 1
        with pytest.raises(RunError, match=rf"^{re.escape(str(path))}: [^\n]*$"):
            open_checked(path, "f", (10, None))
    assert 100 < n_refused < 500


def test_without_checksums_a_run_is_read(home: Path, tmp_path: Path) -> None:
    """Runs from before, and interrupted ones, have none; shape and type are checked."""
    shutil.copytree(home / "run/record/probe", tmp_path / "probe")
    (tmp_path / "probe" / CHECKSUMS).unlink()
    assert Record(tmp_path / "probe").mean.shape == (40, 10)
    with pytest.raises(DamagedError, match="instead of"):
        Record(tmp_path / "probe", 39, 10)
