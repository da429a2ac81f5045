"""Writers of the tables and arrays of a run folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from noisefind.data.dataset import Skipped
from noisefind.runs.tables import (
    CLASS_COLUMNS,
    DETAIL_COLUMNS,
    DUPLICATE_COLUMNS,
    PAIR_COLUMNS,
    SCORE_COLUMNS,
    TIE_COLUMNS,
)
from noisefind.similarity.findings import Leak
from noisefind.utils.files import cell, save_array, whole_file, write_csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.runs.folder import RunFolder
    from noisefind.runs.ranking import Ranking
    from noisefind.similarity.findings import Findings


def write_results(
    run: RunFolder, ranking: Ranking, skipped: Sequence[Skipped], clusters: Mapping[int, float]
) -> None:
    """Write scores.csv, skipped.csv and the curve of the clusters."""
    write_csv(run.path / "scores.csv", SCORE_COLUMNS, _score_rows(ranking))
    write_csv(run.path / "skipped.csv", Skipped._fields, skipped)
    write_csv(
        run.path / "features" / "clusters.csv",
        ("n_clusters", "mean_squared_distance"),
        ((k, cell(distance)) for k, distance in sorted(clusters.items())),
    )


def write_findings(run: RunFolder, findings: Findings, dataset: Dataset) -> None:
    """Write the neighbours, duplicates.csv, ties.csv and, where others were searched, leaks.csv."""
    _write_array(run.neighbours, findings.neighbours.rows)
    _write_array(run.neighbour_similarity, findings.neighbours.similarity)
    group = findings.duplicate_group
    rows = np.flatnonzero(group)
    write_csv(
        run.path / "duplicates.csv",
        DUPLICATE_COLUMNS,
        (
            (
                group[row],
                dataset.ids[row],
                dataset.classes[dataset.labels[row]],
                "exact" if findings.is_exact[row] else "near",
            )
            for row in rows[np.argsort(group[rows], kind="stable")].tolist()
        ),
    )
    write_csv(
        run.path / "ties.csv",
        TIE_COLUMNS,
        (
            (*tie[:3], cell(tie.strength), *(_ids(dataset, rows) for rows in tie[4:]))
            for tie in findings.ties
        ),
    )
    if findings.leaks is not None:
        write_csv(run.path / "leaks.csv", Leak._fields, findings.leaks)


def _ids(dataset: Dataset, rows: Iterable[int]) -> str:
    return json.dumps([dataset.ids[row] for row in rows], ensure_ascii=False)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    with whole_file(path) as part:
        save_array(part, array)


def write_details(
    run: RunFolder,
    details: Iterable[Sequence[object]],
    classes: Iterable[Sequence[object]],
    pairs: Iterable[Sequence[object]],
) -> None:
    """Write details.csv, noise_per_class.csv and joint.csv."""
    write_csv(run.path / "details.csv", DETAIL_COLUMNS, details)
    write_csv(run.path / "noise_per_class.csv", CLASS_COLUMNS, classes)
    write_csv(run.path / "joint.csv", PAIR_COLUMNS, pairs)


def write_held_out(run: RunFolder, dataset: Dataset) -> None:
    """Write held_out.csv: the images of the hold-out set."""
    labels = (dataset.classes[label] for label in dataset.labels.tolist())
    write_csv(run.held_out, ("file_name", "label"), zip(dataset.ids, labels, strict=True))


def _score_rows(ranking: Ranking) -> zip[tuple[object, ...]]:
    columns = ranking.columns()
    cells: dict[str, Iterable[object]] = {
        name: map(cell, values.tolist()) if isinstance(values, np.ndarray) else values
        for name, values in columns.items()
    }
    cells["duplicate_group"] = [group or "" for group in ranking.duplicate_groups.tolist()]
    return zip(*cells.values(), strict=True)
