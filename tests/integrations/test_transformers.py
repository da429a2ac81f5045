"""Hugging Face Trainer: the record of a real training is what the model returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from noisefind.errors import DataError
from tests.integrations.tiny import ARGUMENTS, IDS, LABELS, VECTORS, Kept, assert_recorded, rows_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")


class Linear(torch.nn.Module):
    """A linear network that refuses every input but its own two."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.kept = torch.nn.Linear(4, 3), kept

    def forward(
        self, vectors: torch.Tensor, labels: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        logits = self.layer(vectors)
        if labels is None:
            return {"logits": logits}
        if self.training:
            self.kept.add(rows_of(vectors), logits)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def collate(rows: Any) -> dict[str, Any]:
    return {
        "ids": [row["id"] for row in rows],
        "vectors": torch.tensor([row["vector"] for row in rows]),
        "labels": torch.tensor([row["label"] for row in rows]),
    }


def new_trainer(home: Path, kept: Kept, n_epochs: int, **options: Any) -> Any:
    """A Trainer on a CPU that evaluates and saves after each epoch."""
    from noisefind.integrations.transformers import RecorderMixin

    class RecordingTrainer(RecorderMixin, transformers.Trainer):  # type: ignore[misc,name-defined]
        pass

    rows = zip(IDS, VECTORS.tolist(), LABELS, strict=True)
    examples = [{"id": id_, "vector": vector, "label": label} for id_, vector, label in rows]
    settings: dict[str, Any] = {
        "num_train_epochs": n_epochs, "per_device_train_batch_size": 5, "learning_rate": 0.5,
        "remove_unused_columns": False, "report_to": [], "use_cpu": True, "disable_tqdm": True,
        "eval_strategy": "epoch", "save_strategy": "epoch",
    }  # fmt: skip
    arguments = transformers.TrainingArguments(str(home / "out"), **{**settings, **options})
    return RecordingTrainer(
        Linear(kept), arguments, collate, train_dataset=examples, eval_dataset=examples
    )


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_training(tmp_path: Path, accumulation: int) -> None:
    """The logits of every batch of the training, and of no evaluation."""
    kept = Kept()
    trainer = new_trainer(tmp_path, kept, 3, gradient_accumulation_steps=accumulation)
    trainer.record(tmp_path / "record", *ARGUMENTS)
    trainer.train()
    assert_recorded(tmp_path / "record", kept.logits())
    assert trainer.evaluate()["eval_loss"] > 0
    trainer.data_collator = lambda rows: {k: v for k, v in collate(rows).items() if k != "labels"}
    assert trainer.predict(trainer.eval_dataset).predictions.shape == (12, 3)


def test_a_training_from_a_checkpoint(tmp_path: Path) -> None:
    """Epochs after the checkpoint are recorded again; a new training is refused."""
    first, again = Kept(), Kept()
    trainer = new_trainer(tmp_path, first, 3)
    trainer.record(tmp_path / "record", *ARGUMENTS)
    trainer.train()
    resumed = new_trainer(tmp_path, again, 4, seed=1)
    resumed.record(tmp_path / "record", *ARGUMENTS)
    resumed.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-6"))  # two epochs
    kept = Kept()
    kept.batches = first.batches[:6] + again.batches
    assert len(kept.logits()) == 4
    assert_recorded(tmp_path / "record", kept.logits())
    fresh = new_trainer(tmp_path, Kept(), 1)
    fresh.record(tmp_path / "record", *ARGUMENTS)
    with pytest.raises(DataError, match="has 4 recorded epochs, and this training begins with"):
        fresh.train()


def test_without_record(tmp_path: Path) -> None:
    """The mixin alone trains as the Trainer does, and takes the ids out."""
    kept = Kept()
    new_trainer(tmp_path, kept, 2).train()
    assert kept.logits().shape == (2, 12, 3)
    assert not (tmp_path / "record").exists()


def test_batches_without_ids(tmp_path: Path) -> None:
    """The message says what the collator must return, and the option that keeps the column."""
    trainer = new_trainer(tmp_path, Kept(), 1)
    trainer.data_collator = lambda rows: {k: v for k, v in collate(rows).items() if k != "ids"}
    trainer.record(tmp_path / "record", *ARGUMENTS)
    with pytest.raises(ValueError, match=r"no 'ids'.*remove_unused_columns=False"):
        trainer.train()
