"""run.json and started.json: what is written is read again, and nothing else is."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from noisefind.config import ScoreConfig, with_preset
from noisefind.errors import RunError
from noisefind.runs.folder import RunFolder
from noisefind.runs.summary import RunStart, RunSummary
from tests.made_up_runs import MadeUp, made_up_summary, write_run

if TYPE_CHECKING:
    from tests.commands import CommandLine

RUN_JSON = Path("run/run.json")
START = RunStart(**{f.name: getattr(made_up_summary(), f.name) for f in fields(RunStart)})
SUMMARY = made_up_summary(n_leaks=2, memorised_share=0.25)
NESTED = [("noise_rate", name) for name in ("estimate", "low", "high")] + [
    ("sizes", name) for name in ("stored", "features", "network")
]
KEYS = [(name,) for name in SUMMARY.to_json()] + NESTED


def changed(keys: tuple[str, ...], *value: object) -> dict[str, Any]:
    """run.json with another value for a key; without the key where no value is given."""
    values = json.loads(json.dumps(SUMMARY.to_json()))
    *outer, last = keys
    inside = values[outer[0]] if outer else values
    if value:
        (inside[last],) = value
    else:
        del inside[last]
    return dict(values)


@pytest.mark.parametrize("summary", [SUMMARY, made_up_summary()])
def test_a_summary_is_read_as_it_was_written(summary: RunSummary, tmp_path: Path) -> None:
    """Through the file; without leaks there is no key n_leaks."""
    path = tmp_path / "run.json"
    path.write_text(json.dumps(summary.to_json()))
    assert RunSummary.read(path) == summary
    assert ("n_leaks" in summary.to_json()) == (summary.n_leaks is not None)


def test_keys_are_the_fields_in_order() -> None:
    """run.json begins with its format; then come the keys of started.json."""
    names = [f.name for f in fields(RunSummary)]
    assert list(SUMMARY.to_json()) == ["format", *names]
    assert list(START.to_json()) == names[: len(fields(RunStart))]


@pytest.mark.parametrize("keys", KEYS, ids=".".join)
def test_a_missing_key_is_one_error(keys: tuple[str, ...]) -> None:
    """It names file and key and says what to do; some newer ones may be missing."""
    values = changed(keys)
    if keys == ("view",):  # of a run before there was one
        assert RunSummary.from_json(values, RUN_JSON).view == SUMMARY.view
        return
    if keys == ("n_leaks",):
        assert RunSummary.from_json(values, RUN_JSON).n_leaks is None
        return
    if keys == ("predictions",):
        assert RunSummary.from_json(values, RUN_JSON).predictions is None
        return
    if keys == ("n_class_ties",):
        assert RunSummary.from_json(values, RUN_JSON).n_class_ties == 0
        return
    with pytest.raises(RunError) as error:
        RunSummary.from_json(values, RUN_JSON)
    text = str(error.value)
    assert "has format None" in text if keys == ("format",) else f"{'.'.join(keys)!r}" in text
    assert text.startswith("run/run.json: ")
    assert text.endswith("; score the data again, into a new folder")


@pytest.mark.parametrize("keys", KEYS, ids=".".join)
def test_a_value_of_another_type_is_one_error(keys: tuple[str, ...]) -> None:
    """A nested list is right for no field; the error names file and key."""
    with pytest.raises(RunError, match=re.escape("run/run.json: ")) as error:
        RunSummary.from_json(changed(keys, [[None]]), RUN_JSON)
    assert keys[-1] in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("n_images", True, "'n_images' must be a whole number, not true or false"),
        ("n_images", 2.0, "'n_images' must be a whole number, not 2.0"),
        ("n_images", None, "'n_images' must be a whole number, not null"),
        ("memorised", 1, "'memorised' must be true or false, not a whole number"),
        ("memorised_share", float("nan"), "'memorised_share' must be a finite number, not nan"),
        ("label_issue_share", float("inf"), "must be a finite number, not inf"),
        ("label_issue_share", "0.5", "must be a finite number, not text"),
        ("classes", ["a", 1], "'classes[1]' must be text, not a whole number"),
        ("seconds", {"total": None}, "'seconds.total' must be a finite number, not null"),
        ("members", {"cnn": "4"}, "'members.cnn' must be a whole number, not text"),
        ("recipes", {"cnn": []}, "'recipes.cnn' must be an object, not a list"),
    ],
)
def test_types_are_exact(key: str, value: object, text: str) -> None:
    """A boolean is no number, a fraction no count, nan no share; items are checked one by one."""
    with pytest.raises(RunError, match=re.escape(text)):
        RunSummary.from_json(changed((key,), value), RUN_JSON)


def test_a_whole_number_is_a_share_too() -> None:
    """Other programs write 0 for 0.0."""
    found = RunSummary.from_json(changed(("label_issue_share",), 0), RUN_JSON)
    assert (found.label_issue_share, type(found.label_issue_share)) == (0.0, float)


def test_further_keys_are_ignored() -> None:
    """A newer noisefind may add some."""
    assert RunSummary.from_json({**SUMMARY.to_json(), "new": 1}, RUN_JSON) == SUMMARY


@pytest.mark.parametrize("number", [1, 3, True, "2", 2.0])
def test_another_format_is_refused(number: object) -> None:
    """Before any key is looked at."""
    with pytest.raises(RunError, match=r"has format .* reads format 2; score the data again"):
        RunSummary.from_json({"format": number}, RUN_JSON)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\xff"])
def test_a_broken_file_is_one_error(text: str, tmp_path: Path) -> None:
    """Of run.json and of started.json alike."""
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("latin-1"))
    for kind in (RunStart, RunSummary):
        with pytest.raises(RunError, match=re.escape(f"{path}: ")):
            kind.read(path)


def test_the_options_of_a_run_come_back() -> None:
    """Options that this noisefind does not have are ignored; a bad value is a RunError."""
    config = with_preset(ScoreConfig, "thorough", seed=7, root=Path("there"))
    start = replace(START, config=json.loads(json.dumps(config.to_dict())) | {"new": 1})
    assert start.score_config() == config
    with pytest.raises(RunError, match=r"config of run 5eed: --seed is 'x'.*score the data again"):
        replace(start, config={"seed": "x"}).score_config()


def test_every_command_refuses_a_broken_run_json(noisefind: CommandLine, tmp_path: Path) -> None:
    """In one line that names the key, before anything is written."""
    made_up = MadeUp(["a/0.png", "b/0.png"], ["a", "b"], ["b", "b"])
    run = write_run(tmp_path / "run", made_up, tmp_path / "data").path
    values = json.loads((run / "run.json").read_text())
    del values["noise_rate"]
    (run / "run.json").write_text(json.dumps(values))
    out = ("-o", tmp_path / "out")
    for command in (
        ("prune", run, *out),
        ("report", run, "-o", tmp_path / "out.html"),
        ("compare", run, run),
        ("evaluate", "correlation", run, *out),
        ("evaluate", "examples", run, *out),
    ):
        assert "run.json: key 'noise_rate' is missing; score" in noisefind.refused(*command)
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_is_no_summary(tmp_path: Path) -> None:
    """Without run.json the error says how to go on."""
    (tmp_path / "started.json").write_text(json.dumps(START.to_json()))
    with pytest.raises(RunError, match="finish it with the same command and --resume"):
        RunFolder(tmp_path).read_summary()
