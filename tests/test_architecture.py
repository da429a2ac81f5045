"""The arrows of docs/architecture.md: what may import what."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "noisefind"
HEAVY = {"torch", "torchvision", "timm", "sklearn", "matplotlib"}
WITHOUT_TORCH = [
    *PACKAGE.glob("scores/*.py"),
    *PACKAGE.glob("detection/*.py"),
    *PACKAGE.glob("similarity/*.py"),
    *PACKAGE.glob("data/*.py"),
    *PACKAGE.glob("evaluation/*.py"),
    *PACKAGE.glob("reporting/*.py"),
    *PACKAGE.glob("config/*.py"),
    *(PACKAGE / f"{name}.py" for name in ("predictions", "selection", "rules", "manifest")),
    *(PACKAGE / f"{name}.py" for name in ("noise", "noise_matrix", "injecting", "output")),
    *(PACKAGE / f"{name}.py" for name in ("run", "gate", "files", "cache", "seeds", "cli")),
    *(PACKAGE / f"{name}.py" for name in ("reopening", "recorded", "text")),
    *(PACKAGE / f"{name}.py" for name in ("decisions", "exports", "comparing", "documents")),
    *(PACKAGE / f"{name}.py" for name in ("console", "pruning")),
]
PURE = [
    *PACKAGE.glob("scores/*.py"),
    *PACKAGE.glob("similarity/*.py"),
    *PACKAGE.glob("detection/*.py"),
    *(PACKAGE / name for name in ("selection.py", "noise.py", "evaluation/metrics.py")),
]
ROOMS = {"data", "training", "features", "scores", "detection", "similarity"}


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere but for the type checker only."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def top_imports(path: Path) -> set[str]:
    """First parts of the names that a file imports at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {a.name for n in top if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module or "" for n in top if isinstance(n, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", WITHOUT_TORCH, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_torch_outside_training_and_features(path: Path) -> None:
    """Readers, scores, selection and the command line import nothing heavy at their top."""
    assert top_imports(path) & HEAVY == set()


@pytest.mark.parametrize("path", PURE, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_pure_rooms_know_no_files_and_no_other_room(path: Path) -> None:
    """Scores, verdict and selection import neither rooms beside them nor anything that writes."""
    own = path.parent.name
    allowed = {own, "predictions", "errors", "seeds", "rules"}
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("noisefind.")}
    assert rooms <= allowed
    assert imports(path) & {"pathlib", "os", "json", "csv", "typer", "rich"} == set()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.name))
def test_nothing_flows_back(path: Path) -> None:
    """No room imports the verbs or the command line; only the command line draws."""
    if path.parent.name in ROOMS:
        verbs = {
            f"noisefind.{name}" for name in ("cli", "console", "scoring", "pruning", "injecting")
        }
        assert imports(path) & verbs == set()
    if path.name not in {"cli.py", "console.py", "options.py"}:
        assert {name.split(".")[0] for name in imports(path)} & {"typer", "rich"} == set()


def test_help_imports_nothing_heavy() -> None:
    """The command line answers --help without torch."""
    code = (
        "import sys, noisefind.cli.main as c; sys.argv = ['noisefind', '--help']\n"
        "try: c.main()\n"
        f"except SystemExit: sys.exit(bool({HEAVY} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0
