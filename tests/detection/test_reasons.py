"""Reasons in plain words."""

from __future__ import annotations

import numpy as np

from noisefind.detection.reasons import Signs, reasons


def signs(n: int, **changed: object) -> Signs:
    """Images of class 0 with nothing to say against them, but for what is ``changed``."""
    quiet = Signs(
        np.ones(n), np.zeros(n, np.int64), np.ones(n), np.zeros(n, np.int64), np.ones(n),
        np.full(n, 10), np.ones(n), np.full(n, -1), np.zeros(n), np.full(n, -1),
        np.zeros(n, np.bool_),
    )  # fmt: skip
    return quiet._replace(**{name: np.array(value) for name, value in changed.items()})


def told(found: Signs) -> list[str]:
    n = len(found.twin)
    return reasons(found, np.zeros(n, np.int64), ["cat", "dog"], [f"{k}.png" for k in range(n)])


def test_nothing_fires_on_an_ordinary_image() -> None:
    """No sign, no reason."""
    assert told(signs(2)) == ["", ""]


def test_every_sign_has_its_words() -> None:
    """Each sign alone gives its own reason."""
    assert told(signs(1, held_out_prob=[0.4], held_out_class=[1])) == ["held out: dog"]
    assert told(signs(1, member_class=[1])) == ["ensemble: dog"]
    near = signs(1, neighbour_own_share=[0.2], neighbour_class=[1], neighbour_share=[0.7])
    assert told(near) == ["7 of 10 neighbours: dog"]
    assert told(signs(1, correctness=[0.0])) == ["never learned"]
    assert told(signs(1, correctness=[0.4])) == ["learned late"]
    assert told(signs(1, is_outlier=[True])) == ["unlike anything else"]


def test_the_same_picture_under_another_label_names_it() -> None:
    """The other image and its class stand in the reason."""
    found = reasons(signs(2, twin=[1, 0]), np.array([0, 1]), ["cat", "dog"], ["a.png", "b.png"])
    assert found[0] == "same picture under dog: b.png"
    assert found[1].startswith("same picture under cat: a.png")


def test_several_signs_are_joined() -> None:
    """One line, with semicolons between the signs."""
    found = signs(1, held_out_prob=[0.1], held_out_class=[1], member_class=[1], correctness=[0.0])
    assert told(found) == ["held out: dog; ensemble: dog; never learned"]
