"""The Dockerfile, as far as it can be proved without a Docker engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands import DIGITS, ROOT, read_csv
from tests.dockerfile import instructions, is_sent, run_layers, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKERFILE = instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))
IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8")
USER = 12345  # has no entry in passwd, as whoever runs a container with --user
NO_SOCKETS = """
import socket
def refuse(*_, **__):
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = refuse
"""


def named(name: str) -> list[str]:
    return [text for instruction, text in DOCKERFILE if instruction == name]


def test_every_copied_file_is_there_and_sent() -> None:
    """No COPY names what is missing, what git ignores or what .dockerignore holds back."""
    copied = [source for text in named("COPY") for source in sources(text)]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert is_sent(source, IGNORE), source
        ignored = subprocess.run(["git", "check-ignore", "-q", source], cwd=ROOT, check=False)
        assert ignored.returncode != 0, source


def test_nothing_else_is_sent() -> None:
    """Samples, tests, environments and compiled files stay out of the build, the package is in."""
    held_back = (
        ".git/HEAD",
        "sample_data/truth.csv",
        ".venv/bin/python",
        "noisefind/x/__pycache__/a",
    )
    assert not [path for path in held_back if is_sent(path, IGNORE)]
    package = [path.relative_to(ROOT).as_posix() for path in (ROOT / "noisefind").rglob("*.py")]
    assert [path for path in package if not is_sent(path, IGNORE)] == []


def test_code_does_not_enter_the_layer_of_dependencies() -> None:
    """Before the first install only pyproject.toml is copied: other edits keep the cache."""
    first_run = [name for name, _ in DOCKERFILE].index("RUN")
    before = [text for name, text in DOCKERFILE[:first_run] if name == "COPY"]
    assert before == ["pyproject.toml ./"]


def test_it_ends_as_a_user_that_is_not_root() -> None:
    """The last USER is a number other than 0, since an orchestrator can check numbers only."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", named("USER")[-1])
    assert [json.loads(text) for text in named("ENTRYPOINT")] == [["noisefind"]]


def test_the_wheel_index_is_the_only_host() -> None:
    """No host is named but the default of TORCH_INDEX."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line.split("=")[0] for line in lines if "://" in line] == ["ARG TORCH_INDEX"]


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """The layers run in a folder that everyone can read, with this environment's packages below.

    pip therefore finds torch and the rest installed, and asks no index as long as versions suit:
    what is proved is that the lines run, name what noisefind needs, and install all of its files.
    benchmarks/docker_install.py runs the same lines with nothing installed, in minutes.
    """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
        packages = next((root / "venv/lib").glob("python*/site-packages"))
        below = [folder for folder in sys.path if folder.endswith("-packages")]
        (packages / "below.pth").write_text("".join(f"{folder}\n" for folder in below))
        run_layers(root, root / "venv" / "bin")
        yield root


@pytest.mark.slow
def test_the_installed_package_is_whole(image: Path) -> None:
    """Every module of the checkout is in the image, taken from there and not from the checkout."""
    installed = next((image / "venv/lib").glob("python*/site-packages/noisefind"))
    modules = {path.relative_to(ROOT / "noisefind") for path in (ROOT / "noisefind").rglob("*.py")}
    assert modules == {path.relative_to(installed) for path in installed.rglob("*.py")}
    required = (image / "src/requirements.txt").read_text().splitlines()
    assert {"setuptools>=77", "torch>=2.2", "pyyaml>=6"} <= set(required)


@pytest.mark.slow
def test_score_and_prune_as_anyone(image: Path) -> None:
    """Both commands work for a user without a home or a name, on read-only data, without a network.

    There is no terminal either. Where the tests do not run as root they keep their own user.
    """
    data, out = image / "data", image / "out"
    for name in ("one", "two", "three"):
        (data / name).mkdir(parents=True)
        for path in sorted((DIGITS / name).iterdir())[:12]:
            shutil.copy(path, data / name)
    for path in [*data.rglob("*"), data]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    out.chmod(0o777)
    quick = ("--members", "2", "--epochs", "2", "--clusters", "3", "--threads", "1")
    run_as_anyone(image, "score", data, "-o", out / "run", *quick)
    run_as_anyone(image, "prune", out / "run", "-o", out / "clean", "--format", "imagefolder")
    assert len(read_csv(out / "run/scores.csv")) == 36
    assert len(read_csv(out / "clean/manifest.csv")) == 36
    if os.getuid() == 0 and shutil.which("setpriv"):
        assert (out / "clean/kept.csv").stat().st_uid == USER


def run_as_anyone(image: Path, *arguments: str | Path) -> None:
    """Run the image's entry point with as little as a container may give it."""
    (image / "no_sockets").mkdir(exist_ok=True)
    (image / "no_sockets/sitecustomize.py").write_text(NO_SOCKETS)
    command = [str(image / "venv/bin/noisefind"), *map(str, arguments)]
    if os.getuid() == 0 and shutil.which("setpriv"):
        group = f"--regid={USER}"
        command = ["setpriv", f"--reuid={USER}", group, "--clear-groups", "--", *command]
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0:
        command = ["unshare", "-n", *command]
    environment = {
        "PATH": f"{image / 'venv/bin'}:{os.environ['PATH']}",
        "HOME": "/nonexistent",
        "PYTHONPATH": str(image / "no_sockets"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, env=environment, cwd=image / "out", stdin=subprocess.DEVNULL, text=True,
        capture_output=True, start_new_session=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
