"""The record: predictions of every member for every image after every epoch, in a compact form.

Each member has one float32 .npy file ``member-NN.npy`` of shape (T, 4, N): the four
:data:`FIELDS` of each epoch and image. Whole distributions are kept only as their mean and spread
over the members' last epochs, in ``spread-after-NN.npy`` of shape (2, N, C): mean and sum of
squared differences from it (by Welford's method, since a plain sum of squares loses precision in
float32).

A group of members is written in this order: its checksums, the member files, then the new spread
file; the older spread file is deleted last. So after a kill at any moment the newest spread file
has the number of complete members, no member is counted twice, and each file that counts has its
checksum.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch

from noisefind.scores.predictions import FIELDS, Predictions
from noisefind.utils.arrays import open_checked
from noisefind.utils.checksums import CHECKSUMS, add_checksums, checksum_of
from noisefind.utils.files import new_array

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


ADOPT_ROWS = 4096  # at once


def n_recorded(folder: Path) -> int:
    """Number of complete members in this folder, counted from the first."""
    names = (path.name for path in folder.glob("spread-after-*.npy"))
    found = (re.fullmatch(r"spread-after-(\d{2,4})\.npy", name) for name in names)
    return max((int(match[1]) for match in found if match), default=-1) + 1


def discard_unfinished(folder: Path) -> None:
    """Delete what interrupted recorders left in a folder of records: it takes disk space."""
    for leftover in folder.rglob("*.part"):
        leftover.unlink()


class Observer(Protocol):
    """A receiver of the predictions of members during training."""

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """One member's log-probabilities (n, C) after one epoch, of rows from ``start`` on."""


class RecordWriter:
    """Collects the predictions of members that train together, and stores them at the end.

    Args:
        folder: of one kind of member.
        labels: (N,) given labels.
        n_classes: C.
        members: numbers of the members that will be observed, starting at ``n_recorded(folder)``.
        n_epochs: T.

    Raises:
        OSError: the disk has no space for the predictions.
    """

    def __init__(
        self,
        folder: Path,
        labels: NDArray[np.int64],
        n_classes: int,
        members: range,
        *,
        n_epochs: int,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder)
        self._folder, self._members, self._n_epochs = folder, members, n_epochs
        self._labels = torch.from_numpy(labels)
        shape = (n_epochs, len(FIELDS), len(labels))
        try:
            self._seen = {m: _create(_part(_member_file(folder, m)), shape) for m in members}
            self._spread = _create(
                _part(_spread_file(folder, members[-1])), (2, len(labels), n_classes)
            )
        except OSError:  # a full disk: what was reserved is free again
            _clear(folder)
            raise
        if members[0] > 0:
            before = np.load(_spread_file(folder, members[0] - 1), mmap_mode="r")
            for half in range(2):
                self._spread[half] = before[half]

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Keep the predictions of one member after one epoch for the rows from ``start`` on.

        Args:
            member: its number; at the last epoch the members of a row must come in order.
            epoch: 0 .. T-1.
            start: first row.
            log_probs: (n, C) float32 log-probabilities, on any device.
        """
        labels = self._labels[start : start + len(log_probs)].to(log_probs.device)
        rows = slice(start, start + len(labels))
        self._seen[member][epoch, :, rows] = _observations(log_probs, labels).cpu().numpy()
        if epoch == self._n_epochs - 1:
            self._spread_over(member, rows, log_probs.exp().cpu().numpy())

    def adopt(self, member: int, alone: Path) -> None:
        """Copy the predictions of a member from ``alone``, a record of this member only.

        The mean over one member is its own prediction, to the bit, so the result is the same as
        from observing the member here.

        Raises:
            DamagedError: a file of ``alone`` is missing, or is not as it was written.
        """
        fields = open_checked(_member_file(alone, 0), "f", self._seen[member].shape)
        probs = open_checked(_spread_file(alone, 0), "f", self._spread.shape)[0]
        self.take(member, fields, probs)

    def take(self, member: int, fields: NDArray[np.float32], probs: NDArray[np.float32]) -> None:
        """Keep a member: ``fields`` (T, 4, N), ``probs`` (N, C) after the last epoch."""
        self._seen[member][:] = fields
        for start in range(0, len(probs), ADOPT_ROWS):
            rows = slice(start, start + ADOPT_ROWS)
            self._spread_over(member, rows, probs[rows])

    def _spread_over(self, member: int, rows: slice, probs: NDArray[np.float32]) -> None:
        """Welford's update of mean and sum of squared differences by one more member."""
        mean, squares = self._spread[0, rows], self._spread[1, rows]
        residual = probs - mean
        mean += residual / np.float32(member + 1)
        squares += residual * (probs - mean)

    def finish(self) -> None:
        """Add the observed predictions to the record."""
        spread = _spread_file(self._folder, self._members[-1])
        files = [*(_member_file(self._folder, member) for member in self._members), spread]
        for array in (*self._seen.values(), self._spread):
            array.flush()
        add_checksums(self._folder, {file.name: checksum_of(_part(file)) for file in files})
        for file in files:
            _part(file).replace(file)
        for path in self._folder.glob("spread-after-*.npy"):
            if path != spread:
                path.unlink()


class Record:
    """One kind's members, memory-mapped; :meth:`rows` are the predictions of some images.

    Args:
        folder: of the kind.
        n_images: N, if it is known.
        n_classes: C, if it is known.

    Raises:
        DamagedError: a file is missing, or is not as it was written.
    """

    def __init__(
        self, folder: Path, n_images: int | None = None, n_classes: int | None = None
    ) -> None:
        n_members = n_recorded(folder)
        if n_members == 0:
            raise ValueError(f"{folder} holds no whole record")
        spread_file = _spread_file(folder, n_members - 1)
        self._spread = open_checked(spread_file, "f", (2, n_images, n_classes))
        n_images, n_epochs = self._spread.shape[1], None
        self._members = []
        for member in range(n_members):
            shape = (n_epochs, len(FIELDS), n_images)
            self._members.append(open_checked(_member_file(folder, member), "f", shape))
            n_epochs = len(self._members[0])

    @property
    def n_members(self) -> int:
        """E, the number of members."""
        return len(self._members)

    @property
    def n_epochs(self) -> int:
        """T, the number of epochs."""
        return len(self._members[0])

    @property
    def mean(self) -> NDArray[np.float32]:
        """(N, C) mean over the members of their prediction after the last epoch."""
        return cast("NDArray[np.float32]", self._spread[0])

    def rows(self, rows: slice | NDArray[np.int64], labels: NDArray[np.int64]) -> Predictions:
        """The predictions for some of the images; ``labels`` are those images' given labels."""
        seen = np.stack([member[:, :, rows] for member in self._members])
        values = {name: seen[:, :, number] for number, name in enumerate(FIELDS)}
        return Predictions(
            **values, mean=self._spread[0, rows], squares=self._spread[1, rows], labels=labels
        )


def discard_record(folder: Path) -> None:
    """Delete the members of one kind; other files in the folder stay."""
    for pattern in ("spread-after-*.npy", "member-*.npy", CHECKSUMS):
        for path in folder.glob(pattern):
            path.unlink()


def _observations(log_probs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(n, C) log-probabilities to (4, n) in the order of FIELDS."""
    column = labels[:, None]
    given = log_probs.gather(1, column)[:, 0]
    others = log_probs.scatter(1, column, -torch.inf)
    # (1 - p_y)^2 + sum of the other p^2: expanding the square would cancel to 0 at the easy end
    distance = given.expm1().square() + others.exp().square().sum(1)
    predicted = log_probs.argmax(1).float()
    return torch.stack([given, others.amax(1), predicted, distance])


def _member_file(folder: Path, member: int) -> Path:
    return folder / f"member-{member:02d}.npy"


def _spread_file(folder: Path, last: int) -> Path:
    return folder / f"spread-after-{last:02d}.npy"


def _part(file: Path) -> Path:
    return file.with_name(file.name + ".part")


def _clear(folder: Path) -> None:
    """Delete what an interrupted recorder left."""
    for leftover in folder.glob("*.part"):
        leftover.unlink()


def _create(file: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.float32]]:
    return cast(
        "np.memmap[tuple[int, ...], np.dtype[np.float32]]", new_array(file, shape, np.float32)
    )
