"""docs/how-to/frameworks.md: its examples train on real images, and `score --record` takes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.commands import ROOT, CommandLine, copy_digits, read_csv

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
PAGE = (ROOT / "docs/how-to/frameworks.md").read_text(encoding="utf-8")
IMAGES, *EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FRAMEWORKS = ("lightning", "transformers", "keras")


def test_there_is_an_example_for_each() -> None:
    """In the order of the list here."""
    assert [re.findall(r"noisefind\.integrations\.(\w+)", code) for code in EXAMPLES] == [
        [name] for name in FRAMEWORKS
    ]


@pytest.mark.parametrize(("name", "code"), list(zip(FRAMEWORKS, EXAMPLES, strict=True)))
def test_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noisefind: CommandLine, name: str, code: str
) -> None:
    """Digits: three epochs are recorded, and scores.csv has a margin for each image."""
    pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    copy_digits(tmp_path / "photos", 10)
    exec(compile(IMAGES + code, "frameworks.md", "exec"), {"__name__": "example"})
    options = ("--clusters", "3", "--feature-size", "32")
    output = noisefind("score", "photos", "-o", "run", "--record", "record", *options)
    assert output.code == 0, output.err
    assert len(list((tmp_path / "record" / "rank-00").glob("epoch-*.npz"))) == 3
    margins = [float(row["aum"]) for row in read_csv(tmp_path / "run" / "scores.csv")]
    assert len(margins) == 100
    assert np.std(margins) > 0
