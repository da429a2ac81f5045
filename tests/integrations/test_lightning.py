"""Lightning: the record of a real training is what its steps returned, through checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from noisefind.errors import DataError
from noisefind.training.recorder import read_recorded
from tests.integrations.tiny import ARGUMENTS, IDS, LABELS, VECTORS, Kept, assert_recorded, rows_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(params=["lightning.pytorch", "pytorch_lightning"])
def pl(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


def model(pl: Any, kept: Kept, returned: Any = None) -> Any:
    """A linear network; ``returned`` changes what a step returns."""

    class Linear(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def training_step(self, batch: Any, batch_idx: int) -> Any:  # noqa: ARG002
            ids, vectors, targets = batch
            logits = self.layer(vectors)
            kept.add(rows_of(vectors), logits)
            loss = torch.nn.functional.cross_entropy(logits, targets)
            every = {"loss": loss, "logits": logits, "ids": ids}
            return returned(every) if returned else every

        def validation_step(self, batch: Any, batch_idx: int) -> Any:  # noqa: ARG002
            return {"loss": self.layer(batch[1]).sum()}

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.5)

    torch.manual_seed(0)
    return Linear()


def fit(pl: Any, home: Path, n_epochs: int, network: Any, **options: Any) -> Any:
    """Train on a CPU with the callback, and with a validation pass; the Trainer."""
    processes = {name: options.pop(name) for name in ("strategy", "devices") if name in options}
    from noisefind.integrations.lightning import LightningRecorder

    examples = list(zip(IDS, VECTORS, LABELS, strict=True))
    loader = torch.utils.data.DataLoader(examples, batch_size=5, shuffle=True)  # type: ignore[arg-type,var-annotated]
    trainer = pl.Trainer(
        max_epochs=n_epochs, callbacks=[LightningRecorder(home / "record", *ARGUMENTS)],
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=home, **processes,
    )  # fmt: skip
    trainer.fit(network, loader, loader, **options)
    return trainer


def test_a_training(pl: Any, tmp_path: Path) -> None:
    """The logits of every batch of the training, in shuffled order, and of no validation."""
    kept = Kept()
    fit(pl, tmp_path, 3, model(pl, kept))
    assert_recorded(tmp_path / "record", kept.logits())


def test_a_training_from_a_checkpoint(pl: Any, tmp_path: Path) -> None:
    """Epochs after the checkpoint are recorded again; a new training is refused."""
    kept, lost = Kept(), Kept()
    trainer = fit(pl, tmp_path, 2, model(pl, kept))
    trainer.save_checkpoint(tmp_path / "two.ckpt")
    fit(pl, tmp_path, 3, model(pl, lost), ckpt_path=tmp_path / "two.ckpt", weights_only=False)
    fit(pl, tmp_path, 4, model(pl, kept), ckpt_path=tmp_path / "two.ckpt", weights_only=False)
    assert len(kept.logits()) == 4
    assert_recorded(tmp_path / "record", kept.logits())
    with pytest.raises(DataError, match="has 4 recorded epochs, and this training begins with"):
        fit(pl, tmp_path, 1, model(pl, Kept()))


def test_checkpoints_that_the_trainer_makes(pl: Any, tmp_path: Path) -> None:
    """ModelCheckpoint saves within the epoch that it belongs to; recording goes on after it."""
    kept = Kept()
    fit(pl, tmp_path, 2, model(pl, kept))
    made = next((tmp_path / "checkpoints").glob("*.ckpt"))
    fit(pl, tmp_path, 3, model(pl, kept), ckpt_path=made, weights_only=False)
    assert_recorded(tmp_path / "record", kept.logits())


@pytest.mark.parametrize("without", ["ids", "logits"])
def test_steps_that_do_not_return_it(pl: Any, tmp_path: Path, without: str) -> None:
    """The message says what a step must return."""

    def returned(every: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in every.items() if name != without}

    with pytest.raises(ValueError, match="must return a dict with loss, logits and ids"):
        fit(pl, tmp_path, 1, model(pl, Kept(), returned))


def test_steps_that_are_skipped(pl: Any, tmp_path: Path) -> None:
    """A step that returns None is no error; its images are filled from another epoch."""
    from noisefind.training.recorder import n_recorded_epochs

    kept = Kept()
    fit(pl, tmp_path, 2, model(pl, kept, lambda every: every if len(kept.batches) != 2 else None))
    assert n_recorded_epochs(tmp_path / "record") == 2


def test_two_processes(pl: Any, tmp_path: Path) -> None:
    """Each records its own images, though Lightning sets no RANK; together they have all."""
    fit(pl, tmp_path, 2, model(pl, Kept()), strategy="ddp_fork", devices=2)
    record = tmp_path / "record"
    assert sorted(path.name for path in record.glob("rank-*")) == ["rank-00", "rank-01"]
    for epoch in range(2):
        rows = [
            np.load(record / f"rank-{r:02d}" / f"epoch-{epoch:04d}.npz")["rows"] for r in (0, 1)
        ]
        assert len(rows[0]) == len(rows[1]) == 6
        assert set(np.concatenate(rows).tolist()) == set(range(12))
    assert read_recorded(record, IDS, np.array(LABELS), ARGUMENTS[2]).n_filled == 0
