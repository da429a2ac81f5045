"""Reasons: which codes apply, and their words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from noisefind.detection.label_issues import Evidence
from noisefind.detection.reasons import CODES, Indicators, Reason, find_reasons, reasons_of


def texts(n: int = 1, labels: tuple[int, ...] = (0,), **changed: object) -> list[list[str]]:
    """The reasons of images with nothing against their labels, but for what is ``changed``."""
    y = np.resize(labels, n)
    one = np.ones(n)
    evidence = Evidence(one, y, one, one, y, y[:, None], one[:, None])
    indicators = Indicators(
        np.ones(n), np.full(n, 10), np.ones(n), np.full(n, -1), np.zeros(n), np.full(n, -1),
        np.zeros(n, np.bool_),
    )  # fmt: skip
    new = {name: np.array(value) for name, value in changed.items()}
    evidence = evidence._replace(**{k: v for k, v in new.items() if k in Evidence._fields})
    indicators = indicators._replace(**{k: v for k, v in new.items() if k in Indicators._fields})
    applies = find_reasons(evidence, indicators, y, new.get("suggested", y))
    assert applies.shape == (n, len(CODES))
    return [
        [
            str(reason)
            for reason in reasons_of(
                row, applies, evidence, indicators, labels=y, names=["cat", "dog"],
                ids=[f"{k}.png" for k in range(n)],
            )
        ]
        for row in range(n)
    ]  # fmt: skip


def test_no_reason_applies_to_an_ordinary_image() -> None:
    """Without an indicator there is no reason."""
    assert texts(2) == [[], []]


def test_every_code_has_its_words() -> None:
    """Each indicator alone gives its own reason."""
    to_dog: dict[str, Any] = {
        "loo_prob": [0.4],
        "loo_class": [1],
        "loo_class_prob": [0.6],
        "suggested": [1],
    }
    assert texts(**to_dog) == [["leave-one-out says dog 60 %"]]
    unsure = texts(loo_prob=[0.4], loo_class_prob=[0.4])
    assert unsure == [["leave-one-out is only 40 % sure of the given label"]]
    ensemble = texts(member_class=[1], member_prob=[0.7], suggested=[1])
    assert ensemble == [["the ensemble says dog 70 %"]]
    near: dict[str, Any] = {
        "neighbours_given": [0.2],
        "neighbours_class": [1],
        "neighbours_share": [0.7],
    }
    assert texts(**near, suggested=[1]) == [["the neighbours say dog 7 of 10"]]
    assert texts(correctness=[0.0]) == [["never learned"]]
    assert texts(correctness=[0.4]) == [["learned late"]]
    assert texts(is_outlier=[True]) == [["outlier"]]


def test_a_conflicting_duplicate_names_the_other_image() -> None:
    """The other image and its class are in the reason."""
    found = texts(2, (0, 1), conflicting_duplicate=[1, 0])
    assert found == [
        ["duplicate with label dog: 1.png"], ["duplicate with label cat: 0.png"]
    ]  # fmt: skip


def test_several_reasons_in_a_fixed_order() -> None:
    """They come in the order of the codes."""
    found = texts(loo_prob=[0.1], loo_class=[1], member_class=[1], correctness=[0.0], suggested=[1])
    assert found == [
        ["leave-one-out says dog 100 %", "the ensemble says dog 100 %", "never learned"]
    ]


@pytest.mark.parametrize(
    "source",
    [
        {"loo_prob": [0.4], "loo_class": [1]},
        {"member_class": [1]},
        {"neighbours_given": [0.2], "neighbours_class": [1], "neighbours_share": [0.7]},
    ],
)
def test_a_source_that_names_another_class_than_the_suggestion_disagrees(
    source: dict[str, Any],
) -> None:
    """The disagreement is said before the source; with the suggestion dog there is none."""
    assert [len(reasons) for reasons in texts(**source, suggested=[1])] == [1]
    (found,) = texts(**source, suggested=[0])
    assert found[0] == "sources disagree"
    assert "dog" in found[1]


def test_an_image_issue_is_a_reason_in_words() -> None:
    """The code of an image issue is written with spaces."""
    assert str(Reason("low_contrast")) == "low contrast"
