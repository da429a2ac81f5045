"""The thesis' presets: every value, each end to end on a few images, and trajectory members."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from noisefind.config import ScoreConfig, load_config
from noisefind.errors import ConfigError
from noisefind.scoring import inputs
from noisefind.scoring.settings import choose_recipes, network_options
from noisefind.training.ensemble import TrainingData, train_ensemble
from noisefind.training.networks import build_network
from noisefind.training.recipe import RECIPES, MemberKind
from noisefind.utils.progress import Progress
from tests.commands import CommandLine, read_csv
from tests.images import opened, write_cifar10, write_cifar100, write_images

if TYPE_CHECKING:
    from pathlib import Path


QUICK = ("--members", "1", "--epochs", "1", "--clusters", "3", "--threads", "1")

# as the thesis has them; what is not named here is noisefind's default
SHARED = {
    "members": 10, "trajectory_members": 1, "batch_size": 25, "weight_decay": 0.0,
    "crop": True, "flip": True, "rotate": True, "never_learned": "zero",
}  # fmt: skip
SETTINGS: dict[str, dict[str, object]] = {
    "thesis-cifar10": {
        "network": "resnet18", "image_size": 32, "epochs": 2, "trajectory_epochs": 6,
        "optimizer": "adam", "learning_rate": 0.001,
        "schedule": "plateau", "schedule_factor": 0.5, "schedule_patience": 2,
        "normalize": "half", "clusters": 55,
    },
    "thesis-cifar100": {
        "network": "resnet18-plain", "image_size": 32, "epochs": 10, "trajectory_epochs": 10,
        "optimizer": "sgd", "learning_rate": 0.001, "momentum": 0.9, "nesterov": False,
        "schedule": "steps", "schedule_factor": 0.3, "schedule_epochs": "40,45,50",
        "normalize": "dataset", "clusters": 55,
    },
    "thesis-vegetables": {
        "network": "one-conv", "image_size": 224, "epochs": 10, "trajectory_epochs": 10,
        "optimizer": "adam", "learning_rate": 0.0001,
        "schedule": "plateau", "schedule_factor": 0.25, "schedule_patience": 2,
        "normalize": "none",
    },
}  # fmt: skip


@pytest.mark.parametrize("preset", SETTINGS)
def test_every_value_of_a_preset(preset: str) -> None:
    """The resolved configuration is the thesis' settings and, for the rest, the defaults."""
    expected = {**ScoreConfig().to_dict(), **SHARED, **SETTINGS[preset]}
    assert load_config(ScoreConfig, None, {"preset": preset}).to_dict() == expected


@pytest.mark.parametrize("preset", SETTINGS)
def test_recipes_of_a_preset(preset: str) -> None:
    """Ten members and one longer, whatever the number of images; nothing is left to noisefind."""
    config = load_config(ScoreConfig, None, {"preset": preset})
    settings = {**SHARED, **SETTINGS[preset]}
    network = str(settings["network"])
    for n_images in (30, 50_000):
        recipes = choose_recipes(config, config.networks(on_gpu=False), n_images)
        assert list(recipes) == [network, f"{network}-trajectory"]
        ensemble, longer = recipes.values()
        assert (ensemble.members, ensemble.epochs) == (10, settings["epochs"])
        assert (longer.members, longer.epochs) == (1, settings["trajectory_epochs"])
        for name in (
            "batch_size", "optimizer", "learning_rate", "weight_decay", "schedule",
            "schedule_factor",
        ):  # fmt: skip
            assert getattr(ensemble, name) == getattr(longer, name) == settings[name]


def test_what_is_typed_goes_before_a_thesis_preset() -> None:
    """Preset values are ordinary ones: even a 0 overrides them."""
    given = {
        "preset": "thesis-cifar10",
        "trajectory_members": "0",
        "network": "cnn",
        "rotate": False,
    }
    config = load_config(ScoreConfig, None, given)
    assert (config.trajectory_members, config.network, config.rotate) == (0, "cnn", False)
    assert config.optimizer == "adam"


# --- end to end ----------------------------------------------------------------------------------


def dataset_for(preset: str, root: Path) -> Path:
    """A few images of the kind that the preset is for."""
    if preset == "thesis-cifar10":
        return write_cifar10(root, (6, 6))
    if preset == "thesis-cifar100":
        return write_cifar100(root, 12)
    names = [f"train/{c}/{k:03d}.png" for c in ("bean", "carrot", "potato") for k in range(4)]
    return write_images(root, *names, size=200)


# at 32 px the network of CIFAR-100 takes 15 billion products an image and step
SMALL = {"thesis-cifar100": ("--image-size", "8"), "thesis-cifar10": ("--image-size", "16")}


@pytest.mark.slow
@pytest.mark.parametrize("preset", SETTINGS)
def test_a_preset_end_to_end(noisefind: CommandLine, tmp_path: Path, preset: str) -> None:
    """Two members of one epoch and one of two are recorded apart; run.json has what was used."""
    quick = ("--members", "2", "--epochs", "1", "--trajectory-epochs", "2", "--clusters", "3")
    data = dataset_for(preset, tmp_path / "data")
    output = noisefind(
        "score", data, "-o", tmp_path / "run", *features(data, tmp_path / "f.npy"),
        "--preset", preset, "--batch-size", "4", "--threads", "1",
        *quick, *SMALL.get(preset, ()),
    )  # fmt: skip
    assert output.code == 0, output.err
    network = str(SETTINGS[preset]["network"])
    record = tmp_path / "run" / "record"
    shapes = {
        path.relative_to(record).as_posix(): np.load(path).shape
        for path in record.rglob("member-*.npy")
    }
    assert shapes == {
        f"{network}/member-00.npy": (1, 4, 12),
        f"{network}/member-01.npy": (1, 4, 12),
        f"{network}-trajectory/member-00.npy": (2, 4, 12),
    }
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["recipes"][network]["optimizer"] == SETTINGS[preset]["optimizer"]
    assert summary["recipes"][f"{network}-trajectory"]["epochs"] == 2
    assert summary["members"] == {network: 2, f"{network}-trajectory": 1}
    rows = read_csv(tmp_path / "run" / "scores.csv")
    assert len(rows) == 12
    assert all(np.isfinite(float(row["aum"])) for row in rows)


def features(data: Path, file: Path) -> tuple[str | Path, ...]:
    """The option that spares the pretrained network, which no preset is about."""
    ids = opened(data).ids
    np.save(file, np.random.default_rng(0).normal(size=(len(ids), 4)).astype(np.float32))
    file.with_suffix(".txt").write_text("".join(f"{id_}\n" for id_ in ids))
    return "--features", file


def test_any_torchvision_network_with_weights_and_without_network(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mobilenet_v3_small from a file of 5 classes: the head is named; no socket is opened.

    The run goes on only with the same content in that file.
    """

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    weights = tmp_path / "w.pt"
    torch.save(build_network("mobilenet_v3_small", 5, 16).state_dict(), weights)
    data = folder(tmp_path / "data")
    command = (
        "score", data, "-o", tmp_path / "run", *features(data, tmp_path / "f.npy"),
        "--weights", weights,
        "--network", "mobilenet_v3_small", "--normalize", "imagenet", "--batch-size", "8", *QUICK,
    )  # fmt: skip
    output = noisefind(*command)
    assert output.code == 0, output.err
    fresh = "classifier.3.bias, classifier.3.weight"
    assert f"not taken but trained from scratch: {fresh}" in output.err
    torch.save(build_network("mobilenet_v3_small", 5, 16).state_dict(), weights)
    assert "the file of --weights" in noisefind.refused(*command, "--resume")


def folder(root: Path, n_images: int = 12) -> Path:
    names = [f"{name}/{number:03d}.png" for name in "ab" for number in range(n_images)]
    return write_images(root, *names, size=16)


def test_what_cannot_be_built_is_refused_before_decoding(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown names, sizes and weights are errors of one line; no image is decoded for them."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(inputs, "open_pixels", refuse)
    data = folder(tmp_path / "data")
    cases = {
        ("--network", "resnet81"): "near it: resnet18",
        ("--network", "auto,cnn"): "--network is 'auto'",
        ("--network", "alexnet"): "--image-size",
        ("--network", "cnn", "--weights", tmp_path / "none.pt"): "none.pt: cannot be read",
    }
    for arguments, words in cases.items():
        line = noisefind.refused("score", data, "-o", tmp_path / "run", *QUICK, *arguments)
        assert words in line


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"schedule": "steps", "network": "cnn"}, "--schedule-epochs"),
        ({"schedule": "plateau"}, "--network from pixels"),
        ({"schedule": "plateau", "network": "cnn,probe"}, "--network from pixels"),
        ({"weights": "w.pt"}, "--weights w.pt needs --features timm:NAME"),
        ({"weights": "w.pt", "network": "cnn,resnet18"}, "or one --network from pixels"),
        ({"schedule_epochs": "40;45", "network": "cnn"}, "as 40,45,50"),
        ({"schedule_factor": "1.5"}, "--schedule-factor"),
        ({"normalize": "zscore"}, "one of quarter, half, dataset, imagenet, none"),
    ],
)
def test_contradictions_are_refused(given: dict[str, object], words: str) -> None:
    """Options that need each other, and values outside their range."""
    with pytest.raises(ConfigError, match=words):
        load_config(ScoreConfig, None, given)


# --- trajectory members --------------------------------------------------------------------------


def test_flips_and_forgetting_alone_come_from_trajectory_members(
    noisefind: CommandLine, tmp_path: Path
) -> None:
    """A run grows by a longer member: those two scores are counted from its record by hand.

    Every other column, and the order, is what it was without it; asked at once, the same bytes.
    """
    data, run = folder(tmp_path / "data"), tmp_path / "run"
    options = (
        "--network", "cnn", "--members", "2", "--epochs", "2", "--clusters", "3",
        "--batch-size", "4", "--trajectory-epochs", "5", "--threads", "1",
        *features(data, tmp_path / "f.npy"),
    )  # fmt: skip
    noisefind("score", data, "-o", run, *options)
    before = read_csv(run / "scores.csv")
    longer = ("--trajectory-members", "1")
    assert noisefind("score", data, "-o", run, "--resume", *options, *longer).code == 0
    after = read_csv(run / "scores.csv")
    own = {"flips", "forgetting"}
    for a, b in zip(before, after, strict=True):
        assert {k: v for k, v in a.items() if k not in own} == {
            k: v for k, v in b.items() if k not in own
        }
    said = np.load(run / "record" / "cnn-trajectory" / "member-00.npy")
    assert said.shape == (5, 4, 24)
    for row in after:
        image = sorted(r["file_name"] for r in after).index(row["file_name"])
        predicted = said[:, 2, image].tolist()
        right = [p == "ab".index(row["given_label"]) for p in predicted]
        assert float(row["flips"]) == sum(a != b for a, b in zip(predicted, predicted[1:]))  # noqa: B905, RUF007
        forgotten = sum(a and not b for a, b in zip(right, right[1:]))  # noqa: B905, RUF007
        assert float(row["forgetting"]) == (forgotten if any(right) else 5)
    assert [row["flips"] for row in after] != [row["flips"] for row in before]
    noisefind("score", data, "-o", tmp_path / "once", *options, *longer)
    assert (tmp_path / "once/scores.csv").read_bytes() == (run / "scores.csv").read_bytes()
    fewer = noisefind.refused("score", data, "-o", run, "--resume", "--trajectory-members", "0")
    assert "was 1 x cnn-trajectory; a run can only grow" in fewer


def test_trajectory_members_have_their_own_seeds(tmp_path: Path) -> None:
    """The first of them is no copy of the first member."""
    train(tmp_path, 2)
    first, longer = (np.load(tmp_path / kind.name / "member-00.npy") for kind in kinds())
    assert not np.allclose(first[0], longer[0])


class KilledError(Exception):
    """Stands for the end of the process."""


class Dying(Progress):
    """Dies when so many epochs are over."""

    def __init__(self, n_epochs: int) -> None:
        self.left = n_epochs

    def advance(self, count: int = 1) -> None:
        self.left -= count
        if self.left < 0:
            raise KilledError


def kinds() -> list[MemberKind]:
    """Two members with dropout and a plateau, and a longer one."""
    recipe = replace(
        RECIPES["cnn"], architecture="mobilenet_v3_small", members=2, epochs=1, batch_size=8,
        schedule="plateau", schedule_patience=0, learning_rate=0.01,
    )  # fmt: skip
    longer = replace(recipe, members=1, epochs=4)
    return [MemberKind("m", recipe, 0), MemberKind("m-trajectory", longer, 0)]


def train(folder: Path, seed: int, progress: Progress | None = None) -> dict[str, bytes]:
    torch.set_num_threads(1)
    torch.manual_seed(seed)  # must not matter
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    data = TrainingData(np.zeros((24, 2), np.float32), pixels, np.arange(24) % 2, 2)
    config = ScoreConfig(rotate=True, normalize="dataset")
    train_ensemble(
        data, kinds(), network_options(config, pixels), folder, device=torch.device("cpu"),
        progress=progress or Progress(),
    )  # fmt: skip
    return {path.name + path.parent.name: path.read_bytes() for path in folder.rglob("*.npy")}


@pytest.mark.slow
def test_a_run_that_dies_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """In the second member, and in the middle of the longer one: with dropout and a plateau too."""
    whole = train(tmp_path / "whole", 0)
    for n_epochs in (1, 4):
        with pytest.raises(KilledError):
            train(tmp_path / str(n_epochs), n_epochs, Dying(n_epochs))
        assert train(tmp_path / str(n_epochs), 9) == whole
