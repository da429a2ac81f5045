"""Recorder: what a training loop of the user predicts for each image in each epoch, on disk.

A folder holds ``dataset.json`` (ids, labels, class names), and for each process of the training
``rank-RR/epoch-EEEE.npz`` with the rows that it saw and four numbers for each, and
``rank-RR/last.npz`` with the newest distribution of each image, and the epoch that it is from.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from noisefind.errors import DataError
from noisefind.scores.predictions import FIELDS
from noisefind.utils.files import whole_file
from noisefind.utils.text import error_text, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FORMAT = 1
DATASET = "dataset.json"
LAST = "last.npz"
_EPOCH = re.compile(r"epoch-(\d{4,})\.npz")


class Recorder:
    """Records a training, so that ``noisefind score DATA --record FOLDER`` can score its images.

    Call :meth:`update` after each batch and :meth:`end_epoch` after each epoch. The predictions may
    be those of the training step (with augmentation and dropout) or of an evaluation pass.

    An image that is seen twice in an epoch counts with its last prediction. One that is not seen
    keeps that of the epoch before. With several processes (DDP) each makes a Recorder of its own on
    the same folder; an image that two of them saw counts with the prediction of the highest rank.

    Args:
        folder: new, or of an interrupted training of the same images, which is continued.
        ids: (N,) unique ids of all training images, as ``noisefind score`` names them: the path
            relative to the data.
        labels: (N,) given labels, 0 .. C-1.
        class_names: (C,) names, in the order of the logits.
        first_epoch: number of the epoch that comes first now, where training goes on from a
            checkpoint; recorded epochs from there on are deleted. None: after the last one.
        rank: number of this process; None: that of the environment variable RANK, or 0.

    Raises:
        DataError: the folder holds a record of other images, labels or classes.
        ValueError: an argument does not fit.

    Examples:
        >>> import tempfile, numpy as np, noisefind
        >>> folder = tempfile.mkdtemp()
        >>> recorder = noisefind.Recorder(folder, ["a.jpg", "b.jpg"], [0, 1], ["cat", "dog"])
        >>> recorder.update(["b.jpg", "a.jpg"], np.array([[0.1, 2.0], [1.5, -1.0]]))
        >>> recorder.end_epoch()
        >>> recorder.n_epochs
        1
    """

    def __init__(
        self,
        folder: str | Path,
        ids: Sequence[str],
        labels: Any,
        class_names: Sequence[str],
        *,
        first_epoch: int | None = None,
        rank: int | None = None,
    ) -> None:
        self._row_of = {str(id_): row for row, id_ in enumerate(ids)}
        self._labels = np.asarray(labels)
        n_images, n_classes = len(ids), len(class_names)
        if len(self._row_of) < n_images:
            raise ValueError("ids must be unique")
        if self._labels.shape != (n_images,) or self._labels.dtype.kind not in "iu":
            raise ValueError(
                f"labels have shape {self._labels.shape}, must be ({n_images},) numbers"
            )
        if n_images == 0 or self._labels.min() < 0 or self._labels.max() >= n_classes:
            raise ValueError(f"labels must be 0 to {n_classes - 1}, of at least one image")
        rank = int(os.environ.get("RANK", "0")) if rank is None else rank
        folder = Path(folder)
        self._folder = folder / f"rank-{rank:02d}"
        self._folder.mkdir(parents=True, exist_ok=True)
        described = _Described(list(map(str, ids)), self._labels.tolist(), list(class_names))
        _describe(folder / DATASET, described)
        self.n_epochs = _n_epochs(self._folder)
        if first_epoch is not None:
            self._forget(first_epoch)
        self._probs = np.zeros((n_images, n_classes), np.float32)
        self._fields = np.zeros((len(FIELDS), n_images), np.float32)
        self._is_seen = np.zeros(n_images, np.bool_)
        self._newest = np.full(n_images, -1, np.int64)  # epoch of the distribution; -1: none yet
        if self.n_epochs:
            saved = _load_last(self._folder, n_images, n_classes)
            self._probs[saved["rows"]] = saved["probs"]
            self._newest[saved["rows"]] = np.minimum(saved["epochs"], self.n_epochs - 1)

    def update(self, ids: Sequence[str], logits: Any) -> None:
        """Record the predictions of one batch.

        Args:
            ids: (n,) of the images.
            logits: (n, C) outputs before the softmax: NumPy, PyTorch on any device, JAX or
                TensorFlow.

        Raises:
            ValueError: shapes do not fit, an id is unknown, or a number is not finite.
        """
        values = _array(logits)
        if values.shape != (len(ids), self._probs.shape[1]):
            raise ValueError(
                f"logits have shape {values.shape}, must be ({len(ids)}, {self._probs.shape[1]})"
            )
        unknown = next((id_ for id_ in ids if id_ not in self._row_of), None)
        if unknown is not None:
            raise ValueError(f"{shortened(unknown)} is not among the ids of the Recorder")
        if not np.isfinite(values).all():
            raise ValueError("logits are not finite: the training has diverged")
        rows = np.array([self._row_of[id_] for id_ in ids], np.int64)
        log_probs = values - values.max(1, keepdims=True)
        log_probs -= np.log(np.exp(log_probs).sum(1, keepdims=True))
        self._probs[rows] = np.exp(log_probs)
        self._fields[:, rows] = observations(log_probs, self._labels[rows])
        self._is_seen[rows] = True

    def end_epoch(self) -> None:
        """Write what was recorded since the last call as one epoch.

        Raises:
            ValueError: nothing was recorded.
        """
        rows = np.flatnonzero(self._is_seen)
        if len(rows) == 0:
            raise ValueError("end_epoch without an update: no prediction was recorded")
        number = self.n_epochs
        self._newest[rows] = number
        known = np.flatnonzero(self._newest >= 0)
        with whole_file(self._folder / LAST) as part, part.open("wb") as file:
            np.savez(file, rows=known, probs=self._probs[known], epochs=self._newest[known])
        with whole_file(self._folder / f"epoch-{number:04d}.npz") as part, part.open("wb") as file:
            np.savez(file, rows=rows, fields=self._fields[:, rows])
        self._is_seen[:] = False
        self.n_epochs += 1

    def _forget(self, first_epoch: int) -> None:
        """Delete the recorded epochs from ``first_epoch`` on."""
        if not 0 <= first_epoch <= self.n_epochs:
            raise ValueError(
                f"first_epoch is {first_epoch}, must be 0 to {self.n_epochs}, the number of "
                "recorded epochs"
            )
        for number in range(first_epoch, self.n_epochs):
            (self._folder / f"epoch-{number:04d}.npz").unlink()
        self.n_epochs = first_epoch


class Recorded(NamedTuple):
    """A whole record of a training, for the images of a dataset.

    Attributes:
        fields: (T, 4, N) float32, ``FIELDS`` of each epoch.
        probs: (N, C) float32, predicted probabilities of the last epoch.
        n_filled: predictions that were missing and were taken from another epoch.
    """

    fields: NDArray[np.float32]
    probs: NDArray[np.float32]
    n_filled: int


class _Described(NamedTuple):
    ids: list[str]
    labels: list[int]
    class_names: list[str]


def observations(log_probs: NDArray[np.floating], labels: NDArray[np.integer]) -> Any:
    """(4, n) float32 in the order of FIELDS, of (n, C) log-probabilities and (n,) labels."""
    every = np.arange(len(labels))
    given = log_probs[every, labels]
    predicted = log_probs.argmax(1)
    others = log_probs.copy()
    others[every, labels] = -np.inf
    # (1 - p_y)^2 + sum of the other p^2: expanding the square would cancel to 0 at the easy end
    distance = np.expm1(given) ** 2 + (np.exp(others) ** 2).sum(1)
    return np.stack([given, others.max(1), predicted, distance]).astype(np.float32)


def n_recorded_epochs(folder: Path) -> int:
    """Number of epochs that every process has recorded.

    Raises:
        DataError: the folder is no record, or has no epoch.
    """
    _read_described(folder / DATASET)
    n_epochs = min((_n_epochs(rank) for rank in folder.glob("rank-*")), default=0)
    if n_epochs == 0:
        raise DataError(f"{shown_path(folder)}: no epoch was recorded; call end_epoch()")
    return n_epochs


def read_recorded(
    folder: Path, ids: Sequence[str], labels: NDArray[np.int64], classes: Sequence[str]
) -> Recorded:
    """The record in ``folder``, in the order of ``ids`` (N,) and ``classes`` (C,).

    Raises:
        DataError: it is damaged, or lacks an image or a class, or other labels were recorded.
    """
    described = _read_described(folder / DATASET)
    places = _places(folder, described, ids, labels, classes)
    ranks, n_epochs = sorted(folder.glob("rank-*")), n_recorded_epochs(folder)
    n_all = len(described.ids)
    fields = np.full((n_epochs, len(FIELDS), n_all), np.nan, np.float32)
    n_classes = len(described.class_names)
    probs = np.full((n_all, n_classes), np.nan, np.float32)
    newest = np.full(n_all, -1, np.int64)
    for rank in ranks:
        for epoch in range(n_epochs):
            saved = _load_epoch(rank / f"epoch-{epoch:04d}.npz", n_all, n_classes)
            fields[epoch][:, saved["rows"]] = saved["fields"]
        saved = _load_last(rank, n_all, n_classes)
        is_newer = saved["epochs"] >= newest[saved["rows"]]  # another rank may have seen it later
        rows = saved["rows"][is_newer]
        probs[rows], newest[rows] = saved["probs"][is_newer], saved["epochs"][is_newer]
    fields, probs = fields[:, :, places], probs[places]
    n_filled = _fill(fields)
    is_unknown = np.isnan(probs[:, 0]) | np.isnan(fields[0, 0])
    if is_unknown.any():
        raise DataError(
            f"{shown_path(folder)}: {int(is_unknown.sum()):,} of {len(ids):,} images were never "
            f"seen by update(), first {shortened(ids[int(is_unknown.argmax())])}"
        )
    number = [described.class_names.index(name) for name in classes]
    predicted = np.argsort(np.array(number))  # a class in the order of the logits -> in that of C
    fields[:, FIELDS.index("predicted")] = predicted[
        fields[:, FIELDS.index("predicted")].astype(np.int64)
    ]
    return Recorded(fields, probs[:, number], n_filled)


def _places(
    folder: Path,
    described: _Described,
    ids: Sequence[str],
    labels: NDArray[np.int64],
    classes: Sequence[str],
) -> NDArray[np.int64]:
    """The row of each id in the record; DataError where ids, labels or classes do not fit."""
    if set(classes) != set(described.class_names):
        raise DataError(
            f"{shown_path(folder)} was recorded with the classes "
            f"{shortened(described.class_names, 200)}; the data has {shortened(list(classes), 200)}"
        )
    row_of = {id_: row for row, id_ in enumerate(described.ids)}
    missing = [id_ for id_ in ids if id_ not in row_of]
    if missing:
        raise DataError(
            f"{shown_path(folder)}: {len(missing):,} of {len(ids):,} images were not recorded, "
            f"first {shortened(missing[0])}; ids are paths relative to the data"
        )
    places = np.array([row_of[id_] for id_ in ids], np.int64)
    given = np.array(described.class_names, object)[np.array(described.labels)[places]]
    differs = given != np.array(list(classes), object)[labels]
    if differs.any():
        row = int(differs.argmax())
        raise DataError(
            f"{shown_path(folder)}: {int(differs.sum()):,} images were recorded with another "
            f"label, first {shortened(ids[row])}: {shortened(given[row])} instead of "
            f"{shortened(classes[labels[row]])}"
        )
    return places


def _fill(fields: NDArray[np.float32]) -> int:
    """Fill what an epoch lacks from the epoch before, or the next one; returns how many."""
    n_missing = int(np.isnan(fields[:, 0]).sum())
    n_epochs = len(fields)
    backwards = range(n_epochs - 2, -1, -1)
    for epoch, source in (
        *((e, e - 1) for e in range(1, n_epochs)),
        *((e, e + 1) for e in backwards),
    ):
        is_missing = np.isnan(fields[epoch, 0])
        fields[epoch][:, is_missing] = fields[source][:, is_missing]
    return n_missing - int(np.isnan(fields[:, 0]).sum())


def _describe(path: Path, described: _Described) -> None:
    """Write what is recorded; DataError if the folder is of something else."""
    if path.exists():
        if _read_described(path) != described:
            raise DataError(
                f"{shown_path(path.parent)} holds a record of other images, labels or classes: "
                "choose another folder"
            )
        return
    with whole_file(path) as part:
        part.write_text(json.dumps({"format": FORMAT, **described._asdict()}), encoding="utf-8")


def _read_described(path: Path) -> _Described:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        described = _Described(*(content[name] for name in _Described._fields))
        is_known = content["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{shown_path(path)} cannot be read: {error_text(error)}; --record needs a folder of "
            "noisefind.Recorder"
        ) from error
    ids, labels, names = described
    is_whole = is_known and all(isinstance(values, list) for values in described) and (
        len(ids) == len(labels) == len(set(map(str, ids)))
        and all(isinstance(value, str) for value in (*ids, *names))
        and all(type(label) is int and 0 <= label < len(names) for label in labels)
    )  # fmt: skip
    if not is_whole:
        raise DataError(
            f"{shown_path(path)} is damaged or of a newer noisefind: record the training again"
        )
    return described


def _n_epochs(rank: Path) -> int:
    """Number of whole epochs from the first on."""
    names = (_EPOCH.fullmatch(path.name) for path in rank.glob("epoch-*.npz"))
    present = {int(found[1]) for found in names if found}
    return next(number for number in range(len(present) + 1) if number not in present)


def _load_epoch(path: Path, n_images: int, n_classes: int) -> dict[str, NDArray[Any]]:
    """``rows`` (n,) and ``fields`` (4, n) of an epoch."""
    saved = _load(path, ("rows", "fields"), n_images)
    fields = saved["fields"]
    if fields.shape != (len(FIELDS), len(saved["rows"])) or not np.isfinite(fields).all():
        raise _damaged(path, "its numbers do not fit")
    predicted = fields[FIELDS.index("predicted")]
    if predicted.min(initial=0) < 0 or predicted.max(initial=0) >= n_classes:
        raise _damaged(path, "a predicted class is out of range")
    return saved


def _load_last(rank: Path, n_images: int, n_classes: int) -> dict[str, NDArray[Any]]:
    """``rows`` (n,), ``probs`` (n, C) and ``epochs`` (n,): the newest distributions."""
    saved = _load(rank / LAST, ("rows", "probs", "epochs"), n_images)
    rows, probs, epochs = saved["rows"], saved["probs"], saved["epochs"]
    fits = probs.shape == (len(rows), n_classes) and epochs.shape == rows.shape
    if not fits or epochs.dtype.kind != "i" or not np.isfinite(probs).all():
        raise _damaged(rank / LAST, "its numbers do not fit")
    return saved


def _load(path: Path, names: Sequence[str], n_images: int) -> dict[str, NDArray[Any]]:
    """Arrays of a file; the first one are rows of ``n_images`` and the second one are floats."""
    try:
        # NumPy leaves a file that it opened open where it is no archive
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            saved = {name: file[name] for name in names}
    except Exception as error:  # numpy and zipfile raise many kinds on damaged files
        raise _damaged(path, error_text(error)) from error
    rows, floats = saved[names[0]], saved[names[1]]
    if rows.ndim != 1 or rows.dtype.kind != "i" or floats.dtype != np.float32:
        raise _damaged(path, "its arrays are of other kinds")
    if len(rows) and not 0 <= rows.min() <= rows.max() < n_images:
        raise _damaged(path, "it has rows of images that are not recorded")
    return saved


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{shown_path(path)} is damaged: {why}; record the training again")


def _array(logits: Any) -> NDArray[np.float32]:
    """Of any framework, as float32 in memory."""
    if hasattr(logits, "detach"):  # PyTorch: NumPy knows no bfloat16 and no other device
        logits = logits.detach().float().cpu().numpy()
    return np.asarray(logits).astype(np.float32)
