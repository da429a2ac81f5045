"""Contents of started.json and run.json: the identity of a run, its settings and results."""

from __future__ import annotations

import hashlib
import platform
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from noisefind._version import __version__
from noisefind.runs.summary import EstimatedShare, RunStart, RunSummary
from noisefind.training.weights import file_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from noisefind.config import ScoreConfig
    from noisefind.data.dataset import Dataset
    from noisefind.runs.summary import Sizes
    from noisefind.scoring.ranking import Judgement
    from noisefind.similarity.findings import Findings
    from noisefind.training.recipe import Recipe

PACKAGES = ("torch", "torchvision", "timm", "numpy", "scikit-learn", "pillow")


class Means(NamedTuple):
    """Device, time and settings of the scoring."""

    device: str
    threads: int
    seconds: Mapping[str, float]  # of each stage
    sizes: Sizes
    recipes: Mapping[str, Recipe]
    n_clusters: int


def run_start(
    data: str | Path, config: ScoreConfig, dataset: Dataset, recipes: Mapping[str, Recipe]
) -> RunStart:
    """The identity of a run of ``dataset``, which was opened from ``data``."""
    labels = repr((dataset.classes, dataset.labels.tolist())).encode()
    return RunStart(
        run_id=uuid.uuid4().hex,
        version=__version__,
        data=str(Path(data).absolute()) if Path(data).exists() else str(data),
        root=str(dataset.root.absolute()),
        fingerprint=dataset.fingerprint,
        labels=hashlib.sha256(labels).hexdigest(),
        members={kind: recipe.members for kind, recipe in recipes.items()},
        weights=file_digest(config.weights) if config.weights else None,
        predictions=_predictions_digest(config),
        config=config.to_dict(),
    )


def _predictions_digest(config: ScoreConfig) -> str | None:
    """Hash of the predictions of the user, and of the ids and classes of those in .npy files."""
    files = [Path(name) for name in config.pred_probs]
    files += [file.with_suffix(".txt") for file in files if file.suffix.lower() == ".npy"]
    if files and config.class_names is not None:
        files.append(config.class_names)
    files = [file for file in files if file.is_file()]  # their reader refuses what is missing
    if config.record is not None:
        files = sorted(path for path in config.record.rglob("*") if path.is_file())
    if not files:
        return None
    return hashlib.sha256("".join(map(file_digest, files)).encode()).hexdigest()


def run_summary(
    start: RunStart, dataset: Dataset, judgement: Judgement, *, findings: Findings, means: Means
) -> RunSummary:
    """The summary of a run that has just been finished."""
    n_label_issues = int(judgement.ranking.is_label_issue.sum())
    issues, share = judgement.issues, judgement.issues.memorised_share
    return RunSummary(
        **vars(start),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        device=means.device,
        threads=means.threads,
        recipes={kind: asdict(recipe) for kind, recipe in means.recipes.items()},
        sizes=means.sizes,
        n_clusters=means.n_clusters,
        n_images=len(dataset),
        classes=list(dataset.classes),
        n_skipped=len(dataset.skipped),
        n_label_issues=n_label_issues,
        label_issue_share=round(n_label_issues / len(dataset), 6),
        n_worth_a_look=judgement.ranking.n_worth_a_look,
        seconds={**means.seconds, "total": round(sum(means.seconds.values()), 3)},
        n_duplicate_groups=findings.n_duplicate_groups,
        n_conflicting_duplicates=findings.n_conflicting_duplicates,
        n_outliers=int(findings.is_outlier.sum()),
        n_image_issues=sum(map(bool, findings.image_issues)),
        n_leaks=findings.n_leaks,
        n_class_ties=len(findings.ties),
        noise_rate=EstimatedShare(*(round(value, 6) for value in issues.noise_rate)),
        memorised=bool(issues.memorised),
        memorised_share=None if share is None else round(share, 6),
        view=dataset.view,
    )
