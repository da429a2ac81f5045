"""Docstrings of the library: every example runs, and every public function is documented."""

from __future__ import annotations

import doctest
import inspect
import pkgutil
import shutil
import textwrap
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import noisefind
from noisefind import metrics, noise, pruning, scores
from tests.images import write_images

if TYPE_CHECKING:
    from types import ModuleType

# those whose examples use a finished run and train nothing; inject comes first and score is next
OF_RUNS = (
    "open_run", "prune", "report", "compare", "evaluate_detection", "evaluate_correlation",
    "evaluate_distribution", "evaluate_examples", "evaluate_embedding",
)  # fmt: skip
SECTIONS = ("Args:", "Returns:", "Raises:", "Examples:")  # of a function that works with files


def source(module: str) -> str:
    """The text of a module, without importing it."""
    spec = find_spec(module)
    assert spec is not None
    return Path(str(spec.origin)).read_text(encoding="utf-8")


def functions(module: ModuleType, names: list[str]) -> dict[str, Any]:
    """Those names of a module that are functions."""
    found = {f"{module.__name__}.{name}": getattr(module, name) for name in names}
    return {name: value for name, value in found.items() if inspect.isfunction(value)}


EXAMPLES = [
    module.name
    for module in pkgutil.walk_packages(noisefind.__path__, "noisefind.")
    if ">>> " in source(module.name)
]
OF_METRICS = [
    name
    for name, value in vars(metrics).items()
    if not name.startswith("_") and getattr(value, "__module__", "") == metrics.__name__
]
OF_ARRAYS = {
    "noisefind.find_duplicates": noisefind.find_duplicates,
    "noisefind.find_label_issues": noisefind.find_label_issues,
    "noisefind.Predictions": noisefind.Predictions,
    "noisefind.Predictions.from_probabilities": noisefind.Predictions.from_probabilities,
    "noisefind.pruning.Rule": pruning.Rule,
    **functions(metrics, OF_METRICS),
    **functions(noise, noise.__all__),
    **functions(pruning, pruning.__all__),
    **functions(scores, scores.__all__),
}
OF_FILES = functions(
    noisefind, [name for name in noisefind.__all__ if f"noisefind.{name}" not in OF_ARRAYS]
)


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_give_what_they_show(module: str) -> None:
    """Every example in the docstrings of a module runs and gives the result that it shows."""
    result = doctest.testmod(import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", OF_ARRAYS)
def test_array_functions_have_an_example(name: str) -> None:
    """Every public function of arrays has an example that runs."""
    assert ">>> " in str(OF_ARRAYS[name].__doc__)


@pytest.mark.parametrize("name", OF_FILES)
def test_functions_of_files_are_documented(name: str) -> None:
    """Every other public function has all sections, and ``Args`` has each of its parameters."""
    text = str(OF_FILES[name].__doc__)
    assert [section for section in SECTIONS if f"\n    {section}\n" not in text] == []
    parameters = inspect.signature(OF_FILES[name]).parameters
    assert [each for each in parameters if f"\n        {each}: " not in text] == []


def run_example(name: str) -> dict[str, Any]:
    """Run the block of code in the docstring of a public function; the names that it defines."""
    block = str(getattr(noisefind, name).__doc__).split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {"noisefind": noisefind}
    exec(compile(textwrap.dedent(block), name, "exec"), names)
    return names


@pytest.mark.slow
def test_examples_of_functions_of_files_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of ``inject`` and all that read a finished run: they print, and results have a short repr."""
    names = [f"photos/{name}/{number}.png" for name in "ab" for number in range(20)]
    write_images(tmp_path, *names, size=16)
    monkeypatch.chdir(tmp_path)
    run_example("inject")
    labels = Path("noise/labels.csv")
    config = noisefind.ScoreConfig(members=1, epochs=1, clusters=2, labels=labels)
    noisefind.score("photos", "run", config)
    for copy in ("run-may", "run-june"):
        shutil.copytree("run", copy)
    for name in OF_RUNS:
        capsys.readouterr()
        defined = run_example(name)
        assert capsys.readouterr().out.strip() != ""
        result = defined.get("result", defined.get("run"))
        assert 1 <= len(repr(result).splitlines()) <= 5
        assert len(repr(result)) < 1000
