"""The command ``noisefind evaluate examples``: images at one end of a score, with predictions.

examples.csv      a row per image: its place, labels, whether it is a label issue, and the score
probabilities.csv file_name,class,probability: the most probable classes of each, by the members
examples.svg .png the images
examples.json     all of it; written last
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import numpy as np

from noisefind.config import ExamplesConfig
from noisefind.data.decode import UnreadableImageError, decoding
from noisefind.data.pixels import thumbnail
from noisefind.errors import ConfigError, DataError
from noisefind.evaluation.analysis import AnalysisResult, CsvTable, open_analysis, rounded
from noisefind.evaluation.example_grid import Cell, draw_grid
from noisefind.evaluation.plotting import can_plot
from noisefind.runs.images import reopen
from noisefind.runs.predictions import MeanPredictions, mean_predictions
from noisefind.utils.files import cell
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from noisefind.data.dataset import Dataset
    from noisefind.runs.ranking import Ranking

COLUMNS = (
    "place", "file_name", "given_label", "predicted_label", "predicted_prob", "is_label_issue",
    "score", "value",
)  # fmt: skip
PROBABILITY_COLUMNS = ("file_name", "class", "probability")
N_CLASSES = 10  # shown of each image
SIDE = 256  # px of a picture


class Example(NamedTuple):
    """An image of the grid; ``probable``: its most probable classes, highest first."""

    place: int
    file_name: str
    given_label: str
    predicted_label: str
    predicted_prob: float
    is_label_issue: bool
    value: float
    probable: list[tuple[str, float]]


@displays_progress
def evaluate_examples(
    run: str | Path,
    output: str | Path,
    config: ExamplesConfig | None = None,
    *,
    progress: Progress | Literal[False] | None = None,
) -> AnalysisResult:
    """Show the images at one end of a score, with their labels and predicted probabilities.

    Args:
        run: the folder of a finished run.
        output: the output folder, new or empty.
        config: the options; None for the defaults.
        progress: receives progress and messages; None: a bar on stderr where a person watches,
            in a terminal or a notebook; False: nothing is printed.

    Returns:
        The content of examples.json (``summary``) and the output folder.

    Raises:
        RunError: ``run`` is not a finished run or its predictions are missing, or ``output`` is not
            empty.
        ConfigError: there is no such score.
        DataError: none of the images is where it was.

    Examples:
        ```python
        config = noisefind.ExamplesConfig(by="el2n", top=9)
        result = noisefind.evaluate_examples("run", "examples", config)
        print([example["file_name"] for example in result.summary["examples"]])
        ```
    """
    config, progress = config or ExamplesConfig(), progress or Progress()
    analysis = open_analysis("examples", run, output, progress)
    known = ("label_score", *analysis.ranking.scores)
    if config.by not in known:
        raise ConfigError(f"--by {config.by!r} is no known score: one of {', '.join(known)}")
    rows = chosen_rows(analysis.ranking, config)
    examples = _examples(analysis.ranking, rows, config.by, mean_predictions(analysis.run))
    cells: list[Cell] = []
    if can_plot():
        dataset = reopen(analysis.summary, analysis.run, config.data)
        max_pixels = analysis.summary.score_config().max_pixels
        pictures = _pictures(dataset, examples, max_pixels, progress)
        cells = [_cell(e, config.by, p) for e, p in zip(examples, pictures, strict=True)]
    end = "easiest" if config.easiest else "hardest"
    if config.by == "label_score":
        end = "least likely mislabelled" if config.easiest else "most likely mislabelled"
    title = f"The {len(examples)} {end} images by {config.by}"
    documents = [
        {**e._asdict(), "value": rounded(e.value), "probable": dict(e.probable)} for e in examples
    ]
    return analysis.write(
        {**config.to_dict(), "title": title, "examples": documents},
        {
            "examples": CsvTable(COLUMNS, [_row(e, config.by) for e in examples]),
            "probabilities": CsvTable(
                PROBABILITY_COLUMNS, ((e.file_name, *pair) for e in examples for pair in e.probable)
            ),
        },
        lambda folder: draw_grid(folder, cells, title),
    )


def chosen_rows(ranking: Ranking, config: ExamplesConfig) -> list[int]:
    """Rows of the ranking at one end of a score; at ties the lowest label_score first."""
    order = np.argsort(-ranking.hardness()[config.by], kind="stable")
    return cast("list[int]", (order[::-1] if config.easiest else order)[: config.top].tolist())


def _examples(
    ranking: Ranking, rows: list[int], by: str, predictions: MeanPredictions
) -> list[Example]:
    values = ranking.label_scores if by == "label_score" else ranking.scores[by]
    row_of = {id_: row for row, id_ in enumerate(predictions.ids)}
    examples = []
    for place, row in enumerate(rows, start=1):
        probabilities = predictions.probabilities[row_of[ranking.ids[row]]]
        examples.append(
            Example(
                place=place,
                file_name=ranking.ids[row],
                given_label=ranking.given_labels[row],
                predicted_label=ranking.predicted_labels[row],
                predicted_prob=float(ranking.predicted_probs[row]),
                is_label_issue=bool(ranking.is_label_issue[row]),
                value=float(values[row]),
                probable=_probable(probabilities, predictions.classes),
            )
        )
    return examples


def _probable(probabilities: NDArray[np.float32], classes: list[str]) -> list[tuple[str, float]]:
    best = np.argsort(-probabilities, kind="stable")[:N_CLASSES].tolist()
    return [(classes[number], round(float(probabilities[number]), 6)) for number in best]


def _row(example: Example, by: str) -> tuple[object, ...]:
    *before, is_label_issue, value, _ = example
    return (*before, cell(is_label_issue), by, rounded(value))


def _pictures(
    dataset: Dataset, examples: list[Example], max_pixels: int, progress: Progress
) -> list[Image.Image | None]:
    """The pictures; None for one that is gone or cannot be read any more.

    Raises:
        DataError: all are gone.
    """
    rows = {id_: row for row, id_ in enumerate(dataset.ids)}
    if not any(example.file_name in rows for example in examples):
        raise DataError(
            f"{str(dataset.root)!r} has none of these images, as {examples[0].file_name!r}; give "
            "their folder with --data DIR"
        )
    progress.stage("Pictures", len(examples))
    pictures: list[Image.Image | None] = []
    with decoding():
        for example in examples:
            picture = None
            with suppress(UnreadableImageError, KeyError):
                picture = thumbnail(dataset, rows[example.file_name], SIDE, max_pixels)
            pictures.append(picture)
            progress.advance()
    return pictures


def _cell(example: Example, by: str, picture: Image.Image | None) -> Cell:
    return Cell(
        heading=f"{example.place}.  {by} {example.value:.4g}", given_label=example.given_label,
        predicted_label=example.predicted_label, is_flagged=example.is_label_issue,
        probable=example.probable, picture=picture,
    )  # fmt: skip
