"""What the process of the command line sets before anything heavy is imported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from noisefind.cli.process import share_cores

if TYPE_CHECKING:
    import pytest


def test_waiting_threads_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenMP is told so before PyTorch loads it; what the user has set stays."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
