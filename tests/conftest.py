"""What the tests share: one cache, so that each image is decoded and seen once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands import DIGITS, QUICK, CommandLine, finished
from tests.planted import plant

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests neither read nor fill the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("HF_HUB_OFFLINE", "1")  # whoever asks a hub fails at once
    patch.setenv("COLUMNS", "200")


@pytest.fixture
def noisefind(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line."""
    return CommandLine(monkeypatch, capsys)


@pytest.fixture(scope="session")
def noisy_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``noise``, what inject planted in a tenth of the digits, and ``run``."""
    home = tmp_path_factory.mktemp("noisy-digits")
    assert finished("inject", DIGITS, "-o", home / "noise", "--fraction", "0.1") == 0
    code = finished(
        "score", DIGITS, "-o", home / "run", "--labels", home / "noise/labels.csv",
        "--members", "3", "--epochs", "6", "--clusters", "3",
    )  # fmt: skip
    assert code == 0
    return home


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``, digits with what was planted among them (tests/planted.py), and ``run``."""
    home = tmp_path_factory.mktemp("planted")
    assert finished("score", plant(home / "data"), "-o", home / "run", *QUICK) == 0
    return home
