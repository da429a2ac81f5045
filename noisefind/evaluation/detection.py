"""The command ``noisefind evaluate detection``: label issues of a run against ground truth.

detection.csv             of,metric,value,low,high: every measure, with its 95 % interval
detection_per_class.csv   the same for the images that were given each class
precision_recall.svg .png, precision_reviewed.svg .png     where matplotlib is installed
detection.json            all measures, and the counts of images; written last
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from noisefind.config import DetectionConfig
from noisefind.data.table import read_table
from noisefind.errors import DataError
from noisefind.evaluation import metrics
from noisefind.evaluation.detection_plots import PLOTS, write_plots
from noisefind.evaluation.plotting import can_plot
from noisefind.runs.folder import RunFolder
from noisefind.runs.output import open_output
from noisefind.scores import difficulty
from noisefind.utils.files import write_csv, write_json
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress
from noisefind.utils.seeds import derived_seed
from noisefind.utils.text import card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from noisefind.runs.ranking import Ranking

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

FORMAT = 1
COLUMNS = ("of", "metric", "value", "low", "high")
REVIEWED = (0.01, 0.05, 0.1)  # shares at which precision is measured
_FILES = ("detection.json", "detection.csv", "detection_per_class.csv", *PLOTS)


class Measure(NamedTuple):
    """One number and its 95 % interval; NaN where it is not defined."""

    of: str  # label_score or a raw score; is_label_issue; predicted_label; truth
    metric: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LabelComparison:
    """Predictions of a run for N images, compared with their true labels.

    Attributes:
        given_labels: (N,) class names.
        is_wrong: (N,) the given label is not the true one.
        is_flagged: (N,) the run flags the label.
        is_hit: (N,) the run's suggestion is the true label.
        noise_scores: score name -> (N,), HIGH means likely wrong.
    """

    given_labels: NDArray[np.object_]
    is_wrong: Bools
    is_flagged: Bools
    is_hit: Bools
    noise_scores: Mapping[str, Floats]

    def of_class(self, name: str) -> LabelComparison:
        """The images that were given one class."""
        rows = self.given_labels == name
        return LabelComparison(
            given_labels=self.given_labels[rows], is_wrong=self.is_wrong[rows],
            is_flagged=self.is_flagged[rows], is_hit=self.is_hit[rows],
            noise_scores={score: values[rows] for score, values in self.noise_scores.items()},
        )  # fmt: skip


@dataclass(frozen=True)
class DetectionResult:
    """The measures; everything is in the output folder too."""

    measures: list[Measure]
    per_class: dict[str, list[Measure]]
    summary: dict[str, Any]
    output: Path

    def __repr__(self) -> str:
        value = {(m.of, m.metric): f"{m.value:.3f}" for m in self.measures}
        flags = (f"{m} {value['is_label_issue', m]}" for m in ("precision", "recall", "f1"))
        return card(
            f"DetectionResult {self.output}",
            run=self.summary["run"],
            label_issues=", ".join(flags),
            average_precision=value["label_score", "average_precision"],
        )


@displays_progress
def evaluate_detection(
    run: str | Path,
    truth: str | Path,
    output: str | Path,
    config: DetectionConfig | None = None,
    *,
    progress: Progress | Literal[False] | None = None,
) -> DetectionResult:
    """Evaluate every score and the label issues of a run against ground truth.

    A label is wrong where the ``true_label`` of the ground truth differs from the ``given_label``
    of the run. Ids that only one of them has are counted and left out.

    Args:
        run: the folder of a finished run.
        truth: a table with ``file_name`` and ``true_label``; further columns are ignored.
        output: the output folder, new or empty.
        config: the options; None for the defaults.
        progress: receives progress and messages; None: a bar on stderr where a person watches,
            in a terminal or a notebook; False: nothing is printed.

    Returns:
        The measures for all images and per class, each with its 95 % interval; the content of
        detection.json (``summary``); the output folder.

    Raises:
        RunError: ``run`` is not a finished run, or ``output`` is not empty.
        DataError: the ground truth cannot be read, has no id of the run, or all labels are right or
            all are wrong.

    Examples:
        ```python
        # "run" was scored with ScoreConfig(labels=Path("noise/labels.csv"))
        result = noisefind.evaluate_detection("run", "noise/labels.csv", "detection")
        print(result.summary["all"]["label_score"]["auroc"]["value"])
        ```
    """
    config, out, progress = config or DetectionConfig(), Path(output), progress or Progress()
    folder = RunFolder(Path(run))
    summary, ranking = folder.read_summary(), folder.read_ranking()
    output_folder = open_output(out, summary.root, summary.data)
    true_labels = {id_: row.label for id_, row in read_table(Path(truth), "true_label").items()}
    comparison = join(ranking, true_labels, f"--truth {truth}")
    compared = _compared(ranking, true_labels, comparison)
    _say_left_out(compared, progress)
    if not can_plot():
        progress.say("no plots: matplotlib is not installed; pip install 'noisefind[plots]'")
    classes = sorted(set(comparison.given_labels.tolist()))
    progress.stage("Evaluating", 2 * len(comparison.is_wrong))
    overall = measure(comparison, config.draws, derived_seed(config.seed, "bootstrap"))
    progress.advance(len(comparison.is_wrong))
    per_class = {}
    for name in classes:
        part = comparison.of_class(name)
        per_class[name] = measure(
            part, config.draws, derived_seed(config.seed, "bootstrap", "class", name)
        )
        progress.advance(len(part.is_wrong))
    document = {
        "format": FORMAT,
        "run": str(Path(run).absolute()),
        "run_id": summary.run_id,
        "truth": str(Path(truth).absolute()),
        **compared,
        **config.to_dict(),
        "all": _nested(overall),
        "per_class": {name: _nested(measures) for name, measures in per_class.items()},
    }
    with output_folder.write(_FILES) as partial:
        write_csv(partial / "detection.csv", COLUMNS, map(_cells, overall))
        rows = ((name, *_cells(m)) for name, measures in per_class.items() for m in measures)
        write_csv(partial / "detection_per_class.csv", ("class", *COLUMNS), rows)
        if can_plot():
            write_plots(
                partial, comparison.is_wrong, comparison.is_flagged, comparison.noise_scores
            )
        write_json(partial / "detection.json", document)
    return DetectionResult(overall, per_class, document, out)


def join(ranking: Ranking, true_labels: Mapping[str, str], source: str) -> LabelComparison:
    """The images that are in both the run and the ground truth, in the run's order.

    Args:
        ranking: the run.
        true_labels: id -> class name.
        source: name of the ground truth in messages.

    Raises:
        DataError: no image is in both, or all labels are right, or all are wrong.
    """
    rows = [row for row, id_ in enumerate(ranking.ids) if id_ in true_labels]
    if not rows:
        raise DataError(
            f"{source}: none of its ids is in the run: {next(iter(true_labels))!r} against "
            f"{ranking.ids[0]!r}; names must be relative to the data that was scored"
        )
    given = np.array(ranking.given_labels, dtype=object)[rows]
    predicted = np.array(ranking.predicted_labels, dtype=object)[rows]
    true = np.array([true_labels[ranking.ids[row]] for row in rows], dtype=object)
    is_wrong = (given != true).astype(np.bool_)
    if not is_wrong.any():
        raise DataError(
            f"{source}: all {len(rows):,} labels of the run are right, so there is nothing to "
            "detect; was it scored with --labels?"
        )
    if is_wrong.all():
        raise DataError(
            f"{source}: all {len(rows):,} labels of the run are wrong, as {given[0]!r} for "
            f"{true[0]!r}; are the classes spelled alike?"
        )
    scores = {"label_score": ranking.label_scores, **ranking.scores}
    return LabelComparison(
        given_labels=given,
        is_wrong=is_wrong,
        is_flagged=ranking.is_label_issue[rows],
        is_hit=(predicted == true).astype(np.bool_),
        noise_scores={name: difficulty(name, values[rows]) for name, values in scores.items()},
    )


def measure(comparison: LabelComparison, n_draws: int, seed: int) -> list[Measure]:
    """Every measure, with the 2.5th and 97.5th percentile over bootstrap draws of the images.

    A draw in which a measure is not defined (no wrong label in it) does not count.
    """
    steps = {
        name: metrics.steps(comparison.is_wrong, values)
        for name, values in comparison.noise_scores.items()
    }
    values = _measured(comparison, steps, None)
    drawn = [
        _measured(comparison, steps, draws)
        for draws in metrics.bootstrap_draws(
            len(comparison.is_wrong), n_draws, np.random.default_rng(seed)
        )
    ]
    result = []
    for (of, metric), value in values.items():
        sample = np.concatenate([chunk[of, metric] for chunk in drawn] or [np.zeros(0)])
        sample = sample[~np.isnan(sample)]
        low, high = np.percentile(sample, (2.5, 97.5)) if len(sample) else (np.nan, np.nan)
        result.append(Measure(of, metric, value=float(value[0]), low=float(low), high=float(high)))
    return result


def _measured(
    comparison: LabelComparison, steps: Mapping[str, metrics.Steps], draws: NDArray[np.int64] | None
) -> dict[tuple[str, str], Floats]:
    """(score, metric) -> (B,) values in B draws."""
    found: dict[tuple[str, str], Floats] = {}
    best = np.zeros(0)
    for name, step in steps.items():
        curve = metrics.curve(step, draws)
        found[name, "auroc"] = metrics.auroc(curve)
        found[name, "average_precision"] = metrics.average_precision(curve)
        found[name, "f1_at_n"] = metrics.f1_at_n(curve)
        for share in REVIEWED:
            found[name, precision_name(share)] = metrics.precision_at(curve, share)
        if name == "label_score":
            best = metrics.best_f1(curve)
    is_wrong, is_flagged = comparison.is_wrong, comparison.is_flagged
    flags = metrics.flag_metrics(is_wrong, is_flagged, draws)
    everything = np.ones_like(is_wrong)
    found |= {("is_label_issue", name): value for name, value in flags._asdict().items()}
    found["is_label_issue", "best_f1_of_label_score"] = best
    found["is_label_issue", "f1_below_best"] = best - flags.f1
    found["truth", "share"] = metrics.share_of(is_wrong, everything, draws)
    found["predicted_label", "right_of_flagged_wrong"] = metrics.share_of(
        comparison.is_hit, is_wrong & is_flagged, draws
    )
    found["predicted_label", "right_of_wrong"] = metrics.share_of(
        comparison.is_hit, is_wrong, draws
    )
    return found


def precision_name(share: float) -> str:
    """The name of precision at a share: ``precision_at_5_percent``."""
    return f"precision_at_{share * 100:g}_percent"


def _compared(
    ranking: Ranking, true_labels: Mapping[str, str], comparison: LabelComparison
) -> dict[str, int]:
    n_images = len(comparison.is_wrong)
    return {
        "n_images": n_images,
        "n_wrong": int(comparison.is_wrong.sum()),
        "n_not_in_truth": len(ranking) - n_images,
        "n_not_in_run": len(true_labels) - n_images,
    }


def _say_left_out(compared: Mapping[str, int], progress: Progress) -> None:
    if compared["n_not_in_truth"]:
        progress.say(
            f"{compared['n_not_in_truth']:,} images of the run are not in the ground truth"
        )
    if compared["n_not_in_run"]:
        progress.say(f"{compared['n_not_in_run']:,} images of the ground truth are not in the run")


def _cells(measure: Measure) -> tuple[str, ...]:
    numbers = ("" if np.isnan(number) else f"{number:.6g}" for number in measure[2:])
    return (*measure[:2], *numbers)


def _nested(measures: Sequence[Measure]) -> dict[str, dict[str, dict[str, float | None]]]:
    """of -> metric -> value, low, high; what is not defined is None."""
    nested: dict[str, dict[str, dict[str, float | None]]] = {}
    for m in measures:
        numbers = {"value": m.value, "low": m.low, "high": m.high}
        nested.setdefault(m.of, {})[m.metric] = {
            name: None if np.isnan(number) else round(number, 6) for name, number in numbers.items()
        }
    return nested
