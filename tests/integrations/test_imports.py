"""Without a framework its module says what to install, and the package does without any."""

from __future__ import annotations

import sys

import pytest

FRAMEWORKS = {
    "lightning": ("lightning", "lightning.pytorch", "pytorch_lightning"),
    "transformers": ("transformers",),
    "keras": ("keras", "keras.callbacks"),
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_that_is_not_installed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the extra."""
    module = f"noisefind.integrations.{name}"
    monkeypatch.delitem(sys.modules, module, raising=False)
    for missing in FRAMEWORKS[name]:
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"pip install 'noisefind\[{name}\]'"):
        __import__(module)
