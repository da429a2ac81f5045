"""Members from pixels on several devices at once: one process per device.

Process k of n trains every n-th of the missing members, from the k-th on. Each member gets a record
of its own in ``alone-NN``. The parent moves these records into the common one in the order of the
members' numbers and deletes them. So the record grows as if one process had trained the members one
by one, with the same bytes where devices and threads are the same. A resumed run also keeps members
that a killed run had finished out of order.

A process always ends when its parent ends. Only the parent handles Ctrl-C.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from threading import Thread
from typing import TYPE_CHECKING, cast

import torch

from noisefind.errors import NoisefindError, RunError
from noisefind.training.divergence import DivergenceCheck
from noisefind.training.examples import Examples
from noisefind.training.member import train_member
from noisefind.training.record import Record, RecordWriter, n_recorded
from noisefind.utils.arrays import DamagedError
from noisefind.utils.device import prepare_cpu
from noisefind.utils.files import open_array
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from noisefind.training.network import NetworkOptions
    from noisefind.training.recipe import MemberKind

# Messages to the parent: one more of these is finished. The only other message is an error.
EPOCH, MEMBER = "epoch", "member"


@dataclass(frozen=True)
class DeviceJob:
    """Input of the processes that train one kind of member; small, since it is pickled."""

    folder: Path  # of the record of this kind
    pixels: Path  # a .npy file
    labels: NDArray[np.int64]
    n_classes: int
    kind: MemberKind
    options: NetworkOptions
    n_threads: int  # per process


def train_on_devices(
    job: DeviceJob, members: range, devices: Sequence[torch.device], progress: Progress
) -> None:
    """Train the members numbered ``members``, which start at ``n_recorded(job.folder)``.

    Args:
        job: what to train, on what.
        members: numbers of the members that the record lacks.
        devices: one process for each; may name a device twice.
        progress: advanced once per epoch of any member.

    Raises:
        RunError: a process was killed from outside.
        ConfigError: a member has diverged.
        OSError: a record cannot be written, for example because the disk is full.
        RuntimeError: a process failed; its traceback is on stderr.
    """
    _discard_useless(job, members, progress)
    waiting = [m for m in members if n_recorded(_alone(job.folder, m)) == 0]
    progress.advance(job.kind.recipe.epochs * (len(members) - len(waiting)))
    shares = [waiting[k :: len(devices)] for k in range(len(devices))]
    with _processes(job, shares, devices) as running:
        _take_in(job, members)
        while running:
            for receiver in connection.wait(list(running)):
                receiver = cast("Connection", receiver)
                try:
                    message = receiver.recv()
                except (EOFError, OSError):  # it has ended
                    _require_success(running.pop(receiver))
                    continue
                if isinstance(message, Exception):
                    raise message
                if message == EPOCH:
                    progress.advance()
                else:
                    _take_in(job, members)


def _discard_useless(job: DeviceJob, members: range, progress: Progress) -> None:
    """Delete the records of members that are in the common one already, and damaged records."""
    for path in job.folder.glob("alone-*"):
        is_known = int(path.name.rpartition("-")[2]) < members.start  # killed before it was deleted
        if is_known or _is_damaged(path, job, progress):
            shutil.rmtree(path)


def _is_damaged(alone: Path, job: DeviceJob, progress: Progress) -> bool:
    """Whether a complete record of one member is not as it was written; it is said in a line."""
    try:
        if n_recorded(alone):
            Record(alone, len(job.labels), job.n_classes)
    except DamagedError as error:
        progress.say(f"trained again: {error.what}")
        return True
    return False


def _take_in(job: DeviceJob, members: range) -> None:
    """Move members from their own records to the common one: those that are next and complete."""
    for member in range(n_recorded(job.folder), members.stop):
        alone = _alone(job.folder, member)
        if n_recorded(alone) == 0:
            return
        group = range(member, member + 1)
        n_epochs = job.kind.recipe.epochs
        recorder = RecordWriter(job.folder, job.labels, job.n_classes, group, n_epochs=n_epochs)
        recorder.adopt(member, alone)
        recorder.finish()
        shutil.rmtree(alone)


@contextmanager
def _processes(
    job: DeviceJob, shares: list[list[int]], devices: Sequence[torch.device]
) -> Iterator[dict[Connection, SpawnProcess]]:
    """The running processes by the pipes of their messages; all end with this context.

    The caller removes those that have ended.
    """
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    running: dict[Connection, SpawnProcess] = {}
    try:
        for share, device in zip(shares, devices, strict=True):
            if not share:
                continue
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(
                target=_work, args=(job, share, str(device), sender), daemon=True
            )
            with _without_interrupts():
                process.start()
            sender.close()  # so that the pipe ends with the process
            running[receiver] = process
        yield running
    finally:
        for process in running.values():
            process.kill()
            process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process that is started in this context never gets Ctrl-C: the parent handles it for all.

    The mask is inherited; a signal that arrives meanwhile reaches the parent afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows: each prints a traceback, no more
        yield
        return
    resource_tracker.ensure_running()  # a first start would begin it, which unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _require_success(process: SpawnProcess) -> None:
    process.join()
    code = process.exitcode or 0
    if code < 0:
        raise RunError(
            f"a training process was killed by signal {-code}, usually because memory ran "
            "out; free some and continue with --resume"
        )
    if code > 0:
        raise RuntimeError(f"a training process failed with exit code {code}; see above")


# In the process of a device


class _PipeProgress(Progress):
    """Sends the parent a message after each epoch."""

    def __init__(self, sender: Connection) -> None:
        self._sender = sender

    def advance(self, count: int = 1) -> None:
        for _ in range(count):
            self._sender.send(EPOCH)


class _Alone:
    """Records any member as the first of a record: the mean over one is its own prediction."""

    def __init__(self, recorder: RecordWriter) -> None:
        self._recorder = recorder

    def observe(self, _: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        self._recorder.observe(0, epoch, start, log_probs)


def _work(job: DeviceJob, members: list[int], device: str, sender: Connection) -> None:
    """Train some members; an error that the user can correct is sent to the parent."""
    Thread(target=_end_with_parent, daemon=True).start()
    prepare_cpu(job.n_threads)
    try:
        _train_alone(job, members, device, sender)
    except (NoisefindError, OSError) as error:
        sender.send(error)


def _train_alone(job: DeviceJob, members: list[int], device: str, sender: Connection) -> None:
    """Train some members, one by one, each into a record of its own."""
    examples = Examples(open_array(job.pixels), job.labels, job.n_classes)
    for member in members:
        alone = _alone(job.folder, member)
        n_epochs = job.kind.recipe.epochs
        recorder = RecordWriter(alone, job.labels, job.n_classes, range(1), n_epochs=n_epochs)
        train_member(
            examples, job.kind, job.options, member, device=torch.device(device),
            observer=DivergenceCheck(_Alone(recorder), job.kind, job.options.weights),
            progress=_PipeProgress(sender),
        )  # fmt: skip
        recorder.finish()
        sender.send(MEMBER)


def _end_with_parent() -> None:
    """End this process when the parent ends: a killed parent cannot end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _alone(folder: Path, member: int) -> Path:
    return folder / f"alone-{member:02d}"
