"""``--devices``: members in several processes, here two on the CPU, end as if trained in turn."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from noisefind.config import ScoreConfig, load_config
from noisefind.errors import ConfigError, RunError
from noisefind.training.ensemble import TrainingData, train_ensemble
from noisefind.training.network import NetworkOptions
from noisefind.training.parallel import DeviceJob, _require_success, train_on_devices
from noisefind.training.recipe import RECIPES, MemberKind
from noisefind.training.record import RecordWriter, n_recorded
from noisefind.utils.device import choose_devices
from noisefind.utils.files import open_array
from noisefind.utils.progress import Progress
from tests.commands import DIGITS, ROOT, CommandLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

CPU = torch.device("cpu")
RECIPE = replace(RECIPES["cnn"], members=3, epochs=2, batch_size=16)
KIND = MemberKind("cnn", RECIPE, seed=0)
N_IMAGES, N_CLASSES = 40, 3
LABELS: NDArray[np.int64] = np.arange(N_IMAGES) % N_CLASSES


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """These tests set the number of threads of this process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.npy")}


class Count(Progress):
    """Counts the advances and the totals, and keeps the lines."""

    done = total = 0

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def stage(self, name: str, total: int) -> None:  # noqa: ARG002
        self.total += total

    def advance(self, count: int = 1) -> None:
        self.done += count


@pytest.mark.slow
def test_two_processes_leave_the_bytes_of_one(noisefind: CommandLine, tmp_path: Path) -> None:
    """Probes and three CNNs with --devices cpu,cpu: the record of CNNs is that of one thread."""
    names = [f"{name}/{number:02d}.png" for name in ("one", "two") for number in range(16)]
    for name in names:
        target = tmp_path / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        number = int(target.stem)
        shutil.copy(sorted((DIGITS / target.parent.name).iterdir())[number], target)
    np.save(tmp_path / "f.npy", np.random.default_rng(0).normal(0, 1, (32, 4)).astype(np.float32))
    (tmp_path / "f.txt").write_text("\n".join(names))
    options: tuple[str, ...] = (
        "--network",
        "probe,cnn",
        "--members",
        "3",
        "--epochs",
        "2",
        "--clusters",
        "2",
    )
    options += ("--features", str(tmp_path / "f.npy"))
    machines = {"apart": ("--devices", "cpu,cpu", "--threads", "2"), "one": ("--threads", "1")}
    for run, more in machines.items():
        output = noisefind("score", tmp_path / "data", "-o", tmp_path / run, *options, *more)
        assert output.code == 0, output.err
    apart, one = (tmp_path / run / "record/cnn" for run in ("apart", "one"))
    assert content(apart) == content(one)
    assert {path.name for path in apart.iterdir()} == {"checksums.json", *content(one)}
    assert json.loads((tmp_path / "apart/run.json").read_text())["device"] == "cpu,cpu"


def predictions_of(member: int) -> torch.Tensor:
    """Log-probabilities (epochs, N, C) as a member could predict them."""
    logits = torch.randn(2, N_IMAGES, N_CLASSES, generator=torch.Generator().manual_seed(member))
    return logits.log_softmax(-1)


def record(folder: Path, members: range, predict: Callable[[int], torch.Tensor]) -> None:
    recorder = RecordWriter(folder, LABELS, N_CLASSES, members, n_epochs=2)
    for member in members:
        for epoch in range(2):
            recorder.observe(member, epoch, 0, predict(member)[epoch])
    recorder.finish()


def test_members_that_a_killed_run_had_finished_are_not_trained_again(tmp_path: Path) -> None:
    """Whole members beside the record join it in order, to the bytes; leftovers go.

    No process is started, since none is missing: the pixels do not even exist.
    """
    record(tmp_path / "apart", range(1), predictions_of)
    record(tmp_path / "apart/alone-00", range(1), predictions_of)  # killed before this was deleted
    for member in (2, 1, 3):
        record(tmp_path / f"apart/alone-0{member}", range(1), lambda _, m=member: predictions_of(m))  # type: ignore[misc]
    job = DeviceJob(
        folder=tmp_path / "apart", pixels=tmp_path / "none.npy", labels=LABELS,
        n_classes=N_CLASSES, kind=KIND, options=NetworkOptions(), n_threads=1,
    )  # fmt: skip
    progress = Count()
    train_on_devices(job, range(1, 4), [CPU, CPU], progress)
    for member in range(4):
        record(tmp_path / "one", range(member, member + 1), predictions_of)
    assert content(tmp_path / "apart") == content(tmp_path / "one")
    assert progress.done == 3 * RECIPE.epochs


@pytest.mark.parametrize("name", ["member-00.npy", "spread-after-00.npy"])
def test_a_damaged_member_of_a_killed_run_is_trained_again(tmp_path: Path, name: str) -> None:
    """One changed bit: its record goes, with one line; that of another member stays."""
    for member in (1, 2):
        record(tmp_path / f"alone-0{member}", range(1), predictions_of)
    file, lines = tmp_path / "alone-02" / name, Count()
    content = file.read_bytes()
    file.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    job = DeviceJob(
        folder=tmp_path, pixels=tmp_path / "none.npy", labels=LABELS, n_classes=N_CLASSES,
        kind=KIND, options=NetworkOptions(), n_threads=1,
    )  # fmt: skip
    with pytest.raises(FileNotFoundError, match=r"none\.npy"):  # it begins to train member 2
        train_on_devices(job, range(1, 3), [CPU], lines)
    assert not (tmp_path / "alone-02").exists()
    assert (tmp_path / "alone-01" / name).exists()
    assert len(lines.said) == 1
    assert "trained again" in lines.said[0]
    assert f"alone-02/{name}" in lines.said[0]


def test_a_process_that_fails_is_an_error(tmp_path: Path) -> None:
    """The parent raises its error, and neither waits for ever nor continues."""
    job = DeviceJob(
        folder=tmp_path / "apart", pixels=tmp_path / "none.npy", labels=LABELS,
        n_classes=N_CLASSES, kind=KIND, options=NetworkOptions(), n_threads=1,
    )  # fmt: skip
    with pytest.raises(FileNotFoundError, match=r"none\.npy"):
        train_on_devices(job, range(1), [CPU], Progress())


@pytest.mark.parametrize(("code", "error"), [(3, RuntimeError), (-9, RunError)])
def test_a_killed_process_gives_a_message_for_the_user(code: int, error: type[Exception]) -> None:
    """A signal, as of a machine out of memory, gives one line with the signal and --resume."""
    target, argument = (os._exit, code) if code > 0 else (time.sleep, 60)
    process = multiprocessing.get_context("spawn").Process(target=target, args=(argument,))
    process.start()
    if code < 0:
        process.kill()
    with pytest.raises(error, match=r"exit code 3|killed by signal 9.*--resume"):
        _require_success(process)


def train(name: str | Path, devices: list[torch.device], progress: Progress | None = None) -> None:
    """Train CNNs on the pixels beside a folder, into it."""
    folder = Path(name)
    pixels = open_array(folder.parent / "pixels.npy")
    kind = replace(KIND, recipe=replace(RECIPE, members=2, epochs=60))
    data = TrainingData(np.zeros((1, 1), np.float32), cast("Any", pixels), LABELS, N_CLASSES)
    torch.set_num_threads(1)
    train_ensemble(
        data, [kind], NetworkOptions(), folder, device=CPU, devices=devices,
        progress=progress or Progress(),
    )  # fmt: skip


def wait_for(condition: Callable[[], object], running: subprocess.Popen[str] | None = None) -> None:
    """Wait until something is so, as long as the process that makes it so runs."""
    deadline = time.monotonic() + 200
    while not condition():
        assert running is None or running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(group: int) -> bool:
    """Whether no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def worker(parent: int) -> int:
    """The training process of a run."""
    table = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True)
    rows = [line.split(maxsplit=2) for line in table.stdout.splitlines()]
    (pid,) = [int(p) for p, pp, args in rows if pp == str(parent) and "spawn_main" in args]
    return pid


def start(folder: Path) -> subprocess.Popen[str]:
    """Begin to train into ``folder`` as a process of its own; returns when training has begun."""
    for left in folder.rglob("*.part"):
        left.unlink()
    script = f"from tests.training.test_parallel import *; train({str(folder)!r}, [CPU])"
    running = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: list(folder.rglob("alone-*/*.part")), running)
    return running


@pytest.mark.slow
def test_interrupted_and_killed_it_goes_on_to_the_same_record(tmp_path: Path) -> None:
    """Ctrl-C in the second member, a kill -9 in it, then it is let finish.

    Neither leaves a process behind; a training process takes no notice of Ctrl-C itself; the
    record ends with the bytes of a sequential run.
    """
    rng = np.random.default_rng(0)
    np.save(tmp_path / "pixels.npy", rng.integers(0, 256, (N_IMAGES, 12, 12, 3), dtype=np.uint8))
    kept = tmp_path / "apart/cnn"
    running = start(kept.parent)
    os.kill(worker(running.pid), signal.SIGINT)
    wait_for(lambda: n_recorded(kept) == 1, running)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: all of them get it
    _, err = running.communicate()
    assert (running.returncode, err.count("Traceback")) == (-signal.SIGINT, 1)
    wait_for(lambda: is_gone(running.pid))

    running = start(kept.parent)
    running.kill()
    running.communicate()
    wait_for(lambda: is_gone(running.pid))
    assert n_recorded(kept) == 1
    progress = Count()
    train(kept.parent, [CPU], progress)
    assert (progress.done, progress.total) == (60, 60)  # of the second member only
    train(tmp_path / "one", [])
    assert content(kept) == content(tmp_path / "one/cnn")


def test_bad_devices_are_refused() -> None:
    """Unknown names, --device beside --devices, and GPUs that are not there: one line each."""
    for text in ("gpu", "cpu,", "cuda", "cuda:0;cuda:1", "auto"):
        with pytest.raises(ConfigError, match="--devices is"):
            load_config(ScoreConfig, None, {"devices": text})
    assert choose_devices("cpu", None) == (CPU, [])
    assert choose_devices("auto", "cpu,cpu") == (CPU, [CPU, CPU])
    with pytest.raises(ConfigError, match="--device cpu and --devices cpu,cpu exclude"):
        choose_devices("cpu", "cpu,cpu")
    with pytest.raises(ConfigError, match=r"--devices is .cuda:98"):
        choose_devices("auto", "cpu,cuda:98")
