"""Features by a network of timm, with weights from a file; nothing is ever downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import huggingface_hub
import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config

from noisefind.errors import ConfigError
from noisefind.features.timm_network import timm_network
from noisefind.utils.progress import Progress
from tests.commands import QUICK, CommandLine
from tests.images import one_line, write_images

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.features.frozen import FrozenNetwork

NAME = "test_resnet"  # timm's own for tests: 0.4 million weights


class Told(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def weights(path: Path, name: str = NAME, seed: int = 0, **options: Any) -> Path:
    """Random weights of a network of timm, saved."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = timm.create_model(name, **options).state_dict()
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def opened(path: Path, name: str = NAME) -> FrozenNetwork:
    return timm_network(name, path, Progress())


def features(network: FrozenNetwork, pixels: torch.Tensor, size: int) -> torch.Tensor:
    with torch.inference_mode():
        out: torch.Tensor = network.build(size)(pixels)
    return out


@pytest.mark.parametrize("name", [NAME, "test_vit"])
def test_features_are_timms(tmp_path: Path, name: str) -> None:
    """The numbers are those of timm's own transform and pooled network, on pictures of any kind."""
    file = weights(tmp_path / "w.pt", name)
    pixels = torch.randint(0, 256, (2, 160, 160, 3), dtype=torch.uint8)
    reference: Any = timm.create_model(name, num_classes=0).eval()
    state = torch.load(file, weights_only=True)
    reference.load_state_dict({k: v for k, v in state.items() if k in reference.state_dict()})
    settings = {**resolve_data_config(model=reference), "crop_pct": 1.0}
    transform: Any = create_transform(**settings)
    x = torch.stack([transform(Image.fromarray(picture.numpy())) for picture in pixels])
    with torch.inference_mode():
        expected = reference(x)
    actual = features(opened(file, name), pixels, 160)
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)


def test_formats_and_classes_do_not_matter(tmp_path: Path) -> None:
    """The same weights from torch or safetensors give one cache key, other weights another.

    So does another number of classes: the classifier gives no features.
    """
    files = [weights(tmp_path / name) for name in ("a.pt", "b.safetensors")]
    first, second = (opened(file).name for file in files)
    assert first == second
    assert NAME in first
    assert opened(weights(tmp_path / "c.pt", seed=1)).name != first
    state = torch.load(files[0], weights_only=True)
    state["fc.weight"], state["fc.bias"] = torch.zeros(3, 96), torch.zeros(3)
    torch.save(state, tmp_path / "three.pt")
    assert opened(tmp_path / "three.pt").name == first


def refused(name: str, file: Path | None) -> str:
    with pytest.raises(ConfigError) as caught:
        timm_network(name, file, Progress())
    assert one_line(caught.value)
    return str(caught.value)


def test_what_is_no_state_dict_of_it(tmp_path: Path) -> None:
    """Missing, foreign, broken or hostile files are named in one line."""
    other = weights(tmp_path / "other.pt", "test_vit")
    lacking = torch.load(weights(tmp_path / "w.pt"), weights_only=True)
    lacking.pop("conv1.0.weight" if "conv1.0.weight" in lacking else next(iter(lacking)))
    torch.save(lacking, tmp_path / "lacking.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save(timm.create_model(NAME), tmp_path / "pickled.pt")
    (tmp_path / "text.pt").write_text("no weights")
    (tmp_path / "text.safetensors").write_text("no weights")
    names = ("lacking.pt", "list.pt", "pickled.pt", "text.pt", "text.safetensors", "none.pt")
    for file in (other, tmp_path / "lacking.pt"):
        assert f"is not the state dict of timm's {NAME}: " in refused(NAME, file)
    for file in (other, *(tmp_path / name for name in names)):
        message = refused(NAME, file)
        assert message.startswith(f"--weights {file}: ")
        assert len(message) < 600


def test_unknown_names_have_near_ones() -> None:
    """A misspelled network is refused with its like, an unknown tag with itself."""
    assert "near: resnet18" in refused("resnet_18", None)
    assert "timm:resnet18.zzz" in refused("resnet18.zzz", None)


def test_downloads_are_said_and_fail_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --weights timm would download: it is said first, and offline the way out is named."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    told = Told()
    with pytest.raises(ConfigError, match="--weights FILE") as caught:
        timm_network(NAME, None, told)
    assert one_line(caught.value)
    assert told.said == [
        f"timm downloads the weights of {NAME}, unless they are already downloaded"
    ]


def test_from_the_command_line(noisefind: CommandLine, tmp_path: Path) -> None:
    """A run on timm's features ends; its options are checked before the data are looked at."""
    data = write_images(tmp_path, *(f"data/{c}/{k}.png" for c in "ab" for k in range(6))) / "data"
    file = weights(tmp_path / "w.pt")
    options = ("-o", tmp_path / "run", "--features", f"timm:{NAME}", "--weights", file)
    assert noisefind("score", data, *options, *QUICK).code == 0
    assert np.load(tmp_path / "run/features/reduced.npy").shape == (12, 11)

    none = ("score", tmp_path / "none", "-o", tmp_path / "new")
    assert "--weights" in noisefind.refused(*none, "--weights", file)
    assert "near: " in noisefind.refused(*none, "--features", "timm:test_resnets")
    vit = weights(tmp_path / "vit.pt", "test_vit")
    fixed = (*none, "--features", "timm:test_vit", "--weights", vit)
    assert "takes only 160" in noisefind.refused(*fixed, "--feature-size", "96")
    assert "does not exist" in noisefind.refused(*fixed)


def test_a_network_of_one_size_sees_that(noisefind: CommandLine, tmp_path: Path) -> None:
    """A ViT that takes only 160 px is given 160 px without a word."""
    data = write_images(tmp_path, *(f"data/{c}/{k}.png" for c in "ab" for k in range(6))) / "data"
    vit = weights(tmp_path / "vit.pt", "test_vit")
    options = ("-o", tmp_path / "run", "--features", "timm:test_vit", "--weights", vit)
    quick = ("--members", "1", "--epochs", "1", "--clusters", "2")
    assert noisefind("score", data, *options, *quick).code == 0
