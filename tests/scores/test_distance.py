"""The distance to the nearest k-means centre, and the choice of how many centres there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances_argmin_min
from threadpoolctl import threadpool_limits

from noisefind.scores import distance
from noisefind.scores.distance import candidate_numbers, elbow, find_clusters, km_distance

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def vectors(n: int, d: int = 4, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def blobs(n_blobs: int, n_each: int = 30) -> Floats:
    """Small heaps around the corners of a simplex, equally far from each other."""
    corners = np.repeat(10 * np.eye(n_blobs, dtype=np.float32), n_each, axis=0)
    return corners + 0.1 * vectors(len(corners), n_blobs)


def rows_of(centers: Floats) -> list[list[float]]:
    """The centres without their order, to three decimals."""
    return sorted(np.round(centers.astype(np.float64), 3).tolist())


law = settings(max_examples=60, deadline=None)
curves = st.dictionaries(
    st.integers(1, 300), st.integers(0, 1000).map(float), min_size=1, max_size=12
)


# km_distance


def test_distance_by_hand() -> None:
    """The 3-4-5 triangle, the nearer of two centres, and 0 on a centre."""
    features = np.array([[3, 4], [10, 0], [7, 0]], np.float32)
    centers = np.array([[0, 0], [10, 0]], np.float32)
    assert km_distance(features, centers).tolist() == [5, 0, 3]


@law
@given(
    n=st.integers(1, 30), k=st.integers(1, 8), d=st.integers(1, 6), chunk=st.integers(1, 31),
    scale=st.sampled_from([1e-3, 1.0, 1e25]), seed=st.integers(0, 99),
)  # fmt: skip
def test_distance_is_the_nearest_of_all(
    n: int, k: int, d: int, chunk: int, scale: float, seed: int
) -> None:
    """Every difference squared and summed in float64, whatever the scale and the chunks."""
    points = vectors(n + k, d, seed) * np.float32(scale)
    features, centers = points[:n], points[n:]
    differences = features[:, None].astype(np.float64) - centers[None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distance, "CHUNK", chunk)
        found = km_distance(features, centers)
    assert found.shape == (n,)
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, np.sqrt((differences**2).sum(2)).min(1), rtol=1e-6, atol=1e-7 * scale
    )


def test_distance_agrees_with_sklearn_over_many_chunks() -> None:
    """More vectors than one chunk holds, against scikit-learn's own search."""
    features, centers = vectors(2 * distance.CHUNK + 5, 16), vectors(7, 16, seed=1)
    _, expected = pairwise_distances_argmin_min(
        features.astype(np.float64), centers.astype(np.float64)
    )
    np.testing.assert_allclose(km_distance(features, centers), expected)


def test_distance_reads_a_memory_map(tmp_path: Path) -> None:
    """Features on disk give the same bits as those in memory."""
    np.save(tmp_path / "x.npy", vectors(50))
    on_disk = np.load(tmp_path / "x.npy", mmap_mode="r")
    centers = vectors(3, seed=1)
    assert km_distance(on_disk, centers).tolist() == km_distance(vectors(50), centers).tolist()


@law
@given(st.permutations(range(20)), st.permutations(range(5)))
def test_distance_knows_no_order(rows: list[int], of_centers: list[int]) -> None:
    """Images in another order have their distances; the order of the centres says nothing."""
    features, centers = vectors(20), vectors(5, seed=1)
    np.testing.assert_allclose(
        km_distance(features[rows], centers[of_centers]),
        km_distance(features, centers)[rows],
        rtol=1e-9,
    )


# How many centres


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ({1: 10.0, 2: 2.0, 3: 1.0, 4: 0.5, 5: 0.0}, 2),  # .55 .40 .20 below the chord
        ({1: 10.0, 2: 8.0, 3: 1.0, 4: 0.5, 5: 0.0}, 3),  # -.05 .40 .20
        ({5: 0.0, 3: 1.0, 1: 10.0, 2: 8.0, 4: 0.5}, 3),  # in any order
        ({2: 9.0, 10: 4.0, 100: 3.0}, 10),
        ({1: 5.0, 2: 5.0, 3: 5.0}, 1),  # more centres gain nothing
        ({1: 0.0, 2: 0.0, 3: 0.0}, 1),
        ({1: 4.0, 2: 3.0, 3: 5.0}, 1),  # it rises
        ({4: 2.0, 8: 1.0}, 4),
        ({7: 1.0}, 7),
    ],
)
def test_elbow_by_hand(curve: dict[int, float], expected: int) -> None:
    """The number farthest below the chord; the smallest where there is no bend."""
    assert elbow(curve) == expected


@law
@given(curves, st.sampled_from([2.0**-20, 2.0**20]))
def test_elbow_has_no_unit(curve: dict[int, float], scale: float) -> None:
    """It is one of the numbers tried, and the unit of the distances says nothing."""
    found = elbow(curve)
    assert found in curve
    assert elbow({k: scale * distance for k, distance in curve.items()}) == found


@pytest.mark.parametrize(
    ("n_vectors", "n_classes", "expected"),
    [
        (50_000, 10, [2, 3, 4, 6, 8, 12, 17, 24, 34, 49, 70, 100]),
        (50_000, 100, [2, 3, 5, 8, 12, 20, 31, 49, 76, 121, 190, 300]),
        (12, 10, [2, 3, 4, 5, 6]),
        (4, 2, [2]),
        (3, 2, [1]),
        (1, 2, [1]),
    ],
)
def test_candidates_by_hand(n_vectors: int, n_classes: int, expected: list[int]) -> None:
    """From 2 to the larger of 100 and three per class, and two vectors a centre at least."""
    assert candidate_numbers(n_vectors, n_classes) == expected


@law
@given(st.integers(1, 20_000), st.integers(2, 30_000))
def test_candidates_are_few(n_vectors: int, n_classes: int) -> None:
    """At most twelve, rising, never more than half of the vectors or 1,000."""
    numbers = candidate_numbers(n_vectors, n_classes)
    assert 1 <= len(numbers) <= 12
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 1
    assert numbers[-1] == max(1, min(max(100, 3 * n_classes), n_vectors // 2, 1000))


# Clusters


@pytest.mark.parametrize("n_blobs", [3, 6, 12])
@pytest.mark.parametrize("seed", [0, 1])
def test_heaps_are_found(n_blobs: int, seed: int) -> None:
    """Equal heaps far apart: the elbow is their number, the centres are their means."""
    features = blobs(n_blobs)
    centers, curve = find_clusters(features, "auto", n_classes=2, seed=seed)
    assert len(curve) == len(candidate_numbers(len(features), 2))
    assert rows_of(centers) == pytest.approx(
        np.array(rows_of(features.reshape(n_blobs, -1, n_blobs).mean(1))), abs=2e-3
    )


def test_heaps_are_found_in_any_order() -> None:
    """The sample and the start of k-means follow the rows; heaps far apart do not."""
    features = blobs(4)
    shuffled = features[np.random.default_rng(0).permutation(len(features))]
    found = [
        rows_of(find_clusters(x, 4, n_classes=2, seed=0).centers) for x in (features, shuffled)
    ]
    assert found[0] == pytest.approx(np.array(found[1]), abs=2e-3)


def test_the_curve_is_the_mean_squared_distance() -> None:
    """What the elbow is read from is what km_distance measures, squared."""
    features = vectors(300)
    centers, curve = find_clusters(features, 9, n_classes=2, seed=0)
    assert list(curve) == [9]
    assert curve[9] == pytest.approx((km_distance(features, centers) ** 2).mean(), rel=1e-4)


def test_each_fit_is_reported() -> None:
    """``advance`` is called once a number of clusters."""
    calls: list[None] = []
    curve = find_clusters(
        vectors(60), "auto", n_classes=2, seed=0, advance=lambda: calls.append(None)
    ).curve
    assert len(calls) == len(curve) == len(candidate_numbers(60, 2))


@pytest.mark.parametrize("n_clusters", ["auto", 1, 3, 10])
@pytest.mark.parametrize("n_distinct", [1, 3])
@pytest.mark.parametrize("n_each", [1, 5])
def test_fewer_distinct_vectors_than_clusters(
    n_clusters: int | str, n_distinct: int, n_each: int
) -> None:
    """No warning and no error; never more centres than distinct vectors."""
    features = np.tile(vectors(n_distinct), (n_each, 1))
    centers, _ = find_clusters(features, n_clusters, n_classes=2, seed=0)
    assert len(centers) == (1 if n_clusters == "auto" else min(int(n_clusters), n_distinct))
    if len(centers) == n_distinct:
        np.testing.assert_allclose(km_distance(features, centers), 0, atol=1e-6)


@pytest.mark.parametrize("n_clusters", [0, -1, "many"])
def test_a_number_of_clusters_below_one_is_refused(n_clusters: int | str) -> None:
    """``n_clusters`` is "auto" or 1 at least; anything else is a ValueError."""
    with pytest.raises(ValueError, match="n_clusters is"):
        find_clusters(vectors(5), n_clusters, n_classes=2, seed=0)


def test_vectors_that_rounding_makes_equal() -> None:
    """k-means finds fewer centres than there are distinct vectors: no warning, distances of 0."""
    features = np.array([[-1e6], [1e-6], [2e-6], [3e-6]], np.float32)
    centers = find_clusters(features, 4, n_classes=2, seed=0).centers
    np.testing.assert_allclose(km_distance(features, centers), 0, atol=1e-2)


def test_the_sample_is_drawn_without_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many centres as the sample has vectors lie on that many of them."""
    monkeypatch.setattr(distance, "SAMPLE", 20)
    features = vectors(60)
    centers = [find_clusters(features, 20, n_classes=2, seed=seed).centers for seed in (0, 1)]
    assert [int((km_distance(features, c) < 1e-6).sum()) for c in centers] == [20, 20]
    assert rows_of(centers[0]) != rows_of(centers[1])


@pytest.mark.parametrize("n_threads", ["1", "8"])
def test_same_seed_same_centers(n_threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, on a machine of more cores than this one too.

    Threads that add up their parts of a centre in the order in which they happen to end differ in
    the last bits, time and again.
    """
    monkeypatch.setattr(distance, "SAMPLE", 2400)
    monkeypatch.setenv("OMP_NUM_THREADS", n_threads)  # scikit-learn takes more than there are cores
    features = vectors(2500, 16)
    with threadpool_limits(int(n_threads), "openmp"):
        centers = [find_clusters(features, 20, n_classes=2, seed=3).centers for _ in range(4)]
    assert len({c.tobytes() for c in centers}) == 1
