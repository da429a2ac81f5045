"""Shared fixtures: one cache and two scored runs, for all test processes together."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from threadpoolctl import threadpool_limits

from noisefind.features import reduce
from tests.commands import DIGITS, QUICK, CommandLine, finished
from tests.planted import LARGE, plant
from tests.projection import quick_projection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # gw0, gw1, ... under pytest -n

WAITING = {"noisy_digits", "digits_run", "planted", "browser"}


def pytest_configure() -> None:
    """Give each of several test processes a core of its own, so that PyTorch takes one thread.

    BLAS counted the cores before: with two threads on one core each waits for the other.
    """
    if WORKER and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(WORKER.removeprefix("gw")) % len(cores)]})
        threadpool_limits(1, "blas")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what waits for a scored run that takes seconds, or for a browser."""
    for item in items:
        if WAITING & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new folder that all processes of this test session share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if WORKER else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """``folder`` as ``make`` filled it; the first process makes it and the others wait."""
    done = folder.with_name(f"{folder.name}-done")
    with FileLock(f"{folder}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(shared: Path) -> None:
    """The tests neither read nor fill the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
    patch.setenv("HF_HUB_OFFLINE", "1")  # whoever asks a hub fails at once
    patch.setenv("COLUMNS", "200")


@pytest.fixture(scope="session", autouse=True)
def _quick_projection() -> None:
    """Runs in this process find the principal axes quickly; those of ``process`` do not."""
    pytest.MonkeyPatch().setattr(reduce, "fit_projection", quick_projection)


@pytest.fixture
def noisefind(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line."""
    return CommandLine(capsys)


@pytest.fixture(scope="session")
def noisy_digits(shared: Path) -> Path:
    """A folder with ``noise``, what inject planted in a tenth of the digits, and ``run``."""

    def make(home: Path) -> None:
        assert finished("inject", DIGITS, "-o", home / "noise", "--fraction", "0.1") == 0
        code = finished(
            "score", DIGITS, "-o", home / "run", "--labels", home / "noise/labels.csv",
            "--members", "3", "--epochs", "6", "--clusters", "3", "--feature-size", "32",
        )  # fmt: skip
        assert code == 0

    return made_once(shared / "noisy-digits", make)


@pytest.fixture(scope="session")
def planted(shared: Path) -> Path:
    """``data``, digits with what was planted among them (tests/planted.py), and ``run``."""

    def make(home: Path) -> None:
        assert finished("score", plant(home / "data"), "-o", home / "run", *QUICK, *LARGE) == 0

    return made_once(shared / "planted", make)
