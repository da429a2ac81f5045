"""Reasons by hand: a reviewer's word comes first, then why a flagged image stays."""

from __future__ import annotations

import numpy as np
import pytest

from noisefind.pruning.decisions import Disagreement, Review
from noisefind.pruning.reasons import reasons_of
from noisefind.pruning.reviewed_tasks import Decision

REVIEW = Review(
    {"a": Decision("keep"), "b": Decision("relabel", "x"), "c": Decision("drop")},
    unsure=["d"],
    disagreements=[Disagreement("e", "keep", "", "1"), Disagreement("e", "drop", "", "2")],
)


@pytest.mark.parametrize(
    ("drops_noise", "unseen"),
    [(False, ["undecided", "undecided"]), (True, ["conflicting duplicates", "min-per-class"])],
)
def test_kept_images_say_why(drops_noise: bool, unseen: list[str]) -> None:
    """a to e are reviewed; f and g are flagged and unseen, f among conflicting duplicates."""
    reasons = reasons_of(
        [""] * 8, ids=list("abcdefgh"), keep=np.array([1, 1, 0, 1, 1, 1, 1, 1], dtype=bool),
        is_flagged=np.array([1, 0, 1, 1, 1, 1, 1, 0], dtype=bool),
        is_open=np.arange(8) == 5, drops_noise=drops_noise, review=REVIEW,
    )  # fmt: skip
    assert reasons == [
        "kept by review", "relabelled by review", "dropped by review", "unsure in review",
        "disputed in review", *unseen, "",
    ]  # fmt: skip


def test_the_rule_that_drops_a_reviewed_image_is_its_reason() -> None:
    """A rule by difficulty may drop what a reviewer kept: manifest.csv names the rule."""
    reasons = reasons_of(
        ["easiest"] * 3, ids=["a", "d", "e"], keep=np.zeros(3, dtype=bool),
        is_flagged=np.ones(3, dtype=bool), is_open=np.zeros(3, dtype=bool), drops_noise=True,
        review=REVIEW,
    )  # fmt: skip
    assert reasons == ["easiest"] * 3
