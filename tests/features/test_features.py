"""Features: the pretrained network, their reduction, and the user's own."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_image
from sklearn.decomposition import PCA

from noisefind.data import row_file
from noisefind.data.row_file import given_rows
from noisefind.errors import DataError
from noisefind.features import frozen, reduce
from noisefind.features.frozen import (
    FeatureView,
    FrozenNetwork,
    features_folder,
    frozen_features,
    n_missing_features,
)
from noisefind.features.joined import JoinedFeatures, joined
from noisefind.features.pretrained import FeatureNetwork, fold_batch_norm
from noisefind.features.reduce import fit_projection, write_reduced
from noisefind.training.lite import load_backbone
from noisefind.utils.progress import Progress
from tests.commands import ROOT
from tests.fuzz import fuzzed
from tests.images import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

CPU = torch.device("cpu")
N_FEATURES = 40 + 192 + 320 + 4 * 112 + 1280


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Batches this small gain nothing by threads, and wait long for each other on a busy CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def backbone() -> Any:
    """timm's network as it is loaded, batch normalisations and all."""
    return load_backbone()


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return FeatureNetwork(48).eval()


@pytest.fixture
def lite(network: FeatureNetwork) -> FrozenNetwork:
    """Loading takes seconds, so the tests that need the network share one."""
    return FrozenNetwork("lite0", None, lambda size: sized(network, size))


def sized(network: FeatureNetwork, size: int) -> FeatureNetwork:
    network.size = size
    return network


def pictures(n_images: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n_images, size, size, 3), dtype=np.uint8)


def relative_error(actual: NDArray[np.generic], expected: NDArray[np.generic]) -> float:
    """The largest difference, measured by the size of that image's features."""
    difference = np.linalg.norm(actual - expected, axis=1)  # type: ignore[operator]
    return float((difference / np.linalg.norm(expected, axis=1)).max())


def reference(backbone: Any, pixels: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """The features by timm's own forward pass, watched by hooks; Pillow resizes."""
    planes = [
        np.stack(
            [
                np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR))
                for plane in picture.astype(np.float32).transpose(2, 0, 1)
            ]
        )
        for picture in pixels
    ]
    outputs: dict[int, torch.Tensor] = {}
    hooks = [
        block.register_forward_hook(lambda _, __, out, number=number: outputs.update({number: out}))
        for number, block in enumerate(backbone.blocks)
    ]
    with torch.inference_mode():
        last = backbone.forward_features((torch.from_numpy(np.stack(planes)) - 127) / 128)
    for hook in hooks:
        hook.remove()
    half = (size // 16 + 1) // 2  # the fifth stage is at a 16th; quarters overlap where that is odd
    rest = size // 16 - half
    quarters = [
        outputs[4][:, :, rows, columns].mean((2, 3))
        for rows in (slice(half), slice(rest, None))
        for columns in (slice(half), slice(rest, None))
    ]
    parts = [
        outputs[2].mean((2, 3)),
        torch.stack(quarters, 2).flatten(1),
        outputs[5].mean((2, 3)),
        outputs[6].mean((2, 3)),
        last.mean((2, 3)),
    ]
    return torch.cat(parts, 1).numpy()


@pytest.mark.parametrize(("stored", "size"), [(48, 48), (32, 64), (64, 48)])
def test_the_network_is_timms(
    network: FeatureNetwork, backbone: Any, stored: int, size: int
) -> None:
    """The folded network gives the numbers of timm's own, whether images are enlarged or shrunk."""
    pixels = pictures(3, stored)

    with torch.inference_mode():
        features = sized(network, size)(torch.from_numpy(pixels)).numpy()

    assert features.shape == (3, 2280) == (3, N_FEATURES)
    assert features.dtype == np.float32
    assert relative_error(features, reference(backbone, pixels, size)) < 1e-4


def test_folding(backbone: Any) -> None:
    """Without a single batch normalisation the network says the same, and the given one stays."""
    folded: Any = fold_batch_norm(backbone)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        expected, actual = backbone(x).numpy(), folded(x).numpy()

    kinds = [type(module).__name__ for module in folded.modules()]
    assert not [kind for kind in kinds if "BatchNorm" in kind]
    assert any("BatchNorm" in type(module).__name__ for module in backbone.modules())
    assert relative_error(actual, expected) < 1e-4


def test_the_weights_are_in_their_places(backbone: Any) -> None:
    """The network calls a photograph of a flower a daisy (985 in ImageNet): nothing is mixed up."""
    flower = Image.fromarray(load_sample_image("flower.jpg")).resize((224, 224))
    x = (torch.from_numpy(np.array(flower)).permute(2, 0, 1)[None].float() - 127) / 128

    with torch.inference_mode():
        assert int(backbone(x).argmax()) == 985


def test_no_network_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights come with the installation: not a single socket is opened for them."""
    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, None)

    assert sum(weight.numel() for weight in load_backbone().parameters()) == 4_652_008


def features_of(
    network: FrozenNetwork, pixels: NDArray[np.uint8], cache: Path, key: str = "k"
) -> NDArray[np.float32]:
    return frozen_features(
        FeatureView(network, 48), pixels, key=key, cache=cache, device=CPU, progress=Progress()
    )


class Counting(Progress):
    """Counts images, and keeps the lines for the user."""

    def __init__(self) -> None:
        self.n_done, self.lines = 0, list[str]()

    def advance(self, count: int = 1) -> None:
        self.n_done += count

    def say(self, message: str) -> None:
        self.lines.append(message)


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_batches_do_not_matter(
    tmp_path: Path, network: FeatureNetwork, lite: FrozenNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image's features do not depend on the images beside it, nor on the size of a batch."""
    pixels = pictures(7, 32)
    expected = features_of(lite, pixels, tmp_path / "whole")
    assert expected.shape == (7, N_FEATURES)
    assert expected.dtype == np.float32
    with torch.inference_mode():
        one = sized(network, 48)(torch.from_numpy(pixels[3:4])).numpy()
    assert relative_error(expected[3:4], one) < 1e-4

    for batch in (1, 3, 7):
        monkeypatch.setattr(frozen, "BATCH", batch)
        split = features_of(lite, pixels, tmp_path / str(batch))
        assert relative_error(split, expected) < 1e-4
    turned = features_of(lite, pixels[::-1], tmp_path / "turned")
    assert relative_error(turned[::-1], expected) < 1e-4
    assert relative_error(expected[:1], expected[1:2]) > 0.01  # so the images do differ


def test_features_are_cached(tmp_path: Path, lite: FrozenNetwork) -> None:
    """The second call computes nothing, nor does a dataset of the same images."""
    pixels = pictures(2, 32)
    first = features_of(lite, pixels, tmp_path)

    def refuse(size: int) -> Any:
        raise LookupError(size)

    gone = FrozenNetwork(lite.name, None, refuse)
    np.testing.assert_array_equal(features_of(gone, pixels, tmp_path), first)
    turned = features_of(gone, pixels[::-1], tmp_path, key="other")
    np.testing.assert_array_equal(turned[::-1], first)
    with pytest.raises(LookupError):
        features_of(gone, pictures(2, 32, seed=1), tmp_path, key="new")
    with pytest.raises(LookupError):
        features_of(gone._replace(name="other"), pixels, tmp_path)


def test_only_new_images_are_computed(
    tmp_path: Path, lite: FrozenNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enlarged, permuted, divided or joined, with a damaged part: the bits of an empty cache."""
    monkeypatch.setattr(frozen, "BATCH", 4)
    monkeypatch.setattr(frozen, "ROWS", 3)
    pixels = pictures(15, 32)

    cache = tmp_path / "cache"

    def folder(rows: list[int]) -> Path:
        return features_folder(FeatureView(lite, 48), key=str(rows), cache=cache, device=CPU)

    def check(rows: list[int], n_new: int) -> None:
        part, key, counting = pixels[rows], str(rows), Counting()
        view = FeatureView(lite, 48)
        assert n_missing_features(view, part, key=key, cache=cache, device=CPU) == n_new
        actual = frozen_features(view, part, key=key, cache=cache, device=CPU, progress=counting)
        assert (counting.n_done, counting.lines) == (n_new, [])
        np.testing.assert_array_equal(actual, features_of(lite, part, tmp_path / key))

    check([0, 1, 2, 3, 4, 5], 6)
    check([0, 1, 2, 3, 4, 5], 0)
    check([6, 5, 7, 0, 8, 2, 1, 3, 4], 3)
    check([8, 0, 4], 0)
    check([9, 10], 2)
    check([10, 3, 9, 11], 1)
    flip_a_bit(folder([9, 10]) / "features.npy")
    flip_a_bit(folder([10, 3, 9, 11]) / "keys.npy")
    check(list(range(15)), 6)  # 9, 10 and 11 are lost with these two, 12 to 14 are new


def test_a_batch_that_does_not_fit_is_halved(tmp_path: Path, lite: FrozenNetwork) -> None:
    """Where the device has no memory for a batch, parts of it give the same features."""
    pixels, sizes = pictures(5, 48), list[int]()

    class Small(torch.nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            sizes.append(len(batch))
            if len(batch) > 8:
                raise torch.OutOfMemoryError("CUDA out of memory")
            features: torch.Tensor = lite.build(48)(batch)
            return features

    small = FrozenNetwork("small", None, lambda _: Small())
    expected = features_of(lite, pixels, tmp_path)

    found = features_of(small, pixels, tmp_path)

    assert sizes == [32, 16, 8, 8, 16, 8, 8]
    assert relative_error(found, expected) < 1e-4


def test_the_folder_of_features(
    tmp_path: Path, lite: FrozenNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features_folder says where they are, so whether they are there."""
    folder = features_folder(FeatureView(lite, 48), key="k", cache=tmp_path, device=CPU)
    assert not folder.exists()

    features_of(lite, pictures(2, 32), tmp_path)

    assert folder.is_dir()
    view, cuda = FeatureView(lite, 48), torch.device("cuda")
    others = [
        features_folder(FeatureView(lite, 49), key="k", cache=tmp_path, device=CPU),
        features_folder(view, key="l", cache=tmp_path, device=CPU),
        features_folder(view, key="k", cache=tmp_path, device=cuda),
        features_folder(view._replace(is_mirrored=True), key="k", cache=tmp_path, device=CPU),
    ]
    assert len({folder, *others}) == 5
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    assert features_folder(view, key="k", cache=tmp_path, device=CPU) != folder
    assert features_folder(view, key="k", cache=tmp_path, device=cuda) == others[2]


def test_the_mirrored_view(tmp_path: Path, lite: FrozenNetwork) -> None:
    """It has the features of the mirror images; the view as it is keeps its own."""
    pixels = pictures(3, 48)
    as_it_is = features_of(lite, pixels, tmp_path)

    mirrored = frozen_features(
        FeatureView(lite, 48, is_mirrored=True), pixels, key="k", cache=tmp_path, device=CPU,
        progress=Progress(),
    )  # fmt: skip

    turned = features_of(lite, pixels[:, :, ::-1], tmp_path, key="turned")
    np.testing.assert_array_equal(mirrored, turned)
    np.testing.assert_array_equal(features_of(lite, pixels, tmp_path), as_it_is)
    assert relative_error(mirrored, as_it_is) > 0.01


def test_lite2() -> None:
    """The second packaged network: the same stages, of its own widths."""
    network = FeatureNetwork(48, "lite2").eval()

    with torch.inference_mode():
        features = network(torch.from_numpy(pictures(2, 32))).numpy()

    assert features.shape == (2, 48 + 208 + 352 + 4 * 120 + 1280)
    assert np.isfinite(features).all()
    assert sum(weight.numel() for weight in load_backbone("lite2").parameters()) == 6_092_072


def test_joined_features_are_an_array() -> None:
    """Rows, shape and projection are those of the array that one would write in memory."""
    one, mirrored, other = vectors(9, 4), vectors(9, 4, seed=1), vectors(9, 3, seed=2)
    expected = np.concatenate([(one + mirrored) / 2, other], axis=1)

    features = JoinedFeatures([[one, mirrored], [other]])

    assert (len(features), features.shape) == (9, (9, 7))
    np.testing.assert_allclose(features[slice(2, 5)], expected[2:5], rtol=1e-6)
    np.testing.assert_allclose(features[np.array([8, 0])], expected[[8, 0]], rtol=1e-6)
    np.testing.assert_allclose(
        fit_projection(features, 2).apply(expected), fit_projection(expected, 2).apply(expected),
        rtol=1e-3, atol=1e-3,
    )  # fmt: skip
    assert joined([[one]]) is one
    assert isinstance(joined([[one, mirrored]]), JoinedFeatures)


def test_features_interrupted(tmp_path: Path, lite: FrozenNetwork) -> None:
    """An interrupted computation leaves nothing that is believed."""

    class Interrupted(Progress):
        def advance(self, count: int = 1) -> None:  # noqa: ARG002
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        frozen_features(
            FeatureView(lite, 48),
            pictures(2, 32),
            key="k",
            cache=tmp_path,
            device=CPU,
            progress=Interrupted(),
        )

    assert not features_folder(FeatureView(lite, 48), key="k", cache=tmp_path, device=CPU).exists()


def vectors(n_images: int, n_features: int, seed: int = 0) -> NDArray[np.float32]:
    """Vectors whose numbers hang together and lie far from zero."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(n_images, n_features)) @ rng.normal(size=(n_features, n_features))
    return (mixed * np.geomspace(1, 0.01, n_features) + 30).astype(np.float32)


@pytest.mark.parametrize("n_components", [1, 4, 12])
@pytest.mark.parametrize("chunk", [7, 4096])
def test_projection_is_pca(monkeypatch: pytest.MonkeyPatch, n_components: int, chunk: int) -> None:
    """Axes and components are scikit-learn's up to sign, for any chunks."""
    monkeypatch.setattr(reduce, "CHUNK", chunk)
    features = vectors(50, 12)
    pca = PCA(n_components, svd_solver="full").fit(features.astype(np.float64))

    projection = fit_projection(features, n_components)

    np.testing.assert_allclose(projection.mean, pca.mean_, rtol=1e-6)
    signs = np.sign((projection.axes * pca.components_.T).sum(0))
    np.testing.assert_allclose(projection.axes * signs, pca.components_.T, atol=1e-3)
    expected = pca.transform(features.astype(np.float64))
    np.testing.assert_allclose(
        projection.apply(features) * signs, expected, atol=2e-3 * np.abs(expected).max()
    )
    assert projection.axes.flags.c_contiguous
    assert projection.mean.dtype == projection.axes.dtype == np.float32


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    n_images=st.integers(2, 40),
    n_features=st.integers(1, 12),
    n_components=st.integers(1, 12),
    size=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_components_are_centred(
    n_images: int, n_features: int, n_components: int, size: float
) -> None:
    """Components have mean 0 and the length they should, whatever the size of the features."""
    features = vectors(n_images, n_features) * np.float32(size)

    components = fit_projection(features, n_components).apply(features)

    assert components.shape == (n_images, min(n_components, n_features, n_images - 1))
    assert components.dtype == np.float32
    np.testing.assert_allclose(components.mean(0), 0, atol=1e-2 * np.abs(components).max())


def test_components_keep_their_scale() -> None:
    """The components are not whitened: the first varies most, by as much as it did."""
    features = np.zeros((4, 3), np.float32)
    features[:, 0] = 6, -6, 6, -6
    features[:, 2] = 2, 2, -2, -2

    projection = fit_projection(features, 2)

    ratio = projection.apply(features).std(0)
    assert ratio[0] / ratio[1] == pytest.approx(3)
    np.testing.assert_allclose(np.abs(projection.axes), [[1, 0], [0, 0], [0, 1]], atol=1e-6)
    assert ratio[0] == pytest.approx(6)


def test_distances_are_kept() -> None:
    """With all components, distances between images are what they were."""
    features = vectors(30, 6)
    projection = fit_projection(features, 6)

    before = np.linalg.norm(features[:, None] - features[None], axis=2)
    reduced = projection.apply(features)
    after = np.linalg.norm(reduced[:, None] - reduced[None], axis=2)

    np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("n_images", [1, 2, 5])
def test_fewer_images_than_numbers(n_images: int) -> None:
    """Of n images n - 1 components remain, at least one, and all are finite."""
    features = vectors(n_images, 20)

    projection = fit_projection(features)

    assert projection.axes.shape == (20, max(1, n_images - 1))
    assert np.isfinite(projection.apply(features)).all()


def test_constant_features() -> None:
    """Where all images are alike, all components are 0."""
    features = np.tile(np.array([0.1, -7.3, 1e4], np.float32), (9, 1))

    np.testing.assert_array_equal(fit_projection(features).apply(features), np.zeros((9, 3)))


def test_arrays_that_lie_by_columns(tmp_path: Path) -> None:
    """A memory-mapped file that was saved in Fortran's order is read as the array it holds."""
    features = np.asfortranarray(vectors(10, 5))
    np.save(tmp_path / "columns.npy", features)
    mapped = np.load(tmp_path / "columns.npy", mmap_mode="r")
    assert not mapped.flags.c_contiguous

    np.testing.assert_allclose(fit_projection(mapped).mean, features.mean(0), rtol=1e-5)


@pytest.mark.parametrize("chunk", [4, 4096])
def test_write_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """The file holds the components of every image, in order; nothing else is left beside it."""
    monkeypatch.setattr(reduce, "CHUNK", chunk)
    features = vectors(10, 5)

    projection = write_reduced(features, tmp_path / "reduced.npy")

    reduced = np.load(tmp_path / "reduced.npy")
    np.testing.assert_allclose(reduced, projection.apply(features), atol=1e-6)
    assert reduced.dtype == np.float32
    assert list(tmp_path.iterdir()) == [tmp_path / "reduced.npy"]


def test_write_reduced_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error half-way there is no file."""
    monkeypatch.setattr(reduce.Projection, "apply", None)

    with pytest.raises(TypeError):
        write_reduced(vectors(10, 5), tmp_path / "reduced.npy")

    assert list(tmp_path.iterdir()) == []


IDS = ("ant/1.png", "bee/1.png", "bee/2.png", "train/00042")


def own(tmp_path: Path, features: NDArray[Any], ids: Sequence[str] = IDS, end: str = "\n") -> Path:
    """Writes feature vectors as a user does, with the ids beside them."""
    np.save(tmp_path / "own.npy", features)
    (tmp_path / "own.txt").write_bytes("".join(id_ + end for id_ in ids).encode())
    return tmp_path / "own.npy"


def rows_of(file: Path, ids_file: Path | None, ids: Sequence[str]) -> NDArray[np.floating]:
    """The rows of the ids, in their order."""
    features, order = given_rows(file, ids_file, tuple(ids))
    return features[order]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_own_features(tmp_path: Path, dtype: str, order: Any) -> None:
    """Floats of any width and memory order are taken, in the order of the dataset."""
    values = np.arange(12).reshape(4, 3) / 4
    file = own(tmp_path, np.array(values, dtype=dtype, order=order))

    np.testing.assert_array_equal(rows_of(file, None, IDS), values)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations([*IDS, "extra/1.png", "extra/2.png"]), chunk=st.integers(1, 5))
def test_joined_by_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: list[str], chunk: int
) -> None:
    """The order of the file does not matter, nor do ids that are not in the dataset."""
    monkeypatch.setattr(row_file, "CHUNK", chunk)
    numbers = {id_: row for row, id_ in enumerate([*IDS, "extra/1.png", "extra/2.png"])}
    values = np.array([[numbers[id_], -1] for id_ in order], np.float32)

    features = rows_of(own(tmp_path, values, order), None, IDS)

    np.testing.assert_array_equal(features, [[0, -1], [1, -1], [2, -1], [3, -1]])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("has_end", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_kinds_of_text(tmp_path: Path, end: str, has_end: bool, mark: str) -> None:
    """The ids may come from any system, and hold anything but a line's end."""
    ids = ("a b/日本 1.png", "a,b/'\"#.png", "c\u2028d\x0b\x85/ 2.png ")
    file = own(tmp_path, np.eye(3, dtype=np.float32), ids, end)
    text = mark.encode() + file.with_suffix(".txt").read_bytes()
    (tmp_path / "ids").write_bytes(text if has_end else text.removesuffix(end.encode()))

    np.testing.assert_array_equal(rows_of(file, tmp_path / "ids", ids[::-1]), np.eye(3)[::-1])


def error_of(file: Path, ids_file: Path | None = None) -> str:
    with pytest.raises(DataError) as caught:
        given_rows(file, ids_file, IDS)
    assert one_line(caught.value)
    return str(caught.value)


def test_missing_ids(tmp_path: Path) -> None:
    """An image without a row is an error that counts them and names the first."""
    file = own(tmp_path, np.zeros((2, 3)), ("bee/1.png", "ant/1.png"))

    text = f"{tmp_path / 'own.txt'}: 2 of 4 images have no row, first 'bee/2.png'"
    assert error_of(file) == text


def test_an_id_twice(tmp_path: Path) -> None:
    """An id with two rows is an error, whether or not they are equal."""
    file = own(tmp_path, np.zeros((6, 3)), (*IDS, "bee/2.png", "bee/1.png"))

    assert error_of(file).startswith(f"{tmp_path / 'own.txt'}: 'bee/1.png' appears twice")


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.zeros((4, 3), int), r"int64 \(4, 3\)"),
        (np.zeros((4, 3), bool), r"bool \(4, 3\)"),
        (np.zeros((4, 3), complex), r"complex128 \(4, 3\)"),
        (np.zeros((4, 3), "U5"), r"<U5 \(4, 3\)"),
        (np.zeros(4), r"float64 \(4,\)"),
        (np.zeros((4, 3, 1)), r"float64 \(4, 3, 1\)"),
        (np.zeros(()), r"float64 \(\)"),
        (np.zeros((4, 0)), r"float64 \(4, 0\)"),
        (np.zeros((3, 3)), r"float64 \(3, 3\)"),
        (np.zeros((5, 3)), r"float64 \(5, 3\)"),
        (np.zeros((0, 3)), r"float64 \(0, 3\)"),
    ],
)
def test_what_is_no_table_of_floats(tmp_path: Path, values: NDArray[Any], what: str) -> None:
    """Anything but a row of floats per line of ids is refused; the error says what there is."""
    file = own(tmp_path, values)

    with pytest.raises(DataError, match=f"holds {what}; it must be floats"):
        given_rows(file, None, IDS)
    assert f"the 4 lines of {tmp_path / 'own.txt'}" in error_of(file)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e16])
@pytest.mark.parametrize("row", [0, 3])
def test_numbers_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, row: int
) -> None:
    """NaN, an infinity or a number too large to square is refused; the error names the image."""
    monkeypatch.setattr(row_file, "CHUNK", 2)
    values = np.zeros((4, 3))
    values[row, 1] = value

    assert f"the row of {IDS[row]!r} is not finite" in error_of(own(tmp_path, values))


def test_not_finite_elsewhere(tmp_path: Path) -> None:
    """Rows of images that are not in the dataset may hold anything."""
    values = np.zeros((5, 3))
    values[4] = np.nan

    assert rows_of(own(tmp_path, values, (*IDS, "extra")), None, IDS).shape == (4, 3)


def test_reduced_in_the_order_of_the_dataset(tmp_path: Path) -> None:
    """Rows taken by number from the file are reduced as the same rows in memory are."""
    values = np.random.default_rng(0).normal(size=(50, 6))
    ids = [f"{number}.png" for number in range(50)]
    chosen = ids[40:5:-1]
    features, order = given_rows(own(tmp_path, values, ids), None, tuple(chosen))
    assert isinstance(features, np.memmap)

    write_reduced(features, tmp_path / "reduced.npy", order)

    expected = fit_projection(values[40:5:-1]).apply(values[40:5:-1])
    np.testing.assert_allclose(np.load(tmp_path / "reduced.npy"), expected, atol=1e-5)


MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from noisefind.data.row_file import given_rows
from noisefind.features.reduce import write_reduced
file = Path(sys.argv[1])
ids = tuple(file.with_suffix(".txt").read_text().split())[::-1]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
features, order = given_rows(file, None, ids)
write_reduced(features, file.with_name("reduced.npy"), order)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_own_features_never_fill_memory(tmp_path: Path) -> None:
    """A file of 160 MB is joined and reduced with less than half of it in memory."""
    shape = (80_000, 250)
    values = np.lib.format.open_memmap(tmp_path / "own.npy", mode="w+", shape=shape)
    values[::1000] = 1
    values.flush()
    (tmp_path / "own.txt").write_text("".join(f"{row}\n" for row in range(shape[0])))
    code = [sys.executable, "-c", MEMORY, str(tmp_path / "own.npy")]
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        code, capture_output=True, text=True, check=True, cwd=ROOT, env=one_thread
    )
    assert int(done.stdout) < 80e6, done.stdout


class Trap:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """Objects in a .npy file, and a pickle in its place, are refused and never executed."""
    trap = Trap(tmp_path / "sprung")
    own(tmp_path, np.zeros((4, 3)))
    np.save(tmp_path / "objects.npy", np.array([[trap]], dtype=object), allow_pickle=True)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(trap))

    for name in ("objects.npy", "pickle.npy"):
        assert "cannot be read" in error_of(tmp_path / name, tmp_path / "own.txt")
    assert not (tmp_path / "sprung").exists()
    pickle.loads((tmp_path / "pickle.npy").read_bytes())
    assert (tmp_path / "sprung").exists()  # so the trap does work


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Other files, a missing one, and ids that are not UTF-8 are errors that name --features."""
    file = own(tmp_path, np.zeros((4, 3)))
    np.savez(tmp_path / "archive.npy", a=np.zeros((4, 3)))
    (tmp_path / "archive.npy.npz").rename(tmp_path / "archive.npy")
    (tmp_path / "empty.npy").touch()
    (tmp_path / "cut.npy").write_bytes(file.read_bytes()[:-8])
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    (tmp_path / "folder.npy").mkdir()
    long = b"\x93NUMPY\x02\0" + (20_000).to_bytes(4, "little") + b" " * 20_000
    (tmp_path / "long header.npy").write_bytes(long)
    names = ("archive", "empty", "cut", "gone", "folder", "long header")

    for name in names:
        path = tmp_path / f"{name}.npy"
        assert error_of(path, tmp_path / "own.txt").startswith(f"--features {path}: cannot be read")
    for ids_file in ("latin.txt", "gone.txt"):
        path = tmp_path / ids_file
        assert error_of(file, path).startswith(f"--feature-ids {path}: cannot be read as UTF-8")
    assert "gone.txt" in error_of(file, tmp_path / "gone.txt")


@fuzzed(300)
@given(
    changes=st.dictionaries(
        st.integers(0, 127), st.sampled_from([*b"()[]{}',:0189<>f4iO-\\\n#bL. \0\xff"]), min_size=1
    )
)
def test_damaged_headers(tmp_path: Path, changes: dict[int, int]) -> None:
    """A .npy file with a damaged header is read or refused in one line; nothing else happens."""
    file = own(tmp_path, np.zeros((4, 3), np.float32))
    content = bytearray(file.read_bytes())
    for place, value in changes.items():
        content[place] = value
    file.write_bytes(bytes(content))

    try:
        given_rows(file, None, IDS)
    except DataError:
        error_of(file)
