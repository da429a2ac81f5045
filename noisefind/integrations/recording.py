"""Recording: the Recorder of a training that a framework starts, continues and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from noisefind.errors import DataError
from noisefind.training.recorder import Recorder
from noisefind.utils.text import shown_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Recording(NamedTuple):
    """What a Recorder is made of, once the framework knows the process and the epoch.

    Attributes:
        folder: of the record.
        ids: (N,) unique ids of all training images: the path relative to the data.
        labels: (N,) given labels, 0 .. C-1.
        class_names: (C,) names, in the order of the logits.
    """

    folder: str | Path
    ids: Sequence[str]
    labels: Any
    class_names: Sequence[str]

    def start(self, epoch: int, rank: int | None = None) -> Recorder:
        """The Recorder of a training that begins with ``epoch``, of process ``rank``.

        After epoch 0 it is a training from a checkpoint: recorded epochs from ``epoch`` on are of
        the interrupted training and are deleted.

        Raises:
            DataError: a new training on a folder that has epochs, or a record of something else.
        """
        recorder = Recorder(*self, rank=rank)
        if epoch == 0 and recorder.n_epochs:
            raise DataError(
                f"{shown_path(self.folder)} has {recorder.n_epochs} recorded epochs, and this "
                "training begins with the first one: choose another folder, or continue from a "
                "checkpoint"
            )
        if epoch < recorder.n_epochs:
            return Recorder(*self, rank=rank, first_epoch=epoch)
        return recorder
