"""Trainings that diverge are refused with the member or subset, never recorded as NaN."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from noisefind.errors import ConfigError
from noisefind.training.ensemble import TrainingData, train_ensemble
from noisefind.training.network import NetworkOptions, new_model
from noisefind.training.parallel import DeviceJob, train_on_devices
from noisefind.training.recipe import RECIPES, MemberKind
from noisefind.training.record import n_recorded
from noisefind.training.weights import load_weights
from noisefind.utils.progress import Progress
from tests.commands import QUICK, CommandLine
from tests.images import write_images
from tests.training.test_subsets import cnn_trainer, curves, probe_trainer
from tests.training.test_training import blobs, pixel_blobs

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")
STEEP: dict[str, Any] = {
    "learning_rate": 1e12,
    "optimizer": "sgd",
    "epochs": 2,
    "batch_size": 16,
    "members": 2,
}
HINT = r"after epoch 1 are not finite; give a lower --learning-rate \(it is 1e\+12 with"


@pytest.mark.parametrize("name", ["probe", "cnn"])
def test_a_diverged_member_is_named(tmp_path: Path, name: str) -> None:
    """Kind, number, epoch and the option to change; nothing of the member is recorded."""
    kind = MemberKind(name, replace(RECIPES[name], **STEEP), seed=0)
    data = TrainingData(blobs(64, 2)[0], *pixel_blobs(), 2)
    with pytest.raises(ConfigError, match=f"^{name} member 0 has diverged: .*{HINT}"):
        train_ensemble(data, [kind], NetworkOptions(), tmp_path, device=CPU, progress=Progress())
    assert n_recorded(tmp_path / name) == 0


@pytest.mark.slow
def test_a_diverged_member_of_another_process_is_named(tmp_path: Path) -> None:
    """The process of a device sends the error to its parent."""
    pixels, labels = pixel_blobs()
    np.save(tmp_path / "pixels.npy", pixels)
    job = DeviceJob(
        tmp_path / "cnn", tmp_path / "pixels.npy", labels, 2,
        kind=MemberKind("cnn", replace(RECIPES["cnn"], **STEEP), seed=0),
        options=NetworkOptions(), n_threads=1,
    )  # fmt: skip
    with pytest.raises(ConfigError, match=f"^cnn member 0 has diverged: .*{HINT}"):
        train_on_devices(job, range(1), [CPU], Progress())


@pytest.mark.parametrize("make", [probe_trainer, cnn_trainer])
def test_a_diverged_subset_is_named(make: object) -> None:
    """The first subset whose predictions are not finite, by its name."""
    trainer, job = make()  # type: ignore[operator]
    steep = replace(trainer, recipe=replace(trainer.recipe, learning_rate=1e12, optimizer="sgd"))
    with pytest.raises(ConfigError, match=f"^the training on aum-0.5, seed 3 has .*{HINT}"):
        curves(steep, replace(job, name="aum-0.5, seed 3"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    """The file and the tensor are named, before anything is trained."""
    network = new_model("cnn", 2, 16, seed=0)
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    broken = next(key for key, tensor in state.items() if tensor.is_floating_point())
    state[broken].view(-1)[0] = value
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(ConfigError, match=rf"^--weights .*w\.pt has numbers in {broken} .* finite"):
        load_weights(network, tmp_path / "w.pt", name="cnn", n_classes=2, image_size=16)


def test_a_run_that_diverges_is_no_run(noisefind: CommandLine, tmp_path: Path) -> None:
    """Exit 2 and one line; neither scores.csv nor run.json is written."""
    names = [f"{label}/{number:02d}.png" for label in "ab" for number in range(12)]
    data, run = write_images(tmp_path / "data", *names, size=16), tmp_path / "run"
    steep = ("--learning-rate", "100", "--optimizer", "sgd", "--schedule", "constant")
    line = noisefind.refused("score", data, "-o", run, *QUICK, *steep, "--epochs", "30")
    assert "probe member" in line
    assert "--learning-rate" in line
    assert not any((run / name).exists() for name in ("scores.csv", "run.json"))
