"""Which images stay: by hand on small inputs, and laws over many."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisefind.errors import ConfigError
from noisefind.pruning.rules import Rule, rules_from_options
from noisefind.pruning.selection import Selection, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SCORES = ("el2n", "aum")
NOISE = Rule("noise")


def images(
    difficulty: Sequence[float] | NDArray[Any],
    labels: Sequence[int] | NDArray[Any] | None = None,
    issues: Sequence[int] = (),
    tie_breaker: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Arguments of `select` for images a0, a1 …, all of one class unless said otherwise."""
    n = len(difficulty)
    return {
        "ids": [f"a{row}" for row in range(n)],
        "labels": np.zeros(n, np.int64) if labels is None else np.asarray(labels, np.int64),
        "is_label_issue": np.isin(np.arange(n), issues),
        "difficulty": dict.fromkeys(SCORES, np.asarray(difficulty, np.float64)),
        "tie_breaker": np.asarray(np.zeros(n) if tie_breaker is None else tie_breaker, np.float64),
    }


def kept(rules: Sequence[Rule], data: dict[str, Any], **options: Any) -> list[int]:
    return np.flatnonzero(select(rules, **data, **options).keep).tolist()


@st.composite
def data_sets(draw: st.DrawFn) -> dict[str, Any]:
    """Up to 60 images of up to 5 classes, of which some are small or empty; many ties."""
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    data = images(
        rng.integers(0, 4, n),
        np.minimum(rng.geometric(0.5, n), draw(st.integers(1, 5))) - 1,
        np.flatnonzero(rng.random(n) < 0.3).tolist(),
        rng.integers(0, 3, n).tolist(),
    )
    data["difficulty"]["aum"] = rng.normal(size=n)
    return data


fractions = st.sampled_from([0.0, 0.05, 0.29, 0.3, 0.5, 0.57, 0.9, 0.99])
fraction_rules = st.one_of(
    st.builds(
        Rule,
        st.sampled_from(["hardest", "easiest", "coverage"]),
        fractions,
        st.sampled_from(SCORES),
    ),
    st.builds(Rule, st.just("random"), fractions, seed=st.integers(0, 3)),
)
windows = st.tuples(fractions, fractions).filter(lambda edges: edges[0] < edges[1])
any_rules = st.one_of(
    st.just(NOISE),
    fraction_rules,
    st.builds(
        lambda by, window: Rule("window", by=by, window=window), st.sampled_from(SCORES), windows
    ),
)
law = settings(max_examples=60, deadline=None)


# By hand


def test_noise_drops_the_issues_and_nothing_else() -> None:
    """The noise rule drops exactly the label issues, whatever their difficulty."""
    assert kept([NOISE], images([9, 0, 5, 7], issues=[1, 2])) == [0, 3]


@pytest.mark.parametrize(
    ("kind", "expected"), [("hardest", [1, 2, 4]), ("easiest", [0, 3, 4])], ids=str
)
def test_hardest_and_easiest_drop_their_end(kind: Any, expected: list[int]) -> None:
    """High difficulty is hard: two of five go from the named end."""
    assert kept([Rule(kind, 0.4, "el2n")], images([8, 1, 2, 9, 5])) == expected


def test_fractions_are_of_all_images() -> None:
    """After noise took 2 of 10, hardest 0.3 still drops 3, not round(0.3 * 8) = 2."""
    rules = [NOISE, Rule("hardest", 0.3, "el2n")]
    assert kept(rules, images(range(10), issues=[0, 9])) == [1, 2, 3, 4, 5]


def test_fractions_are_rounded_not_cut() -> None:
    """0.57 of 100 is 57 although 0.57 * 100 is 56.99…; 0.56 and 0.57 differ, as do windows."""
    data = images(range(100))
    n_kept = [len(kept([Rule("easiest", f, "el2n")], data)) for f in (0.56, 0.57)]
    assert n_kept == [44, 43]
    ends = [kept([Rule("window", by="el2n", window=(0, f))], data)[-1] for f in (0.56, 0.57)]
    assert ends == [55, 56]


def test_a_window_keeps_its_positions_of_the_order() -> None:
    """0.3:0.7 of ten images keeps the positions 3 to 6 from the easiest."""
    rules = [Rule("window", by="el2n", window=(0.3, 0.7))]
    assert kept(rules, images(np.arange(10)[::-1])) == [3, 4, 5, 6]


def test_a_window_counts_the_positions_of_all_images() -> None:
    """What an earlier rule dropped still has its position: the window's edges do not move."""
    rules = [NOISE, Rule("window", by="el2n", window=(0.3, 0.7))]
    assert kept(rules, images(range(10), issues=[0, 1, 4])) == [3, 5, 6]


def test_ties_go_to_the_finer_score() -> None:
    """Of three equally hard images the one with the highest tie-breaker is dropped."""
    data = images([1, 1, 1, 0], tie_breaker=[0.2, 0.9, 0.5, 1.0])
    assert kept([Rule("hardest", 0.25, "el2n")], data) == [0, 2, 3]


def test_ties_do_not_choose_classes() -> None:
    """On a class-sorted set with integer scores, each class has about its share of each window.

    20 classes of 100, all scores 0 or 1. A stable sort would leave 8 classes in a window of 40 %.
    """
    data = images(np.tile([0, 1], 1000), np.repeat(np.arange(20), 100))
    for low in (0.0, 0.2, 0.4, 0.6):
        rows = kept([Rule("window", by="el2n", window=(low, low + 0.4))], data)
        counts = np.bincount(data["labels"][rows], minlength=20)
        # 40 expected of each class; the standard deviation is below sqrt(100 * 0.4 * 0.6) = 4.9.
        assert counts.min() > 40 - 25
        assert counts.max() < 40 + 25


def test_seeds_decide_chance() -> None:
    """Another seed drops other images and breaks ties otherwise; the same seed the same."""
    data = images(np.zeros(200))
    for rule in (Rule("random", 0.5), Rule("hardest", 0.5, "el2n"), Rule("coverage", 0.5, "el2n")):
        first, again, other = (kept([replace(rule, seed=s)], data) for s in (1, 1, 2))
        assert first == again
        assert len(set(first) & set(other)) < 75  # 50 expected, standard deviation 3.5


def test_coverage_cuts_the_hardest_then_samples_evenly() -> None:
    """0.12 of 1000 drops 120: the 40 hardest, then 80 more, all from the stratum of 900.

    The budget of 880 gives the stratum of 60 all it has and hands the rest on: 60 + 820.
    """
    data = images([*np.zeros(900), *np.ones(60), *np.full(40, 2.0)])
    rows = np.array(kept([Rule("coverage", 0.12, "el2n")], data))
    assert np.bincount(data["difficulty"]["el2n"][rows].astype(int)).tolist() == [820, 60]


def test_coverage_budgets_are_the_papers() -> None:
    """Per stratum as many are kept as by the loop of the paper's code, from the smallest up."""
    rng = np.random.default_rng(5)
    values = rng.lognormal(sigma=2.0, size=3001)
    rows = np.array(kept([Rule("coverage", 0.6, "el2n")], images(values)))
    rest = np.sort(values)[: 3001 - round(0.2 * 3001)]
    edges = np.linspace(rest[0], rest[-1], 51)
    edges[-1] += 1e-9
    sizes = np.histogram(rest, edges)[0]
    budgets = np.zeros(50, int)
    left = 3001 - round(0.6 * 3001)
    for n_before, stratum in enumerate(np.argsort(sizes, kind="stable")):
        budgets[stratum] = min(sizes[stratum], left // (50 - n_before))
        left -= budgets[stratum]
    actual = np.histogram(values[rows], edges)[0]
    # Strata of equal size may swap the one image that the division leaves over.
    assert sorted(zip(sizes.tolist(), budgets.tolist(), strict=True)) == sorted(
        zip(sizes.tolist(), actual.tolist(), strict=True)
    )
    assert len(set(budgets.tolist())) > 3


def test_floors_spare_the_last_choices_and_others_go_instead() -> None:
    """Class 1 lies at the hard end: its easiest stays, the next hardest of class 0 goes."""
    data = images([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
    assert kept([Rule("hardest", 0.4, "el2n")], data) == [0, 1, 2, 3, 4, 7]
    assert kept([Rule("hardest", 0.4, "el2n")], data, min_per_class=0) == [0, 1, 2, 3, 4, 5]
    assert kept([Rule("hardest", 0.4, "el2n")], data, min_per_class=3) == [0, 1, 2, 7, 8, 9]


def test_a_window_replaces_what_floors_spare_from_its_edges() -> None:
    """Class 1 lies outside of 0.3:0.7: its nearest image stays, one at the window's edge goes."""
    data = images(range(10), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    assert kept([Rule("window", by="el2n", window=(0.3, 0.7))], data) == [3, 4, 5, 8]


def test_noise_drops_fewer_where_a_class_would_vanish() -> None:
    """A class of issues only keeps the easiest of them, and no clean image goes instead."""
    data = images([0, 0, 0, 0], [0, 0, 1, 1], issues=[2, 3], tie_breaker=[9, 9, 1, 2])
    assert kept([NOISE], data) == [0, 1, 2]


def test_floors_hold_over_all_rules_together() -> None:
    """Two rules that would each leave one of a class do not take that one between them."""
    data = images([0, 1, 2, 3], [0, 0, 1, 1], issues=[3])
    assert kept([NOISE, Rule("hardest", 0.5, "el2n")], data) == [0, 2]


def test_balance_works_within_each_class() -> None:
    """Half of each class goes, its own hardest half, though class 1 is harder throughout."""
    data = images([0, 1, 2, 3, 10, 11, 12, 13], [0, 0, 0, 0, 1, 1, 1, 1])
    assert kept([Rule("hardest", 0.5, "el2n")], data, balance=True) == [0, 1, 4, 5]
    rules = [Rule("window", by="el2n", window=(0.25, 0.75))]
    assert kept(rules, data, balance=True) == [1, 2, 5, 6]


def test_balance_hands_on_what_floors_hold_back() -> None:
    """Of 4 to drop class 1 should give 1, but may give none: all come from class 0."""
    data = images(range(8), [0, 0, 0, 0, 0, 0, 1, 1])
    rules = [Rule("hardest", 0.5, "el2n")]
    assert kept(rules, data, balance=True, min_per_class=2) == [0, 1, 6, 7]


def test_reasons_name_the_rule_that_dropped() -> None:
    """A dropped image carries the rule, its numbers and its score; a kept one nothing."""
    rules = [
        NOISE,
        Rule("hardest", 0.1, "el2n"),
        Rule("random", 0.1, seed=1),
        Rule("window", by="aum", window=(0.0, 0.9)),
    ]
    reasons = select(rules, **images(range(10), issues=[4])).reasons
    assert reasons[4] == "noise"
    assert reasons[9] == "hardest 0.1 by el2n"
    assert reasons.count("random 0.1 seed 1") == 1
    assert str(Rule("coverage", 0.5, "aum")) == "coverage 0.5 by aum"
    assert str(rules[3]) == "outside window 0.0:0.9 by aum"
    assert reasons.count("") == 7


# Laws


@law
@given(data_sets(), fraction_rules, st.booleans(), st.integers(0, 4))
def test_counts_are_exact(data: dict[str, Any], rule: Rule, balance: bool, floor: int) -> None:
    """round(fraction * N) images go, or all that the floors can spare if these are fewer."""
    spare = np.maximum(np.bincount(data["labels"]) - floor, 0).sum()
    expected = min(round(rule.fraction * len(data["ids"])), spare)
    keep = select([rule], **data, balance=balance, min_per_class=floor).keep
    assert (~keep).sum() == expected


@law
@given(data_sets(), windows, st.booleans())
def test_windows_have_their_size(
    data: dict[str, Any],
    window: tuple[float, float],
    balance: bool,
) -> None:
    """Without floors a window keeps round(high * N) - round(low * N), balanced or not."""
    n = len(data["ids"])
    rules = [Rule("window", by="el2n", window=window)]
    expected = round(window[1] * n) - round(window[0] * n)
    assert len(kept(rules, data, balance=balance, min_per_class=0)) == expected


@law
@given(data_sets(), fractions)
def test_windows_agree_with_easiest(data: dict[str, Any], fraction: float) -> None:
    """Dropping the easiest f and keeping the window f:1 are the same thing."""
    window = Rule("window", by="el2n", window=(fraction, 1.0))
    expected = kept([Rule("easiest", fraction, "el2n")], data, min_per_class=0)
    assert kept([window], data, min_per_class=0) == expected


@law
@given(data_sets(), st.lists(any_rules, max_size=4), st.booleans(), st.integers(0, 4))
def test_floors_always_hold(
    data: dict[str, Any],
    rules: list[Rule],
    balance: bool,
    floor: int,
) -> None:
    """No class falls under the floor, or loses anything if it lay under it from the start."""
    keep = select(rules, **data, balance=balance, min_per_class=floor).keep
    before = np.bincount(data["labels"])
    after = np.bincount(data["labels"][keep], minlength=len(before))
    assert (after >= np.minimum(before, floor)).all()


@law
@given(data_sets(), st.lists(any_rules, max_size=3), st.booleans(), st.randoms())
def test_the_order_of_rows_does_not_matter(
    data: dict[str, Any],
    rules: list[Rule],
    balance: bool,
    random: Any,
) -> None:
    """Shuffled rows give the same kept ids and the same reasons."""
    order = list(range(len(data["ids"])))
    random.shuffle(order)
    shuffled = {
        "ids": [data["ids"][row] for row in order],
        "difficulty": {name: values[order] for name, values in data["difficulty"].items()},
        **{name: data[name][order] for name in ("labels", "is_label_issue", "tie_breaker")},
    }
    expected = dict(zip(data["ids"], select(rules, **data, balance=balance).reasons, strict=True))
    actual = select(rules, **shuffled, balance=balance).reasons
    assert dict(zip(shuffled["ids"], actual, strict=True)) == expected


@law
@given(data_sets(), st.lists(any_rules, max_size=4), st.booleans())
def test_dropped_means_a_reason(data: dict[str, Any], rules: list[Rule], balance: bool) -> None:
    """Each image is either kept or has one of the rules as its reason."""
    selection = select(rules, **data, balance=balance)
    assert [reason == "" for reason in selection.reasons] == selection.keep.tolist()
    assert set(selection.reasons) <= {"", *map(str, rules)}


@law
@given(data_sets(), st.lists(any_rules, min_size=1, max_size=4), st.booleans())
def test_a_further_rule_only_drops(data: dict[str, Any], rules: list[Rule], balance: bool) -> None:
    """What a rule dropped stays dropped, with its reason; noise twice is noise once."""
    before = select(rules[:-1], **data, balance=balance)
    after = select(rules, **data, balance=balance)
    assert [b for b in before.reasons if b] == [
        a for a, b in zip(after.reasons, before.reasons, strict=True) if b
    ]
    twice: Selection = select([NOISE, NOISE], **data, balance=balance)
    assert twice.reasons == select([NOISE], **data, balance=balance).reasons


@law
@given(data_sets(), fraction_rules)
def test_balance_keeps_shares(data: dict[str, Any], rule: Rule) -> None:
    """Every class gives its proportional share of the dropped, to within one image."""
    keep = select([rule], **data, balance=True, min_per_class=0).keep
    sizes = np.bincount(data["labels"])
    dropped = np.bincount(data["labels"][~keep], minlength=len(sizes))
    shares = dropped.sum() * sizes / sizes.sum()
    assert (np.abs(dropped - shares) < 1).all()


@law
@given(data_sets(), st.integers(0, 3))
def test_balance_does_nothing_to_noise(data: dict[str, Any], floor: int) -> None:
    """Noise is where it is: balance changes nothing."""
    expected = kept([NOISE], data, min_per_class=floor)
    assert kept([NOISE], data, balance=True, min_per_class=floor) == expected


def test_many_rows_and_classes_take_seconds() -> None:
    """Nothing is quadratic: 200,000 images of 20,000 classes, all rules, in well under 10 s."""
    n = 200_000
    rng = np.random.default_rng(0)
    data = images(rng.normal(size=n), np.arange(n) % 20_000, range(0, n, 50))
    rules = [NOISE, Rule("coverage", 0.3, "aum"), Rule("window", by="el2n", window=(0.1, 0.9))]
    start = time.process_time()
    assert len(kept(rules, data, balance=True)) > 0
    assert time.process_time() - start < 10


# What is refused


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("column", ["el2n", "tie_breaker"])
def test_scores_must_be_finite(bad: float, column: str) -> None:
    """NaN and infinity have no place in an order: a ValueError names the column."""
    data = images([0.0, 1.0])
    {**data["difficulty"], "tie_breaker": data["tie_breaker"]}[column][1] = bad
    with pytest.raises(ValueError, match=f"{column} must be finite"):
        select([Rule("hardest", 0.5, "el2n")], **data)


def test_rows_must_match() -> None:
    """Repeated ids, lengths that differ and missing scores are a programmer's mistakes."""
    data = images([0.0, 1.0])
    with pytest.raises(ValueError, match="unique"):
        select([NOISE], **{**data, "ids": ["a", "a"]})
    with pytest.raises(ValueError, match="labels must have shape"):
        select([NOISE], **{**data, "labels": np.zeros(3, np.int64)})
    with pytest.raises(ValueError, match="'loss'"):
        select([Rule("hardest", 0.5, "loss")], **data)
    with pytest.raises(ValueError, match="by is ''"):
        Rule("hardest", 0.5)


@pytest.mark.parametrize("fraction", [-0.1, 1.01, 57, float("nan")])
def test_fractions_out_of_range_are_refused(fraction: float) -> None:
    """A fraction is from 0 to 1; the message names the rule and the value."""
    with pytest.raises(ConfigError, match=f"random: the fraction to drop is {fraction}"):
        Rule("random", fraction)


@pytest.mark.parametrize("window", [(0.5, 0.5), (0.7, 0.3), (-0.1, 0.5), (0.5, 1.1)])
def test_windows_out_of_range_are_refused(window: tuple[float, float]) -> None:
    """A window has 0 <= low < high <= 1."""
    with pytest.raises(ConfigError, match=f"window {window[0]}:{window[1]} must be"):
        Rule("window", by="aum", window=window)


def test_negative_floors_are_refused() -> None:
    """A floor below 0 is a mistake of the user's, said with its value."""
    with pytest.raises(ConfigError, match="min-per-class is -1"):
        select([NOISE], **images([0.0]), min_per_class=-1)


# Options of the command line


@pytest.mark.parametrize(
    ("drop", "fraction", "by", "window", "expected"),
    [
        ("noise", [], "", None, ["noise"]),
        (
            "noise hardest coverage",
            [0.3, 0.5],
            "el2n aum",
            "0.3:0.7",
            [
                "noise",
                "hardest 0.3 by el2n",
                "coverage 0.5 by aum",
                "outside window 0.3:0.7 by aum",
            ],
        ),
        (
            "random easiest hardest",
            [0.2],
            "",
            None,
            ["random 0.2 seed 1", "easiest 0.2 by aum", "hardest 0.2 by aum"],
        ),
        (
            "easiest hardest",
            [0.1, 0.2],
            "el2n",
            "0:1",
            ["easiest 0.1 by el2n", "hardest 0.2 by el2n", "outside window 0.0:1.0 by el2n"],
        ),
        (
            "hardest",
            [0.1],
            "el2n aum",
            "0:.5",
            ["hardest 0.1 by el2n", "outside window 0.0:0.5 by aum"],
        ),
        ("", [], "", "0.2:0.4", ["outside window 0.2:0.4 by aum"]),
    ],
)
def test_options_are_matched_in_order(
    drop: str, fraction: list[float], by: str, window: str | None, expected: list[str]
) -> None:
    """Fractions and scores go to the drops that need them; a single one serves all."""
    rules = rules_from_options(
        drop.split(), fraction, by.split(), window, seed=1, known_scores=SCORES
    )
    assert [str(rule) for rule in rules] == expected
    assert {rule.seed for rule in rules} == {1}


@pytest.mark.parametrize(
    ("drop", "fraction", "by", "window", "message"),
    [
        ("hardest", [], "", None, "hardest: give --fraction, such as"),
        ("hardest easiest random", [0.1, 0.2], "", None, "need one each: hardest, easiest, random"),
        ("noise", [0.1], "", None, "--fraction is given 1 times, but no rule here takes it"),
        ("random", [0.1], "aum", None, "--by is given 1 times, but no rule here takes it"),
        ("hardest", [0.1], "aum el2n aum", "0:1", "these need one each: hardest, window"),
        ("hardest", [0.1], "hardness", None, "--by 'hardness' is no known score: one of el2n, aum"),
        ("hardest", [1.5], "", None, "hardest: the fraction to drop is 1.5"),
        ("window", [], "", None, "--drop 'window': must be one of noise, duplicates, hardest"),
        ("", [], "", "0.3-0.7", "--window '0.3-0.7' must be LOW:HIGH"),
        ("", [], "", "0.7:0.3", "window 0.7:0.3 must be LOW:HIGH"),
    ],
)
def test_options_that_do_not_match_are_refused(
    drop: str, fraction: list[float], by: str, window: str | None, message: str
) -> None:
    """Too few, too many or unknown values: one line that names the option and what needs it."""
    with pytest.raises(ConfigError, match=message) as caught:
        rules_from_options(drop.split(), fraction, by.split(), window, seed=1, known_scores=SCORES)
    assert "\n" not in str(caught.value)


def test_what_is_gone_counts_but_is_not_dropped_again() -> None:
    """Of ten, the two hardest are gone before: hardest 0.3 drops the next three, no reason given.

    A window keeps its positions among all ten, and the class floor counts what is left.
    """
    data = images(range(10))
    gone = np.arange(10) >= 8
    chosen = select([Rule("hardest", 0.3, "el2n")], **data, is_gone=gone)
    assert np.flatnonzero(chosen.keep).tolist() == [0, 1, 2, 3, 4]
    assert chosen.reasons[8:] == ["", ""]
    window = [Rule("window", by="el2n", window=(0.5, 1.0))]
    assert kept(window, data, is_gone=gone) == [5, 6, 7]
    assert kept([Rule("hardest", 0.9, "el2n")], data, is_gone=gone, min_per_class=4) == [0, 1, 2, 3]


def test_a_window_in_percent() -> None:
    """30%:70% is 0.3:0.7."""
    (rule,) = rules_from_options((), window="30%:70%", seed=0, known_scores=SCORES)
    assert rule.window == (0.3, 0.7)
