"""Training: batches, schedules, augmentation, networks, and members that repeat bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisefind.config import ScoreConfig
from noisefind.errors import ConfigError
from noisefind.features.compute import FeatureOptions, FeatureTask
from noisefind.scores import aum
from noisefind.scores.predictions import Predictions
from noisefind.scoring.estimate import Estimate, estimate
from noisefind.scoring.settings import choose_recipe
from noisefind.training.augment import Augmentation, draw_angles, draw_moves, move, turn
from noisefind.training.ensemble import TrainingData, train_ensemble
from noisefind.training.examples import Examples
from noisefind.training.network import NetworkOptions, new_model
from noisefind.training.networks import OWN, build_network
from noisefind.training.normalize import choose_normalization, to_input
from noisefind.training.optimize import batches
from noisefind.training.probes import train_probes
from noisefind.training.recipe import RECIPES, MemberKind
from noisefind.training.record import Record, RecordWriter, n_recorded
from noisefind.utils.device import choose_device, choose_threads
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CPU = torch.device("cpu")
PROBE = replace(RECIPES["probe"], members=3, epochs=4, batch_size=16)
CNN = replace(RECIPES["cnn"], members=2, epochs=2, batch_size=16)


def blobs(n_images: int = 90, n_classes: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features in well separated clusters, one per class."""
    rng = np.random.default_rng(0)
    labels = np.arange(n_images) % n_classes
    centers = 3 * np.eye(n_classes, 8)
    return (centers[labels] + rng.normal(0, 0.3, (n_images, 8))).astype(np.float32), labels


def pixel_blobs(n_images: int = 64) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of 16 px, one class bright at the top, the other at the bottom."""
    rng = np.random.default_rng(1)
    labels = np.arange(n_images) % 2
    pixels = rng.integers(0, 60, (n_images, 16, 16, 3), dtype=np.uint8)
    pixels[labels == 0, :8] += 150
    pixels[labels == 1, 8:] += 150
    return pixels, labels


def train(folder: Path, networks: dict[str, int], seed: int = 0) -> None:
    """Train so many members of each kind into ``folder``."""
    features, labels = blobs(64, 2)
    pixels, _ = pixel_blobs()
    kinds = [
        MemberKind(name, replace(PROBE if name == "probe" else CNN, members=n), seed)
        for name, n in networks.items()
    ]
    data = TrainingData(features, pixels, labels, 2)
    train_ensemble(data, kinds, NetworkOptions(), folder, device=CPU, progress=Progress())


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.npy")}


@given(st.integers(2, 3000), st.integers(2, 600))
def test_batches_cover_every_image_once_evenly(n_images: int, batch_size: int) -> None:
    """Slices join end to end, differ by at most one, and are about as large as asked."""
    plan = batches(n_images, batch_size)
    sizes = [s.stop - s.start for s in plan]
    assert [s.start for s in plan] == [0, *(s.stop for s in plan[:-1])]
    assert (sum(sizes), max(sizes) - min(sizes) <= 1) == (n_images, True)
    assert max(sizes) <= 1.5 * batch_size + 1


def test_recipe_takes_what_was_given_and_small_batches_for_few_images() -> None:
    """Options go before the recipe's own values; a small dataset still takes 16 steps an epoch."""
    config = ScoreConfig(epochs=3, learning_rate=0.5)
    recipe = choose_recipe(config, "cnn", 1000)
    assert (recipe.epochs, recipe.learning_rate, recipe.batch_size) == (3, 0.5, 32)
    assert choose_recipe(config, "cnn", 10).batch_size == 16
    assert choose_recipe(config, "cnn", 10**6).batch_size == RECIPES["cnn"].batch_size
    assert choose_recipe(ScoreConfig(batch_size=7), "cnn", 10**6).batch_size == 7


def test_crop_is_a_shift_reflected_at_the_border() -> None:
    """Each image comes out as numpy's reflected padding, cut at one of the allowed places."""
    batch = torch.randint(0, 256, (20, 16, 16, 3), dtype=torch.uint8)
    moves = draw_moves(20, 16, torch.Generator().manual_seed(0))
    moved = move(batch, moves, crop=True, flip=False)
    for before, after in zip(batch.numpy(), moved.numpy(), strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)), mode="reflect")
        cuts = [padded[y : y + 16, x : x + 16] for y in range(5) for x in range(5)]
        assert any((cut == after).all() for cut in cuts)
    assert (moved != batch).any()


def test_flip_mirrors_about_half() -> None:
    """An image is mirrored left to right or left as it is; both happen."""
    batch = torch.randint(0, 256, (200, 8, 8, 3), dtype=torch.uint8)
    moves = draw_moves(200, 8, torch.Generator().manual_seed(0))
    out = move(batch, moves, crop=False, flip=True)
    mirrored = (out == batch.flip(2)).flatten(1).all(1)
    same = (out == batch).flatten(1).all(1)
    assert (mirrored | same).all()
    assert 60 < mirrored.sum() < 140


def test_augmentation_can_be_off() -> None:
    """Neither crop nor flip: the batch as it was."""
    batch = torch.randint(0, 256, (5, 8, 8, 3), dtype=torch.uint8)
    moves = draw_moves(5, 8, torch.Generator())
    assert torch.equal(move(batch, moves, crop=False, flip=False), batch)


def test_rotation_keeps_the_middle_and_the_layout() -> None:
    """Turning by up to 15 degrees leaves the centre, moves the corners, keeps channels last."""
    ramp = torch.arange(32.0).view(1, 1, 1, 32).expand(6, 3, 32, 32).contiguous()
    turned = turn(ramp, draw_angles(6, torch.Generator().manual_seed(0)))
    assert turned[:, :, 15:17, 15:17].mean((1, 2, 3)) == pytest.approx(15.5, abs=0.1)
    assert (turned[:, :, 0, 16] - 16).abs().max() > 1
    assert (turned[:, :, 0, 16] - 16).abs().max() < 16 * np.tan(np.radians(15)) + 0.5
    assert turned.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("size", [8, 28, 64])
def test_networks_give_a_logit_per_class(name: str, size: int) -> None:
    """Every network takes every size that can be asked for."""
    network = build_network(name, 7, size).eval()
    images = to_input(
        torch.zeros(2, size, size, 3, dtype=torch.uint8), choose_normalization("quarter")
    )
    with torch.inference_mode():
        assert network(images).shape == (2, 7)


def test_resnet18_keeps_small_images_large() -> None:
    """Below 64 px the first convolution is 3x3 and nothing is pooled; from 64 on as torchvision."""
    small, large = build_network("resnet18", 10, 32), build_network("resnet18", 10, 64)
    assert small.get_submodule("conv1").weight.shape == (64, 3, 3, 3)
    assert isinstance(small.get_submodule("maxpool"), torch.nn.Identity)
    assert large.get_submodule("conv1").weight.shape == (64, 3, 7, 7)


def test_initial_weights_leave_the_callers_random_state() -> None:
    """Building a member draws nothing from torch's global generator."""
    torch.manual_seed(3)
    before = torch.get_rng_state()
    new_model("cnn", 3, 32, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("network", ["probe", "cnn"])
def test_same_seed_same_bits_other_seed_other_bits(tmp_path: Path, network: str) -> None:
    """A run repeats to the last bit; its seed changes everything."""
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(tmp_path / name, {network: 2}, seed)
    a, b, c = (content(tmp_path / name) for name in "abc")
    assert a == b
    assert [name for name in a if a[name] == c[name]] == []


def test_later_members_are_the_same_as_if_trained_at_once(tmp_path: Path) -> None:
    """More members train only the new ones and end as one run of all: a CNN to the last bit."""
    train(tmp_path / "once", {"cnn": 3})
    train(tmp_path / "grown", {"cnn": 1})
    first = (tmp_path / "grown/cnn/member-00.npy").stat().st_mtime_ns
    train(tmp_path / "grown", {"cnn": 3})
    assert (tmp_path / "grown/cnn/member-00.npy").stat().st_mtime_ns == first
    assert content(tmp_path / "once") == content(tmp_path / "grown")


def test_probes_do_not_depend_on_how_many_train_beside_them(tmp_path: Path) -> None:
    """A probe alone learns what it learns in company, but for the rounding of matrix products."""
    train(tmp_path / "many", {"probe": 3})
    train(tmp_path / "grown", {"probe": 1})
    train(tmp_path / "grown", {"probe": 3})
    assert n_recorded(tmp_path / "grown/probe") == 3
    for member in range(3):
        name = f"probe/member-{member:02d}.npy"
        many, grown = (np.load(tmp_path / run / name) for run in ("many", "grown"))
        np.testing.assert_allclose(many, grown, rtol=2e-3, atol=2e-4)


def test_members_differ(tmp_path: Path) -> None:
    """Members of one run have their own weights and orders."""
    train(tmp_path, {"probe": 2, "cnn": 2})
    for kind in ("probe", "cnn"):
        a, b = (np.load(tmp_path / kind / f"member-0{m}.npy") for m in (0, 1))
        assert not np.allclose(a, b)


@pytest.mark.parametrize("network", ["probe", "cnn"])
def test_an_injected_error_has_the_lowest_margin(tmp_path: Path, network: str) -> None:
    """Both kinds of members learn the classes and contradict the one wrong label."""
    features, labels = blobs(64, 2)
    pixels, _ = pixel_blobs()
    labels[5] = 1 - labels[5]
    recipe = replace(PROBE, epochs=6) if network == "probe" else replace(CNN, epochs=4)
    data = TrainingData(features, pixels, labels, 2)
    options = NetworkOptions(augmentation=Augmentation(crop=False, flip=False))
    kinds = [MemberKind(network, recipe, seed=0)]
    train_ensemble(data, kinds, options, tmp_path, device=CPU, progress=Progress())
    margins = aum(Record(tmp_path / network).rows(slice(None), labels))
    assert np.argmin(margins) == 5
    assert margins[5] < 0


class Collector:
    """Keeps whole softmax outputs, as the Record must not."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.p = np.full(shape, np.nan)

    def observe(self, member: int, epoch: int, start: int, log_probs: torch.Tensor) -> None:
        """Put the probabilities where they belong."""
        self.p[member, epoch, start : start + len(log_probs)] = log_probs.exp().numpy()


def test_record_holds_the_predictions_of_the_members(tmp_path: Path) -> None:
    """The Record of a training is that of its whole softmax outputs, for every member and epoch."""
    features, labels = blobs()
    whole = Collector((3, 4, 90, 3))
    kept = RecordWriter(tmp_path, labels, 3, range(3), n_epochs=4)
    for observer in (whole, kept):
        train_probes(
            Examples(features, labels, 3), MemberKind("probe", PROBE, seed=0), range(3),
            device=CPU, observer=observer, progress=Progress(),
        )  # fmt: skip
    kept.finish()
    expected = Predictions.from_probabilities(whole.p, labels)
    actual = Record(tmp_path).rows(slice(None), labels)
    for name in ("log_p_given", "log_p_other", "predicted", "squared_distance", "mean", "squares"):
        np.testing.assert_allclose(
            getattr(actual, name), getattr(expected, name), rtol=1e-3, atol=1e-5
        )


def test_estimate_grows_with_the_work(tmp_path: Path) -> None:
    """Twice the members is twice the record; no members left is nothing to train."""
    pixels = np.zeros((1000, 16, 16, 3), np.uint8)
    task = FeatureTask(
        options=FeatureOptions(), networks=(), pixels=pixels, size=96, key="k", cache=tmp_path,
        device=CPU,
    )  # fmt: skip

    def estimated(members: int) -> Estimate:
        recipes = {"cnn": replace(CNN, members=members)}
        return estimate(task, 2, recipes, NetworkOptions(), has_features=True, network_size=16)

    record = 1000 * 4 * 4 * CNN.epochs
    assert estimated(2)[1] - estimated(1)[1] == record
    assert estimated(0).seconds == {}
    assert estimated(1).seconds["Training 1 x cnn"] > 0


def test_devices_that_are_not_there_are_refused() -> None:
    """A GPU that PyTorch does not see is an error with the way out, not a crash later."""
    assert choose_device("cpu") == CPU
    with pytest.raises(ConfigError, match=r"--device is .cuda:99.*--device cpu"):
        choose_device("cuda:99")


def test_threads_default_to_the_usable_cores() -> None:
    """``auto`` is at least one thread, a number is taken as it is."""
    assert choose_threads("auto") >= 1
    assert choose_threads(3) == 3
