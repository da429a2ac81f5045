"""Recorder: what a training of the user predicts, and its reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from noisefind import Predictions, Recorder
from noisefind.errors import DataError
from noisefind.scores import SCORES
from noisefind.scores.predictions import FIELDS
from noisefind.training.recorder import n_recorded_epochs, read_recorded

if TYPE_CHECKING:
    from pathlib import Path

IDS = ("a.png", "b.png", "c.png", "d.png")
LABELS = np.array([0, 1, 1, 2])
CLASSES = ("cat", "dog", "owl")


def logits(epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).normal(size=(4, 3)).astype(np.float32) * 2


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def recorder(folder: Path, **options: Any) -> Recorder:
    return Recorder(folder, IDS, LABELS, CLASSES, **options)


def record(folder: Path, n_epochs: int = 3) -> np.ndarray:
    """Batches in another order in each epoch; returns the probabilities (T, N, C)."""
    kept = recorder(folder)
    for epoch in range(n_epochs):
        rows = np.random.default_rng(epoch).permutation(4)
        for batch in (rows[:3], rows[3:]):
            kept.update([IDS[row] for row in batch], logits(epoch)[batch])
        kept.end_epoch()
    return softmax(np.stack([logits(epoch) for epoch in range(n_epochs)]))


def test_every_score_is_that_of_the_whole_arrays(tmp_path: Path) -> None:
    probs = record(tmp_path)
    found = read_recorded(tmp_path, IDS, LABELS, CLASSES)
    seen = {name: found.fields[None, :, number] for number, name in enumerate(FIELDS)}
    kept = Predictions(**seen, mean=found.probs, squares=np.zeros_like(found.probs), labels=LABELS)
    expected = Predictions.from_probabilities(probs[None], LABELS)
    for name, score in SCORES.items():
        if score.compute is not None:
            np.testing.assert_allclose(
                score.compute(kept), score.compute(expected), rtol=1e-5, atol=1e-6, err_msg=name
            )


def test_another_order_of_images_and_classes(tmp_path: Path) -> None:
    probs = record(tmp_path)
    order = [2, 0, 3]
    classes = ("owl", "cat", "dog")
    labels = np.array([classes.index(CLASSES[LABELS[row]]) for row in order])

    found = read_recorded(tmp_path, [IDS[row] for row in order], labels, classes)

    np.testing.assert_allclose(found.probs, probs[-1][order][:, [2, 0, 1]], rtol=1e-5)
    predicted = found.fields[:, FIELDS.index("predicted")].astype(int)
    assert (predicted == np.take([1, 2, 0], probs[:, order].argmax(-1))).all()


@pytest.mark.parametrize("kind", [np.float64, np.float16, torch.float32, torch.bfloat16])
def test_arrays_of_any_type(tmp_path: Path, kind: Any) -> None:
    kept = recorder(tmp_path)
    values: Any = np.round(logits(0))  # small whole numbers are exact in every type
    is_torch = isinstance(kind, torch.dtype)
    exact = values
    values = torch.from_numpy(values).to(kind).requires_grad_() if is_torch else values.astype(kind)
    kept.update(IDS, values)
    kept.end_epoch()
    found = read_recorded(tmp_path, IDS, LABELS, CLASSES)
    np.testing.assert_allclose(found.probs, softmax(exact), rtol=1e-5)


def test_twice_and_never_in_an_epoch(tmp_path: Path) -> None:
    """The last prediction of an epoch counts; a missing one is that of the epoch before."""
    kept = recorder(tmp_path)
    kept.update(IDS, logits(0))
    kept.end_epoch()
    kept.update(IDS[:2], logits(1)[:2])
    kept.update(IDS[:1], logits(2)[:1])
    kept.end_epoch()
    found = read_recorded(tmp_path, IDS, LABELS, CLASSES)
    expected = np.stack([logits(2)[0], logits(1)[1], logits(0)[2], logits(0)[3]])
    np.testing.assert_allclose(found.probs, softmax(expected), rtol=1e-5)
    np.testing.assert_array_equal(found.fields[1][:, 2:], found.fields[0][:, 2:])
    assert found.n_filled == 2


def test_missing_in_the_first_epoch(tmp_path: Path) -> None:
    """It is that of the next epoch; an image that was never seen is an error that names it."""
    kept = recorder(tmp_path)
    kept.update(IDS[:3], logits(0)[:3])
    kept.end_epoch()
    with pytest.raises(DataError, match=r"1 of 4 images were never seen by update\(\), first 'd"):
        read_recorded(tmp_path, IDS, LABELS, CLASSES)
    kept.update(IDS, logits(1))
    kept.end_epoch()
    found = read_recorded(tmp_path, IDS, LABELS, CLASSES)
    np.testing.assert_array_equal(found.fields[0][:, 3], found.fields[1][:, 3])


def test_two_processes(tmp_path: Path) -> None:
    """Each rank writes its own images; an epoch counts when both have it."""
    ranks = [recorder(tmp_path, rank=0), recorder(tmp_path, rank=1)]
    for epoch in range(2):
        for rank, kept in enumerate(ranks):
            kept.update(IDS[rank::2], logits(epoch)[rank::2])
            kept.end_epoch()
    ranks[0].update(IDS[::2], logits(5)[::2])
    ranks[0].end_epoch()
    assert n_recorded_epochs(tmp_path) == 2
    found = read_recorded(tmp_path, IDS, LABELS, CLASSES)
    assert len(found.fields) == 2
    assert found.n_filled == 0


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    """The epoch that was under way counts from its start; a checkpoint may be older."""
    expected = record(tmp_path / "whole", 4)
    record(tmp_path / "cut", 3)
    kept = recorder(tmp_path / "cut", first_epoch=2)
    assert kept.n_epochs == 2
    for epoch in (2, 3):
        kept.update(IDS, logits(epoch))
        kept.end_epoch()
    found = read_recorded(tmp_path / "cut", IDS, LABELS, CLASSES)
    whole = read_recorded(tmp_path / "whole", IDS, LABELS, CLASSES)
    np.testing.assert_allclose(found.fields, whole.fields, rtol=1e-6)
    np.testing.assert_allclose(found.probs, expected[-1], rtol=1e-5)
    assert recorder(tmp_path / "cut").n_epochs == 4


def test_what_is_refused(tmp_path: Path) -> None:
    kept = recorder(tmp_path)
    with pytest.raises(ValueError, match=r"shape \(4, 2\), must be \(4, 3\)"):
        kept.update(IDS, logits(0)[:, :2])
    with pytest.raises(ValueError, match="'x' is not among the ids"):
        kept.update(["x"], logits(0)[:1])
    with pytest.raises(ValueError, match="not finite"):
        kept.update(IDS, np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match="without an update"):
        kept.end_epoch()
    with pytest.raises(ValueError, match="ids must be unique"):
        Recorder(tmp_path, ["a", "a"], [0, 1], CLASSES)
    with pytest.raises(ValueError, match="labels must be 0 to 2"):
        Recorder(tmp_path, IDS, LABELS + 1, CLASSES)
    with pytest.raises(DataError, match="other images, labels or classes"):
        Recorder(tmp_path, IDS, LABELS[::-1], CLASSES)


def test_what_is_refused_when_read(tmp_path: Path) -> None:
    record(tmp_path)
    with pytest.raises(DataError, match="1 of 5 images were not recorded, first 'x"):
        read_recorded(tmp_path, (*IDS, "x"), np.append(LABELS, 0), CLASSES)
    with pytest.raises(DataError, match="1 images were recorded with another label, first 'a"):
        read_recorded(tmp_path, IDS, np.array([1, 1, 1, 2]), CLASSES)
    with pytest.raises(DataError, match="recorded with the classes"):
        read_recorded(tmp_path, IDS, LABELS, ("cat", "dog", "emu"))
    with pytest.raises(DataError, match=r"--record needs a folder of noisefind\.Recorder"):
        read_recorded(tmp_path / "nowhere", IDS, LABELS, CLASSES)
    (tmp_path / "rank-00/epoch-0001.npz").write_bytes(b"garbage")
    with pytest.raises(DataError, match=r"epoch-0001\.npz' is damaged"):
        read_recorded(tmp_path, IDS, LABELS, CLASSES)
