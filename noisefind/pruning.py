"""``noisefind prune``: from a run folder to a smaller or cleaner manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from noisefind.config import PruneConfig
from noisefind.data.table import is_table
from noisefind.decisions import DROPPED, RELABELLED, Disagreement, Review, read_decisions
from noisefind.errors import ConfigError, DataError, RunError
from noisefind.manifest import (
    ClassCount,
    Manifest,
    Unreadable,
    check_out,
    class_counts,
    write_manifest,
)
from noisefind.reopening import reopen
from noisefind.rules import Rule, rules_from_options
from noisefind.run import Ranking, RunFolder
from noisefind.scores import SCORES
from noisefind.selection import Selection, select


@dataclass(frozen=True)
class PruneResult:
    """What was, or would be, kept."""

    counts: list[ClassCount]
    rules: list[Rule]
    n_unreadable: int
    n_spared: int  # more would have gone but for --min-per-class
    output: Path
    summary: dict[str, Any]  # of the run that was pruned
    n_decided: int  # images that reviewers decided on
    disagreements: list[Disagreement]


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
        DataError: imagefolder is asked for and the images are not where they were.
    """
    config, folder, out = config or PruneConfig(), RunFolder(Path(run)), Path(output)
    _require_sense(config, folder, out)
    summary, ranking = folder.read_summary(), folder.read_ranking()
    known = (*SCORES, "label_score")
    rules = rules_from_options(
        config.drop, config.fraction, config.by, config.window, config.seed, known
    )
    files = [Path(name) for name in config.decisions]
    review = read_decisions(files, summary["run_id"], ranking.ids)
    labels = review.labels(ranking.ids, ranking.given_labels)
    chosen = _select(ranking, labels, review, rules, config)
    unreadable = [Unreadable(*skipped) for skipped in folder.read_skipped() if skipped.label]
    manifest = Manifest(
        ranking.ids, labels, ranking.splits, chosen.keep, chosen.reasons,
        unreadable=unreadable, disagreements=review.disagreements,
    )  # fmt: skip
    result = PruneResult(
        class_counts(manifest),
        rules,
        len(unreadable),
        chosen.n_spared,
        out,
        summary,
        len(review.decisions),
        review.disagreements,
    )
    root, source = Path(summary["root"]), Path(summary["data"])
    table = is_table(source)
    check_out(out, root, ranking.ids, is_table=table, force=force)
    if not dry_run:
        is_tree = "imagefolder" in config.format
        dataset = reopen(summary, folder, config.data) if is_tree else None
        write_manifest(
            manifest, out, data_root=root, is_table=table, formats=config.format,
            dataset=dataset, copy=config.copy, force=force,
        )  # fmt: skip
    return result


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
    stays = ~review.where(ranking.ids, "drop")
    is_corrected = review.where(ranking.ids, "relabel")
    is_settled = is_corrected | review.where(ranking.ids, "keep")
    rows = np.flatnonzero(stays)
    hardness = {name: values[rows] for name, values in ranking.hardness().items()}
    _, numbers = np.unique(np.array(labels, dtype=object)[rows], return_inverse=True)
    chosen = select(
        rules,
        ids=[ranking.ids[row] for row in rows.tolist()],
        labels=numbers.astype(np.int64),
        is_label_issue=(ranking.is_label_issue & ~is_settled)[rows],
        difficulty=hardness,
        tie_breaker=hardness["aum"],
        balance=config.balance,
        min_per_class=config.min_per_class,
    )
    keep, reasons = np.zeros(len(labels), dtype=np.bool_), [DROPPED] * len(labels)
    keep[rows] = chosen.keep
    for row, reason in zip(rows.tolist(), chosen.reasons, strict=True):
        reasons[row] = RELABELLED if not reason and is_corrected[row] else reason
    return Selection(keep, reasons, chosen.n_spared)
