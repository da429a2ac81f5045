"""docs/how-to/pipelines.md: its commands are taken from the page and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from noisefind.cli import main as cli
from tests.commands import ROOT, CommandLine, read_csv
from tests.images import write_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = (ROOT / "docs" / "how-to" / "pipelines.md").read_text(encoding="utf-8")
NAMES = [f"{name}/{number:03d}.png" for name in "ab" for number in range(12)]

# Stands for docker and for noisefind: notes down what noisefind would be told, and exits with 1
# for the command that the test names. Folders of a container become those mounted there.
STAND_IN = """#!{python}
import json, os, sys
words, code = sys.argv[1:], 0
if sys.argv[0].endswith("docker"):
    if words[0] == "build":
        sys.exit()
    at = words.index("noisefind")
    mounts = [words[k + 1].split(":") for k in range(at) if words[k] == "-v"]
    words = words[at + 1:]
    for host, inside, *_ in mounts:
        words = [host + w[len(inside):] if (w + "/").startswith(inside + "/") else w for w in words]
with open(os.environ["NOTES"], "a") as notes:
    notes.write(json.dumps(words) + "\\n")
sys.exit(words[0] == os.environ["CLOSED"])
"""


def block(language: str) -> str:
    """The text of the page's only code block in a language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def docker(_: Path) -> list[str]:
    return ["sh", "-ec", block("sh")]


def actions(_: Path) -> list[str]:
    """A runner gives the text of ``run`` to bash -e."""
    steps = yaml.safe_load(block("yaml"))
    return ["bash", "-ec", "".join(step.get("run", "") for step in steps)]


def make(folder: Path) -> list[str]:
    (folder / "Makefile").write_text(block("make"))
    return ["make", "clean/kept.csv"]


PIPELINES = [docker, actions, make]


def told(folder: Path, pipeline: Callable[[Path], list[str]], closed: str = "") -> list[list[str]]:
    """What a pipeline tells noisefind in ``folder``, where the command ``closed`` exits with 1."""
    for name in ("docker", "noisefind"):
        stand_in = folder / "bin" / name
        stand_in.parent.mkdir(exist_ok=True)
        stand_in.write_text(STAND_IN.format(python=sys.executable))
        stand_in.chmod(0o755)
    notes = folder / "notes"
    notes.write_text("")
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NOTES": str(notes), "CLOSED": closed}
    environment["PWD"] = str(folder)
    done = subprocess.run(
        pipeline(folder), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == bool(closed), done.stderr
    return [json.loads(line) for line in notes.read_text().splitlines()]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_commands_of_the_page_work(
    pipeline: Callable[[Path], list[str]],
    noisefind: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Score, gate and prune as written leave the ranking and the manifest of all images.

    The features are the test's own, so that each takes a second.
    """
    write_images(tmp_path / "photos", *NAMES)
    features = np.random.default_rng(0).normal(0, 0.1, (24, 6))
    np.save(tmp_path / "f.npy", (features + np.repeat([[0], [3]], 12, axis=0)).astype(np.float32))
    (tmp_path / "f.txt").write_text("".join(f"{name}\n" for name in NAMES))
    score, prune = told(tmp_path, pipeline)
    assert (score[0], prune[0], "--fail-over" in score) == ("score", "prune", True)
    monkeypatch.chdir(tmp_path)
    assert noisefind(*score, "--features", "f.npy", "--threads", "1").code == 0
    assert noisefind(*prune).code == 0
    (ranking,), (manifest,) = tmp_path.rglob("scores.csv"), tmp_path.rglob("manifest.csv")
    assert len(read_csv(ranking)) == len(read_csv(manifest)) == 24


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_closed_gate_stops_the_pipeline(
    pipeline: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    """When score exits with 1, the pipeline fails and prune does not run."""
    assert [words[0] for words in told(tmp_path, pipeline, closed="score")] == ["score"]


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    """The page lists each exit code of cli.py, and 0."""
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    codes = {value for name, value in vars(cli).items() if name.startswith("EXIT_")}
    assert listed == codes | {0}
