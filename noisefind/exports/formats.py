"""Exports for other tools: the files that ``--format`` of prune and report adds.

    label-studio.json .xml   Label Studio: a task with a pre-annotation per image that no reviewer
                             decided on, worst label first; the labelling interface for it
    fiftyone/                FiftyOneImageClassificationDataset: the kept images, where they are
    huggingface/             metadata.jsonl of the kept images, to be laid beside the images
    cleanlab.csv             every scored image under the names of cleanlab's columns

No image is copied. See docs/reference/formats.md for how each tool reads its file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from noisefind._version import __version__
from noisefind.data.layout import is_image_name
from noisefind.errors import DataError
from noisefind.utils.files import cell, whole_text, write_csv

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from noisefind.runs.ranking import Ranking

FILES = {
    "label-studio": ("label-studio.json", "label-studio.xml"),
    "fiftyone": ("fiftyone",),
    "huggingface": ("huggingface",),
    "cleanlab": ("cleanlab.csv",),
}
# The folders among them, and the names of all files that may lie in each.
FOLDERS = {"fiftyone": ("data.json", "labels.json"), "huggingface": ("metadata.jsonl",)}
CLEANLAB_COLUMNS = (
    "file_name", "is_label_issue", "label_quality", "given_label", "predicted_label",
)  # fmt: skip
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ManifestRow(NamedTuple):
    """One image of a manifest: its label, whether it is kept, and the reason if not."""

    file_name: str
    label: str
    split: str
    keep: bool
    reason: str


@dataclass(frozen=True)
class Export:
    """The data that exports are made of, joined by id.

    Attributes:
        rows: every image of the manifest, sorted by file name.
        ranking: every scored image, worst first, with its given label.
        decided: ids on which reviewers decided.
        root: the folder that ids are relative to.
        run_id: of the run that made the predictions.
    """

    rows: Sequence[ManifestRow]
    ranking: Ranking
    decided: Collection[str]
    root: Path
    run_id: str

    @property
    def kept(self) -> list[ManifestRow]:
        """The rows that stay."""
        return [row for row in self.rows if row.keep]


def check_exports(formats: Iterable[str], ids: Iterable[str], root: Path) -> None:
    """DataError if a format refers to image files and they are missing."""
    name = next((name for name in formats if name in FILES and name != "cleanlab"), None)
    if name is None:
        return
    if not all(is_image_name(id_) or (root / id_).is_file() for id_ in ids):
        raise DataError(
            f"--format {name} refers to image files, but these images are not files: score what "
            "--format imagefolder makes of them"
        )
    if not root.exists():
        raise DataError(f"{root}: the images are missing; give their folder with --data DIR")


def write_exports(export: Export, folder: Path, formats: Collection[str]) -> None:
    """Write the files of ``formats`` into ``folder``.

    Raises:
        DataError: a class name has a character that the XML of Label Studio cannot have.
    """
    writers = {
        "label-studio": _label_studio, "fiftyone": _fiftyone, "huggingface": _hugging_face,
        "cleanlab": _cleanlab,
    }  # fmt: skip
    for name, write in writers.items():
        if name in formats:
            write(export, folder)


def unknown_export(folder: Path) -> str | None:
    """The first file or link in one of ``FOLDERS`` that noisefind did not write there."""
    for path in sorted(folder.rglob("*")):
        is_ours = path.is_dir() or path.name in FOLDERS[folder.name]
        if path.is_symlink() or not is_ours:
            return path.relative_to(folder).as_posix()
    return None


def _label_studio(export: Export, folder: Path) -> None:
    ranking, root = export.ranking, export.root.absolute()
    row_of = {row.file_name: row for row in export.rows}
    tasks = [
        {
            "data": {
                "image": "/data/local-files/?d=" + quote(f"{root.name}/{id_}"),
                "file_name": id_,
                "split": row_of[id_].split,
                "given_label": ranking.given_labels[k],
                "label_score": float(ranking.label_scores[k]),
                "is_label_issue": bool(ranking.is_label_issue[k]),
                "reasons": ranking.reasons[k],
                "keep": row_of[id_].keep,
            },
            "predictions": [
                {
                    "model_version": f"noisefind {__version__}, run {export.run_id}",
                    "score": float(ranking.predicted_probs[k]),
                    "result": [
                        {
                            "from_name": "label",
                            "to_name": "image",
                            "type": "choices",
                            "value": {"choices": [ranking.predicted_labels[k]]},
                        }
                    ],
                }
            ],
        }
        for k, id_ in enumerate(ranking.ids)
        if id_ not in export.decided
    ]
    _write_json(folder / "label-studio.json", tasks)
    labels = {*ranking.given_labels, *ranking.predicted_labels, *(row.label for row in export.kept)}
    choices = "".join(f"    <Choice value={_xml(label)}/>\n" for label in sorted(labels))
    with whole_text(folder / "label-studio.xml") as file:
        file.write(
            '<View>\n  <Image name="image" value="$image"/>\n'
            '  <Choices name="label" toName="image" choice="single" showInLine="true">\n'
            f"{choices}  </Choices>\n</View>\n"
        )


def _xml(label: str) -> str:
    """A class name as the value of an attribute."""
    if _NOT_IN_XML.search(label):
        raise DataError(
            f"class {label!r} has a character that XML cannot contain, so Label Studio cannot have "
            "it as a choice: rename the class, or omit --format label-studio"
        )
    return quoteattr(label)


def _fiftyone(export: Export, folder: Path) -> None:
    """data.json has the path of each image, labels.json its class.

    FiftyOne cuts what follows the last dot off the names in data.json, so they have no dot.
    """
    home = folder / "fiftyone"
    home.mkdir()
    classes = sorted({row.label for row in export.kept})
    number = {label: place for place, label in enumerate(classes)}
    root = export.root.absolute()
    names = [quote(row.file_name, safe="/ ").replace(".", "%2E") for row in export.kept]
    paths = (str(root / row.file_name) for row in export.kept)
    labels = (number[row.label] for row in export.kept)
    _write_json(home / "data.json", dict(zip(names, paths, strict=True)))
    targets = dict(zip(names, labels, strict=True))
    _write_json(home / "labels.json", {"classes": classes, "labels": targets})


def _hugging_face(export: Export, folder: Path) -> None:
    """A metadata.jsonl for each folder of a split, which must have its own; one if there is none.

    datasets takes the rows of one beside the splits' folders for rows of every split.
    """
    parts: dict[str, list[dict[str, str]]] = {}
    for row in export.kept:
        home, name = ("", row.file_name)
        if row.split:
            home, _, name = row.file_name.partition("/")
        parts.setdefault(home, []).append({"file_name": name, "label": row.label})
    for home, lines in (parts or {"": []}).items():
        place = folder / "huggingface" / home
        place.mkdir(parents=True)
        with whole_text(place / "metadata.jsonl") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)


def _cleanlab(export: Export, folder: Path) -> None:
    ranking = export.ranking
    rows = zip(
        ranking.ids,
        map(cell, ranking.is_label_issue.tolist()),
        map(cell, ranking.label_scores.tolist()),
        ranking.given_labels,
        ranking.predicted_labels,
        strict=True,
    )
    write_csv(folder / "cleanlab.csv", CLEANLAB_COLUMNS, sorted(rows))


def _write_json(path: Path, values: object) -> None:
    """Compact, and in ASCII: names cannot break a line or turn the reading direction."""
    with whole_text(path) as file:
        json.dump(values, file, separators=(",", ":"), allow_nan=False)
        file.write("\n")
