"""Class names that a person reads as one name: a warning, and two classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.config import DataConfig
from noisefind.data.class_names import alike, joined_warning, warning
from noisefind.data.open import open_dataset
from tests.images import write_csv, write_images

if TYPE_CHECKING:
    from pathlib import Path

NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_spaces_case_and_unicode_form_make_names_alike() -> None:
    """Nothing else does; three names are one group."""
    names = ["Cat", " cat", "cat ", "dog", "dogs", NFC, NFD, "cafe", "hot dog", "hotdog"]
    assert alike(names) == [["Cat", " cat", "cat "], [NFC, NFD], ["hot dog", "hotdog"]]
    assert warning(["cat", "dog"]) == ""


def test_folders_and_tables_warn_alike(tmp_path: Path) -> None:
    """One line names the classes, which are kept as they are."""
    write_images(tmp_path, "Cat/1.png", "cat/1.png", f"{NFC}/1.png", f"{NFD}/1.png")
    names = ["Cat", "cat", NFC, NFD]
    table = write_csv(tmp_path / "t.csv", *((f"{name}/1.png", name) for name in names))
    for data in (tmp_path, table):
        said: list[str] = []
        found = open_dataset(data, DataConfig(), cache_dir=tmp_path / "cache", say=said.append)
        assert sorted(found.classes) == sorted(names)
        (line,) = said
        shown = f"'{NFC}' (4 characters) and '{NFD}' (5 characters)"
        assert "'Cat' and 'cat'" in line
        assert shown in line or "'cafe\u0301' (5 characters) and" in line


def test_joined_labels_are_named() -> None:
    """Only where the parts appear elsewhere too, or the label is written as a list."""
    assert "'cat|dog'" in joined_warning(["cat", "dog", "cat|dog", "cat|dog"])
    assert "2 labels" in joined_warning(["['cat']", "['dog']", "cow"])
    assert joined_warning(["cat", "dog, brown", "dog, brown", "[x"]) == ""
    assert joined_warning(["cat", "dog", "cat,dog"] + ["cow"] * 97) == ""
