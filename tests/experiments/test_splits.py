"""The images that a sweep tests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from noisefind.config import ScoreConfig, SweepConfig
from noisefind.experiments.splits import open_sources
from noisefind.utils.progress import Progress
from tests.images import given, write_images
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"{group}/{c}/{k}.png" for group, c in (("a", "cat"), ("b", "dog")) for k in range(3)]


def test_images_of_test_are_read_as_those_of_the_run(tmp_path: Path) -> None:
    """Classes at the same depth, and without what was left out; a pattern may match nothing."""
    data = write_images(tmp_path / "data", *NAMES, "a/cat/0_mask.png", "a/cat/0_.png")
    test = write_images(tmp_path / "test", *NAMES[:4], "a/cat/1_mask.png")
    labels = [name.split("/")[1] for name in NAMES]
    scored = replace(ScoreConfig(), class_depth=2, exclude=["*_mask.png", "0_*"])
    run = write_run(tmp_path / "run", MadeUp(NAMES, labels, labels), data, config=scored.to_dict())
    config = replace(SweepConfig(), test=test)

    sources = open_sources(data, run, config, cache=tmp_path, progress=Progress())

    assert given(sources.test) == dict(zip(NAMES[:4], labels[:4], strict=True))
