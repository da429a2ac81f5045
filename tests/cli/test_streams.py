"""Exit codes of the process: 1 is for --fail-over alone, whatever becomes of stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commands import DIGITS, ROOT, TRUTH

if TYPE_CHECKING:
    from pathlib import Path

# runs commands one after the other in one process, each with a new descriptor 1
DRIVER = """
import json, os, sys
from noisefind.__main__ import main
codes = []
for words in json.loads(sys.argv[1]):
    reader, writer = os.pipe()
    os.close(reader)
    if sys.argv[2] == "full":
        writer = os.open("/dev/full", os.O_WRONLY)
    os.dup2(writer, 1)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)
    program, sys.argv = sys.argv, ["noisefind", *words]
    try:
        main()
    except SystemExit as leaving:
        codes.append(leaving.code)
    sys.argv = program
    sys.stdout.flush()
with open(sys.argv[3], "w") as file:
    json.dump(codes, file)
"""
# sends SIGINT to its own process when a module is imported for the first time
INTERRUPTED = """
import os, signal, sys
from noisefind.__main__ import main
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[0]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
module, sys.argv = sys.argv[1], sys.argv[1:]
sys.meta_path.insert(0, Finder())
main()
"""


def commands(home: Path, out: Path) -> list[list[str]]:
    """Every command that prints without training for long, as text and as JSON."""
    run = str(home / "run")
    both: list[list[str]] = [
        ["inject", str(DIGITS), "-o"],
        ["prune", run, "--drop", "noise", "-o"],
        ["report", run, "--images", "0", "-o"],
        ["compare", run, run, "-o"],
        ["evaluate", "detection", run, "--truth", str(TRUTH), "-o"],
        ["evaluate", "correlation", run, "-o"],
        ["evaluate", "distribution", run, "-o"],
        ["evaluate", "examples", run, "-o"],
    ]
    found = [["--help"], ["--version"], [], ["evaluate"], ["score", "--help"]]
    for number, words in enumerate(both):
        found += [[*words, str(out / f"{number}-{more}"), *more.split()] for more in ("", "--json")]
    return [*found, ["prune", run, "-o", str(out / "gate"), "--fail-over", "0"]]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.slow
@pytest.mark.parametrize(("where", "code"), [("closed", 0), ("full", 2)])
def test_no_stream_closes_the_gate(
    noisy_digits: Path, tmp_path: Path, where: str, code: int
) -> None:
    """A reader that left is no error, a full disk exits 2 with one line; only the gate exits 1."""
    every = commands(noisy_digits, tmp_path)
    words = [json.dumps(every), where, str(tmp_path / "codes.json")]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *words], check=False, capture_output=True, env=environment()
    )
    codes = json.loads((tmp_path / "codes.json").read_text())
    assert b"Traceback" not in done.stderr
    assert [(c, w) for c, w in zip(codes, every, strict=True) if c != code][:-1] == []
    assert codes[-1] == (1 if where == "closed" else 2)
    assert (tmp_path / "gate" / "kept.csv").exists()
    assert done.stderr.count(b"No space left on device") == (len(every) if code else 0)


@pytest.mark.parametrize(
    ("streams", "code"),
    [(">&-", 0), (">&- 2>&- <&-", 0), (">/dev/full", 2), ("2>/dev/full", 0), ("| true", 0)],
)
def test_streams_of_a_shell(streams: str, code: int) -> None:
    """The process itself ends with that code, also while Python flushes at its exit."""
    command = f"set -o pipefail; {sys.executable} -m noisefind --help {streams}"
    done = subprocess.run(
        ["bash", "-c", command], check=False, capture_output=True, env=environment(), cwd=ROOT
    )
    assert (done.returncode, done.stderr.count(b"\n")) == (code, 1 if code else 0)


@pytest.mark.parametrize("module", ["typer", "rich.console", "yaml", "numpy", "torch"])
def test_ctrl_c_during_imports(module: str, tmp_path: Path) -> None:
    """Exit 130 with one line, wherever the interrupt arrives."""
    words = ["inject", str(DIGITS), "-o", str(tmp_path / "out")]
    if module == "torch":
        words[0] = "score"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module, *words],
        check=False, capture_output=True, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (130, b""), done.stderr
    assert done.stderr.startswith(b"error: interrupted")
    assert done.stderr.count(b"\n") == 1
