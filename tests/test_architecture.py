"""One import rule per folder (docs/explanation/architecture.md), checked for every file."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "noisefind"
# What each folder may import besides itself, `errors` and `_version`; listed from the ground up,
# and every folder names only folders above it in this list: so there is no circle.
RULES = {
    "utils": "",
    "config": "utils",
    "detection": "utils",
    "scores": "utils",
    "similarity": "utils",
    "noise": "utils",
    "data": "utils config",
    "training": "utils config scores data",
    "features": "utils config data training",
    "integrations": "utils training",
    "runs": "utils config scores similarity data training",
    "exports": "utils data runs",
    "pruning": "utils config scores data runs exports",
    "scoring": "utils config detection scores similarity data training features runs pruning",
    "reporting": "utils config detection scores similarity data runs exports pruning scoring",
    "evaluation": "utils config scores noise data runs exports scoring",
    "experiments": "utils config scores data training features runs pruning scoring evaluation",
    "cli": "utils config runs exports pruning scoring reporting evaluation experiments",
}
PURE = {"detection", "scores", "similarity", "noise"}  # numpy and scipy; no files, no printing
WITH_TORCH = {"training", "features", "scoring", "experiments", "utils"}
FRAMEWORKS = {"lightning", "pytorch_lightning", "transformers", "keras"}
HEAVY = {"torch", "torchvision", "timm", "sklearn", "matplotlib"}
OF_EDGES = {"pathlib", "os", "json", "csv"}
N_PARAMETERS = 7  # of a function without a reason for more
FILES = sorted(PACKAGE.rglob("*.py"))


def folder_of(path: Path) -> str:
    """The folder of the package that a file is in; "" for the files directly in it."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere, for the type checker too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def top_imports(path: Path) -> set[str]:
    """First parts of the names that a file imports at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {a.name for n in top if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module or "" for n in top if isinstance(n, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


def folders_imported(path: Path) -> set[str]:
    """Folders of the package that a file imports, without its own."""
    names = {name.split(".")[1] for name in imports(path) if name.startswith("noisefind.")}
    return (names & {p.name for p in PACKAGE.iterdir() if p.is_dir()}) - {folder_of(path)}


def test_every_folder_has_a_rule_and_rules_have_no_circle() -> None:
    """A new folder needs a line in RULES, and rules name only folders that stand before."""
    assert {folder_of(path) for path in FILES} - {""} == set(RULES)
    seen: set[str] = set()
    for folder, allowed in RULES.items():
        assert set(allowed.split()) <= seen, folder
        seen.add(folder)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_file_keeps_the_rule_of_its_folder(path: Path) -> None:
    """It imports allowed folders only; pure folders no files; typer and rich are for the cli."""
    folder = folder_of(path)
    if not folder:
        assert path.name in {"__init__.py", "__main__.py", "_version.py", "errors.py"}
        return
    assert folders_imported(path) <= set(RULES[folder].split())
    outside = {name.split(".")[0] for name in imports(path)}
    if folder in PURE:
        assert outside & OF_EDGES == set()
    if folder not in WITH_TORCH:
        assert top_imports(path) & HEAVY == set()
    if folder != "cli":
        assert outside & {"typer", "rich"} == set()
    if folder != "integrations":
        assert outside & FRAMEWORKS == set()
        assert "integrations" not in folders_imported(path)


def test_the_options_of_score_stop_at_the_pipeline() -> None:
    """Below `scoring` only the reader of run.json knows ScoreConfig; the rest gets values."""
    order = list(RULES)
    below = [p for p in FILES if folder_of(p) in order[: order.index("scoring")]]
    names = {"noisefind.config.ScoreConfig", "noisefind.config.EnsembleConfig"}
    knowing = {p.relative_to(PACKAGE).as_posix() for p in below if names & imports(p)}
    assert {path for path in knowing if not path.startswith("config/")} == {"runs/summary.py"}


def test_no_two_files_import_each_other() -> None:
    """Neither directly nor around a corner, imports for the type checker included."""
    names = {".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts): p for p in FILES}
    arrows = {name: (imports(path) & set(names)) - {name} for name, path in names.items()}
    while free := {name for name, targets in arrows.items() if not targets & set(arrows)}:
        arrows = {name: targets for name, targets in arrows.items() if name not in free}
    assert set(arrows) == set()


def test_only_the_command_line_and_the_facade_import_experiments() -> None:
    """Nothing stands on `experiments`."""
    importers = {folder_of(p) for p in FILES if "experiments" in folders_imported(p)}
    assert importers <= {"", "cli"}


def test_only_the_facade_imports_the_command_line() -> None:
    """The bars of the command line reach the library through the package itself."""
    importers = {folder_of(p) for p in FILES if "cli" in folders_imported(p)}
    assert importers <= {""}


def test_functions_with_many_parameters_have_a_reason() -> None:
    """More than seven parameters need a comment on the line of the def or on the line above."""
    for path in FILES:
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            of = node.args
            names = {arg.arg for arg in (*of.posonlyargs, *of.args, *of.kwonlyargs)}
            if len(names - {"self", "cls"}) > N_PARAMETERS:
                near = lines[node.lineno - 1], lines[node.lineno - 2].lstrip()
                assert "#" in near[0] or near[1].startswith("#"), f"{path}: {node.name}"


def test_every_class_name_is_used_once() -> None:
    """A name of a class means one thing in the whole package."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in FILES)
    names = Counter(n.name for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    assert {name for name, number in names.items() if number > 1} == set()


def test_help_imports_nothing_heavy() -> None:
    """The command line answers --help without torch."""
    code = (
        "import sys, noisefind.cli.main as c; sys.argv = ['noisefind', '--help']\n"
        "try: c.main()\n"
        f"except SystemExit: sys.exit(bool({HEAVY} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0
