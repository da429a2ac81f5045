"""Places that cannot be used: one line and exit 2, without waiting."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from noisefind.data import image_folder
from noisefind.errors import DataError
from noisefind.evaluation import inject as injection
from tests.commands import DIGITS, CommandLine
from tests.images import opened, write_images

if TYPE_CHECKING:
    from pathlib import Path

LONG = "x" * 300


def test_a_working_directory_that_is_gone(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative paths have no meaning there; the line says to change to another folder."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    line = noisefind.refused("inject", DIGITS, "-o", tmp_path / "out")
    assert "working directory" in line


@pytest.mark.parametrize(
    "words",
    [
        ("inject", LONG, "-o", "out"), ("inject", DIGITS, "-o", LONG), ("prune", LONG, "-o", "out"),
        ("report", LONG), ("compare", LONG, LONG),
        ("inject", DIGITS, "-o", "out", "--config", LONG),
        ("inject", "caf\udce9", "-o", "out"), ("prune", "caf\udce9", "-o", "out"),
        ("inject", DIGITS, "-o", "caf\udce9"),
    ],
    ids=range(9),
)  # fmt: skip
def test_names_that_no_file_system_takes(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Names of 300 characters, and names that are not UTF-8, of data, runs and outputs."""
    monkeypatch.chdir(tmp_path)
    assert len(noisefind.refused(*words)) < 1000
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_permission(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the system that names a path is one line with path and reason."""

    def barred(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/a/b")

    monkeypatch.setattr(injection, "inject", barred)
    line = noisefind.refused("inject", DIGITS, "-o", tmp_path / "out")
    assert line == "error: '/a/b': Permission denied"


def test_outputs_that_are_pipes_or_devices(noisefind: CommandLine, tmp_path: Path) -> None:
    """They are refused at once; opening a pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", "/dev/full"):
        assert "is a file" in noisefind.refused("inject", DIGITS, "-o", place)


def test_tables_that_are_pipes_or_devices(noisefind: CommandLine, tmp_path: Path) -> None:
    """They may never end."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for name in ("pipe.csv", "zero.csv"):
        line = noisefind.refused("inject", tmp_path / name, "-o", tmp_path / "out")
        assert "not a regular file" in line


def test_links_that_lead_above_the_data(tmp_path: Path) -> None:
    """/proc/self has them: the walk does not leave the data for the folders that contain it."""
    write_images(tmp_path / "data", "cat/1.png", "dog/1.png")
    (tmp_path / "data/cat/up").symlink_to(tmp_path)
    (tmp_path / "data/root").symlink_to("/")
    found = opened(tmp_path / "data")
    assert found.ids == ("cat/1.png", "dog/1.png")
    reasons = {(s.file_name, s.reason) for s in found.skipped}
    assert reasons == {
        (name, "link to a folder that contains the data") for name in ("cat/up", "root")
    }


def test_a_folder_of_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk ends in one line once it is clear that this is no folder of images."""
    monkeypatch.setattr(image_folder, "N_OTHERS", 50)
    write_images(tmp_path, "cat/1.png", "dog/1.png")
    for number in range(40):
        (tmp_path / f"cat/{number}.txt").touch()
    assert len(opened(tmp_path).ids) == 2  # fewer than 50
    for number in range(40, 80):
        (tmp_path / f"cat/{number}.txt").touch()
    with pytest.raises(DataError, match="is not a folder of images"):
        opened(tmp_path)
