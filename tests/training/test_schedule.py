"""Learning rates by hand and against PyTorch's own; the images that a plateau watches."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.training import member, network
from noisefind.training.ensemble import TrainingData, train_ensemble
from noisefind.training.network import NetworkOptions
from noisefind.training.optimize import build_optimizer
from noisefind.training.recipe import RECIPES, MemberKind
from noisefind.training.schedule import Schedule, held_out_rows, needs_held_out
from noisefind.utils.progress import Progress
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.training.recipe import Recipe

RECIPE = replace(
    RECIPES["one-conv"], epochs=10, learning_rate=2.0, schedule_factor=0.5, schedule_patience=2
)


def test_schedules_by_hand() -> None:
    """Constant stays, cosine halves in the middle, one-cycle peaks after a fifth."""
    rates = {}
    for name in ("constant", "cosine", "one-cycle"):
        schedule = Schedule(replace(RECIPE, schedule=name), 1)
        rates[name] = [schedule.rate(step) for step in (0, 1, 2, 5, 6)]
    assert rates["constant"] == [2, 2, 2, 2, 2]
    assert rates["cosine"][3] == pytest.approx(1)
    assert rates["one-cycle"] == pytest.approx([0.002, 1, 2, 1.25, 1])


def test_steps_by_hand() -> None:
    """x0.3 after epochs 40, 45 and 50: the rate of each epoch's first and last step."""
    recipe = replace(
        RECIPE, epochs=60, learning_rate=1e-3, schedule="steps", schedule_factor=0.3,
        schedule_epochs="40,45,50",
    )  # fmt: skip
    schedule = Schedule(recipe, 7)
    for first, last, rate in (
        (0, 39, 1e-3), (40, 44, 3e-4), (45, 49, 9e-5), (50, 59, 2.7e-5)
    ):  # fmt: skip
        assert schedule.rate(7 * first) == pytest.approx(rate)
        assert schedule.rate(7 * last + 6) == pytest.approx(rate)


def test_plateau_by_hand() -> None:
    """Patience 2, halving: the third epoch without a better loss lowers the rate, and so on.

    0.99995 of the best is no better one: a loss must fall by a ten-thousandth of itself.
    """
    schedule = Schedule(replace(RECIPE, schedule="plateau"), 5)
    losses = [1.0, 0.5, 0.5, 0.6, 0.49996, 0.6, 0.6, 0.4, 0.6, 0.6, 0.6]
    rates = []
    for epoch, loss in enumerate(losses):
        rates.append(schedule.rate(5 * epoch))
        schedule.epoch_ended(loss)
    assert [*rates, schedule.rate(55)] == [2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0.5]


losses_lists = st.lists(st.floats(0.1, 3) | st.just(float("nan")), min_size=1, max_size=30)


@settings(deadline=None)
@given(losses_lists, st.integers(0, 4), st.floats(0.1, 0.9))
def test_plateau_is_pytorchs(losses: list[float], patience: int, factor: float) -> None:
    """ReduceLROnPlateau with its defaults gives the same rate after every epoch."""
    recipe = replace(RECIPE, schedule="plateau", schedule_factor=factor, schedule_patience=patience)
    schedule, optimizer = Schedule(recipe, 1), torch.optim.SGD([torch.zeros(1)], lr=2.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=factor, patience=patience, eps=0
    )
    for loss in losses:
        schedule.epoch_ended(loss)
        theirs.step(loss)
        assert schedule.rate(0) == pytest.approx(optimizer.param_groups[0]["lr"])


@settings(deadline=None)
@given(st.sets(st.integers(1, 12), min_size=1, max_size=4), st.floats(0.1, 0.9))
def test_steps_are_pytorchs(epochs: set[int], factor: float) -> None:
    """MultiStepLR gives the same rate in every epoch."""
    text = ",".join(map(str, epochs))
    recipe = replace(RECIPE, schedule="steps", schedule_factor=factor, schedule_epochs=text)
    schedule, optimizer = Schedule(recipe, 3), torch.optim.SGD([torch.zeros(1)], lr=2.0)
    with warnings.catch_warnings(action="ignore"):  # that no step is taken
        theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, sorted(epochs), factor)
        for epoch in range(14):
            assert schedule.rate(3 * epoch + 2) == pytest.approx(optimizer.param_groups[0]["lr"])
            theirs.step()


def test_momentum_of_either_form() -> None:
    """sgd is Nesterov's unless told not to be; without momentum it cannot be."""

    def nesterov(**changed: object) -> bool:
        recipe = replace(RECIPES["cnn"], **changed)  # type: ignore[arg-type]
        optimizer = build_optimizer([torch.nn.Parameter(torch.zeros(1))], recipe)
        return bool(optimizer.param_groups[0]["nesterov"])

    assert [nesterov(), nesterov(nesterov=False), nesterov(momentum=0.0)] == [True, False, False]


# --- the held-out part ---------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 45), min_size=1, max_size=6), st.integers(0, 99))
def test_a_tenth_of_every_class_is_held_out(sizes: list[int], seed: int) -> None:
    """To within one image per class and in all; at least one; never the only one of a class."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    if len(labels) < 2:
        return
    rows = held_out_rows(labels, seed)
    assert sorted(set(rows.tolist())) == rows.tolist()
    assert 1 <= len(rows) <= max(1, len(labels) / 10 + 1)
    assert (rows == held_out_rows(labels, seed)).all()
    for label, size in enumerate(sizes):
        n_held_out = int((labels[rows] == label).sum())
        if size == 1:
            assert n_held_out == 0 or max(sizes) == 1
        elif len(labels) - sizes.count(1) >= 10:
            assert abs(n_held_out - size / 10) < 1


def test_seeds_hold_out_other_images() -> None:
    """Members watch different parts."""
    labels = np.arange(100) % 4
    parts = {tuple(held_out_rows(labels, seed).tolist()) for seed in range(5)}
    assert len(parts) == 5


def test_nothing_is_held_out_where_it_could_change_nothing() -> None:
    """With patience 2 the first cut can come after 4 epochs: 5 are needed to feel it."""

    def needs(schedule: str, epochs: int) -> bool:
        return needs_held_out(replace(RECIPE, schedule=schedule, epochs=epochs))

    assert [needs("plateau", 4), needs("plateau", 5), needs("cosine", 99)] == [False, True, False]


def numbered(n_images: int = 40) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images that are their own row number, of two classes."""
    rows = np.arange(n_images)
    pixels = np.broadcast_to(rows[:, None, None, None], (n_images, 8, 8, 3)).astype(np.uint8)
    return pixels, rows % 2


class Watched:
    """A training: the rows in its batches, the losses that the schedule got, the predictions."""

    def __init__(self, recipe: Recipe, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[int] = []
        self.losses: list[float] = []
        watched = self

        class Spy(Schedule):
            def epoch_ended(self, held_out_loss: float) -> None:
                watched.losses.append(held_out_loss)
                super().epoch_ended(held_out_loss)

        def spied(batch: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
            watched.rows += batch[:, 0, 0, 0].tolist()
            return batch

        monkeypatch.setattr(member, "Schedule", Spy)
        monkeypatch.setattr(network, "move", spied)
        pixels, labels = numbered()
        self.labels = labels
        data = TrainingData(np.zeros((40, 2), np.float32), pixels, labels, 2)
        train_ensemble(
            data, [MemberKind("one-conv", recipe, seed=0)], NetworkOptions(), folder,
            device=torch.device("cpu"), progress=Progress(),
        )  # fmt: skip
        self.predicted = np.load(folder / "one-conv" / "member-00.npy")


SHORT = replace(RECIPES["one-conv"], members=1, epochs=6, batch_size=8, schedule="plateau")


def test_held_out_rows_are_in_no_batch_and_give_the_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every epoch trains on all other rows; the schedule gets the mean loss of the held-out ones.

    All rows are predicted after every epoch.
    """
    watched = Watched(SHORT, tmp_path, monkeypatch)
    held_out = held_out_rows(watched.labels, derived_seed(0, "one-conv", "held-out", 0))
    assert len(held_out) == 4
    others = set(range(40)) - set(held_out.tolist())
    assert Counter(watched.rows) == dict.fromkeys(others, 6)
    assert watched.losses == pytest.approx(-watched.predicted[:, 0, held_out].mean(1), rel=1e-5)
    assert watched.predicted.shape == (6, 4, 40)
    assert (watched.predicted[:, 0] < 0).all()


def test_without_a_plateau_every_row_is_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other schedules, and a plateau too short to act, hold nothing out."""
    for name, recipe in (
        ("constant", replace(SHORT, schedule="constant")), ("short", replace(SHORT, epochs=4))
    ):  # fmt: skip
        watched = Watched(recipe, tmp_path / name, monkeypatch)
        assert Counter(watched.rows) == dict.fromkeys(range(40), recipe.epochs)
        assert watched.losses == []
