"""Twelve vectors of three classes, and what a training of theirs predicted, kept a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from noisefind.scores.predictions import FIELDS, Predictions
from noisefind.training.recorder import read_recorded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

N = 12
IDS = [f"{n:02d}.png" for n in range(N)]
LABELS = [n % 3 for n in range(N)]
CLASSES = ["ant", "bee", "cow"]
VECTORS = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
ARGUMENTS: tuple[Any, Any, Any] = (IDS, LABELS, CLASSES)


class Kept:
    """The logits of each batch of a training, in an order of images of its own."""

    def __init__(self) -> None:
        self.batches: list[NDArray[np.float32]] = []

    def add(self, rows: torch.Tensor, logits: torch.Tensor) -> None:
        """Keep a batch; ``rows`` are those of VECTORS."""
        row_and_logits = torch.cat([rows[:, None].float(), logits.detach().float()], 1)
        self.batches.append(row_and_logits.numpy())

    def logits(self) -> NDArray[np.float32]:
        """(T, N, C), of epochs that see every image once."""
        epochs = np.concatenate(self.batches).reshape(-1, N, 4)
        return np.stack([epoch[epoch[:, 0].argsort(), 1:] for epoch in epochs])


def rows_of(vectors: torch.Tensor) -> torch.Tensor:
    """The rows of VECTORS that a batch has: found by their content, not by an id."""
    return torch.cdist(vectors, torch.tensor(VECTORS)).argmin(1)


def assert_recorded(folder: Path, logits: NDArray[np.floating]) -> None:
    """The record is that of outputs (T, N, C), which differ from epoch to epoch."""
    found = read_recorded(folder, IDS, np.array(LABELS), CLASSES)
    exp = np.exp(logits.astype(np.float64))
    probs = exp / exp.sum(-1, keepdims=True)
    expected = Predictions.from_probabilities(probs[None], LABELS)
    assert found.fields.shape == (len(logits), 4, N)
    for k, name in enumerate(FIELDS):
        np.testing.assert_allclose(
            found.fields[:, k], getattr(expected, name)[0], rtol=1e-3, atol=1e-5, err_msg=name
        )
    np.testing.assert_allclose(found.probs, probs[-1], rtol=1e-3)
    assert found.n_filled == 0
    assert all(np.ptp(each, 0).min() > 0 for each in (logits, logits[:, :, 0]) if len(logits) > 1)
