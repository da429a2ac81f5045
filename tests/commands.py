"""The command line for the tests: in this process, or as a process of its own."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from noisefind.cli import main as cli

ROOT = Path(__file__).parent.parent
DIGITS = ROOT / "sample_data" / "digits"
TRUTH = ROOT / "sample_data" / "truth.csv"
QUICK = ("--members", "2", "--epochs", "2", "--clusters", "3", "--feature-size", "32")


class Output(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs noisefind in this process with a cache that the tests share."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Output:
        self._capsys.readouterr()
        return Output(finished(*arguments), *self._capsys.readouterr())

    def refused(self, *arguments: str | Path) -> str:
        """Run what must be refused: exit 2, nothing on stdout, one line on stderr, returned."""
        output = self(*arguments)
        line = output.err.rstrip("\n").splitlines()[-1]
        assert (output.code, output.out, line[:7]) == (2, "", "error: "), output
        assert "Traceback" not in output.err
        return line


def process(*arguments: str | Path, **options: object) -> subprocess.Popen[str]:
    """Start noisefind as a process of its own."""
    command = [sys.executable, "-m", "noisefind", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, **options)  # type: ignore[call-overload,no-any-return]


def finished_process(*arguments: str | Path) -> int:
    """Run noisefind as a process of its own, as users do, to its end; its exit code."""
    running = process(*arguments)
    _, err = running.communicate()
    sys.stderr.write(err)
    return running.returncode


def finished(*arguments: str | Path) -> int:
    """Run noisefind in this process to its end, which saves importing torch; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["noisefind", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as leaving:
            return int(leaving.code or 0)
    return 0


def copy_digits(folder: Path, n_per_class: int) -> Path:
    """Fill ``folder`` with the first images of each class of the sample data."""
    for label in DIGITS.iterdir():
        (folder / label.name).mkdir(parents=True)
        for file in sorted(label.glob("*.png"))[:n_per_class]:
            shutil.copy(file, folder / label.name)
    return folder


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
