"""``noisefind prune``: from a run folder to a smaller or cleaner manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind.config import PruneConfig
from noisefind.errors import DataError, RunError
from noisefind.exports.formats import Export, check_exports, write_exports
from noisefind.exports.image_tree import require_tree, write_image_tree
from noisefind.pruning.decisions import Review, read_decisions
from noisefind.pruning.duplicates import conflicting_groups, is_undecided
from noisefind.pruning.folder import ALL_NAMES, TREE, names_written, open_prune_output
from noisefind.pruning.manifest import (
    ClassCount,
    Manifest,
    Unreadable,
    class_counts,
    write_manifest,
)
from noisefind.pruning.reasons import reasons_of
from noisefind.pruning.rules import Rule, rules_from_options
from noisefind.pruning.selection import Selection, select
from noisefind.runs.folder import RunFolder
from noisefind.runs.images import image_root, reopen
from noisefind.utils.text import card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary


@dataclass(frozen=True)
class PruneResult:
    """The images that are, or in a dry run would be, kept.

    Attributes:
        manifest: every image, and why it is dropped.
        counts: how many each class has and loses, by corrected labels.
        rules: what was applied after the decisions.
        review: what reviewers decided.
        n_undecided: flagged labels that no reviewer saw.
        n_spared: more would have gone but for ``--min-per-class``.
        n_conflicting: groups of duplicates that stay with different labels, undecided.
        output: the folder.
        files: the names of what was written there; none in a dry run.
        summary: run.json of the run that was pruned.
        config: the options.
    """

    manifest: Manifest
    counts: list[ClassCount]
    rules: list[Rule]
    review: Review
    n_undecided: int
    n_spared: int
    n_conflicting: int
    output: Path
    files: list[str]
    summary: RunSummary
    config: PruneConfig

    def __repr__(self) -> str:
        return card(
            f"PruneResult {self.output}",
            **self.manifest.facts(),
            rules=", then ".join(map(str, self.rules)) or "none but the decisions of reviewers",
            files=", ".join(self.files) or "none written",
        )


def prune(
    run: str | Path,
    output: str | Path,
    config: PruneConfig | None = None,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> PruneResult:
    """Choose the images to keep and write the manifest; images are only read.

    Args:
        run: the folder of a finished run.
        output: the output folder, new or empty.
        config: the options; None for the defaults, which drop the label issues. With
            ``decisions`` and no rule only the decisions count.
        force: replace the files that an earlier prune wrote to ``output``.
        dry_run: write nothing.

    Returns:
        The manifest, the numbers per class, the rules that were applied, and the files written.

    Raises:
        RunError: ``run`` is not a finished run, or ``output`` has files that would be in the way.
        ConfigError: the rules contradict each other.
        DataError: a format needs the images and they are not where they were, or a row of
            ``config.decisions`` is invalid.

    Examples:
        ```python
        config = noisefind.PruneConfig(drop=["noise", "hardest"], fraction=[0.1], by=["aum"])
        result = noisefind.prune("run", "clean", config)
        print(len(result.manifest.kept), result.files)
        ```
    """
    config, folder, out = config or PruneConfig(), RunFolder(Path(run)), Path(output)
    _require_sense(config, folder, out)
    summary, ranking = folder.read_summary(), folder.read_ranking()
    known = (*ranking.scores, "label_score")
    by_default = [] if config.decisions or config.window is not None else ["noise"]
    rules = rules_from_options(
        config.drop or by_default, config.fraction, config.by, config.window,
        seed=config.seed, known_scores=known,
    )  # fmt: skip
    files = [Path(name) for name in config.decisions]
    given = dict(zip(ranking.ids, ranking.given_labels, strict=True))
    review = read_decisions(files, summary.run_id, given)
    labels = review.labels(ranking.ids, ranking.given_labels)
    chosen = _select(ranking, labels, review, rules=rules, config=config)
    unreadable = [Unreadable(*skipped) for skipped in folder.read_skipped() if skipped.label]
    manifest = Manifest(
        ranking.ids, labels, ranking.splits, keep=chosen.keep, reasons=chosen.reasons,
        unreadable=unreadable, disagreements=review.disagreements,
    )  # fmt: skip
    root = Path(summary.root)
    output_folder = open_prune_output(out, root, Path(summary.data), ranking.ids, force=force)
    images = image_root(root, config.data)
    check_exports(config.format, ranking.ids, images)
    written: list[str] = []
    if not dry_run:
        tree_data = reopen(summary, folder, config.data) if TREE in config.format else None
        export = Export(
            manifest.rows, ranking, review.decisions.keys(), root=images, run_id=summary.run_id
        )
        with output_folder.write(ALL_NAMES) as partial:
            write_manifest(manifest, partial, config.format)
            if tree_data is not None:
                kept = [row[:3] for row in manifest.kept]
                write_image_tree(kept, partial / TREE, tree_data, copy=config.copy)
            write_exports(export, partial, config.format)
        written = names_written(config.format, has_disagreements=bool(review.disagreements))
    return PruneResult(
        manifest, class_counts(manifest), rules, review,
        n_undecided=int((ranking.is_label_issue & ~review.seen(ranking.ids)).sum()),
        n_spared=chosen.n_spared, n_conflicting=_n_conflicting(ranking, labels, chosen, review),
        output=out, files=written, summary=summary, config=config,
    )  # fmt: skip


def n_left_out(ranking: Ranking, run_id: str) -> int:
    """Number of images that :func:`prune` leaves out of a run with its defaults."""
    review = read_decisions([], run_id, {})
    rules = rules_from_options(["noise"], [], [], None, seed=0, known_scores=())
    chosen = _select(ranking, ranking.given_labels, review, rules=rules, config=PruneConfig())
    return int((~chosen.keep).sum())


def _require_sense(config: PruneConfig, folder: RunFolder, out: Path) -> None:
    """Refuse options that contradict each other."""
    if out.resolve() == folder.path.resolve():
        raise RunError(f"{str(out)!r} is the run itself: choose another folder")
    require_tree(config.format, copy=config.copy)
    if config.data is not None and not config.data.exists():
        raise DataError(f"--data {config.data}: does not exist")


def _select(
    ranking: Ranking, labels: list[str], review: Review, *, rules: list[Rule], config: PruneConfig
) -> Selection:
    """Select rows of the ranking: first by the decisions of a review, then the rest by the rules.

    Ties of a score are broken by aum. Where every image of a group of duplicates with different
    labels is a label issue, one label may be right, so none of them counts as one.
    ``noise`` drops no image that a reviewer saw: where nobody could decide, a rule does not either.
    Rules by difficulty count such images like all others.
    """
    ids, hardness = ranking.ids, ranking.hardness()
    is_gone = review.where(ids, "drop")
    numbers = _numbers(labels)
    is_doubtful = ranking.is_label_issue & ~review.where(ids, "keep", "relabel")
    is_open = is_undecided(ranking.duplicate_groups, numbers, ~is_gone, is_doubtful)
    chosen = select(
        rules,
        ids=ids,
        labels=numbers,
        is_label_issue=ranking.is_label_issue & ~review.seen(ids) & ~is_open,
        difficulty=hardness,
        tie_breaker=hardness["aum"],
        duplicate_group=ranking.duplicate_groups,
        balance=config.balance,
        min_per_class=config.min_per_class,
        is_gone=is_gone,
    )
    reasons = reasons_of(
        chosen.reasons,
        ids=ids,
        keep=chosen.keep,
        is_flagged=ranking.is_label_issue,
        is_open=is_open,
        drops_noise=any(rule.kind == "noise" for rule in rules),
        review=review,
    )
    return chosen._replace(reasons=reasons)


def _numbers(labels: list[str]) -> NDArray[np.int64]:
    numbers = np.unique(np.array(labels, dtype=object), return_inverse=True)[1]
    return numbers.astype(np.int64)


def _n_conflicting(ranking: Ranking, labels: list[str], chosen: Selection, review: Review) -> int:
    """Groups of kept duplicates with different labels; without those that a review decided."""
    settled = review.where(ranking.ids, "keep", "relabel")
    groups = conflicting_groups(ranking.duplicate_groups, _numbers(labels), chosen.keep)
    return len(np.unique(groups[(groups > 0) & ~settled]))
