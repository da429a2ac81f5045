"""Sweeps that retrain, with a trainer whose accuracy is a known function of the subset."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.config import (
    CleanConfig,
    CurriculumConfig,
    EasiestConfig,
    HardestConfig,
    SweepConfig,
    WindowConfig,
    parse_grid,
    plain,
)
from noisefind.data.dataset import Dataset
from noisefind.errors import ConfigError, DataError
from noisefind.experiments import summary
from noisefind.experiments.clean import clean
from noisefind.experiments.context import SweepContext, images_of
from noisefind.experiments.curriculum import curriculum
from noisefind.experiments.inject_window import NoiseEffect, conclude
from noisefind.experiments.subsets import Choice, RankedImages, SubsetPhase, job, window, without
from noisefind.experiments.sweep import Sweep, remove, windows
from noisefind.runs.folder import RunFolder
from noisefind.runs.ranking import Ranking
from noisefind.runs.writers import write_results
from noisefind.scores import SCORES
from noisefind.training.subsets import Curve, SubsetJob
from noisefind.utils.output import OutputFolder
from noisefind.utils.progress import Progress
from tests.made_up_runs import made_up_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from noisefind.training.subsets import TrainSubsets

Accuracy = "Callable[[SubsetJob], float]"
N, N_CLASSES = 60, 3


def dataset(n_images: int = N) -> Dataset:
    """RankedImages in class folders: sorted ids are sorted classes."""
    classes = ("cat", "cow", "dog")
    labels = np.arange(n_images) * N_CLASSES // n_images
    ids = tuple(f"{classes[label]}/{row:04d}.png" for row, label in enumerate(labels.tolist()))
    return Dataset(Path("data"), ids, labels, classes, ("",) * n_images, [], "fingerprint")


def ranking(data: Dataset, shuffle: int = 0) -> Ranking:
    """aum is distinct, pred_sum has three values, every tenth label is flagged."""
    n_images = len(data)
    rng = np.random.default_rng(1)
    aum = rng.permutation(n_images).astype(np.float64)
    order = np.random.default_rng(shuffle).permutation(n_images)
    scores = {name: aum.copy() for name in SCORES}
    scores["pred_sum"] = (np.arange(n_images) % 3).astype(np.float64)
    given_ = [data.classes[label] for label in data.labels]
    return Ranking(
        ids=[data.ids[row] for row in order],
        splits=[""] * n_images,
        given_labels=[given_[row] for row in order],
        predicted_labels=["cat"] * n_images,
        predicted_probs=np.ones(n_images),
        label_scores=np.linspace(0, 1, n_images)[order],
        is_label_issue=(np.arange(n_images) % 10 == 0)[order],
        is_worth_a_look=np.zeros(n_images, np.bool_),
        reasons=[""] * n_images,
        scores={name: values[order] for name, values in scores.items()},
        duplicate_groups=np.zeros(n_images, np.int64),
        is_outlier_issue=np.zeros(n_images, np.bool_),
        image_issues=[""] * n_images,
    )


def pretend(
    accuracy: Callable[[SubsetJob], float], log: list[SubsetJob] | None = None
) -> TrainSubsets:
    """Trains nothing: the last test accuracy is the function's, the first is a tenth more."""

    def train(jobs: Sequence[SubsetJob]) -> Iterator[tuple[int, Curve]]:
        for number, job_ in enumerate(jobs):
            if log is not None:
                log.append(job_)
            value = accuracy(job_)
            yield number, Curve(np.array([0.6, 0.5]), np.array([value + 0.1, value]))

    return train


def share_kept(job_: SubsetJob) -> float:
    """Accuracy in proportion to the images, and a little by seed."""
    return 0.9 * len(job_.phases[-1].rows) / N + 0.01 * job_.seed


def open_fake(
    folder: Path,
    subcommand: str,
    config: SweepConfig,
    trainer: TrainSubsets,
    *,
    shuffle: int = 0,
    key: str = "",
) -> Sweep:
    """A sweep over the fake data, with results in ``folder/out``."""
    data = dataset(N)
    run = RunFolder(folder / "run")
    (run.path / "features").mkdir(parents=True, exist_ok=True)
    write_results(run, ranking(data, shuffle), [], {})
    run.finish(made_up_summary(run_id="x", config={}, n_clusters=3, n_images=len(data)))
    images = images_of(data, np.ones(N, dtype=np.bool_), run.read_ranking())
    context = SweepContext(
        train=data, images=images, trainer=trainer, network="fake", batch_size=10, epochs=2,
        cache=folder / "cache", key=key, facts={"n_test": 1},
    )  # fmt: skip
    return Sweep(
        subcommand=subcommand, data="data", run=run,
        output=OutputFolder(folder / "out", folder / "out"), config=config, context=context,
        progress=Progress(),
    )  # fmt: skip


def rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def some_images(n_images: int, **scores: Any) -> RankedImages:
    """RankedImages of three classes in sorted folders, with ``aum`` by chance."""
    data = dataset(n_images)
    aum = np.random.default_rng(0).permutation(n_images).astype(np.float64)
    nothing = np.zeros(n_images, dtype=np.bool_)
    return RankedImages(
        ids=data.ids,
        rows=np.arange(n_images),
        labels=data.labels,
        is_label_issue=nothing,
        suggested=data.labels,
        hardness={"aum": aum, **scores},
    )


def test_grids_are_decimals() -> None:
    """0:0.6:0.1 has seven numbers with plain names, the last included; 0.57 is not 0.56."""
    assert list(map(plain, parse_grid("--start", "0:0.6:0.1"))) == [
        "0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6",
    ]  # fmt: skip
    fine = WindowConfig(start="0.5", fine="0.50:0.6:0.01").starts()
    assert len(fine) == 11
    assert {"0.56", "0.57"} <= set(map(plain, fine))
    assert parse_grid("--remove", "0.25,0.1") == [Decimal("0.1"), Decimal("0.25")]


@pytest.mark.parametrize(
    "text", ["", "x", "0.5:0.1:0.1", "0:1:0", "0.1:0.2", "1.5", "nan", "0:1:1e-9"]
)
def test_other_grids_are_refused(text: str) -> None:
    """Whatever is no grid of shares is refused by name."""
    with pytest.raises(ConfigError, match="--remove"):
        EasiestConfig(remove=text)


def test_sweeps_refuse_what_cannot_be() -> None:
    """A window beyond the end, nothing left to train on, several networks: all before any work."""
    for refuse in (
        lambda: WindowConfig(start="0.7", width="0.4"),
        lambda: HardestConfig(remove="0.5,1"),
        lambda: EasiestConfig(network="probe,cnn"),
        lambda: CurriculumConfig(phases="5:0"),
    ):
        with pytest.raises(ConfigError):
            refuse()


def test_windows_at_056_and_057_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold different images and are written to different files."""
    monkeypatch.setattr("tests.experiments.test_sweep.N", 150)  # a hundredth of 60 images is none
    config = WindowConfig(start="0.56,0.57", by="aum", seeds=1)
    windows(open_fake(tmp_path, "window", config, pretend(share_kept)), config)
    subsets = tmp_path / "out/subsets"
    first, second = (rows(subsets / f"aum-{at}.csv") for at in ("0.56", "0.57"))
    assert len(first) == len(second) == 60
    assert first != second
    assert {p.name for p in subsets.iterdir()} == {
        "aum-0.56.csv", "aum-0.57.csv", "full.csv", "random.csv",
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 90), st.integers(1, 100), st.integers(0, 100))
def test_windows_have_one_size(n_images: int, width: int, start: int) -> None:
    """Whatever the start, a window holds round(width * N) images, in one piece of the ranking."""
    images = some_images(n_images)
    share = Decimal(width) / 100
    at = min(Decimal(start) / 100, 1 - share)
    found = window(images, "aum", at, share, choice=Choice(min_per_class=0))
    assert len(found) == max(1, round(share * n_images))
    places = np.sort(images.hardness["aum"].argsort().argsort()[found])
    assert (np.diff(places) == 1).all()


def test_no_class_vanishes_from_a_window() -> None:
    """Integer scores over sorted folders: ties are not broken by the order of rows."""
    images = some_images(300, pred_sum=np.repeat([0.0, 1.0, 2.0], 100)[::-1] * 0)
    for start in ("0", "0.3", "0.6"):
        found = window(images, "pred_sum", Decimal(start), Decimal("0.4"), choice=Choice())
        counts = np.bincount(images.labels[found], minlength=3)
        assert counts.min() > 25, counts
    sorted_by_class = some_images(300, hard=np.repeat([0.0, 1.0, 2.0], 100))
    found = without(sorted_by_class, "easiest", "hard", Decimal("0.5"), choice=Choice())
    assert np.bincount(sorted_by_class.labels[found], minlength=3).min() >= 1
    balanced = Choice(balance=True)
    found = without(sorted_by_class, "easiest", "hard", Decimal("0.5"), choice=balanced)
    assert np.bincount(sorted_by_class.labels[found]).tolist() == [50, 50, 50]


def test_arithmetic_of_a_removal(tmp_path: Path) -> None:
    """Accuracy 0.9 * share kept + 0.01 * seed: every number of summary.csv by hand."""
    config = EasiestConfig(remove="0.1:0.5:0.1", by="aum", seeds=3)
    result = remove(open_fake(tmp_path, "easiest", config, pretend(share_kept)), config)
    found = {(r["score"], r["position"]): r for r in rows(tmp_path / "out/summary.csv")}
    full, half = found["full", ""], found["aum", "0.5"]
    assert float(full["final_mean"]) == pytest.approx(0.91)
    assert float(full["final_std"]) == pytest.approx(0.01)
    assert (full["n_images"], full["n_classes"], full["smallest_class"]) == ("60", "3", "20")
    assert (half["n_images"], half["n_seeds"]) == ("30", "3")
    assert float(half["final_mean"]) == pytest.approx(0.46)
    assert float(half["best_mean"]) == pytest.approx(0.56)  # validation is best at the first epoch
    for end in ("", "_low", "_high"):  # the seeds differ alike, so the interval has no width
        assert float(half[f"minus_full{end}"]) == pytest.approx(-0.45)
        assert float(half[f"minus_random{end}"]) == pytest.approx(0, abs=1e-9)
    ratios = [(0.63 + 0.01 * s) / (0.9 + 0.01 * s) for s in range(3)]  # at 0.3, the middle
    for rule in ("simpson", "trapezoid"):
        assert float(half[f"area_{rule}" if f"area_{rule}" in half else rule]) == pytest.approx(
            np.mean(ratios), abs=1e-6
        )
    assert [v["shown"] for v in result.summary["conclusions"]] == [None]
    sweep = rows(tmp_path / "out/sweep.csv")
    assert len(sweep) == (1 + 5 + 5) * 3
    assert {r["best_epoch"] for r in sweep} == {"1"}
    epochs = rows(tmp_path / "out/epochs.csv")
    assert len(epochs) == len(sweep) * 2
    document = json.loads((tmp_path / "out/sweep.json").read_text())
    assert document["config"]["by"] == "aum"
    assert "members" not in document["config"]


def test_verdict_names_the_largest_share(tmp_path: Path) -> None:
    """Accuracy that holds until half is gone: the conclusion is 0.5, or nothing from one seed."""

    def holds(job_: SubsetJob) -> float:
        return (0.9 if len(job_.phases[-1].rows) >= N // 2 else 0.7) + 0.01 * job_.seed

    for seeds, shown in ((3, "0.5"), (1, None)):
        folder = tmp_path / str(seeds)
        config = HardestConfig(remove="0.1:0.9:0.1", by="aum", seeds=seeds)
        result = remove(open_fake(folder, "hardest", config, pretend(holds)), config)
        (conclusion,) = result.summary["conclusions"]
        assert conclusion["shown"] == shown
        assert ("no share" in conclusion["text"]) == (shown is None)


def test_random_controls_are_drawn_anew_for_each_seed(tmp_path: Path) -> None:
    """As many draws as seeds, of the subset's size, and the classes' shares under --balance."""
    log: list[SubsetJob] = []
    config = EasiestConfig(remove="0.5", by="aum", seeds=3, balance=True)
    remove(open_fake(tmp_path, "easiest", config, pretend(share_kept, log)), config)
    draws = [set(j.phases[0].rows.tolist()) for j in log[3:6]]
    assert all(len(draw) == 30 for draw in draws)
    assert draws[0] != draws[1] != draws[2]
    labels = dataset().labels
    assert all(np.bincount(labels[list(draw)]).tolist() == [10, 10, 10] for draw in draws)
    assert [j.seed for j in log] == [0, 1, 2] * 3


def test_order_of_rows_is_nothing(tmp_path: Path) -> None:
    """A run whose scores.csv is shuffled gives the same files, byte for byte."""
    config = EasiestConfig(remove="0.3,0.6", by="aum,pred_sum", seeds=2)
    for shuffle in (0, 7):
        folder = tmp_path / str(shuffle)
        remove(open_fake(folder, "easiest", config, pretend(share_kept), shuffle=shuffle), config)
    first, second = tmp_path / "0/out", tmp_path / "7/out"
    names = sorted(p.relative_to(first) for p in first.rglob("*.csv"))
    assert len(names) > 9
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_an_interrupted_sweep_goes_on(tmp_path: Path) -> None:
    """What was trained before a kill is not trained again; a changed sweep reuses what is equal."""
    config = EasiestConfig(remove="0.2,0.4", by="aum", seeds=2)
    log: list[SubsetJob] = []

    def stop_at_fifth(job_: SubsetJob) -> float:
        if len(log) == 5:
            raise KeyboardInterrupt
        return share_kept(job_)

    with pytest.raises(KeyboardInterrupt):
        remove(open_fake(tmp_path, "easiest", config, pretend(stop_at_fifth, log)), config)
    assert not (tmp_path / "out").exists()
    log = []
    remove(open_fake(tmp_path, "easiest", config, pretend(share_kept, log)), config)
    assert len(log) == 10 - 4  # the fifth was begun but not kept
    whole = (tmp_path / "out/sweep.csv").read_text()
    (tmp_path / "out").rename(tmp_path / "before")
    log = []
    more = EasiestConfig(remove="0.2,0.4,0.6", by="aum", seeds=2)
    remove(open_fake(tmp_path, "easiest", more, pretend(share_kept, log)), more)
    assert len(log) == 4  # random and aum at 0.6
    assert set(whole.splitlines()) < set((tmp_path / "out/sweep.csv").read_text().splitlines())
    (tmp_path / "out").rename(tmp_path / "more")
    log = []
    other = open_fake(tmp_path, "easiest", config, pretend(share_kept, log), key="other data")
    remove(other, config)
    assert len(log) == 10


def test_steps_or_epochs_are_equal() -> None:
    """By default a subset gets the steps of the full data, else those that it fills."""
    stages = (SubsetPhase(np.arange(40), 4),)
    labels = np.zeros(100, np.int64)
    for equal, steps in (("steps", 40), ("epochs", 16)):
        made = job(stages, labels, 0, n_full=100, batch_size=10, equal=equal)
        assert [(p.epochs, p.steps) for p in made.phases] == [(4, steps)]


def test_clean_compares_all_ways(tmp_path: Path) -> None:
    """Six of 60 are flagged: they are dropped, or relabelled; 40 are wrong by the ground truth."""
    log: list[SubsetJob] = []
    config = CleanConfig(seeds=2)
    sweep = open_fake(tmp_path, "clean", config, pretend(share_kept, log))
    truth = dict.fromkeys(sweep.context.train.ids, "dog")
    result = clean(replace(sweep, true_labels=truth), config)
    by_way = {
        name: log[2 * n]
        for n, name in enumerate(("full", "random", "drop", "relabel", "drop-by-truth", "truth"))
    }
    flagged = np.arange(0, N, 10)
    assert len(by_way["random"].phases[0].rows) == 54
    assert not set(by_way["drop"].phases[0].rows) & set(flagged)
    assert len(by_way["drop"].phases[0].rows) == 54
    changed = by_way["relabel"].labels != by_way["full"].labels
    assert set(np.flatnonzero(changed)) <= set(flagged.tolist())
    assert (by_way["relabel"].labels[flagged] == 0).all()  # all become cats
    assert (by_way["truth"].labels == 2).all()
    left = by_way["drop-by-truth"].phases[0].rows.tolist()
    assert (len(left), left[2:]) == (22, list(range(40, 60)))  # of each other class one is spared
    summary_ = result.summary
    assert (summary_["n_label_issues"], summary_["n_wrong"], summary_["n_wrong_flagged"]) == (
        6,
        40,
        4,
    )
    texts = {v["score"]: v["text"] for v in result.summary["conclusions"]}
    assert texts["drop"].endswith("a loss")
    assert texts["relabel"].endswith("no loss")


def test_a_truth_that_says_nothing_is_refused(tmp_path: Path) -> None:
    """One of other images, and one by which every label is right: before anything is trained."""
    log: list[SubsetJob] = []
    sweep = open_fake(tmp_path, "clean", CleanConfig(), pretend(share_kept, log))
    data = sweep.context.train
    with pytest.raises(DataError, match="none of its ids is among the training images"):
        clean(replace(sweep, true_labels={"else.png": "cat"}), CleanConfig())
    right = {id_: data.classes[label] for id_, label in zip(data.ids, data.labels, strict=True)}
    with pytest.raises(DataError, match="all 60 training labels are right by it"):
        clean(replace(sweep, true_labels=right), CleanConfig())
    assert not log


def test_curriculum_goes_both_ways(tmp_path: Path) -> None:
    """Phases grow from the easiest, from the hardest and by chance, to all images in the end."""
    log: list[SubsetJob] = []
    config = CurriculumConfig(phases="2:0.5,1:0.8,3:1", by="aum", seeds=1, restart=True)
    curriculum(open_fake(tmp_path, "curriculum", config, pretend(share_kept, log)), config)
    full, by_chance, easy, hard = log
    assert [p.epochs for p in full.phases] == [6]
    assert full.restart
    for job_ in (by_chance, easy, hard):
        sets = [set(p.rows.tolist()) for p in job_.phases]
        assert [len(s) for s in sets] == [30, 48, 60]
        assert sets[0] < sets[1] < sets[2]
        assert [p.epochs for p in job_.phases] == [2, 1, 3]
    assert not set(easy.phases[0].rows) & set(hard.phases[0].rows)
    first = rows(tmp_path / "out/subsets/aum-easy-first.csv")
    assert sorted(r["phase"] for r in first) == ["1"] * 30 + ["2"] * 18 + ["3"] * 12


def test_areas_of_known_curves() -> None:
    """Simpson is exact for a parabola, the trapezoid for a line; both are divided by the width."""
    at, full = np.linspace(0.1, 0.7, 7), np.array([0.5, 1.0])
    line = np.stack([0.5 * (1 - at), 1 - at])
    found = summary.area(at, line, full)
    assert found is not None
    assert found == pytest.approx((0.6, 0, 0.6, 0), abs=1e-12)
    parabola = summary.area(at, np.stack([0.5 * at**2, at**2]), full)
    assert parabola is not None
    assert parabola.simpson == pytest.approx((0.7**3 - 0.1**3) / 3 / 0.6)
    assert parabola.trapezoid > parabola.simpson
    assert summary.area(at[:1], line[:, :1], full) is None


def test_paired_intervals() -> None:
    """Differences 1, 2, 3: mean 2, reach t(.975, 2) / sqrt(3) = 2.484; none of a single pair."""
    found = summary.paired(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert found == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-3)
    alone = summary.paired(np.array([1.0]), np.array([0.0]))
    assert alone.mean == 1
    assert math.isnan(alone.low)
    assert not alone.is_no_loss


def test_the_fall_is_where_the_share_predicts_it_or_said_not_to_be() -> None:
    """10 % injected, windows of 40 %: predicted beyond 0.5; found there, elsewhere or nowhere."""

    def effects(first: int | None) -> list[NoiseEffect]:
        starts = ("0.3", "0.4", "0.5", "0.6")
        return [
            NoiseEffect(
                "aum", s, -0.1, 0.0, -0.2, -0.05 if first is not None and n >= first else 0.1, 3
            )
            for n, s in enumerate(starts)
        ]

    there = conclude("aum", effects(3), 0.5, 0.9)
    assert there.shown == "0.6"
    assert (
        "it begins there. The hardest images, as many as injected errors, include 90%" in there.text
    )
    early = conclude("aum", effects(1), 0.5, 0.9)
    assert early.shown is None
    assert "it begins 2 steps earlier" in early.text
    assert "not shown" in conclude("aum", effects(None), 0.5, 0.9).text
    assert "this sweep has no such window" in conclude("aum", effects(None), 0.6, 0.9).text
