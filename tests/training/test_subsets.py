"""Training on parts of the data: one order for all, tested on what nothing learns from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.training.augment import Augmentation
from noisefind.training.network import NetworkOptions
from noisefind.training.recipe import RECIPES
from noisefind.training.schedule import Schedule
from noisefind.training.stream import Passes, stream
from noisefind.training.subset_trainer import Split, SubsetData, SubsetTrainer
from noisefind.training.subsets import Curve, Phase, SubsetJob
from noisefind.utils.progress import Progress
from tests.training.test_training import blobs, pixel_blobs

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBE = replace(RECIPES["probe"], batch_size=16)
CNN = replace(RECIPES["cnn"], batch_size=16)


def probe_trainer(test: NDArray[np.float32] | None = None) -> tuple[SubsetTrainer, SubsetJob]:
    """A trainer on 60 blobs, with 15 others to validate on and 15 to test on; a job on all 60."""
    x, y = blobs(90)
    data = SubsetData(
        x[:60], 3, Split(x[60:75], y[60:75]), Split(x[75:] if test is None else test, y[75:])
    )
    cpu = torch.device("cpu")
    trainer = SubsetTrainer(data, PROBE, NetworkOptions(), device=cpu, progress=Progress())
    return trainer, SubsetJob((Phase(np.arange(60), 4, 40),), y[:60], seed=0)


def cnn_trainer(
    test: NDArray[np.uint8] | None = None, **recipe: Any
) -> tuple[SubsetTrainer, SubsetJob]:
    """The same from pixels, 40 of them, 12 and 12."""
    x, y = pixel_blobs(64)
    data = SubsetData(
        x[:40], 2, Split(x[40:52], y[40:52]), Split(x[52:] if test is None else test, y[52:])
    )
    changed = replace(CNN, **recipe)
    options = NetworkOptions(augmentation=Augmentation(rotate=True))
    cpu = torch.device("cpu")
    trainer = SubsetTrainer(data, changed, options, device=cpu, progress=Progress())
    return trainer, SubsetJob((Phase(np.arange(40), 3, 9),), y[:40], seed=0)


def curves(trainer: SubsetTrainer, *jobs: SubsetJob) -> list[Curve]:
    """The curve of each job."""
    return [curve for _, curve in sorted(trainer(jobs), key=lambda pair: pair[0])]


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 29), min_size=1), st.integers(1, 40), st.integers(0, 3))
def test_a_subset_sees_the_order_of_all(rows: set[int], batch_size: int, seed: int) -> None:
    """Its images come in the order of the full data with the others left out, pass after pass."""
    chosen, passes = np.array(sorted(rows)), Passes(30, seed)
    n_steps = 1 + 90 // batch_size

    def sequence(part: NDArray[np.int64]) -> list[tuple[int, int]]:
        found = list(stream([Phase(part, 1, n_steps)], passes, batch_size))
        assert len(found) == n_steps
        assert all(len(b.rows) == batch_size for b in found)
        return [
            pair for b in found for pair in zip(b.passes.tolist(), b.rows.tolist(), strict=True)
        ]

    of_all, of_part = sequence(np.arange(30)), sequence(chosen)
    expected = [pair for pair in of_all if pair[1] in rows]
    shared = min(len(expected), len(of_part))
    assert shared > 0
    assert of_part[:shared] == expected[:shared]


def test_every_pass_has_an_order_of_its_own() -> None:
    """Each pass holds every image once, in an order by seed and pass."""
    orders = [Passes(30, seed).order(number) for seed in (0, 1) for number in (0, 1)]
    assert all(sorted(order.tolist()) == list(range(30)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 4
    (batch,) = stream([Phase(np.arange(30), 1, 1)], Passes(30, 0), 30)
    assert torch.equal(batch.rows, orders[0])


def test_an_image_is_moved_alike_in_every_subset() -> None:
    """Augmentation depends on pass and image, not on what else is in the batch."""
    passes = Passes(20, seed=1)
    full = next(iter(stream([Phase(np.arange(20), 1, 1)], passes, 20)))
    part = next(iter(stream([Phase(np.arange(5), 1, 1)], passes, 5)))
    (shifts, mirrored), angles = passes.moves(full, 32)
    (own_shifts, own_mirrored), own_angles = passes.moves(part, 32)
    for place, row in enumerate(part.rows.tolist()):
        at = full.rows.tolist().index(row)
        assert torch.equal(own_shifts[:, place], shifts[:, at])
        assert torch.equal(own_mirrored[place], mirrored[at])
        assert torch.equal(own_angles[place], angles[at])


def test_probes_learn_and_repeat() -> None:
    """Separable blobs are learned, to the same bits again, whatever trains beside them."""
    trainer, job = probe_trainer()
    (alone,) = curves(trainer, job)
    assert len(alone.test) == 4
    assert alone.test[-1] > 0.9
    few = replace(job, phases=(Phase(np.arange(0, 60, 7), 4, 40),))
    together = curves(trainer, few, job, replace(job, seed=5))
    assert np.array_equal(together[1].test, alone.test)
    assert np.array_equal(together[1].validation, alone.validation)


def test_labels_of_the_job_are_learned() -> None:
    """A job whose labels are turned by one class predicts that class: relabelling is trained on."""
    trainer, job = probe_trainer()
    plain, turned = curves(trainer, job, replace(job, labels=(job.labels + 1) % 3))
    assert plain.test[-1] > 0.9
    assert turned.test[-1] < 0.1


@pytest.mark.parametrize("what", ["test", "other rows"])
def test_nothing_else_is_learned(what: str) -> None:
    """Other test images, or others that the subset lacks, leave the validation curve to the bit.

    With the test images in the training, in its scale or in its schedule, it would change.
    """
    trainer, job = probe_trainer()
    job = replace(job, phases=(Phase(np.arange(30), 4, 40),))
    (before,) = curves(trainer, job)
    if what == "test":
        noise = np.random.default_rng(3).normal(0, 9, (15, 8)).astype(np.float32)
        trainer, _ = probe_trainer(noise)
    else:
        labels = job.labels.copy()
        labels[30:] = 0
        job = replace(job, labels=labels)
    (after,) = curves(trainer, job)
    assert np.array_equal(before.validation, after.validation)
    assert np.array_equal(before.test, after.test) == (what != "test")


def test_a_plateau_watches_the_validation_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """From pixels: other test images change no loss that a plateau is told, and no accuracy."""
    told: list[float] = []
    monkeypatch.setattr(Schedule, "epoch_ended", lambda _, loss: told.append(loss))
    trainer, job = cnn_trainer(schedule="plateau")
    (before,) = curves(trainer, job)
    other = np.random.default_rng(3).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    (after,) = curves(cnn_trainer(other, schedule="plateau")[0], job)
    assert len(before.test) == len(set(told)) == 3
    assert told[:3] == told[3:]
    assert np.array_equal(before.validation, after.validation)
    (again,) = curves(trainer, job)
    assert np.array_equal(again.test, before.test)


def test_phases_restart_the_schedule_or_not() -> None:
    """Two phases give a curve of both lengths; a schedule that restarts trains differently."""
    trainer, job = probe_trainer()
    job = replace(job, phases=(Phase(np.arange(30), 2, 11), Phase(np.arange(60), 3, 30)))
    first, second = (curves(trainer, replace(job, restart=again))[0] for again in (False, True))
    assert len(first.test) == len(second.test) == 5
