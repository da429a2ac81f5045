"""SwAV: its views on paper, its training on digits, its files, and that no socket is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from noisefind.features import swav, swav_views
from noisefind.features.swav_views import Colours, colour_turn, random_boxes, random_view, recolour
from noisefind.training.networks import small_cnn
from noisefind.training.normalize import QUARTER, to_input
from noisefind.utils.progress import Progress
from tests.commands import DIGITS, ROOT, CommandLine, read_csv
from tests.images import write_images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

CPU = torch.device("cpu")
ONE, ZERO = torch.ones(1), torch.zeros(1)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Batches this small gain nothing by threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Tiny(nn.Module):
    """In ResNet-18's place: thirty times fewer weights."""

    def __init__(self, n_classes: int, image_size: int) -> None:
        super().__init__()
        network: Any = small_cnn(n_classes, image_size)
        self.body, self.fc = network[:-1], network[-1]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc(self.body(images))
        return out


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swav, "resnet18", Tiny)


# --- views -------------------------------------------------------------------------------------


def seen_in(box: list[float], monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """The view of one box of a picture that is black left and white right, as 0 and 1."""
    picture = torch.zeros(1, 4, 4, 3, dtype=torch.uint8)
    picture[:, :, 2:] = 255
    monkeypatch.setattr(
        swav_views, "random_boxes", lambda _: torch.tensor([box], dtype=torch.float32)
    )
    monkeypatch.setattr(swav_views, "JITTER_SHARE", 0)
    monkeypatch.setattr(swav_views, "GREY_SHARE", 0)
    view = random_view(picture, torch.Generator())
    assert view.shape == (1, 3, 4, 4)
    red: list[list[float]] = ((view[0, 0] * 63.75 + 127.5) / 255).round(decimals=3).tolist()
    return red


@pytest.mark.parametrize(
    ("box", "row"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1]),
        ([0, 0, -1, 1], [1, 1, 0, 0]),
        ([-0.5, 0, 0.5, 0.5], [0, 0, 0, 0.25]),
        ([0.5, 0, 0.5, 1], [0.75, 1, 1, 1]),
    ],
)
def test_a_view_shows_its_box(
    monkeypatch: pytest.MonkeyPatch, box: list[float], row: list[float]
) -> None:
    """The whole box is the picture, a negative width mirrors it, half a box shows its half."""
    assert seen_in(box, monkeypatch) == [row] * 4


def test_boxes_lie_in_the_image() -> None:
    """Areas from .14 to 1 but for cut sides, aspects within 3/4 to 4/3, half of them mirrored."""
    boxes = random_boxes(torch.rand(5, 4000, generator=torch.Generator().manual_seed(0)))
    x, y, width, height = boxes.T
    assert ((x.abs() + width.abs()).max(), (y.abs() + height).max()) <= (1 + 1e-6, 1 + 1e-6)
    area, uncut = width.abs() * height, (width.abs() < 1) & (height < 1)
    assert area[uncut].min() >= 0.14 - 1e-6
    assert (area > 0.9).float().mean() > 0.02
    aspect = width.abs() / height
    assert (aspect.min() >= 0.75 - 1e-5, aspect.max() <= 4 / 3 + 1e-5) == (True, True)
    assert 0.45 < (width < 0).float().mean() < 0.55


def changed(colour: tuple[int, int, int], turn: torch.Tensor, contrast: float = 1) -> list[float]:
    """One colour beside black, changed."""
    picture = torch.tensor([[colour, (0, 0, 0)]] * 2, dtype=torch.uint8)[None]
    out = recolour(picture, Colours(turn, torch.tensor([float(contrast)])))
    values: list[float] = out[0, 0, 0].round().tolist()
    return values


def test_colours_on_paper() -> None:
    """Brightness scales, no saturation leaves luminance, a full turn of hue and a grey stay."""
    assert changed((10, 20, 30), colour_turn(2 * ONE, ONE, ZERO)) == [20, 40, 60]
    assert changed((200, 200, 200), colour_turn(2 * ONE, ONE, ZERO)) == [255, 255, 255]
    assert changed((100, 0, 0), colour_turn(ONE, ZERO, ZERO)) == [30, 30, 30]
    assert changed((90, 90, 90), colour_turn(ONE, 0.5 * ONE, 2 * ONE)) == [90, 90, 90]
    assert changed((10, 20, 30), colour_turn(ONE, ONE, 2 * torch.pi * ONE)) == [10, 20, 30]
    assert changed((100, 100, 100), colour_turn(ONE, ONE, ZERO), 0) == [50, 50, 50]


def test_views_are_drawn_from_the_generator() -> None:
    """The same seed gives the same views; the next view and the next image differ."""
    picture = torch.randint(0, 256, (1, 8, 8, 3), generator=torch.Generator(), dtype=torch.uint8)
    batch = picture.repeat(2, 1, 1, 1)
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    first, again = (random_view(batch, g) for g in generators)
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, random_view(batch, generators[0]))


# --- training ----------------------------------------------------------------------------------


def digits(n_images: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Digits under random exposure and contrast, and their classes."""
    files = sorted(DIGITS.glob("*/*.png"))[:: 1000 // n_images]
    pixels = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    generator = torch.Generator().manual_seed(99)
    brightness, contrast = 0.2 + 1.6 * torch.rand(2, len(files), generator=generator)
    still = torch.ones_like(brightness)
    colours = Colours(colour_turn(brightness, still, 0 * still), contrast)
    exposed = recolour(torch.from_numpy(pixels), colours).to(torch.uint8).numpy()
    return exposed, np.array([file.parent.name for file in files])


def share_of_own_class(model: swav.SwaV, pixels: NDArray[np.uint8], y: NDArray[np.str_]) -> float:
    """How many of the five nearest neighbours in the backbone's features are of the same class."""
    model.eval()
    with torch.inference_mode():
        features = model.backbone(to_input(torch.from_numpy(pixels), QUARTER))
    distances = torch.cdist(features, features).fill_diagonal_(torch.inf)
    nearest = distances.topk(5, largest=False).indices.numpy()
    return float((y[nearest] == y[:, None]).mean())


def trained(folder: Path, pixels: NDArray[np.uint8], epochs: int, **others: Any) -> swav.SwaV:
    options = swav.SwavOptions(epochs, seed=others.pop("seed", 0))
    files = swav.SwavFiles(folder / "swav.pt", folder / "loss.csv")
    return swav.train_swav(pixels, options, files, device=CPU, **{"progress": Progress(), **others})


@pytest.mark.slow
@pytest.mark.usefixtures("_tiny")
def test_training_brings_classes_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a label, digits in all exposures come to lie with their class.

    With the same network's random weights less often, by .05 and more. Views of digits are gentler
    here (what is cut to a seventh or mirrored is another digit), network and batches smaller.
    """
    gentle = {"MIN_AREA": 0.7, "MIRROR_SHARE": 0, "MAX_JITTER": 0.4, "MAX_HUE": 0, "GREY_SHARE": 0}
    for name, value in gentle.items():
        monkeypatch.setattr(swav_views, name, value)
    monkeypatch.setattr(swav, "N_PROTOTYPES", 64)
    recipe = replace(swav.RECIPE, batch_size=50, learning_rate=2e-3)
    monkeypatch.setattr(swav, "RECIPE", recipe)
    pixels, labels = digits(500)
    before = share_of_own_class(swav.new_swav(8, 0), pixels, labels)
    after = share_of_own_class(trained(tmp_path, pixels, 16), pixels, labels)
    assert after > before + 0.05
    losses = [float(row["loss"]) for row in read_csv(tmp_path / "loss.csv")]
    assert (len(losses), losses[-1] < losses[0] - 0.5) == (16, True)


class Stopping(Progress):
    """Ctrl-C after so many steps."""

    def __init__(self, n_steps: int) -> None:
        self.left, self.said = n_steps, ""

    def advance(self, count: int = 1) -> None:
        self.left -= count
        if self.left < 0:
            raise KeyboardInterrupt

    def say(self, message: str) -> None:
        self.said += message + "\n"


@pytest.mark.usefixtures("_tiny")
def test_interrupted_training_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the third epoch and resumed: weights and losses are those of one training."""
    monkeypatch.setattr(swav, "SAVE_SECONDS", 0)
    monkeypatch.setattr(swav, "RECIPE", replace(swav.RECIPE, batch_size=25))
    pixels, _ = digits(50)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    expected = trained(whole, pixels, 4).state_dict()
    with pytest.raises(KeyboardInterrupt):
        trained(parts, pixels, 4, progress=Stopping(5))
    assert len(read_csv(parts / "loss.csv")) == 2
    rest = Stopping(4)
    actual = trained(parts, pixels, 4, progress=rest).state_dict()
    assert rest.left == 0  # only two epochs were left
    assert all(torch.equal(actual[name], expected[name]) for name in expected)
    assert (parts / "loss.csv").read_bytes() == (whole / "loss.csv").read_bytes()


@pytest.mark.usefixtures("_tiny")
def test_a_loss_that_stands_still_is_named(tmp_path: Path) -> None:
    """After one epoch on few images nothing is learned, and a line says so."""
    progress = Stopping(99)
    trained(tmp_path, digits(50)[0], 1, progress=progress)
    assert "ln(512)" in progress.said
    assert "--swav-epochs" in progress.said


@pytest.mark.usefixtures("_tiny")
def test_one_training_gives_both_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second output, and the same again elsewhere, come from the cache with the loss."""
    pixels, _ = digits(200)

    def features(output: str, run: Path, seed: int = 0) -> NDArray[np.float32]:
        run.mkdir(exist_ok=True)
        return swav.swav_features(
            pixels, swav.SwavOptions(1, output, seed),
            swav.SwavFiles(run / "swav.pt", run / "loss.csv"), key="k", cache=tmp_path / "cache",
            device=CPU, progress=Progress(),
        )  # fmt: skip

    backbone = features("backbone", tmp_path / "a")
    assert not (tmp_path / "a/swav.pt").exists()
    monkeypatch.setattr(swav, "train_swav", None)
    prototypes = features("prototypes", tmp_path / "b")
    assert (backbone.shape, prototypes.shape) == ((200, 128), (200, 512))
    centred = prototypes - prototypes.mean(0)
    assert np.linalg.matrix_rank(centred, tol=1e-3 * np.abs(centred).max()) <= 128
    assert (tmp_path / "a/loss.csv").read_bytes() == (tmp_path / "b/loss.csv").read_bytes()
    with pytest.raises(TypeError):
        features("backbone", tmp_path / "c", seed=1)


# --- the command line --------------------------------------------------------------------------

NO_SOCKETS = """
import socket, sys
def refuse(*arguments, **named): raise AssertionError("a socket was opened")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from noisefind.cli.main import main
main()
"""


@pytest.mark.slow
def test_no_socket_from_import_to_the_end(tmp_path: Path) -> None:
    """A run that imports lightly and trains a ResNet-18 opens no socket; its files are all there.

    lightly asked its server for the newest version on import before 1.6, in a thread.
    """
    data = write_images(tmp_path, *(f"data/{c}/{k}.png" for c in "ab" for k in range(6))) / "data"
    run = tmp_path / "run"
    options = ["--features", "swav", "--swav-epochs", "1", "--members", "1", "--epochs", "1"]
    options += ["--threads", "1"]
    done = subprocess.run(
        [sys.executable, "-c", NO_SOCKETS, "score", str(data), "-o", str(run), *options],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "a socket was opened" not in done.stderr
    assert "SwAV epoch 1 of 1: loss" in done.stderr
    names = sorted(path.name for path in (run / "features").iterdir())
    arrays = ["neighbour_similarity.npy", "neighbours.npy", "reduced.npy"]
    assert names == ["checksums.json", "clusters.csv", *arrays, "swav_loss.csv"]
    assert [row["epoch"] for row in read_csv(run / "features/swav_loss.csv")] == ["1"]


def test_the_version_check_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """lightly before 1.6 asks no server when this variable stands before it is imported."""
    monkeypatch.setenv("LIGHTLY_DID_VERSION_CHECK", "False")
    swav.lightly_modules()
    assert os.environ["LIGHTLY_DID_VERSION_CHECK"] == "True"


def test_without_the_extra_nothing_is_read(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with the command that installs it, before the data are looked at."""
    monkeypatch.setitem(sys.modules, "lightly", None)
    line = noisefind.refused(
        "score", tmp_path / "none", "-o", tmp_path / "run", "--features", "swav"
    )
    assert 'pip install "noisefind[swav]"' in line


def test_a_killed_run_is_gone_on_with(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the second epoch: without --resume it is kept safe, with it the end is the same."""
    monkeypatch.setattr(swav, "SAVE_SECONDS", 0)
    monkeypatch.setattr(swav, "resnet18", Tiny)
    data = write_images(tmp_path, *(f"data/{c}/{k}.png" for c in "ab" for k in range(6))) / "data"
    options: tuple[str | Path, ...] = ("--features", "swav", "--swav-epochs", "3", "--members", "1")
    options = ("score", data, *options, "--epochs", "2", "--threads", "1", "--cache-dir")
    assert noisefind(*options, tmp_path / "c1", "-o", tmp_path / "whole").code == 0

    n_views = 0

    def interrupted(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        nonlocal n_views
        if len(batch) == 12:  # the estimate's has 32
            n_views += 1
            if n_views == 4:
                raise KeyboardInterrupt
        return random_view(batch, generator)

    monkeypatch.setattr(swav, "random_view", interrupted)
    again = (*options, tmp_path / "c2", "-o", tmp_path / "parts")
    assert noisefind(*again).code == 130
    assert "--resume" in noisefind.refused(*again)
    assert noisefind(*again, "--resume").code == 0
    for name in ("scores.csv", "features/swav_loss.csv", "features/reduced.npy"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
