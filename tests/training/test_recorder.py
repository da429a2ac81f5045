"""Recorder: what a training loop predicts is what the scores get, through ranks and kills."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from noisefind.errors import DataError
from noisefind.scores import aum, el2n, forgetting
from noisefind.scores.predictions import FIELDS, Predictions
from noisefind.training.recorder import DATASET, LAST, Recorder, n_recorded_epochs, read_recorded
from tests.fuzz import mutations, refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.training.recorder import Recorded

    Floats = NDArray[np.float32]

IDS = tuple(f"{n:02d}.png" for n in range(7))
LABELS = np.array([0, 1, 2, 0, 1, 2, 0])
CLASSES = ("ant", "bee", "cow")
EVERY = range(7)


def logits(n_epochs: int = 4, seed: int = 0) -> Floats:
    """(T, N, C) outputs of a network."""
    return np.random.default_rng(seed).normal(0, 2, (n_epochs, 7, 3)).astype(np.float32)


def softmax(values: Floats) -> NDArray[np.float64]:
    p = np.exp(values.astype(np.float64) - values.max(-1, keepdims=True))
    return np.asarray(p / p.sum(-1, keepdims=True))


def recorder(folder: Path, **options: Any) -> Recorder:
    return Recorder(folder, IDS, LABELS, CLASSES, **options)


def record(into: Recorder, values: Floats, rows: Sequence[int] = EVERY, cuts: int = 3) -> None:
    """One epoch: outputs (N, C) of some images, in batches."""
    for start in range(0, len(rows), cuts):
        batch = list(rows[start : start + cuts])
        into.update([IDS[row] for row in batch], values[batch])
    into.end_epoch()


def read(folder: Path) -> Recorded:
    return read_recorded(folder, IDS, LABELS, CLASSES)


def as_predictions(found: Recorded) -> Predictions:
    """One member, as the scores need it."""
    fields = {name: found.fields[None, :, k] for k, name in enumerate(FIELDS)}
    zeros = np.zeros_like(found.probs)
    return Predictions(**fields, mean=found.probs, squares=zeros, labels=LABELS)


def assert_recorded(folder: Path, values: Floats, n_filled: int = 0) -> None:
    """The record is that of outputs (T, N, C)."""
    found, p = read(folder), softmax(values)
    expected = Predictions.from_probabilities(p[None], LABELS)
    assert found.fields.shape == (len(values), 4, 7)
    for k, name in enumerate(FIELDS):
        np.testing.assert_allclose(
            found.fields[:, k], getattr(expected, name)[0], rtol=1e-4, atol=1e-6, err_msg=name
        )
    np.testing.assert_allclose(found.probs, p[-1], rtol=1e-4, atol=1e-6)
    assert found.n_filled == n_filled


# What is recorded


@pytest.mark.parametrize("cuts", [1, 3, 7])
def test_a_training_in_any_order(tmp_path: Path, cuts: int) -> None:
    """Batches of any size in an order of their own in each epoch."""
    into = recorder(tmp_path)
    for epoch, values in enumerate(logits()):
        record(into, values, np.random.default_rng(epoch).permutation(7).tolist(), cuts)
    assert into.n_epochs == n_recorded_epochs(tmp_path) == 4
    assert_recorded(tmp_path, logits())


def test_aum_and_forgetting_by_an_independent_count(tmp_path: Path) -> None:
    """Margins of the logits and events, counted image by image from the outputs themselves."""
    values, into = logits(9), recorder(tmp_path)
    for epoch in values:
        record(into, epoch)
    found = as_predictions(read(tmp_path))
    for row, label in enumerate(LABELS.tolist()):
        outputs = values[:, row].astype(float).tolist()
        margins = [o[label] - max(v for c, v in enumerate(o) if c != label) for o in outputs]
        right = [margin > 0 for margin in margins]
        n_events = sum(a and not b for a, b in pairwise(right)) if any(right) else len(right)
        assert aum(found)[row] == pytest.approx(sum(margins) / len(margins), rel=1e-4, abs=1e-5)
        assert forgetting(found)[row] == n_events


def test_el2n_of_the_last_epoch(tmp_path: Path) -> None:
    """The distance of the newest distribution from the label."""
    into = recorder(tmp_path)
    for epoch in logits():
        record(into, epoch)
    expected = np.linalg.norm(softmax(logits()[-1]) - np.eye(3)[LABELS], axis=1)
    np.testing.assert_allclose(el2n(as_predictions(read(tmp_path))), expected, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors(tmp_path: Path, dtype: torch.dtype) -> None:
    """Tensors of any precision that need a gradient are those numbers in float32."""
    into, kept = recorder(tmp_path), []
    for epoch in logits():
        tensor = torch.tensor(epoch, dtype=dtype, requires_grad=True)
        kept.append(tensor.detach().float().numpy())
        into.update(IDS, tensor * 1)
        into.end_epoch()
    assert_recorded(tmp_path, np.stack(kept))


def test_lists_and_half_precision(tmp_path: Path) -> None:
    """NumPy in half precision, and plain lists."""
    into, half = recorder(tmp_path), logits().astype(np.float16)
    for epoch in half[:2]:
        into.update(list(IDS), epoch)
        into.end_epoch()
    for epoch in half[2:]:
        into.update(IDS, epoch.tolist())
        into.end_epoch()
    assert_recorded(tmp_path, half.astype(np.float32))


def test_large_logits(tmp_path: Path) -> None:
    """Outputs of a thousand have a finite softmax."""
    into = recorder(tmp_path)
    record(into, logits()[0] * 1000)
    assert np.isfinite(read(tmp_path).fields).all()
    np.testing.assert_allclose(read(tmp_path).probs.sum(1), 1, rtol=1e-5)


def test_an_image_seen_twice_counts_with_its_last_prediction(tmp_path: Path) -> None:
    """In another batch, and within one."""
    into, (early, late, _, _) = recorder(tmp_path), logits()
    into.update(IDS, early)
    into.update([IDS[2], IDS[2]], np.stack([early[2], late[2]]))
    into.end_epoch()
    expected = early.copy()
    expected[2] = late[2]
    assert_recorded(tmp_path, expected[None])


def test_images_that_an_epoch_did_not_see(tmp_path: Path) -> None:
    """They keep the prediction of the epoch before, or get that of the next one."""
    into, values = recorder(tmp_path), logits(3)
    record(into, values[0], [0, 1, 2, 3, 4, 5])
    record(into, values[1], [0, 2, 3, 4, 5, 6])
    record(into, values[2], [0, 1, 2, 3, 4, 6])
    expected = values.copy()
    expected[0, 6], expected[1, 1], expected[2, 5] = values[1, 6], values[0, 1], values[1, 5]
    assert_recorded(tmp_path, expected, n_filled=3)


def test_images_that_were_never_seen(tmp_path: Path) -> None:
    """The message names the first one."""
    record(recorder(tmp_path), logits()[0], [0, 1, 3, 5, 6])
    assert "2 of 7 images were never seen by update(), first '02.png'" in refused(
        lambda: read(tmp_path)
    )


def test_images_classes_and_their_order(tmp_path: Path) -> None:
    """Ids and classes of the data in another order, and fewer images than were recorded."""
    into = recorder(tmp_path)
    for epoch in logits():
        record(into, epoch)
    rows, names = [5, 0, 3], ("cow", "ant", "bee")
    labels = np.array([names.index(CLASSES[c]) for c in LABELS[rows]])
    found, whole = read_recorded(tmp_path, [IDS[r] for r in rows], labels, names), read(tmp_path)
    np.testing.assert_array_equal(found.probs, whole.probs[rows][:, [2, 0, 1]])
    for k, name in enumerate(FIELDS):
        expected = whole.fields[:, k, rows]
        if name == "predicted":
            expected = np.array([1, 2, 0])[expected.astype(int)]
        np.testing.assert_array_equal(found.fields[:, k], expected)


# Several processes


def test_two_ranks_that_share_the_images(tmp_path: Path) -> None:
    """Each sees other images in each epoch: together they are one training, to the newest."""
    ranks = [recorder(tmp_path, rank=rank) for rank in range(2)]
    for epoch, values in enumerate(logits()):
        order = np.random.default_rng(epoch).permutation(7).tolist()
        for rank, into in enumerate(ranks):
            record(into, values, order[rank::2])
    assert_recorded(tmp_path, logits())


def test_the_rank_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RANK is what torchrun sets."""
    monkeypatch.setenv("RANK", "3")
    record(recorder(tmp_path), logits()[0])
    assert [path.name for path in tmp_path.glob("rank-*")] == ["rank-03"]
    assert_recorded(tmp_path, logits()[:1])


def test_ranks_of_different_lengths(tmp_path: Path) -> None:
    """Only epochs that every process has recorded count."""
    ranks = [recorder(tmp_path, rank=rank) for rank in range(2)]
    for values in logits():
        record(ranks[0], values, [0, 1, 2, 3])
    for values in logits()[:3]:
        record(ranks[1], values, [4, 5, 6])
    assert n_recorded_epochs(tmp_path) == 3
    assert len(read(tmp_path).fields) == 3


# Interruptions


def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    """What was recorded of the epoch that was interrupted is gone; nothing else is."""
    first = recorder(tmp_path)
    record(first, logits()[0])
    record(first, logits()[1], [0, 1, 2, 3, 4, 5])
    first.update(IDS[:3], logits(seed=9)[0][:3])
    again = recorder(tmp_path)
    assert again.n_epochs == 2
    record(again, logits()[2])
    record(again, logits()[3])
    expected = logits()
    expected[1, 6] = expected[0, 6]
    assert_recorded(tmp_path, expected, n_filled=1)


def test_a_kill_between_the_two_files_of_an_epoch(tmp_path: Path) -> None:
    """The epoch is recorded again."""
    first = recorder(tmp_path)
    record(first, logits()[0])
    record(first, logits(seed=9)[1])
    (tmp_path / "rank-00" / "epoch-0001.npz").unlink()
    again = recorder(tmp_path)
    for values in logits()[1:]:
        record(again, values)
    assert_recorded(tmp_path, logits())


def test_training_from_a_checkpoint(tmp_path: Path) -> None:
    """Epochs after the checkpoint are deleted."""
    first = recorder(tmp_path)
    record(first, logits()[0])
    for values in logits(seed=9)[1:]:
        record(first, values)
    again = recorder(tmp_path, first_epoch=1)
    assert again.n_epochs == 1
    for values in logits()[1:]:
        record(again, values)
    assert_recorded(tmp_path, logits())
    for wrong in (-1, 5):
        with pytest.raises(ValueError, match=f"first_epoch is {wrong}, must be 0 to 4"):
            recorder(tmp_path, first_epoch=wrong)
    assert recorder(tmp_path, first_epoch=0).n_epochs == 0


@pytest.mark.parametrize(
    "changed",
    [
        ((*IDS[:6], "x.png"), LABELS, CLASSES),
        (IDS, np.roll(LABELS, 1), CLASSES),
        (IDS, LABELS, ("ant", "bee", "dog")),
        (IDS[::-1], LABELS, CLASSES),
    ],
)
def test_a_folder_of_something_else(tmp_path: Path, changed: tuple[Any, Any, Any]) -> None:
    """Two trainings never get into one folder."""
    recorder(tmp_path)
    message = refused(lambda: Recorder(tmp_path, *changed))
    assert "other images, labels or classes: choose another folder" in message


# Arguments


@pytest.mark.parametrize(
    ("ids", "labels", "what"),
    [
        (["a", "a"], [0, 1], "unique"),
        (["a", "b"], [0], r"labels have shape \(1,\)"),
        (["a", "b"], [0, 3], "labels must be 0 to 2"),
        (["a", "b"], [0, -1], "labels must be 0 to 2"),
        (["a", "b"], [0.0, 1.0], "numbers"),
        ([], np.zeros(0, int), "at least one"),
    ],
)
def test_arguments_that_do_not_fit(tmp_path: Path, ids: Any, labels: Any, what: str) -> None:
    """A ValueError, and no folder is made."""
    with pytest.raises(ValueError, match=what):
        Recorder(tmp_path / "new", ids, labels, CLASSES)
    assert not (tmp_path / "new").exists()


def test_batches_that_do_not_fit(tmp_path: Path) -> None:
    """Nothing of such a batch is recorded."""
    into = recorder(tmp_path)
    for ids, values, what in (
        (IDS[:2], np.zeros((3, 3)), "logits have shape"),
        (IDS[:2], np.zeros((2, 4)), "logits have shape"),
        (["x.png"], np.zeros((1, 3)), "'x.png' is not among the ids"),
        (IDS[:1], np.full((1, 3), np.nan), "not finite"),
    ):
        with pytest.raises(ValueError, match=what):
            into.update(ids, values)
    with pytest.raises(ValueError, match="end_epoch without an update"):
        into.end_epoch()


# Records that do not fit or are damaged


def test_other_data(tmp_path: Path) -> None:
    """Other images, classes or labels than those of the record."""
    record(recorder(tmp_path), logits()[0])
    for ids, labels, classes, what in (
        ((*IDS, "x.png"), np.append(LABELS, 0), CLASSES, "1 of 8 images were not recorded"),
        (IDS, LABELS, ("ant", "bee", "dog"), "'dog'"),
        (IDS, np.roll(LABELS, 1), CLASSES, "6 images were recorded with another label, first"),
    ):
        with pytest.raises(DataError, match=what):
            read_recorded(tmp_path, ids, labels, classes)


def test_folders_that_are_no_record(tmp_path: Path) -> None:
    """No folder, an empty one, one of the user, and one without an epoch."""
    for folder in (tmp_path / "none", tmp_path):
        assert "needs a folder of noisefind.Recorder" in refused(
            lambda folder=folder: read(folder)  # type: ignore[misc]
        )
    recorder(tmp_path)
    assert "no epoch was recorded; call end_epoch()" in refused(lambda: read(tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2}, {"labels": [0, 1]}, {"labels": [0, 1, 2, 0, 1, 2, 9]}, {"ids": 3},
        {"labels": [0, 1, 2, 0, 1, 2, "x"]}, {"ids": [{}] * 7}, {"class_names": [0, 1, 2]},
        {"ids": "abcdefg"}, {"ids": ["a"] * 7}, {"labels": None},
    ],
)  # fmt: skip
def test_descriptions_that_do_not_fit(tmp_path: Path, change: dict[str, object]) -> None:
    """dataset.json by another hand."""
    record(recorder(tmp_path), logits()[0])
    content = json.loads((tmp_path / DATASET).read_text())
    (tmp_path / DATASET).write_text(json.dumps({**content, **change}))
    assert DATASET in refused(lambda: read(tmp_path))


ROWS = np.arange(7)


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("epoch-0000.npz", {"rows": ROWS + 1, "fields": np.zeros((4, 7), np.float32)}),
        ("epoch-0000.npz", {"rows": ROWS - 1, "fields": np.zeros((4, 7), np.float32)}),
        ("epoch-0000.npz", {"rows": ROWS, "fields": np.zeros((4, 6), np.float32)}),
        ("epoch-0000.npz", {"rows": ROWS, "fields": np.full((4, 7), 3, np.float32)}),
        ("epoch-0000.npz", {"rows": ROWS, "fields": np.full((4, 7), np.nan, np.float32)}),
        ("epoch-0000.npz", {"rows": ROWS, "fields": np.array(["x"])}),
        ("epoch-0000.npz", {"rows": ROWS}),
        (LAST, {"rows": ROWS, "probs": np.zeros((7, 3), np.float32)}),
        (LAST, {"rows": ROWS, "probs": np.zeros((7, 2), np.float32), "epochs": ROWS}),
        (LAST, {"rows": ROWS, "probs": np.zeros((7, 3), np.float32), "epochs": ROWS[1:]}),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, name: str, arrays: dict[str, NDArray[Any]]) -> None:
    """Files of an epoch by another hand."""
    record(recorder(tmp_path), logits()[0])
    np.savez(tmp_path / "rank-00" / name, **arrays)  # type: ignore[arg-type]
    assert f"{name}' is damaged" in refused(lambda: read(tmp_path))


@pytest.mark.fuzz
@pytest.mark.parametrize("name", [DATASET, "rank-00/epoch-0000.npz", f"rank-00/{LAST}"])
def test_damaged_records(tmp_path: Path, name: str) -> None:
    """A damaged file is read or refused in one line."""
    record(recorder(tmp_path), logits()[0])
    content, n_refused = (tmp_path / name).read_bytes(), 0
    for copy in mutations(content):
        (tmp_path / name).write_bytes(copy)
        n_refused += bool(refused(lambda: read(tmp_path)))
    assert n_refused > 100


def test_memory_does_not_grow_with_the_epochs(tmp_path: Path) -> None:
    """An epoch is on disk when it has ended; only the newest distributions stay in memory."""
    ids = [f"{n}.png" for n in range(2000)]
    into = Recorder(tmp_path, ids, np.zeros(2000, int), CLASSES)
    values = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)

    def train(n_epochs: int) -> int:
        for _ in range(n_epochs):
            into.update(ids, values)
            into.end_epoch()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before, after = train(2), train(20)
    finally:
        tracemalloc.stop()
    assert after - before < 2000 * 4 * 4  # one epoch of an image has four numbers
