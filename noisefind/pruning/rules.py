"""Rules of a selection, and how repeated command-line options are read as rules.

`selection.select` applies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from noisefind.config import parse_share
from noisefind.errors import ConfigError
from noisefind.scores import SCORES
from noisefind.utils.text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
RuleKind = Literal["noise", "hardest", "easiest", "random", "coverage", "duplicates", "window"]

DEFAULT_SCORE = "aum"
_SIMPLE = ("noise", "duplicates")
_NEED_SCORE = ("hardest", "easiest", "coverage")
_NEED_FRACTION = (*_NEED_SCORE, "random")


@dataclass(frozen=True)
class Rule:
    """One step of a selection, for ``select``; ``str(rule)`` is the reason in its result.

    Attributes:
        kind: which images are dropped.
            ``noise``: every label issue.
            ``duplicates``: all but the easiest image of each group of duplicates.
            ``hardest``, ``easiest``: ``fraction`` of all images from that end of the order by the
            score ``by``.
            ``random``: ``fraction`` of all images by chance.
            ``coverage``: ``fraction`` of all images by coverage-centric coreset selection (Zheng et
            al. 2023).
            ``window``: every image outside of ``window``.
        fraction: share of all N images to drop, 0 to 1: ``round(fraction * N)`` images.
        by: name of the score that orders the images; "" for ``noise``, ``duplicates``, ``random``.
        seed: seed of the random choices and of the order of equal images.
        window: ``(low, high)``, ``0 <= low < high <= 1``. All N images are in order from the
            easiest (0) to the hardest (1). Positions from ``round(low * N)`` to before
            ``round(high * N)`` stay.

    Raises:
        ConfigError: ``fraction`` or ``window`` is out of range.
        ValueError: a kind that orders the images has no ``by``, or another kind has one.

    Examples:
        >>> from noisefind.pruning import Rule
        >>> str(Rule("hardest", 0.3, by="aum"))
        'hardest 0.3 by aum'
        >>> str(Rule("window", by="aum", window=(0.2, 0.8)))
        'outside window 0.2:0.8 by aum'
    """

    kind: RuleKind
    fraction: float = 0.0
    by: str = ""
    seed: int = 0
    window: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:  # also refuses NaN
            raise ConfigError(
                f"{self.kind}: the fraction to drop is {self.fraction}, must be from 0 to 1"
            )
        if (self.kind in (*_NEED_SCORE, "window")) != bool(self.by):
            raise ValueError(f"{self.kind}: by is {self.by!r}")
        low, high = self.window
        if not 0 <= low < high <= 1:
            raise ConfigError(f"--window {low}:{high} must be LOW:HIGH with 0 <= LOW < HIGH <= 1")

    def __str__(self) -> str:
        if self.kind in _SIMPLE:
            return self.kind
        if self.kind == "random":
            return f"random {self.fraction} seed {self.seed}"
        if self.kind == "window":
            return f"outside window {self.window[0]}:{self.window[1]} by {self.by}"
        return f"{self.kind} {self.fraction} by {self.by}"


def rules_from_options(
    drop: Sequence[str],
    fraction: Sequence[float] = (),
    by: Sequence[str] = (),
    window: str | None = None,
    *,
    seed: int,
    known_scores: Sequence[str],
) -> list[Rule]:
    """Rules from repeated command-line options.

    ``--fraction`` belongs to hardest, easiest, coverage and random; ``--by`` to the first three.
    Values are matched in order to the drops that need them, and a single value counts for all.
    ``window`` (``LOW:HIGH``) comes after the drops. It takes the last ``--by``, which may be an
    additional one. Without ``--by`` the score is ``aum``. Without any option there is no rule.

    Raises:
        ConfigError: too few or too many values, an unknown score or drop, or a value out of range.
    """
    for kind in drop:
        if kind not in (*_SIMPLE, *_NEED_FRACTION):
            known = ", ".join((*_SIMPLE, *_NEED_FRACTION))
            raise ConfigError(f"--drop {kind!r}: must be one of {known}")
    fractions = iter(_one_each("--fraction", fraction, [k for k in drop if k in _NEED_FRACTION]))
    users = [kind for kind in drop if kind in _NEED_SCORE]
    if window is not None:
        by = [*by, by[-1]] if by and len(by) == len(users) else by
        users.append("window")
    by = by or [DEFAULT_SCORE] * len(users)
    for name in by:
        if name not in known_scores:
            raise ConfigError(
                f"--by {shortened(name)} {_why_unknown(name)}: one of {', '.join(known_scores)}"
            )
    scores = iter(_one_each("--by", by, users))
    rules = [
        Rule(
            kind,  # type: ignore[arg-type]  # checked above
            fraction=next(fractions) if kind in _NEED_FRACTION else 0.0,
            by=next(scores) if kind in _NEED_SCORE else "",
            seed=seed,
        )
        for kind in drop
    ]
    if window is not None:
        rules.append(Rule("window", by=next(scores), seed=seed, window=_parse_window(window)))
    return rules


def _why_unknown(name: str) -> str:
    if name not in SCORES:
        return "is no known score"
    return f"needs predictions of several {SCORES[name].needs}, and the run has one"


def _one_each(option: str, values: Sequence[T], users: Sequence[str]) -> list[T]:
    """``values`` matched to the rules that use them; ConfigError if the numbers do not agree."""
    if len(values) == 1 and users:
        return [values[0]] * len(users)
    if users and not values:
        raise ConfigError(f"{', '.join(users)}: give {option}, such as {option} 0.3")
    if len(values) != len(users):
        need = f"these need one each: {', '.join(users)}" if users else "no rule here takes it"
        raise ConfigError(f"{option} is given {len(values)} times, but {need}")
    return list(values)


def _parse_window(text: str) -> tuple[float, float]:
    """``LOW:HIGH`` as two numbers; ConfigError if it is anything else."""
    try:
        low, high = (float(parse_share(part)) for part in text.split(":"))
    except ValueError:
        raise ConfigError(
            f"--window {text!r} must be LOW:HIGH, such as 0.3:0.7 or 30%:70%"
        ) from None
    return low, high
