"""Contents of started.json (RunStart) and run.json (RunSummary), typed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from noisefind.config import ScoreConfig
from noisefind.data.view import ORDINARY, View
from noisefind.errors import ConfigError, RunError
from noisefind.runs.typed_json import HINT, from_object, read_object
from noisefind.utils.text import card, interval, with_share

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 2  # of run.json


@dataclass(frozen=True)
class EstimatedShare:
    """An estimated share and its 95 % interval, 0 to 1."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Sizes:
    """Sides in px of the images as stored, seen by the feature network, and trained on."""

    stored: int
    features: int
    network: int


@dataclass(frozen=True, kw_only=True)
class RunStart:
    """Identity of a run; a run can only be resumed while all of this is the same.

    Attributes:
        run_id: random, of the first start.
        version: of noisefind.
        data: as given, absolute where it is a path.
        root: what file names are relative to.
        fingerprint: of the images.
        labels: hash of the classes and the given labels.
        members: how many of each kind.
        weights: hash of the file of ``--weights``; None without it.
        predictions: hash of the files of ``--pred-probs`` or ``--record``; None without them.
        config: all options, as plain values.
    """

    run_id: str
    version: str
    data: str
    root: str
    fingerprint: str
    labels: str
    members: dict[str, int]
    weights: str | None
    predictions: str | None = None
    config: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            RunError: it cannot be read, a key is missing or has a value of the wrong type.
        """
        return cls.from_json(read_object(path), path)

    @classmethod
    def from_json(cls, values: dict[str, Any], path: Path) -> Self:
        """The instance for a JSON object that was read from ``path``.

        Raises:
            RunError: a key is missing or has a value of the wrong type.
        """
        return from_object(cls, values, path, HINT)

    def to_json(self) -> dict[str, Any]:
        """The JSON object; its keys are the fields, in their order."""
        return asdict(self)

    def score_config(self) -> ScoreConfig:
        """The options of the run.

        Raises:
            RunError: one has a value that is not allowed.
        """
        known = {option.name for option in fields(ScoreConfig)}
        try:
            return ScoreConfig(**{k: v for k, v in self.config.items() if k in known})
        except ConfigError as error:
            raise RunError(f"the config of run {self.run_id}: {error}; {HINT}") from None


@dataclass(frozen=True, kw_only=True)
class RunSummary(RunStart):
    """Content of run.json: identity of the run, settings and results.

    Attributes:
        finished: time, UTC.
        versions: of Python and of the packages that results depend on.
        device: or devices, separated by commas.
        threads: of the CPU.
        recipes: how each kind of member was trained.
        sizes: of the images.
        n_clusters: centres of ``km_distance``.
        n_images: scored images.
        classes: sorted names.
        n_skipped: files that were left out.
        n_label_issues: flagged labels; ``label_issue_share`` is their share of all.
        n_worth_a_look: further labels that a reviewer should see.
        seconds: of each stage, and ``total``.
        n_duplicate_groups: groups of (near) duplicates.
        n_conflicting_duplicates: images with a duplicate that has another label.
        n_outliers: images that are far from all others.
        n_image_issues: images that are dark, blurry, grey or the like.
        n_leaks: scored images that are in another split too; None (no key): not searched for.
        n_class_ties: ties of a class to brightness, size, folder and the like.
        noise_rate: estimated share of wrong labels.
        memorised: whether the members have memorised wrong labels.
        memorised_share: share of the doubted labels that they repeat; None where none is doubted.
        view: what is black and white in images of more than 8 bits.
    """

    finished: str
    versions: dict[str, str]
    device: str
    threads: int
    recipes: dict[str, dict[str, Any]]
    sizes: Sizes
    n_clusters: int
    n_images: int
    classes: list[str]
    n_skipped: int
    n_label_issues: int
    label_issue_share: float
    n_worth_a_look: int
    seconds: dict[str, float]
    n_duplicate_groups: int
    n_conflicting_duplicates: int
    n_outliers: int
    n_image_issues: int
    n_leaks: int | None = None
    n_class_ties: int = 0
    noise_rate: EstimatedShare
    memorised: bool
    memorised_share: float | None
    view: View = ORDINARY

    def __repr__(self) -> str:
        return card(f"RunSummary of {self.data}", **self.facts())

    def facts(self) -> dict[str, object]:
        """The most important results, as lines of a ``repr``."""
        rate = self.noise_rate
        found = {
            "duplicate groups": self.n_duplicate_groups,
            "outliers": self.n_outliers,
            "image issues": self.n_image_issues,
            "leaks": self.n_leaks,
            "files left out": self.n_skipped,
        }
        return {
            "images": f"{self.n_images:,} in {len(self.classes):,} classes",
            "label_issues": f"{with_share(self.n_label_issues, self.n_images)}, "
            f"{self.n_worth_a_look:,} more worth a look",
            "noise_rate": interval(rate.estimate, rate.low, rate.high),
            "also": ", ".join(f"{name}: {number:,}" for name, number in found.items() if number),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], path: Path) -> Self:
        """The instance for a JSON object that was read from ``path``.

        Raises:
            RunError: the format is another one, a key is missing or has a value of the wrong type.
        """
        found = values.get("format")
        if type(found) is not int or found != FORMAT:
            raise RunError(
                f"{path}: has format {found!r}, and this noisefind reads format {FORMAT}; {HINT}"
            )
        return super().from_json(values, path)

    def to_json(self) -> dict[str, Any]:
        """The JSON object; its keys are ``format`` and the fields, in their order."""
        values = {"format": FORMAT, **super().to_json()}
        if self.n_leaks is None:
            del values["n_leaks"]
        return values
