"""A full disk: noticed before work, an error before a mapped write, one line, and resumable."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from noisefind.cli import main as cli
from noisefind.cli.process import EXIT_FAULT
from noisefind.errors import RunError
from noisefind.training.record import RecordWriter
from noisefind.utils.disk import require_space, reserve, size_text
from noisefind.utils.files import new_array, row_writer, save_array, whole_file
from tests.commands import QUICK, CommandLine
from tests.images import write_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONE_THREAD = (*QUICK, "--threads", "1")  # the images are few


def full(*_: object) -> None:
    """What the system says of a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def unsupported(*_: object) -> None:
    """What a file system says that cannot reserve space."""
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB; the test is skipped where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_500, "1.5 kB"),
        (300_000_000, "300 MB"),
        (1_200_000_000, "1.2 GB"),
        (2_345_000_000_000, "2,345 GB"),
    ],
)
def test_sizes_have_useful_units(n_bytes: int, text: str) -> None:
    """A need is never shown as 0.0 GB."""
    assert size_text(n_bytes) == text


def test_needs_of_one_disk_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders that each fit do not fit together; the message has both numbers."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3_000_000))
    run, cache = tmp_path / "new" / "run", tmp_path / "cache"
    require_space("it needs", {run: 2_000_000, cache: 1_000_000}, "free some")
    with pytest.raises(RunError) as error:
        require_space("it needs", {run: 2_000_000, cache: 1_200_000}, "free some")
    expected = f"it needs 3.2 MB of disk space, but 3 MB are free in {tmp_path}; free some"
    assert str(error.value) == expected


@pytest.mark.parametrize("fallocate", [None, unsupported])
def test_space_is_reserved_on_any_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fallocate: Callable[..., None] | None
) -> None:
    """Without posix_fallocate, or where the file system lacks it, zeros are written."""
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    if fallocate is not None:
        monkeypatch.setattr(os, "posix_fallocate", fallocate, raising=False)
    n_bytes = 2 * 1024**2 + 5
    with (tmp_path / "a").open("wb") as file:
        file.write(b"head")
        reserve(file, n_bytes)
        file.write(b"12")
    assert (tmp_path / "a").read_bytes() == b"head12" + bytes(n_bytes - 2)


def test_arrays_are_those_of_numpy(tmp_path: Path) -> None:
    """The files are the same bytes as numpy's own; a new array has blocks for all of it."""
    values = np.arange(2**18, dtype=np.int64).reshape(2, -1)
    expected = io.BytesIO()
    np.save(expected, values)
    save_array(tmp_path / "a.npy", values)
    array = new_array(tmp_path / "b.npy", values.shape, np.int64)
    assert (tmp_path / "b.npy").stat().st_blocks * 512 >= values.nbytes
    array[:] = values
    array.flush()  # type: ignore[attr-defined]
    for name in ("a.npy", "b.npy"):
        assert (tmp_path / name).read_bytes() == expected.getvalue()


def test_a_full_disk_is_an_error_of_the_system(small_disk: Path) -> None:
    """Every writer of arrays gives ENOSPC, before a mapped write could kill the process."""
    values = np.zeros((1000, 1000), np.float32)

    def rows(path: Path) -> None:
        with row_writer(path, (1000, 1000)) as write:
            write(values)

    writers: list[Callable[[Path], Any]] = [
        lambda path: new_array(path, (1000, 1000), np.float32),
        lambda path: save_array(path, values),
        rows,
    ]
    for write in writers:
        path = small_disk / "a.npy"
        with pytest.raises(OSError, match="No space") as error, whole_file(path) as part:
            write(part)
        assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(path))
        assert not list(small_disk.iterdir())


def test_a_recorder_without_space_leaves_nothing(small_disk: Path) -> None:
    """Members that were reserved before the disk was full are free again."""
    labels = np.zeros(10_000, np.int64)
    with pytest.raises(OSError, match="No space"):
        RecordWriter(small_disk / "probe", labels, 2, range(10), n_epochs=4)
    assert not list((small_disk / "probe").iterdir())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twenty-four small images."""
    names = [f"{label}/{number:02d}.png" for label in "ab" for number in range(12)]
    return write_images(tmp_path / "data", *names, size=16)


def test_too_little_space_is_noticed_before_work(
    noisefind: CommandLine, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with both numbers; nothing is decoded, and no run folder is left."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=7_000))
    line = noisefind.refused("score", data, "-o", tmp_path / "run", *ONE_THREAD)
    assert "the pixels and the run need" in line
    assert "but 7 kB are free in" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_on_a_full_disk_goes_on(noisefind: CommandLine, data: Path, small_disk: Path) -> None:
    """The disk fills after the check: exit 2, one line; with space, --resume finishes the run."""
    run = small_disk / "run"
    ballast = small_disk / "ballast"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
        free = os.statvfs(small_disk)
        ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - 5 * 4096))
        line = noisefind.refused("score", data, "-o", run, *ONE_THREAD)
    assert "No space left on device" in line
    assert "--resume" in line
    assert not (run / "run.json").exists()
    ballast.unlink()
    assert noisefind("score", data, "-o", run, *ONE_THREAD, "--resume").code == 0
    assert (run / "run.json").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_line_of_every_command(
    noisefind: CommandLine, data: Path, small_disk: Path, tmp_path: Path
) -> None:
    """Exit 2, no traceback, and no part of the output is left."""
    run, out = tmp_path / "run", small_disk / "out"
    assert noisefind("score", data, "-o", run, *ONE_THREAD).code == 0
    room = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize))
    commands: list[list[str | Path]] = [
        ["prune", run], ["report", run], ["inject", data], ["compare", run, run],
    ]  # fmt: skip
    for command in commands:
        line = noisefind.refused(*command, "-o", out)
        assert "No space left on device" in line
        assert [path.name for path in small_disk.iterdir()] == ["ballast"]


@pytest.mark.slow
def test_evaluate_on_a_full_disk(
    noisefind: CommandLine, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, one line and no part of the output; what is trained is kept, and space is enough."""
    monkeypatch.setattr("noisefind.evaluation.analysis.can_plot", lambda: False)
    sizes = {"train": 12, "test": 4}
    names = [f"{s}/{c}/{n:02d}.png" for s, size in sizes.items() for c in "ab" for n in range(size)]
    data, run, out = write_images(tmp_path / "d", *names, size=16), tmp_path / "run", "out"
    assert noisefind("score", data, "-o", run, *ONE_THREAD).code == 0
    rows = [f"{name},b" for name in names if name.startswith("train")]
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(["file_name,true_label", *rows]) + "\n")
    room, ballast = os.statvfs(small_disk), small_disk / "ballast"
    ballast.write_bytes(bytes(room.f_bavail * room.f_frsize))
    sweep: list[str | Path] = [
        "easiest", data, "--run", run, "--remove", "0.5", "--epochs", "1", "--seeds", "2", "--by",
        "aum", "-o", small_disk / out,
    ]  # fmt: skip
    commands: list[list[str | Path]] = [
        sweep,
        ["embedding", run, "--sample", "10", "-o", small_disk / out],
        ["correlation", run, "-o", small_disk / out],
        ["detection", run, "--truth", truth, "-o", small_disk / out],
    ]
    for command in commands:
        line = noisefind.refused("evaluate", *command)
        assert "No space left on device" in line
        assert [path.name for path in small_disk.iterdir()] == ["ballast"]
    ballast.unlink()
    output = noisefind("evaluate", *sweep)
    assert output.code == 0, output.err
    assert (small_disk / out / "sweep.json").exists()


def test_other_faults_of_the_system_are_shown_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a full disk is one line; another OSError is a fault with its traceback."""
    for act, code, shown in ((full, 2, False), (unsupported, EXIT_FAULT, True)):
        monkeypatch.setattr(cli, "app", lambda act=act, **_: act())
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        assert leaving.value.code == code
        assert ("Traceback" in capsys.readouterr().err) is shown
