"""The record: what is kept of every prediction, in chunks and groups of any kind, through kills."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.scores import SCORES
from noisefind.scores.predictions import FIELDS, Predictions
from noisefind.training.record import Record, RecordWriter, n_recorded
from noisefind.utils.arrays import DamagedError
from noisefind.utils.checksums import CHECKSUMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


class Seen(NamedTuple):
    """What members say of some images."""

    log_probs: torch.Tensor  # (E, T, N, C) float32
    labels: NDArray[np.int64]  # (N,)

    def expected(self, n_members: int | None = None) -> Predictions:
        """From the whole arrays in float64, of the first members."""
        p = self.log_probs[:n_members].double().exp()
        return Predictions.from_probabilities(p.numpy(), self.labels)


class KilledError(Exception):
    """Stands for the end of the process."""


def seen(shape: tuple[int, int, int, int] = (4, 2, 5, 3), spread: float = 2, seed: int = 0) -> Seen:
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(0, spread, shape).astype(np.float32))
    return Seen(logits.log_softmax(-1), rng.integers(0, shape[3], shape[2]))


def record(folder: Path, what: Seen, members: range, cuts: Sequence[int] = ()) -> None:
    """Train and keep some members; each epoch is told in the chunks between ``cuts``."""
    _, n_epochs, n_images, n_classes = what.log_probs.shape
    recorder = RecordWriter(folder, what.labels, n_classes, members, n_epochs=n_epochs)
    for epoch in range(n_epochs):
        for start, stop in pairwise([0, *cuts, n_images]):
            for member in members:
                recorder.observe(member, epoch, start, what.log_probs[member, epoch, start:stop])
    recorder.finish()


def assert_holds(folder: Path, what: Seen, n_members: int) -> None:
    """The record holds the first members, every number as float32 gives it."""
    assert n_recorded(folder) == n_members
    found = Record(folder).rows(slice(None), what.labels)
    assert_close(found, what.expected(n_members))


def assert_close(found: Predictions, expected: Predictions) -> None:
    for field in fields(Predictions):
        np.testing.assert_allclose(
            getattr(found, field.name), getattr(expected, field.name),
            rtol=1e-5, atol=1e-37 if field.name in FIELDS else 1e-6, err_msg=field.name,
        )  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """All files but the checksums, which may have items of files that were replaced."""
    files = (path for path in sorted(folder.iterdir()) if path.name != CHECKSUMS)
    return {path.name: path.read_bytes() for path in files}


@st.composite
def all_seen(draw: st.DrawFn) -> Seen:
    """One member, one epoch, one image and two classes are among them, and certainty."""
    shape = tuple(draw(st.integers(low, high)) for low, high in ((1, 4), (1, 3), (1, 9), (2, 5)))
    e, t, n, c = shape
    return seen((e, t, n, c), draw(st.sampled_from([0.1, 3, 30])), draw(st.integers(0, 999)))


law = settings(max_examples=20, deadline=None)


# Kept as it was


@law
@given(all_seen(), st.data())
def test_the_record_holds_what_was_observed(what: Seen, data: st.DataObject) -> None:
    """In groups and chunks of any size, as from whole softmax arrays, within float32.

    So do all scores, and any rows of it.
    """
    n_members, _, n_images, _ = what.log_probs.shape
    groups = data.draw(st.sets(st.integers(1, n_members)).map(sorted))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "probe")
        for first, last in pairwise([0, *groups, n_members]):
            cuts = data.draw(st.sets(st.integers(1, n_images)).map(sorted))
            if first < last:
                record(folder, what, range(first, last), cuts)
        assert_holds(folder, what, n_members)
        rows = slice(data.draw(st.integers(0, n_images - 1)), n_images)
        found = Record(folder).rows(rows, what.labels[rows])
    part = Seen(what.log_probs[:, :, rows], what.labels[rows])
    assert_close(found, part.expected())
    for score in SCORES.values():
        if score.compute:
            np.testing.assert_allclose(
                score.compute(found), score.compute(part.expected()), rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("groups", [[1, 2, 3, 4], [2, 4], [1, 4], [3, 4]])
def test_groups_leave_no_trace(tmp_path: Path, groups: list[int]) -> None:
    """One by one, together, or more members later: the files are the same bytes."""
    what = seen()
    record(tmp_path / "together", what, range(4))
    for first, last in pairwise([0, *groups]):
        record(tmp_path / "grouped", what, range(first, last))
        assert_holds(tmp_path / "grouped", what, last)
    assert contents(tmp_path / "grouped") == contents(tmp_path / "together")
    assert list(contents(tmp_path / "grouped")) == [
        *(f"member-0{member}.npy" for member in range(4)), "spread-after-03.npy"
    ]  # fmt: skip


@pytest.mark.parametrize("gap", [1e-3, 1.0, 11.5, 17.0, 30.0, 100.0, 1e4])
@pytest.mark.parametrize("label", [0, 1])
def test_nothing_is_lost_at_the_ends_of_float32(tmp_path: Path, gap: float, label: int) -> None:
    """Two classes whose logits lie ``gap`` apart: margin, loss and el2n are as in float64.

    At 11.5 el2n is 1.4e-5; at 17 the probability itself is 1 in float32, and at 100 the other 0.
    """
    log_probs = torch.tensor([[[[gap, 0.0]]]]).log_softmax(-1)
    record(tmp_path, Seen(log_probs, np.array([label])), range(1))
    found = Record(tmp_path).rows(slice(None), np.array([label]))
    far = np.exp(-np.logaddexp(0, gap * (1 - 2 * label)))  # the probability of the other class
    expected = {
        "el2n": np.sqrt(2) * far,
        "loss": np.log1p(np.exp(-gap)) + label * gap,
        "aum": gap * (1 - 2 * label),
    }
    for name, value in expected.items():
        compute = SCORES[name].compute
        assert compute is not None
        # log(1 + x) by way of 1 + x in float32 is good to 1.2e-7 and no better
        assert compute(found) == pytest.approx([value], rel=1e-5, abs=1.2e-7), name
    assert found.squared_distance.min() > 0 or gap > 50
    assert all(np.isfinite(getattr(found, field.name)).all() for field in fields(found))


def test_equally_probable_classes(tmp_path: Path) -> None:
    """The first of them is the prediction, as in the whole arrays; the margin is 0."""
    even = torch.full((1, 1, 3, 3), 1 / 3).log()
    record(tmp_path, Seen(even, np.array([0, 1, 2])), range(1))
    found = Record(tmp_path).rows(slice(None), np.array([0, 1, 2]))
    assert found.predicted.tolist() == [[[0, 0, 0]]]
    assert found.right.tolist() == [[[True, False, False]]]
    assert found.margin.tolist() == [[[0, 0, 0]]]


def test_more_than_a_hundred_members(tmp_path: Path) -> None:
    """Numbers of three digits are counted like those of two."""
    what = seen((102, 1, 2, 2))
    record(tmp_path, what, range(99))
    for member in range(99, 102):
        record(tmp_path, what, range(member, member + 1))
        assert_holds(tmp_path, what, member + 1)


@pytest.mark.parametrize("exists", [True, False])
def test_no_record(tmp_path: Path, exists: bool) -> None:
    """A folder without members, or none at all, holds 0 members and is no Record."""
    folder = tmp_path if exists else tmp_path / "none"
    assert n_recorded(folder) == 0
    with pytest.raises(ValueError, match="holds no whole record"):
        Record(folder)


# Kills


def killed_at(step: int, folder: Path, what: Seen, members: range) -> bool:
    """Record, but die just before the ``step``-th rename or removal; False if there was none."""
    left = iter(range(step))

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def method(path: Path, *args: Any, **options: Any) -> Any:
            if next(left, None) is None:
                raise KilledError
            return original(path, *args, **options)

        return method

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "rename", "unlink"):
            patch.setattr(Path, name, dying(getattr(Path, name)))
        try:
            record(folder, what, members)
        except KilledError:
            return True
    return False


@pytest.mark.parametrize(
    ("members", "n_before", "n_kept"),
    [
        # two steps of checksums, before each of the new files, before the older spread goes, never
        (range(2, 4), 2, [2, 2, 2, 2, 2, 4, 4]),
        (range(2, 3), 2, [2, 2, 2, 2, 3, 3]),
        (range(2), 0, [0, 0, 0, 0, 0, 2]),
    ],
)
def test_a_kill_loses_the_group_or_nothing(
    tmp_path: Path, members: range, n_before: int, n_kept: list[int]
) -> None:
    """Whenever it comes, what is counted is whole; run again, the files are the same bytes."""
    what = seen()
    whole = tmp_path / "whole"
    record(whole, what, range(members.stop))
    for step, n_members in enumerate(n_kept):
        folder = tmp_path / str(step)
        if n_before:
            record(folder, what, range(n_before))
        killed = killed_at(step, folder, what, members)
        assert (n_recorded(folder), killed) == (n_members, step < len(n_kept) - 1)
        if n_members:
            assert_holds(folder, what, n_members)
        if n_members < members.stop:
            record(folder, what, members)
            assert contents(folder) == contents(whole)


@pytest.mark.parametrize("then", [range(2, 3), range(2, 4), range(2, 5)])
def test_two_kills(tmp_path: Path, then: range) -> None:
    """A group dies and is run again, with fewer or more members, and dies again: all is whole.

    The first attempt said other things, as on a GPU it does in the last bits: none of its files
    is taken for one of the second.
    """
    what, other = seen((5, 2, 5, 3)), seen((5, 2, 5, 3), seed=1)
    first = Seen(torch.cat([what.log_probs[:2], other.log_probs[2:]]), what.labels)
    for again in range(5):
        for step in range(10):
            folder = tmp_path / f"{again} {step}"
            record(folder, what, range(2))
            killed_at(again, folder, first, range(2, 4))
            assert_holds(folder, what, 2)
            killed_at(step, folder, what, then)
            assert_holds(folder, what, n_recorded(folder))


def test_a_kill_before_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    """Half observed is not recorded; the next attempt clears its files away."""
    what = seen()
    record(tmp_path, what, range(2))
    before = contents(tmp_path)
    recorder = RecordWriter(tmp_path, what.labels, 3, range(2, 4), n_epochs=2)
    recorder.observe(2, 0, 0, what.log_probs[2, 0])
    assert_holds(tmp_path, what, 2)
    assert contents(tmp_path) != before
    RecordWriter(tmp_path, what.labels, 3, range(2, 3), n_epochs=2)
    assert [name for name in contents(tmp_path) if name.endswith(".part")] == [
        "member-02.npy.part", "spread-after-02.npy.part"
    ]  # fmt: skip


@pytest.mark.parametrize("step", range(8))
def test_after_a_kill_every_file_that_counts_has_its_checksum(tmp_path: Path, step: int) -> None:
    """A bit that changes after a kill is noticed, in whatever step of writing it came."""
    what = seen()
    record(tmp_path, what, range(2))
    killed_at(step, tmp_path, what, range(2, 4))
    n_members = n_recorded(tmp_path)
    members = [f"member-0{member}.npy" for member in range(n_members)]
    counted = [*members, f"spread-after-0{n_members - 1}.npy"]
    for name in counted:
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        with pytest.raises(DamagedError, match=f"{name}: is damaged"):
            Record(tmp_path)
        (tmp_path / name).write_bytes(content)
    assert_holds(tmp_path, what, n_members)


def test_a_damaged_member_is_not_adopted(tmp_path: Path) -> None:
    """One changed bit of a member's own record is an error, not a prediction."""
    what = seen()
    for name in ("member-00.npy", "spread-after-00.npy"):
        alone = tmp_path / name
        record(alone, what, range(1))
        content = (alone / name).read_bytes()
        (alone / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        recorder = RecordWriter(tmp_path / "common", what.labels, 3, range(1), n_epochs=2)
        with pytest.raises(DamagedError, match=f"{name}: is damaged"):
            recorder.adopt(0, alone)
