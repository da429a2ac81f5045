"""Recording: which epochs of a folder stay when a training begins with an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.errors import DataError
from noisefind.integrations.recording import Recording

if TYPE_CHECKING:
    from pathlib import Path


def recording(folder: Path, n_epochs: int = 0) -> Recording:
    """Of two images, with so many epochs."""
    new = Recording(folder, ["a.png", "b.png"], [0, 1], ["ant", "bee"])
    if n_epochs:
        recorder = new.start(0)
        for _ in range(n_epochs):
            recorder.update(["a.png", "b.png"], np.eye(2))
            recorder.end_epoch()
    return new


@pytest.mark.parametrize(("epoch", "stay"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_a_checkpoint(tmp_path: Path, epoch: int, stay: int) -> None:
    """Epochs from the checkpoint on are deleted; those that are missing are not invented."""
    assert recording(tmp_path, 3).start(epoch).n_epochs == stay
    assert len(list(tmp_path.glob("rank-00/epoch-*.npz"))) == stay


def test_a_new_training(tmp_path: Path) -> None:
    """It needs a folder without epochs; a refusal deletes nothing."""
    again = recording(tmp_path, 3)
    with pytest.raises(DataError, match=r"has 3 recorded epochs, .*choose another folder"):
        again.start(0)
    assert len(list(tmp_path.glob("rank-00/epoch-*.npz"))) == 3
    assert again.start(0, rank=1).n_epochs == 0  # another process has a folder of its own
    assert recording(tmp_path / "new").start(4).n_epochs == 0
