"""Batches of features on a GPU: what can be tested without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from noisefind.errors import ConfigError
from noisefind.features import frozen
from noisefind.features.frozen import outputs, write_features
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

GPU = torch.device("cuda")


class Means(nn.Module):
    """Means of the columns of pixels, for at most so many images at once."""

    def __init__(self, most: int = 1000) -> None:
        super().__init__()
        self.most, self.sizes = most, list[int]()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(batch))
        if len(batch) > self.most:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return batch.float().mean(1).flatten(1)


@pytest.fixture
def _like_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors stay on the CPU wherever they are sent; a batch has 4 images."""
    monkeypatch.setattr(frozen, "to_device", lambda rows, _: torch.from_numpy(rows))
    monkeypatch.setattr(frozen, "GPU_BATCH", 4)


def images(number: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (number, 5, 5, 3), dtype=np.uint8)


@pytest.mark.usefixtures("_like_a_gpu")
@pytest.mark.parametrize("number", [3, 4, 10])
def test_one_batch_is_computed_ahead(tmp_path: Path, number: int) -> None:
    """Each batch is taken when the next has been started; images and features stay in order."""
    pixels, module, taken = images(number), Means(), list[int]()

    class Noting(Progress):
        def advance(self, count: int = 1) -> None:
            taken.extend([len(module.sizes)] * count)

    write_features(module, pixels, tmp_path / "f.npy", device=GPU, progress=Noting())

    n_batches = -(-number // 4)
    assert module.sizes == [4] * n_batches
    assert taken == [min(2 + k // 4, n_batches) for k in range(number)]
    expected = pixels.mean(1, dtype=np.float32).reshape(number, -1)
    np.testing.assert_allclose(np.load(tmp_path / "f.npy"), expected, rtol=1e-6)


@pytest.mark.usefixtures("_like_a_gpu")
def test_halves_of_an_odd_batch() -> None:
    """Every image is in one half; one that does not fit alone is an error of one line."""
    pixels, module = images(5), Means(most=1)

    found = outputs(module, pixels, GPU).numpy()

    assert module.sizes == [5, 3, 2, 1, 1, 1, 2, 1, 1]
    np.testing.assert_allclose(found, pixels.mean(1).reshape(5, -1), rtol=1e-6)
    with pytest.raises(ConfigError, match=r"--device cuda has no memory .*; give a smaller --feat"):
        outputs(Means(most=0), pixels, GPU)
