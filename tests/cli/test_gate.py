"""``--fail-over``: a pipeline stops when too many labels are wrong, and for nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from noisefind.cli.gate import reason_to_fail
from noisefind.config import PruneConfig, ScoreConfig, load_config
from noisefind.errors import ConfigError
from noisefind.pruning import prune as pruning
from noisefind.runs.summary import EstimatedShare
from tests.commands import CommandLine, process, read_csv
from tests.images import write_csv, write_images
from tests.made_up_runs import made_up_summary

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.runs.summary import RunSummary

OPTIONS = ("--members", "3", "--epochs", "15", "--clusters", "3", "--threads", "1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 20 images, labels of which two are wrong, features that tell the classes."""
    root = tmp_path_factory.mktemp("gate")
    names = [f"{name}/{number:03d}.png" for name in "ab" for number in range(20)]
    write_images(root / "images", *names, size=16)
    write_csv(root / "labels.csv", ("a/000.png", "b"), ("b/000.png", "a"))
    rng = np.random.default_rng(0)
    features = rng.normal(0, 0.1, (40, 6)) + np.repeat([[0.0], [3.0]], 20, axis=0)
    np.save(root / "features.npy", features.astype(np.float32))
    (root / "features.txt").write_text("".join(f"{name}\n" for name in names))
    return root


def score(noisefind: CommandLine, data: Path, run: Path, *more: str) -> tuple[int, str]:
    files = ("--labels", data / "labels.csv", "--features", data / "features.npy")
    output = noisefind("score", data / "images", "-o", run, *files, *OPTIONS, *more)
    return output.code, output.err.splitlines()[-1]


@pytest.fixture
def run(noisefind: CommandLine, data: Path) -> Path:
    """A run in which some labels are suspected; scored once."""
    run = data / "run"
    if not run.exists():
        assert score(noisefind, data, run)[0] == 0
    assert 0 < json.loads((run / "run.json").read_text())["noise_rate"]["low"] < 0.5
    return run


def summary(low: float, n_images: int = 1000) -> RunSummary:
    """A run whose interval begins at ``low``."""
    rate = EstimatedShare(min(low + 0.01, 1), low, min(low + 0.02, 1))
    return made_up_summary(noise_rate=rate, n_images=n_images, label_issue_share=1.0)


@pytest.mark.parametrize(
    ("low", "given", "fails"),
    [
        (0.02, "2%", False),  # as many as are allowed
        (0.021, "2%", True),
        (0.02, "0.02", False),
        (0.02, 0.0199, True),
        (0.007, "0.7%", False),  # 0.7 / 100 in floats is less than 0.007
        (0.0, "0", False),
        (0.001, "0%", True),
        (1.0, "100%", False),
        (1.0, "1", False),
        (1.0, None, False),
    ],
)
def test_only_a_lower_end_above_the_limit_fails(low: float, given: object, fails: bool) -> None:
    """Percentages and shares mean the same, equality passes, and the flagged share is no matter."""
    config = load_config(ScoreConfig, None, {"fail_over": given})
    assert (reason_to_fail(summary(low), config.fail_over) is not None) == fails


def test_doubt_alone_closes_no_gate() -> None:
    """An estimate above the limit passes as long as its interval reaches below it."""
    rate = EstimatedShare(0.05, 0.019, 0.2)
    assert reason_to_fail(made_up_summary(noise_rate=rate, n_images=50), 0.02) is None


def test_the_reason_names_estimate_interval_and_limit() -> None:
    """In one line; a share that is above by a hair does not print as the limit itself."""
    reason = reason_to_fail(summary(0.020001, 999_999), 0.02)
    assert reason == (
        "about 3.0001% of 999,999 labels are wrong (95 % interval 2.0001% to 4.0001%): the lower "
        "end is more than --fail-over 2%"
    )


@pytest.mark.parametrize("given", ["2", "-1%", "101%", "nan", "nan%", "two", "", "%", True, "inf"])
@pytest.mark.parametrize("kind", [ScoreConfig, PruneConfig])
def test_bad_shares_are_refused(kind: type[ScoreConfig | PruneConfig], given: object) -> None:
    """What is no share between 0 and 1 is an error that names the option, not a closed gate."""
    with pytest.raises(ConfigError, match=r"--fail-over is .*share from 0 to 1"):
        load_config(kind, None, {"fail_over": given})


def test_score_writes_everything_and_then_fails(
    noisefind: CommandLine, data: Path, run: Path, tmp_path: Path
) -> None:
    """Exit 1 with one line on stderr, and the same scores.csv as without the option."""
    code, line = score(noisefind, data, tmp_path / "run", "--fail-over", "0%")
    share = json.loads((tmp_path / "run/run.json").read_text())["noise_rate"]["estimate"]
    assert (code, line.startswith(f"error: about {100 * share:.7g}% of 40 labels")) == (1, True)
    assert (tmp_path / "run/scores.csv").read_bytes() == (run / "scores.csv").read_bytes()


def test_another_limit_does_not_block_resume(noisefind: CommandLine, data: Path, run: Path) -> None:
    """A run that was begun without the option, or with another value, goes on with it."""
    assert score(noisefind, data, run, "--resume", "--fail-over", "0")[0] == 1
    assert score(noisefind, data, run, "--resume", "--fail-over", "50%")[0] == 0


def test_prune_writes_everything_and_then_fails(
    noisefind: CommandLine, run: Path, tmp_path: Path
) -> None:
    """The interval is that of the run, also where the rules drop something else."""
    rule = ("--drop", "random", "--fraction", "0.5")
    closed = noisefind("prune", run, "-o", tmp_path / "a", *rule, "--fail-over", "0.0")
    assert (closed.code, "--fail-over 0%" in closed.err.splitlines()[-1]) == (1, True)
    assert len(read_csv(tmp_path / "a/kept.csv")) == 20
    assert noisefind("prune", run, "-o", tmp_path / "b", *rule, "--fail-over", "50%").code == 0
    assert noisefind("prune", run, "-o", tmp_path / "c", "--dry-run", "--fail-over", "0").code == 1


def test_bad_value_exits_2(noisefind: CommandLine, run: Path, tmp_path: Path) -> None:
    """A bad value is a usage error, before anything is written."""
    assert "--fail-over" in noisefind.refused("prune", run, "-o", tmp_path / "a", "--fail-over=2")
    assert not (tmp_path / "a").exists()


def test_a_reader_that_left_changes_no_exit_code(run: Path, tmp_path: Path) -> None:
    """``noisefind … | head -0``: the files are whole, the gate is open or closed as before."""
    for name, limit, code in (("open", "1", 0), ("closed", "0", 1)):
        out = tmp_path / name
        with process("prune", run, "-o", out, "--fail-over", limit) as running:
            assert running.stdout is not None
            running.stdout.close()
        assert (running.returncode, (out / "kept.csv").exists()) == (code, True)


def test_a_fault_is_no_closed_gate(
    noisefind: CommandLine, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that no one foresaw shows its traceback and exits with 70, not with Python's 1."""

    def fault(*_: object, **__: object) -> None:
        raise LookupError("nobody foresaw this")

    monkeypatch.setattr(pruning, "prune", fault)
    output = noisefind("prune", run, "-o", tmp_path / "out")
    assert (output.code, "nobody foresaw this" in output.err) == (70, True)
