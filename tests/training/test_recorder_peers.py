"""Recorder on a real training: JAX arrays, and AUM as the ``aum`` package computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from noisefind.scores import aum, forgetting
from noisefind.scores.predictions import FIELDS, Predictions
from noisefind.training.recorder import Recorder, read_recorded

if TYPE_CHECKING:
    from pathlib import Path

N = 300
IDS = [f"{row:03d}.png" for row in range(N)]
CLASSES = [str(digit) for digit in range(10)]


def recorded(folder: Path, labels: Any, class_names: list[str] = CLASSES) -> Predictions:
    """One member, as the scores need it."""
    found = read_recorded(folder, IDS[: len(labels)], np.asarray(labels), class_names)
    fields = {name: found.fields[None, :, k] for k, name in enumerate(FIELDS)}
    zeros = np.zeros_like(found.probs)
    return Predictions(**fields, mean=found.probs, squares=zeros, labels=np.asarray(labels))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the packages that aum imports
def test_aum_and_forgetting_of_a_training(tmp_path: Path) -> None:
    """A network learns noisy digits; ``aum`` and a counter get the same batches as the Recorder."""
    peer = pytest.importorskip("aum").AUMCalculator(str(tmp_path / "aum"))
    features, labels = (np.asarray(values)[:N] for values in load_digits(return_X_y=True))
    labels = labels.astype(np.int64)
    labels[::10] = (labels[::10] + 1) % 10  # wrong labels are forgotten
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(32, 10)
    )
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    recorder = Recorder(tmp_path / "record", IDS, labels, CLASSES)
    was_right, was_ever_right = dict[int, bool](), dict[int, bool]()
    n_forgotten = dict.fromkeys(range(N), 0)
    for _ in range(12):
        for rows in torch.split(torch.randperm(N), 32):
            logits = network(torch.tensor(features[rows] / 16, dtype=torch.float32))
            targets = torch.from_numpy(labels[rows])
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, targets).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            names = [IDS[row] for row in rows]
            recorder.update(names, logits)
            peer.update(logits.detach(), targets, names)
            for row, guess in zip(rows.tolist(), logits.argmax(1).tolist(), strict=True):
                is_right = guess == labels[row]
                n_forgotten[row] += was_right.get(row, False) and not is_right
                was_ever_right[row] = was_ever_right.get(row, False) or is_right
                was_right[row] = is_right
        recorder.end_epoch()
    found = recorded(tmp_path / "record", labels)
    expected = [peer.sums[name] / peer.counts[name] for name in IDS]
    np.testing.assert_allclose(aum(found), expected, rtol=1e-4, atol=1e-5)
    counted = [n_forgotten[row] if was_ever_right[row] else 12 for row in range(N)]
    np.testing.assert_array_equal(forgetting(found), counted)
    assert len(set(counted)) > 3
    assert not all(was_ever_right.values())


@pytest.mark.slow  # importing jax
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_jax_arrays(tmp_path: Path, dtype: str) -> None:
    """Outputs of a jitted function in any precision are those numbers in float32."""
    jax = pytest.importorskip("jax")
    random = np.random.default_rng(0)
    labels, vectors = [0, 1, 2, 0], random.normal(size=(4, 5)).astype(np.float32)
    network = jax.jit(lambda x, matrix: (x @ matrix).astype(dtype))
    recorder, margins = Recorder(tmp_path, IDS[:4], labels, CLASSES[:3]), []
    for _ in range(3):
        logits = network(vectors, random.normal(size=(5, 3)).astype(np.float32))
        recorder.update(IDS[:4], logits)
        recorder.end_epoch()
        values = [[float(v) for v in row] for row in logits]
        margins.append([
            row[y] - max(v for c, v in enumerate(row) if c != y)
            for row, y in zip(values, labels, strict=True)
        ])  # fmt: skip
    found = aum(recorded(tmp_path, labels, CLASSES[:3]))
    np.testing.assert_allclose(found, np.mean(margins, 0), rtol=1e-4, atol=1e-5)
