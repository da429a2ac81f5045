"""What the pictures alone tell: neighbours, duplicates, outliers, leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from noisefind.similarity.duplicates import group_duplicates, near_pairs
from noisefind.similarity.leaks import exact_leaks, near_leaks
from noisefind.similarity.neighbours import (
    Neighbours,
    nearest_neighbours,
    neighbour_agreement,
    unit_vectors,
)
from noisefind.similarity.outliers import find_outliers
from noisefind.similarity.same_picture import SAME, difference, is_same_picture

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[Any]
SIDE = 32


def scene(seed: int, side: int = 96) -> Image.Image:
    """A picture with large and small things in it, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 200, (6, 6, 3), dtype=np.uint8))
    fine = Image.fromarray(rng.integers(0, 200, (24, 24, 3), dtype=np.uint8))
    coarse, fine = (part.resize((side, side), Image.Resampling.BICUBIC) for part in (coarse, fine))
    return Image.blend(coarse, fine, 0.25)


def small(picture: Image.Image) -> Array:
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0))


def cropped(picture: Image.Image) -> Image.Image:
    return picture.crop((0, 0, round(0.97 * picture.width), round(0.97 * picture.height)))


ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirror": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "crop": cropped,
    "resize": lambda picture: picture.resize((70, 70)),
    "brightness": lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
    "mirror and crop": lambda picture: cropped(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
}


def rows_of(found: Neighbours) -> list[list[int]]:
    return [sorted(row) for row in found.rows.tolist()]


def test_neighbours_by_hand() -> None:
    """The nearest are those at the smallest angle, whatever their length; then -1."""
    x = np.array([[1, 0], [3, 0.1], [0, 1], [-5, 0]], np.float32)

    found = nearest_neighbours(x, k=4)

    assert found.rows.tolist() == [[1, 2, 3, -1], [0, 2, 3, -1], [1, 0, 3, -1], [2, 1, 0, -1]]
    assert found.rows.dtype == np.int32
    np.testing.assert_allclose(found.similarity[0], [0.99945, 0, -1, -1], atol=1e-4)


def test_an_image_alone_has_no_neighbour() -> None:
    """One image: every place is empty, and its label has no say."""
    found = nearest_neighbours(np.ones((1, 3), np.float32))

    assert (found.rows == -1).all()
    agreement = neighbour_agreement(found.rows, np.array([0]), 2)
    assert [part.tolist() for part in agreement] == [[0.0], [-1], [0.0]]


def test_cells_find_nearly_all() -> None:
    """Sorted into cells, images keep over 95 of 100 neighbours, the same with two threads."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(60, 16))[rng.integers(60, size=6000)] * 2).astype(np.float32)
    x += rng.normal(size=x.shape).astype(np.float32)

    exact = nearest_neighbours(x)
    quick = nearest_neighbours(x, all_pairs=100)
    threads = nearest_neighbours(x, all_pairs=100, n_threads=2)

    recall = np.mean([len({*a} & {*b}) / 10 for a, b in zip(exact.rows, quick.rows, strict=True)])
    assert recall > 0.95
    np.testing.assert_array_equal(quick.rows, threads.rows)
    np.testing.assert_array_equal(quick.similarity, threads.similarity)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n_images=st.integers(2, 40))
def test_neighbours_do_not_depend_on_the_order_of_rows(seed: int, n_images: int) -> None:
    """Shuffled rows have the same neighbours."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_images, 5)).astype(np.float32)
    order = rng.permutation(n_images)

    plain, shuffled = nearest_neighbours(x, 3), nearest_neighbours(x[order], 3)

    named = [[int(order[n]) if n >= 0 else -1 for n in row] for row in shuffled.rows.tolist()]
    assert [sorted(row) for row in named] == [rows_of(plain)[row] for row in order.tolist()]


def test_what_is_nearly_zero_has_no_direction() -> None:
    """A vector of rounding errors alone is like nothing."""
    x = unit_vectors(np.array([[1, 1], [1e-9, -1e-9], [0, 0]], np.float32))

    np.testing.assert_allclose(x, [[0.5**0.5, 0.5**0.5], [0, 0], [0, 0]], rtol=1e-6)
    assert np.array_equal(unit_vectors(np.zeros((2, 2), np.float32)), np.zeros((2, 2)))


def test_agreement_by_hand() -> None:
    """Shares are of the neighbours there are; the lowest of equally frequent labels counts."""
    labels = np.array([0, 1, 1, 2, 2])
    neighbours = np.array(
        [[1, 2, 3, 4], [2, 0, -1, -1], [1, -1, -1, -1], [0, 1, 4, 2], [3, 3, 3, 0]]
    )

    agreement = neighbour_agreement(neighbours.astype(np.int32), labels, 3)

    assert agreement.own_share.tolist() == [0, 0.5, 1, 0.25, 0.75]
    assert agreement.other_label.tolist() == [1, 0, -1, 1, 0]
    assert agreement.other_share.tolist() == [0.5, 0.5, 0, 0.5, 0.25]


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_picture_is_the_same(name: str) -> None:
    """Mirrored, cropped by 3 %, resized or brightened, 20 of 20 pictures are known again."""
    originals = np.stack([small(scene(seed)) for seed in range(20)])
    altered = np.stack([small(ALTERATIONS[name](scene(seed))) for seed in range(20)])
    same = np.stack((np.arange(20), np.arange(20)), 1)

    assert is_same_picture(originals, altered, same).all()


def test_other_pictures_are_not_the_same() -> None:
    """None of 190 pairs of different pictures is one; nor is a picture with another in a corner."""
    pictures = np.stack([small(scene(seed)) for seed in range(20)])
    pairs = np.stack(np.triu_indices(20, 1), 1)
    patched = pictures.copy()
    patched[:, 10:22, 10:22] = pictures[::-1, 10:22, 10:22]

    assert not is_same_picture(pictures, pictures, pairs).any()
    assert not is_same_picture(pictures, patched, np.stack((np.arange(20),) * 2, 1)).any()


def test_the_order_of_two_pictures_does_not_matter() -> None:
    """What remains between two pictures is the same either way."""
    a = np.stack([small(scene(seed)) for seed in range(10)]).astype(np.float32)
    b = np.roll(a, 1, axis=0)
    b[0] = small(cropped(scene(0)))

    np.testing.assert_array_equal(difference(a, b), difference(b, a))
    assert difference(a, b)[0] < SAME < difference(a, b)[1:].min()


def test_pictures_of_one_colour_are_no_near_duplicates() -> None:
    """Grey beside a grey that is one lighter: there is nothing in them that could be the same."""
    flat = np.stack([np.full((SIDE, SIDE, 3), level, np.uint8) for level in range(100, 120)])
    everyone = nearest_neighbours(np.ones((20, 4), np.float32))

    assert len(near_pairs(everyone, flat)) == 0


def groups_by_id(group: Array, ids: Array) -> set[frozenset[int]]:
    return {frozenset(ids[group == g].tolist()) for g in np.unique(group[group > 0])}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), n_images=st.integers(1, 30))
def test_groups_do_not_depend_on_the_order_of_rows(seed: int, n_images: int) -> None:
    """Shuffled rows give the same groups of ids, and numbers from 1 up in the order of rows."""
    rng = np.random.default_rng(seed)
    digests = rng.integers(0, 3, (n_images, 2)).astype(np.uint8)
    near = rng.integers(0, n_images, (n_images // 4, 2))
    labels = rng.integers(0, 3, n_images)
    order = rng.permutation(n_images)
    place = np.argsort(order)

    plain = group_duplicates(digests, near, labels)
    shuffled = group_duplicates(digests[order], place[near], labels[order])

    everyone = np.arange(n_images)
    assert groups_by_id(plain.group, everyone) == groups_by_id(shuffled.group, order)
    np.testing.assert_array_equal(plain.is_exact[order], shuffled.is_exact)
    np.testing.assert_array_equal((plain.conflicting >= 0)[order], shuffled.conflicting >= 0)
    firsts = [int(np.flatnonzero(plain.group == g)[0]) for g in range(1, plain.group.max() + 1)]
    assert firsts == sorted(firsts)
    has_conflict = plain.conflicting >= 0
    assert (labels[plain.conflicting[has_conflict]] != labels[has_conflict]).all()
    assert (plain.group[plain.conflicting[has_conflict]] == plain.group[has_conflict]).all()


def test_duplicates_by_hand() -> None:
    """Rows 0 and 3 are copies, 3 and 4 nearly; an exact duplicate takes precedence over a near."""
    digests = np.array([[7], [1], [2], [7], [3], [4]], np.uint8)

    found = group_duplicates(digests, np.array([[3, 4]]), np.array([0, 0, 0, 1, 1, 0]))

    assert found.group.tolist() == [1, 0, 0, 1, 1, 0]
    assert found.is_exact.tolist() == [True, False, False, True, False, False]
    assert found.conflicting.tolist() == [3, -1, -1, 0, 0, -1]


def test_all_images_equal() -> None:
    """Twenty copies of one picture are one group, and none is an outlier."""
    features = np.zeros((60, 3), np.float32)
    neighbours = nearest_neighbours(features)

    found = group_duplicates(np.zeros((60, 16), np.uint8), np.empty((0, 2), int), np.zeros(60, int))

    assert set(found.group.tolist()) == {1}
    assert not find_outliers(features, neighbours.rows).any()


def test_foreign_images_are_outliers() -> None:
    """Five images from far away are found among 500, and at most one of those is."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(505, 64)).astype(np.float32)
    x[500:] = 6 * rng.normal(size=(5, 64))

    outliers = find_outliers(x, nearest_neighbours(x).rows)

    assert outliers[500:].all()
    assert outliers[:500].sum() <= 1


def test_of_few_images_none_is_an_outlier() -> None:
    """With fewer than fifty it cannot be said what is usual."""
    x = np.eye(40, dtype=np.float32)
    x[0] *= 1e6

    assert not find_outliers(x, nearest_neighbours(x).rows).any()


def test_leaks() -> None:
    """A copy in another split is found by its digest, a mirror image by its pixels."""
    scored = np.stack([small(scene(seed)) for seed in range(10)])
    mirrored = scored[[4]][:, :, ::-1]
    others = np.concatenate((scored[[7]], mirrored, [small(scene(99))]))
    digests = np.arange(10, dtype=np.uint8)[:, None]

    assert exact_leaks(digests, np.array([[7], [7], [50]], np.uint8)).tolist() == [[7, 0], [7, 1]]
    assert sorted(near_leaks(scored, others).tolist()) == [[4, 1], [7, 0]]
    assert near_leaks(scored, others[:0]).shape == (0, 2)
