"""What Label Studio exports as JSON: tasks with the classes that annotators chose."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


def is_task(value: object) -> bool:
    """Whether a JSON value is a task with its annotations."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("data"), dict)
        and isinstance(value.get("annotations"), list)
    )


def labelled_task(task: dict[str, Any]) -> dict[str, object]:
    """``file_name`` and ``label`` of a task; an empty label where nobody chose one.

    Where the choices differ, the label is the list of them.
    """
    chosen = list(dict.fromkeys(choices(task)))
    label = chosen if len(chosen) > 1 else "".join(chosen)
    return {"file_name": task_image(task).lstrip("/"), "label": label}


def task_image(task: dict[str, Any]) -> str:
    """The image of a task: ``file_name`` as noisefind writes it, or the path in its address."""
    data = task["data"]
    if isinstance(data.get("file_name"), str):
        return str(data["file_name"])
    return served_path(next((value for value in data.values() if isinstance(value, str)), ""))


def choices(task: dict[str, Any]) -> list[str]:
    """The classes in the annotations of a task that were not skipped."""
    found: list[str] = []
    for annotation in task["annotations"]:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        results = annotation.get("result")
        for result in results if isinstance(results, list) else ():
            value = result.get("value") if isinstance(result, dict) else None
            names = value.get("choices") if isinstance(value, dict) else None
            found += [name for name in names or () if isinstance(name, str)]
    return found


def is_skipped(task: dict[str, Any]) -> bool:
    """Whether an annotator saw the task and skipped it."""
    return any(
        isinstance(annotation, dict) and annotation.get("was_cancelled") is True
        for annotation in task["annotations"]
    )


def served_path(address: str) -> str:
    """The path in an address: that of Label Studio's local files, or the plain one.

    Examples:
        >>> served_path("/data/local-files/?d=images/a%20b.jpg"), served_path("https://x.org/a.jpg")
        ('images/a b.jpg', '/a.jpg')
    """
    try:
        parts = urlsplit(address)
        return parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
    except ValueError:
        return address
