"""Decisions in the JSON export of Label Studio: a task for each image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from noisefind.data.label_studio import choices, is_skipped, is_task, task_image
from noisefind.data.records import read_json, table_text
from noisefind.errors import DataError
from noisefind.utils.text import listed, shortened, shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OF_RUN = re.compile(r"noisefind .*, run (\S+)")


class Decision(NamedTuple):
    """One word, and for ``relabel`` the right class, which differs from the given one."""

    word: str
    label: str = ""


def read_reviewed_tasks(file: Path, run_id: str, given: Mapping[str, str]) -> dict[str, Decision]:
    """The decision of each task that was annotated.

    A chosen class that is the given one keeps the image, and another relabels it. A task that was
    skipped is unsure. A task without annotation has no decision.

    Args:
        file: what Label Studio exported as JSON.
        run_id: of the run that was reviewed; a task whose prediction names another is an error.
        given: the given label of each image of the run, by id.

    Raises:
        DataError: the file is no such export, or a task is of another run, of an unknown image, or
            has several classes.
    """
    tasks = read_json(file, table_text(file))
    if not isinstance(tasks, list) or not all(map(is_task, tasks)):
        raise DataError(
            f"{shown_path(file)} is no export of Label Studio: expected a JSON list of tasks with "
            "data and annotations"
        )
    decisions: dict[str, Decision] = {}
    for number, task in enumerate(tasks, start=1):
        place = f"{shown_path(file)}, task {number}"
        try:
            id_, decision = _decided(task, run_id, given)
        except ValueError as error:
            raise DataError(f"{place}: {error}") from error
        if decision and decisions.setdefault(id_, decision) != decision:
            shown = shortened(id_, 200)
            raise DataError(f"{place}: {shown} is decided differently in another task")
    return decisions


def _decided(
    task: dict[str, Any], run_id: str, given: Mapping[str, str]
) -> tuple[str, Decision | None]:
    """The id of a task's image and its decision; ValueError where it is invalid."""
    predictions = task.get("predictions")
    for prediction in predictions if isinstance(predictions, list) else ():
        version = prediction.get("model_version") if isinstance(prediction, dict) else None
        of_run = _OF_RUN.fullmatch(str(version))
        if of_run and of_run[1] != run_id:
            raise ValueError(f"run {shortened(of_run[1])} is another run than this, {run_id!r}")
    image = task_image(task)
    # The path begins with the name of the folder that Label Studio serves.
    id_ = next((name for name in (image, image.partition("/")[2]) if name in given), None)
    if id_ is None:
        raise ValueError(f"image {shortened(image, 200)} is not in the run")
    chosen = list(dict.fromkeys(choices(task)))
    if len(chosen) > 1:
        raise ValueError(f"{shortened(id_, 200)} has several classes: {listed(chosen)}")
    if not chosen:
        return id_, Decision("unsure") if is_skipped(task) else None
    return id_, Decision("keep") if chosen[0] == given[id_] else Decision("relabel", chosen[0])
