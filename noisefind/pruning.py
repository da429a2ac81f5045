"""``noisefind prune``: from a run folder to a smaller or cleaner manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.cache import cache_folder
from noisefind.config import DataConfig, PruneConfig
from noisefind.data.open import open_dataset
from noisefind.data.table import is_table
from noisefind.errors import ConfigError, DataError, RunError
from noisefind.manifest import (
    ClassCount,
    Manifest,
    Unreadable,
    check_out,
    class_counts,
    write_manifest,
)
from noisefind.rules import Rule, rules_from_options
from noisefind.run import Ranking, RunFolder
from noisefind.scores import SCORES, difficulty
from noisefind.selection import Selection, select

if TYPE_CHECKING:
    from noisefind.data.dataset import Dataset


@dataclass(frozen=True)
class PruneResult:
    """What was, or would be, kept."""

    counts: list[ClassCount]
    rules: list[Rule]
    n_unreadable: int
    n_spared: int  # more would have gone but for --min-per-class
    output: Path
    summary: dict[str, Any]  # of the run that was pruned


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
    chosen = _select(ranking, rules, config)
    unreadable = [Unreadable(*skipped) for skipped in folder.read_skipped() if skipped.label]
    manifest = Manifest(
        ranking.ids, ranking.given_labels, ranking.splits, chosen.keep, chosen.reasons,
        unreadable=unreadable,
    )  # fmt: skip
    result = PruneResult(
        class_counts(manifest), rules, len(unreadable), chosen.n_spared, out, summary
    )
    root, source = Path(summary["root"]), Path(summary["data"])
    table = is_table(source)
    check_out(out, root, ranking.ids, is_table=table, force=force)
    if not dry_run:
        is_tree = "imagefolder" in config.format
        dataset = _reopen(summary, config, folder) if is_tree else None
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


def _select(ranking: Ranking, rules: list[Rule], config: PruneConfig) -> Selection:
    """Which rows of the ranking stay; equal scores are told apart by aum, and that by el2n."""
    values = {**ranking.scores, "label_score": ranking.label_scores}
    hardness = {name: difficulty(name, value) for name, value in values.items()}
    _, labels = np.unique(np.array(ranking.given_labels, dtype=object), return_inverse=True)
    return select(
        rules,
        ids=ranking.ids,
        labels=labels.astype(np.int64),
        is_label_issue=ranking.is_label_issue,
        difficulty=hardness,
        tie_breaker=hardness["aum"],
        balance=config.balance,
        min_per_class=config.min_per_class,
    )


def _reopen(summary: dict[str, Any], config: PruneConfig, folder: RunFolder) -> Dataset:
    """The images of a run again, from where they are now."""
    scored = summary["config"]
    data = Path(summary["data"])
    root = scored["root"]
    if config.data is not None and is_table(data) and not is_table(config.data):
        root = str(config.data)  # the table stayed, its images have moved
    elif config.data is not None:
        data = config.data
    if not data.exists():
        raise DataError(f"{data}: the images are not there any more; say where with --data DIR")
    of = DataConfig(
        split="all" if scored["split"] is None else scored["split"],
        root=Path(root) if root and is_table(data) else None,
        cifar_labels=scored["cifar_labels"],
    )
    return open_dataset(
        data,
        of,
        cache_dir=cache_folder(None, folder.path / "cache"),
        say=lambda _: None,
    )
