"""Docstrings of the library: every example runs, and every public function is documented."""

from __future__ import annotations

import doctest
import inspect
import pkgutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import noisefind
from noisefind import metrics, noise, pruning, scores

if TYPE_CHECKING:
    from types import ModuleType

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
