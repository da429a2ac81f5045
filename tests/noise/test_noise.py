"""Label noise: exact counts, never the same class, by seed; laws over all kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noisefind.config import NOISE_KINDS, InjectConfig
from noisefind.data.dataset import Dataset
from noisefind.errors import ConfigError
from noisefind.evaluation.inject import inject_noise
from noisefind.evaluation.noise_matrix_file import read_matrix
from noisefind.noise import (
    Noise,
    asymmetric,
    by_matrix,
    by_plausibility,
    check_matrix,
    confusion,
    most_plausible_other,
    moved,
    pair,
    pair_matrix,
    quotas,
    symmetric,
    uniform_matrix,
)

PLAIN_KINDS = [kind for kind in NOISE_KINDS if kind not in {"asymmetric", "confusion"}]
CLASSES = ("bird", "cat", "dog")


def dataset_of(labels: list[int], n_classes: int) -> Dataset:
    """A dataset of which only labels and classes matter."""
    return Dataset(
        root=Path("data"),
        ids=tuple(f"{row:06d}" for row in range(len(labels))),
        labels=np.array(labels, np.int64),
        classes=tuple(f"class {number}" for number in range(n_classes)),
        splits=("",) * len(labels),
        images=[],
        fingerprint="",
    )


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def injected(kind: str, labels: list[int], n_classes: int, fraction: float, seed: int = 0) -> Noise:
    """Noise of a kind that needs no file; confusion by made-up probabilities."""
    if kind == "confusion":
        given_labels = np.array(labels, np.int64)
        probabilities = rng(1).dirichlet(np.ones(n_classes), len(labels))
        return confusion(given_labels, probabilities, round(fraction * len(labels)), rng(seed))
    config = InjectConfig(kind=kind, fraction=fraction, seed=seed)
    return inject_noise(dataset_of(labels, n_classes), config)


cases = st.integers(2, 6).flatmap(
    lambda n_classes: st.tuples(
        st.just(n_classes),
        st.lists(st.integers(0, n_classes - 1), min_size=1, max_size=200),
        st.floats(0, 1),
        st.integers(0, 1000),
    )
)


@pytest.mark.parametrize("kind", [*PLAIN_KINDS, "confusion"])
@settings(max_examples=60, deadline=None)
@given(case=cases)
def test_exactly_so_many_change_each_to_another_class(
    kind: str, case: tuple[int, list[int], float, int]
) -> None:
    """round(fraction x N) labels change, the mask says which, and all are classes of the data."""
    n_classes, labels, fraction, seed = case
    before = np.array(labels)
    if round(fraction * len(labels)) == 0:
        return
    noise = injected(kind, labels, n_classes, fraction, seed)
    assert noise.is_changed.sum() == round(fraction * len(labels))
    np.testing.assert_array_equal(noise.labels != before, noise.is_changed)
    assert 0 <= noise.labels.min() <= noise.labels.max() < n_classes
    again = injected(kind, labels, n_classes, fraction, seed)
    np.testing.assert_array_equal(noise.labels, again.labels)
    np.testing.assert_array_equal(before, labels)  # what was handed in is as it was


@pytest.mark.parametrize("kind", [*PLAIN_KINDS, "confusion"])
def test_seeds_differ(kind: str) -> None:
    """Another seed changes other images."""
    labels = [number % 5 for number in range(200)]
    first, second = (injected(kind, labels, 5, 0.2, seed).is_changed for seed in (0, 1))
    assert (first != second).any()


@settings(max_examples=60, deadline=None)
@given(case=cases)
def test_moved_takes_the_same_share_of_each_class(
    case: tuple[int, list[int], float, int],
) -> None:
    """Each class gives its share of the changed labels to less than one image."""
    n_classes, labels, fraction, seed = case
    n_changed = round(fraction * len(labels))
    if n_changed == 0:
        return
    noise = injected("moved", labels, n_classes, fraction, seed)
    sizes = np.bincount(labels, minlength=n_classes)
    given_up = np.bincount(np.array(labels)[noise.is_changed], minlength=n_classes)
    assert (abs(given_up - sizes * n_changed / len(labels)) < 1).all()


def test_pair_goes_to_the_next_class() -> None:
    """Every changed label is its class plus one, the last class's is the first."""
    labels = [number % 4 for number in range(100)]
    noise = injected("pair", labels, 4, 0.5)
    changed = noise.is_changed
    np.testing.assert_array_equal(noise.labels[changed], (np.array(labels)[changed] + 1) % 4)


@pytest.mark.parametrize("kind", ["symmetric", "moved"])
def test_all_other_classes_are_as_likely(kind: str) -> None:
    """Of 30,000 changed labels each ordered pair of 4 classes gets a twelfth, to 5 % of it."""
    labels = [number % 4 for number in range(60_000)]
    noise = injected(kind, labels, 4, 0.5)
    pairs = np.bincount(np.array(labels) * 4 + noise.labels, minlength=16).reshape(4, 4)
    others = pairs[~np.eye(4, dtype=np.bool_)]
    assert abs(others / 2500 - 1).max() < 0.1


def test_the_matrix_is_realised() -> None:
    """Off the diagonal the counts follow the matrix; its diagonal only sets the classes' shares."""
    matrix = np.array([[0.7, 0.2, 0.1], [0, 1, 0], [0.1, 0, 0.9]])
    labels = np.repeat(np.arange(3), 10_000)
    counts = quotas(labels, matrix, 4000, rng())
    assert counts.tolist() == [3000, 0, 1000]
    noise = by_matrix(labels, matrix, counts, rng())
    pairs = np.bincount(labels * 3 + noise.labels, minlength=9).reshape(3, 3)
    assert pairs[2].tolist() == [1000, 0, 9000]
    assert abs(pairs[0, 1] - 2000) < 120  # binomial deviation 26
    assert pairs[0, 1] + pairs[0, 2] == 3000


def test_equal_remainders_are_broken_by_chance() -> None:
    """One label of four equal classes: over seeds each class gives it at some time."""
    labels = np.arange(4)
    givers = {int(quotas(labels, pair_matrix(4), 1, rng(seed)).argmax()) for seed in range(50)}
    assert givers == {0, 1, 2, 3}


def test_most_plausible_other_by_hand() -> None:
    """The highest probability besides the label, also where the label's is the highest."""
    probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.1, 0.4], [1.0, 0.0, 0.0]])
    other, weights = most_plausible_other(probabilities, np.array([0, 2, 0]))
    assert other.tolist() == [1, 0, 1]
    assert weights.tolist() == [0.2, 0.5, 0.0]


def test_plausible_images_are_hit_more_often() -> None:
    """With weights 3 to 1 and one label changed, the heavier is hit in 3 of 4 draws."""
    labels, other, weights = np.zeros(2, np.int64), np.ones(2, np.int64), np.array([3.0, 1.0])
    hits = [
        by_plausibility(labels, other, weights, 1, rng(seed)).is_changed[0] for seed in range(2000)
    ]
    assert abs(np.mean(hits) - 0.75) < 0.05  # standard deviation .01


def test_weight_zero_comes_last_and_still_counts() -> None:
    """Images without a plausible other class change only when there are no others."""
    labels, other = np.zeros(4, np.int64), np.ones(4, np.int64)
    weights = np.array([0.0, 1e-9, 0.0, 0.5])
    assert by_plausibility(labels, other, weights, 2, rng()).is_changed.tolist() == [
        False, True, False, True,
    ]  # fmt: skip
    assert by_plausibility(labels, other, weights, 4, rng()).is_changed.all()


@pytest.mark.parametrize(
    ("labels", "fraction", "words"),
    [
        ([0, 0, 1], 0.1, "is none; give 0.333 or more"),
        ([0, 1, 1, 1], 0.0, "is none"),
    ],
)
def test_too_few_to_change_are_refused(labels: list[int], fraction: float, words: str) -> None:
    """A fraction that rounds to no label is refused, with the least that is one."""
    with pytest.raises(ConfigError, match=words):
        injected("symmetric", labels, 2, fraction)


def test_programmers_mistakes_are_value_errors() -> None:
    """Counts out of range, quotas above a class's size, another class that is the same."""
    labels = np.array([0, 0, 1])
    with pytest.raises(ValueError, match="must be 0 to 3"):
        symmetric(labels, 2, 4, rng())
    with pytest.raises(ValueError, match="2 at least"):
        symmetric(labels, 1, 1, rng())
    with pytest.raises(ValueError, match="fewer images"):
        by_matrix(labels, uniform_matrix(2), np.array([0, 2]), rng())
    with pytest.raises(ValueError, match="must differ"):
        by_plausibility(labels, labels, np.ones(3), 1, rng())
    assert not by_matrix(labels, uniform_matrix(2), np.array([0, 0]), rng()).is_changed.any()
    with pytest.raises(ValueError, match="off the diagonal"):
        asymmetric(labels, np.eye(2), 1, rng())
    with pytest.raises(ValueError, match=r"shape is \(2, 2\), must be \(3, 3\)"):
        check_matrix(np.eye(2), CLASSES)


def test_the_commands_kinds_are_the_public_functions() -> None:
    """inject --kind moved and pair change the same labels as noise.moved and noise.pair."""
    labels = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2]
    for kind, function in (("moved", moved), ("pair", pair), ("symmetric", symmetric)):
        expected = function(np.array(labels), 3, 4, rng(7))
        found = injected(kind, labels, 3, 0.4, seed=7)
        np.testing.assert_array_equal(found.labels, expected.labels)


# The file of --matrix


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_map_says_which_class_is_taken_for_which(tmp_path: Path) -> None:
    """Classes that the map leaves out stay; class names are text, also `no` and `1`."""
    matrix = read_matrix(written(tmp_path / "m.yaml", "cat: dog\ndog: cat\n"), CLASSES)
    assert matrix.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    matrix = read_matrix(written(tmp_path / "m.yml", "no: 1\n"), ("1", "no"))
    assert matrix.tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize(
    "text",
    [
        "1,0,0\n0,.9,.1\n0,.2,.8\n",
        ",dog,bird,cat\ncat,.1,0,.9\nbird,0,1,0\ndog,.8,0,.2\n",
    ],
    ids=["plain", "named"],
)
def test_a_table_says_it_in_shares(tmp_path: Path, text: str) -> None:
    """Plain numbers are in the order of the classes; names put them there from any order."""
    matrix = read_matrix(written(tmp_path / "m.csv", text), CLASSES)
    assert matrix.tolist() == [[1, 0, 0], [0, 0.9, 0.1], [0, 0.2, 0.8]]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.txt", "cat: dog", "must end in .yaml"),
        ("m.yaml", "cat: [", "not valid YAML"),
        ("m.yaml", "cat", "lines of the form"),
        ("m.yaml", "cat: [dog]", "no class of the data"),
        ("m.yaml", "cat: fish", "'fish' is no class of the data: bird, cat, dog"),
        ("m.yaml", "cat: cat", "mapped to itself"),
        ("m.csv", "1,0,0\n0,1,0\n", "2 rows of 3 cells; expected 3 x 3"),
        ("m.csv", "1,0\n0,1\n0,1\n", "3 rows of 2 cells"),
        ("m.csv", "", "0 rows of 0 cells"),
        ("m.csv", '"1,0', "not valid CSV"),
        ("m.csv", "1,0,0\n0,.5,.4\n0,0,1\n", "class 'cat' adds up to 0.9; it must be 1"),
        ("m.csv", "1,0,0\n0,1.5,-.5\n0,0,1\n", "class 'cat': numbers must be"),
        ("m.csv", "1,0,0\n0,x,0\n0,0,1\n", "class 'cat': could not convert"),
        ("m.csv", ",bird,cat,fish\nbird,1,0,0\ncat,0,1,0\ndog,0,0,1\n", "'fish' is no class"),
        ("m.csv", ",bird,cat,dog\nbird,1,0,0\ncat,0,1,0\ncat,0,0,1\n", "'dog' must be once"),
        ("m.csv", ",bird,cat,dog\nbird,1,0\ncat,0,1,0\ndog,0,0,1\n", "3 to 4 cells"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_matrix_is_refused(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    """Each mistake is named in one line, with the row it is in."""
    with pytest.raises(ConfigError) as refusal:
        read_matrix(written(tmp_path / name, text), CLASSES)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"--matrix {tmp_path / name}: ")
    assert "\n" not in str(refusal.value)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(case=cases)
def test_a_map_is_realised_exactly_or_refused(
    tmp_path: Path, case: tuple[int, list[int], float, int]
) -> None:
    """With `a: b` round(fraction x N) labels a become b, or a has too few and it is refused."""
    n_classes, labels, fraction, seed = case
    n_changed = round(fraction * len(labels))
    matrix = written(tmp_path / "m.yaml", "class 0: class 1\n")
    config = InjectConfig(kind="asymmetric", fraction=fraction, seed=seed, matrix=matrix)
    if not 0 < n_changed <= labels.count(0):
        with pytest.raises(ConfigError):
            inject_noise(dataset_of(labels, n_classes), config)
        return
    noise = inject_noise(dataset_of(labels, n_classes), config)
    assert noise.is_changed.sum() == n_changed
    assert set(np.array(labels)[noise.is_changed]) == {0}
    assert set(noise.labels[noise.is_changed]) == {1}
