"""What the tests share: one cache, so that each image is decoded and seen once."""

from __future__ import annotations

import pytest

from tests.commands import CommandLine


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
