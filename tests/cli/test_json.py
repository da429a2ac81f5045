"""``--json``: one document on stdout, as its schema in the package says."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest
import typer

from noisefind.cli import main as cli
from noisefind.cli import terminal
from noisefind.runs.summary import EstimatedShare
from tests.commands import DIGITS, QUICK, ROOT, CommandLine
from tests.documents import checked, evaluated, schema
from tests.images import write_images
from tests.made_up_runs import MadeUp, made_up_summary, write_run

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("score", "prune", "inject", "compare", "report")
VERBS = ("detection", "selftest", "correlation", "distribution", "examples", "embedding")
SWEEPS = ("easiest", "hardest", "window", "clean", "curriculum", "clusters")
SCHEMAS = {  # name -> the commands that print such a document
    **{command: [command] for command in COMMANDS},
    **{f"evaluate-{verb}": [f"evaluate {verb}"] for verb in VERBS},
    "evaluate-sweep": [f"evaluate {verb}" for verb in SWEEPS],
}
RATE = {"estimate": 0.3, "low": 0.2, "high": 0.4}
HOSTILE = ('=1+1,"<b>"\u202e\n.png', "<i>\x1b[31m")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three images, the worst with a hostile name and class."""
    ids, given = [HOSTILE[0], "b.png", "c.png"], [HOSTILE[1], "cat", "cat"]
    write_images(tmp_path / "data", "b.png", "c.png")
    made_up = MadeUp(ids, given, ["cat"] * 3, n_flagged=1)
    rate = EstimatedShare(**RATE)
    return write_run(tmp_path / "run", made_up, tmp_path / "data", noise_rate=rate).path


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name: str) -> None:
    """Each is one by its metaschema, names its commands, and lets a later version add keys."""
    found = schema(name)
    jsonschema.Draft202012Validator.check_schema(found)
    words = found["properties"]["command"]
    assert words.get("enum", [words.get("const")]) == SCHEMAS[name]
    assert "additionalProperties" not in found


def test_score(noisefind: CommandLine, tmp_path: Path) -> None:
    """run.json and the worst labels; progress and the closed gate stay on stderr."""
    names = [f"{name}/{number}.png" for name in "ab" for number in range(12)]
    write_images(tmp_path / "data", *names)
    features = np.random.default_rng(0).normal(0, 0.1, (24, 6)) + np.repeat([[0], [3]], 12, axis=0)
    np.save(tmp_path / "f.npy", features.astype(np.float32))  # so that no network is asked
    (tmp_path / "f.txt").write_text("".join(f"{name}\n" for name in names))
    features_file, quick = ("--features", tmp_path / "f.npy"), ("--threads", "1", *QUICK)
    output = noisefind(
        "score", tmp_path / "data", "-o", tmp_path / "run", *features_file, *quick, "--json"
    )
    assert output.code == 0, output.err
    document = checked("score", output.out)
    summary = json.loads((tmp_path / "run/run.json").read_text())
    shared = document.keys() & summary.keys()
    assert {key: document[key] for key in shared} == {key: summary[key] for key in shared}
    assert len(document["worst"]) == 10
    assert document["run"] == str(tmp_path / "run")


def test_prune(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Counts, reasons, review and files; hostile names come back as they were."""
    rows = "".join(f"{name},{word},,5eed\n" for name, word in (("b.png", "drop"),))
    (tmp_path / "d.csv").write_text(f"file_name,decision,label,run_id\n{rows}")
    command = ("prune", run, "-o", tmp_path / "out", "--decisions", tmp_path / "d.csv", "--json")
    planned = checked("prune", noisefind(*command, "--dry-run").out)
    done = checked("prune", noisefind(*command, "--format", "cleanlab").out)
    assert (planned["files"], planned["dry_run"]) == ([], True)
    assert done["files"] == ["manifest.csv", "kept.csv", "cleanlab.csv"]
    assert all((tmp_path / "out" / name).exists() for name in done["files"])
    assert (done["n_images"], done["n_kept"], done["n_dropped"]) == (3, 2, 1)
    assert done["reasons"] == {"dropped by review": 1}
    assert done["review"] == {
        "n_decided": 1, "n_kept": 0, "n_relabelled": 0, "n_dropped": 1, "unsure": [],
        "disputed": [], "n_undecided": 1,
    }  # fmt: skip
    assert done["kept_reasons"] == {"undecided": 1}
    assert (done["n_spared"], done["halved_classes"]) == (0, [])
    assert done["noise_rate"] == RATE
    assert HOSTILE[1] in {count["label"] for count in done["classes"]}


def test_a_closed_gate_prints_the_document_too(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """Exit 1, the reason on stderr, the document on stdout."""
    output = noisefind("prune", run, "-o", tmp_path / "out", "--json", "--fail-over", "10%")
    assert output.code == 1
    assert output.err.startswith("error: about 30% of 3 labels are wrong")
    checked("prune", output.out)


def test_inject(noisefind: CommandLine, tmp_path: Path) -> None:
    """injection.json, and where the labels are."""
    output = noisefind("inject", DIGITS, "-o", tmp_path / "out", "--json")
    document = checked("inject", output.out)
    assert document["labels_file"] == str(tmp_path / "out/labels.csv")
    said = json.loads((tmp_path / "out/injection.json").read_text())
    assert {key: document[key] for key in said} == said


def test_compare(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Of runs of which one has a name of its own."""
    made_up = MadeUp([HOSTILE[0], "new.png"], ["cat", "cat"], ["cat", "cat"], n_flagged=0)
    later = write_run(tmp_path / "later", made_up, tmp_path / "data").path
    document = checked("compare", noisefind("compare", run, later, "--json").out)
    assert (document["output"], document["spearman"]) == (None, None)  # of one image
    assert document["no_longer_flagged"][0]["file_name"] == HOSTILE[0]
    assert document["b"]["noise_rate"] == asdict(made_up_summary().noise_rate)


def test_report(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Where the page is and how large."""
    asked = ("--images", "0", "--format", "cleanlab", "--json")
    output = noisefind("report", run, "-o", tmp_path / "r.html", *asked)
    document = checked("report", output.out)
    assert document["files"] == ["cleanlab.csv"]
    assert document["n_bytes"] == (tmp_path / "r.html").stat().st_size


@pytest.mark.slow
def test_evaluate(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Hostile names come back as they were; the other verbs are held where they are tested."""
    (tmp_path / "truth.csv").write_text("file_name,true_label\nb.png,cat\nc.png,dog\n")
    verbs = {
        "detection": ("--truth", tmp_path / "truth.csv", "--draws", "20"), "correlation": (),
        "distribution": (),
    }  # fmt: skip
    for verb, options in verbs.items():
        out = tmp_path / verb
        output = noisefind("evaluate", verb, run, "-o", out, *options, "--json")
        written = json.loads((out / f"{verb}.json").read_text())
        assert evaluated(f"evaluate-{verb}", output.out) == written


def test_errors_leave_stdout_empty(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """Whoever parses stdout meets a document or nothing."""
    for command in (
        ("score", tmp_path / "none", "-o", tmp_path / "o", *QUICK),
        ("prune", tmp_path / "none", "-o", tmp_path / "o"),
        ("inject", tmp_path / "none", "-o", tmp_path / "o"),
        ("compare", run, tmp_path / "none"),
        ("report", tmp_path / "none"),
        ("evaluate", "correlation", tmp_path / "none", "-o", tmp_path / "o"),
        ("evaluate", "clean", DIGITS, "--run", tmp_path / "none", "-o", tmp_path / "o"),
    ):
        noisefind.refused(*command, "--json")


def test_the_page_names_every_schema() -> None:
    """docs/reference/json.md has a line for each schema and the commands that print it."""
    page = (ROOT / "docs/reference/json.md").read_text(encoding="utf-8")
    folder = resources.files("noisefind.cli").joinpath("schemas")
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.json" for n in SCHEMAS)
    for name, words in SCHEMAS.items():
        commands = ", ".join(f"`{command}`" for command in words)
        assert f"| {commands} | [{name}.json](../../noisefind/cli/schemas/{name}.json) |" in page


def test_every_command_prints_a_document() -> None:
    """Whatever ``noisefind`` and ``noisefind evaluate`` can do takes --json and has a schema."""
    app: Any = typer.main.get_command(cli.app)
    verbs = app.commands["evaluate"].commands
    commands = {
        **{name: command for name, command in app.commands.items() if name != "evaluate"},
        **{f"evaluate {name}": command for name, command in verbs.items()},
    }
    assert commands.keys() == {c for words in SCHEMAS.values() for c in words}
    for command in commands.values():
        assert "as_json" in {parameter.name for parameter in command.params}


def test_what_json_does_not_know_is_no_output() -> None:
    """NaN and infinity, which strict readers refuse, are a fault rather than a document."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        terminal.print_json({"x": float("nan")})
