"""``noisefind prune``: from a run folder to a smaller or cleaner manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind.config import PruneConfig
from noisefind.data.table import is_table
from noisefind.errors import ConfigError, DataError, RunError
from noisefind.exports.formats import FILES, Export, check_exports, write_exports
from noisefind.pruning.decisions import DROPPED, RELABELLED, Review, read_decisions
from noisefind.pruning.manifest import (
    ClassCount,
    Manifest,
    Unreadable,
    check_out,
    class_counts,
    write_manifest,
)
from noisefind.pruning.rules import Rule, rules_from_options
from noisefind.pruning.selection import Selection, select
from noisefind.runs.folder import RunFolder
from noisefind.runs.images import image_root, reopen
from noisefind.scores import SCORES

if TYPE_CHECKING:
    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary


@dataclass(frozen=True)
class PruneResult:
    """What was, or would be, kept.

    Attributes:
        manifest: every image, and why it goes.
        counts: how many each class has and loses, by corrected labels.
        rules: what was applied after the decisions.
        review: what reviewers decided.
        n_spared: more would have gone but for ``--min-per-class``.
        output: the folder.
        files: the names of what was written there; none in a dry run.
        summary: run.json of the run that was pruned.
    """

    manifest: Manifest
    counts: list[ClassCount]
    rules: list[Rule]
    review: Review
    n_spared: int
    output: Path
    files: list[str]
    summary: RunSummary


def prune(
    run: str | Path,
    output: str | Path,
    config: PruneConfig | None = None,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> PruneResult:
    """Choose which images stay and write the manifest; images are only ever read.

    Args:
        run: the folder of a finished run.
        output: where to write; new or empty.
        config: the options; None for the defaults, which drop the suspected wrong labels.
        force: replace what an earlier prune wrote to ``output``.
        dry_run: write nothing.

    Raises:
        RunError: ``run`` is not a finished run, or ``output`` is in the way.
        ConfigError: the rules contradict each other.
        DataError: a format needs the images and they are not where they were; or a row of
            ``config.decisions`` cannot be meant.
    """
    config, folder, out = config or PruneConfig(), RunFolder(Path(run)), Path(output)
    _require_sense(config, folder, out)
    summary, ranking = folder.read_summary(), folder.read_ranking()
    known = (*SCORES, "label_score")
    rules = rules_from_options(
        config.drop, config.fraction, config.by, config.window, config.seed, known
    )
    files = [Path(name) for name in config.decisions]
    given = dict(zip(ranking.ids, ranking.given_labels, strict=True))
    review = read_decisions(files, summary.run_id, given)
    labels = review.labels(ranking.ids, ranking.given_labels)
    chosen = _select(ranking, labels, review, rules, config)
    unreadable = [Unreadable(*skipped) for skipped in folder.read_skipped() if skipped.label]
    manifest = Manifest(
        ranking.ids, labels, ranking.splits, chosen.keep, chosen.reasons,
        unreadable=unreadable, disagreements=review.disagreements,
    )  # fmt: skip
    root, table = Path(summary.root), is_table(Path(summary.data))
    check_out(out, root, ranking.ids, is_table=table, force=force)
    images = image_root(root, config.data)
    check_exports(config.format, ranking.ids, images)
    if not dry_run:
        is_tree = "imagefolder" in config.format
        write_manifest(
            manifest, out, data_root=root, is_table=table, formats=config.format,
            dataset=reopen(summary, folder, config.data) if is_tree else None,
            copy=config.copy, force=force,
            write_more=lambda partial: _write_exports(
                partial, config, manifest, ranking, review, images, summary.run_id
            ),
        )  # fmt: skip
    written = [] if dry_run else manifest.files(config.format)
    return PruneResult(
        manifest, class_counts(manifest), rules, review, chosen.n_spared, out, written, summary
    )


def _write_exports(
    folder: Path,
    config: PruneConfig,
    manifest: Manifest,
    ranking: Ranking,
    review: Review,
    images: Path,
    run_id: str,
) -> None:
    """What the formats of other tools ask for."""
    if FILES.keys().isdisjoint(config.format):
        return  # a million rows need not be sorted for nothing
    export = Export(manifest.rows(), ranking, review.decisions.keys(), images, run_id)
    write_exports(export, folder, config.format)


def _require_sense(config: PruneConfig, folder: RunFolder, out: Path) -> None:
    """Refuse what cannot be meant."""
    if out.resolve() == folder.path.resolve():
        raise RunError(f"{str(out)!r} is the run itself: choose another folder")
    if config.copy and "imagefolder" not in config.format:
        raise ConfigError("--copy is for --format imagefolder, which is not asked for")
    if config.data is not None and not config.data.exists():
        raise DataError(f"--data {config.data}: does not exist")


def _select(
    ranking: Ranking, labels: list[str], review: Review, rules: list[Rule], config: PruneConfig
) -> Selection:
    """Which rows of the ranking stay: first the review's decisions, then the rules on the rest.

    Equal scores are told apart by aum. A label that a reviewer confirmed or corrected is no issue
    any more; rules by difficulty count such images like all others.
    """
    ids, hardness = ranking.ids, ranking.hardness()
    is_gone, is_corrected = review.where(ids, "drop"), review.where(ids, "relabel")
    is_settled = is_corrected | review.where(ids, "keep")
    _, numbers = np.unique(np.array(labels, dtype=object), return_inverse=True)
    chosen = select(
        rules,
        ids=ids,
        labels=numbers.astype(np.int64),
        is_label_issue=ranking.is_label_issue & ~is_settled,
        difficulty=hardness,
        tie_breaker=hardness["aum"],
        duplicate_group=ranking.duplicate_groups,
        balance=config.balance,
        min_per_class=config.min_per_class,
        is_gone=is_gone,
    )
    reasons = chosen.reasons
    for row in np.flatnonzero(is_gone | (is_corrected & chosen.keep)).tolist():
        reasons[row] = DROPPED if is_gone[row] else RELABELLED
    return chosen
