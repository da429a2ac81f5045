"""Networks from pixels: layers and parameters counted by hand, names, sizes and given weights."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from noisefind.errors import ConfigError
from noisefind.training.networks import (
    build_network,
    main_logits,
    require_known,
    require_size,
    resnet18,
)
from noisefind.training.weights import file_digest, load_weights

if TYPE_CHECKING:
    from pathlib import Path


def n_parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def image(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


# --- the thesis' networks ------------------------------------------------------------------------


def test_plain_resnet_by_hand() -> None:
    """16 + 1 convolutions of 3x3 with batch norms and one linear layer: every parameter counted."""
    convolutions = 3 * 64 + 4 * 64 * 64  # first one, stage of 64
    for n_in, width in ((64, 128), (128, 256), (256, 512)):
        convolutions += n_in * width + 3 * width * width
    norms = 2 * (64 + 4 * (64 + 128 + 256 + 512))
    linear = 512 * 100 + 100
    assert n_parameters(build_network("resnet18-plain", 100, 32)) == (
        9 * convolutions + norms + linear
    )


def test_plain_resnet_strides() -> None:
    """At 32 px the stages leave 32, 32, 32 and 16 px, two blocks each; nothing is pooled."""
    network = build_network("resnet18-plain", 100, 32).to("meta").eval()
    shapes = []
    blocks = [layer for layer in network.children() if isinstance(layer, nn.Sequential)]
    for block in blocks:
        block.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    assert network(torch.empty(1, 3, 32, 32, device="meta")).shape == (1, 100)
    expected = [(64, 32, 32), (128, 32, 32), (256, 32, 32), (512, 16, 16)]
    assert shapes == [shape for shape in expected for _ in range(2)]
    assert [type(layer).__name__ for layer in blocks[0]] == [
        "Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"
    ]  # fmt: skip
    assert not any(isinstance(layer, nn.MaxPool2d) for layer in network.modules())


def test_shortcuts_are_absent() -> None:
    """With the last norm of a block at 0 no image passes it; in torchvision's ResNet-18 it does."""
    images = image(2, 3, 8, 8)
    plain = build_network("resnet18-plain", 5, 8)
    blocks = [layer for layer in plain.children() if isinstance(layer, nn.Sequential)]
    assert not torch.allclose(*plain(images))
    nn.init.zeros_(blocks[3][-1].weight)  # type: ignore[arg-type]
    assert torch.equal(*plain(images))
    usual = resnet18(5, 8)
    nn.init.zeros_(usual.get_submodule("layer2.1.bn2").weight)  # type: ignore[arg-type]
    assert not torch.allclose(*usual(images))


@pytest.mark.parametrize(("size", "pooled"), [(8, 1), (32, 7), (224, 55)])
def test_one_convolution_by_hand(size: int, pooled: int) -> None:
    """8 filters of 5x5x3 and a bias each, then 8 numbers per pooled place for every class."""
    network = build_network("one-conv", 15, size)
    assert n_parameters(network) == 8 * (75 + 1) + 15 * (8 * pooled**2 + 1)
    assert network(image(2, 3, size, size)).shape == (2, 15)


def test_one_convolution_in_numpy() -> None:
    """On one image the network is the sum over 5x5 places two apart, cut at 0, the best of 2x2."""
    network = build_network("one-conv", 3, 9).double().eval()
    x = image(1, 3, 9, 9).double()
    weight, bias, linear, offset = (p.detach().numpy() for p in network.parameters())
    maps = np.zeros((8, 3, 3))
    for row in range(3):
        for column in range(3):
            part = x[0, :, 2 * row : 2 * row + 5, 2 * column : 2 * column + 5].numpy()
            maps[:, row, column] = (weight * part).sum((1, 2, 3)) + bias
    pooled = np.maximum(maps, 0)[:, :2, :2].max((1, 2))
    np.testing.assert_allclose(network(x).detach().numpy()[0], linear @ pooled + offset)


def test_resnet18_for_cifar_by_hand() -> None:
    """torchvision's published 11,689,512 with a 3x3 first convolution and ten classes."""
    expected = 11_689_512 - 64 * 3 * 49 + 64 * 3 * 9 - 513 * 1000 + 513 * 10
    assert n_parameters(build_network("resnet18", 10, 32)) == expected


# --- torchvision ---------------------------------------------------------------------------------


def test_a_torchvision_classifier_by_name() -> None:
    """mobilenet_v3_small has its published 2,542,856 parameters, less the classes not asked for."""
    network = build_network("mobilenet_v3_small", 7, 32)
    assert n_parameters(network) == 2_542_856 - 1025 * (1000 - 7)


def test_auxiliary_heads_are_left_out() -> None:
    """GoogLeNet in training gives three outputs; the main one is taken."""
    network = build_network("googlenet", 4, 64)
    assert main_logits(network(image(2, 3, 64, 64))).shape == (2, 4)
    assert main_logits(image(2, 4)).shape == (2, 4)


def test_unknown_names_are_refused_with_near_ones() -> None:
    """A slip of the finger gets the name that was meant."""
    require_known(("probe", "one-conv", "vit_b_16"))
    with pytest.raises(ConfigError, match=r"'mobilnet_v3_smal'.*near it: mobilenet_v3_small"):
        require_known(("cnn", "mobilnet_v3_smal"))
    with pytest.raises(ConfigError, match="resnet18-plain"):
        require_known(("resnet18_plain",))


def test_sizes_that_a_network_does_not_take_are_refused() -> None:
    """AlexNet pools small images away, a ViT wants whole patches; the way out is --image-size."""
    require_size("cnn", 8)
    for name, size in (("alexnet", 32), ("vit_b_16", 40)):
        with pytest.raises(ConfigError, match=rf"--network {name} .* {size} px .*--image-size"):
            require_size(name, size)


# --- weights -------------------------------------------------------------------------------------


def saved(path: Path, name: str, n_classes: int, **extra: torch.Tensor) -> dict[str, torch.Tensor]:
    """Write and return the tensors of a new network."""
    state: dict[str, torch.Tensor] = {**build_network(name, n_classes, 32).state_dict(), **extra}
    torch.save(state, path)
    return state


def load(file: Path, name: str = "cnn", n_classes: int = 3) -> tuple[nn.Module, list[str]]:
    network = build_network(name, n_classes, 32)
    return network, load_weights(network, file, name=name, n_classes=n_classes, image_size=32)


def test_weights_of_the_same_classes_are_taken_whole(tmp_path: Path) -> None:
    """Every tensor of the network is the file's."""
    state = saved(tmp_path / "w.pt", "cnn", 3)
    network, fresh = load(tmp_path / "w.pt")
    assert fresh == []
    assert all(torch.equal(tensor, state[key]) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("cnn", ["14.bias", "14.weight"]),
        ("mobilenet_v3_small", ["classifier.3.bias", "classifier.3.weight"]),
        ("squeezenet1_1", ["classifier.1.bias", "classifier.1.weight"]),  # a convolution
    ],
)
def test_all_but_the_head_of_other_classes_is_taken(
    tmp_path: Path, name: str, head: list[str]
) -> None:
    """A file of 5 classes gives a network of 3 all but its head, which stays as it was."""
    state = saved(tmp_path / "w.pt", name, 5)
    network = build_network(name, 3, 32)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    fresh = load_weights(network, tmp_path / "w.pt", name=name, n_classes=3, image_size=32)
    assert fresh == head
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[key] if key in head else state[key]), key


def test_a_file_without_head_or_counters_is_taken(tmp_path: Path) -> None:
    """A backbone alone, from a PyTorch whose batch norms did not count, is enough."""
    state = saved(tmp_path / "w.pt", "cnn", 3)
    rest = {k: v for k, v in state.items() if not k.startswith("14.") and "batches" not in k}
    torch.save(rest, tmp_path / "w.pt")
    assert load(tmp_path / "w.pt")[1] == ["14.bias", "14.weight"]


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    """Missing, unreadable, of another network, or no state_dict: one line that names the file."""
    file = tmp_path / "w.pt"

    def refused() -> str:
        with pytest.raises(ConfigError, match=f"--weights {file}") as error:
            load(file)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "cannot be read" in refused()
    file.write_text("no weights")
    assert "cannot be read" in refused()
    torch.save([torch.zeros(2)], file)
    assert "no state_dict" in refused()
    state = saved(file, "cnn", 3, extra=torch.zeros(1))
    assert "unknown 'extra' for cnn" in refused()
    del state["extra"], state["0.weight"]
    torch.save(state, file)
    assert "has no 0.weight for cnn" in refused()
    torch.save({**state, "0.weight": torch.zeros(32, 1, 3, 3)}, file)
    assert "another shape of 0.weight" in refused()
    saved(file, "resnet18", 3)
    assert "has no 0.weight (and" in refused()


class _Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran",)


def test_weights_run_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle that would make a folder is refused and has made none."""
    monkeypatch.chdir(tmp_path)
    torch.save({"0.weight": _Attack()}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(_Attack()))
    for name in "ab":
        with pytest.raises(ConfigError, match="cannot be read"):
            load(tmp_path / f"{name}.pt")
    assert not (tmp_path / "ran").exists()


def test_the_digest_is_sha256(tmp_path: Path) -> None:
    """Of the bytes of the file, as sha256sum gives it."""
    (tmp_path / "x").write_bytes(b"abc")
    assert file_digest(tmp_path / "x").startswith("ba7816bf8f01cfea414140de5dae2223")
