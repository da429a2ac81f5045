"""noisefind as a library: its public names, and the commands and code that the README shows."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import noisefind
from noisefind.config import ScoreConfig
from tests.images import write_images

if TYPE_CHECKING:
    from tests.commands import CommandLine

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.strip().partition(" #")[0].strip()
    for line in README.splitlines()
    if line.startswith("    noisefind ")
]

MODULES = ("metrics", "noise", "pruning", "scores")  # public names that are modules


def photos(home: Path) -> None:
    names = [f"photos/{name}/{number}.png" for name in "ab" for number in range(12)]
    write_images(home, *names, size=16)


@pytest.mark.parametrize("name", noisefind.__all__)
def test_public_names_are_there(name: str) -> None:
    """Every public name is an attribute of the package, and ``dir`` lists it."""
    assert getattr(noisefind, name).__name__.rpartition(".")[2] == name
    assert name in dir(noisefind)


def test_names_for_type_checkers_are_those_of_the_library() -> None:
    """The imports for type checkers list every public name and its module."""
    tree = ast.parse(Path(noisefind.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    public = [node for node in imports if node.names[0].asname]  # "import X as X"
    found = {node.names[0].name: str(node.module) for node in public}
    for name in MODULES:
        found[name] = f"{found[name]}.{name}"
    assert found == {name: f"noisefind.{home}" for name, home in noisefind._HOMES.items()}
    assert Path(noisefind.__file__).with_name("py.typed").exists()


def test_import_is_lazy() -> None:
    """``import noisefind`` imports neither torch nor numpy."""
    code = "import sys, noisefind; sys.exit(bool({'torch', 'numpy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", MODULES)
def test_public_modules_are_attributes(name: str) -> None:
    """After ``import noisefind`` alone the modules are attributes, and torch is not imported."""
    code = (
        f"import sys, noisefind; module = noisefind.{name}\n"
        "sys.exit('torch' in sys.modules or not isinstance(module, type(sys)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_names_are_refused() -> None:
    """A name that is none is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'scores_of'"):
        noisefind.scores_of  # noqa: B018


@pytest.mark.slow
def test_commands_of_the_readme(
    noisefind: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that the README shows runs as it stands, one after the other."""
    photos(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) >= 4
    for command in COMMANDS:
        if "decisions.csv" in command:  # which a person downloads from the report
            run_id = json.loads(Path("run/run.json").read_text())["run_id"]
            first = Path("run/scores.csv").read_text().splitlines()[1].split(",")[1]
            rows = f"file_name,decision,label,run_id\n{first},drop,,{run_id}\n"
            Path("decisions.csv").write_text(rows)
        output = noisefind(*shlex.split(command)[1:])
        assert output.code == 0, (command, output.err)
    assert (tmp_path / "clean/kept.csv").exists()


def test_code_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python code that the README shows runs as it stands."""
    photos(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = README.split("```python\n")[1].split("```")[0]
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "clean/manifest.csv").exists()


def test_code_of_the_api_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first code of docs/reference/python.md runs: score, the worst, open_run, to_pandas."""
    pytest.importorskip("pandas")
    photos(tmp_path)
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parent.parent / "docs/reference/python.md").read_text(encoding="utf-8")
    exec(compile(page.split("```python\n")[1].split("```")[0], "python.md", "exec"), {})
    shown = capsys.readouterr().out
    assert shown.startswith("Run run\n  images: 24 in 2 classes\n")
    assert "label_score" in shown


def test_a_library_user_sees_nothing_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where stderr is no terminal, the library is silent."""
    photos(tmp_path)
    config = ScoreConfig(members=1, epochs=1, clusters=2)
    noisefind.score(tmp_path / "photos", tmp_path / "run", config)
    noisefind.prune(tmp_path / "run", tmp_path / "out")
    assert capsys.readouterr() == ("", "")
