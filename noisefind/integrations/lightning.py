"""Lightning: a callback that records what ``training_step`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noisefind.integrations.recording import Recording

try:
    from lightning.pytorch import Callback
except ModuleNotFoundError:
    try:
        from pytorch_lightning import Callback
    except ModuleNotFoundError as error:
        raise ImportError("needs lightning: pip install 'noisefind[lightning]'") from error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from noisefind.training.recorder import Recorder


class LightningRecorder(Callback):  # type: ignore[misc]  # Lightning is followed by no type checker
    """Records a training of ``lightning`` or ``pytorch_lightning``; give it to the Trainer.

    ``training_step`` returns a dict with ``loss`` and also ``logits``, (n, C) outputs before the
    softmax, and ``ids``, the n ids of the batch. A step that returns None is left out. Each process
    of a training on several devices records its own images.

    Args:
        folder: new. Where ``Trainer.fit`` continues from a checkpoint: that of the interrupted
            training; recorded epochs after the checkpoint are deleted.
        ids: (N,) unique ids of all training images: the path relative to the data.
        labels: (N,) given labels, 0 .. C-1.
        class_names: (C,) names, in the order of the logits.

    Raises:
        DataError: when the training starts, and the folder holds another record.
        ValueError: in the training, where an argument or what ``training_step`` returns does not
            fit.
    """

    _recorder: Recorder

    def __init__(
        self, folder: str | Path, ids: Sequence[str], labels: Any, class_names: Sequence[str]
    ) -> None:
        super().__init__()
        self._recording = Recording(folder, ids, labels, class_names)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Open the record."""
        self._recorder = self._recording.start(trainer.current_epoch, trainer.global_rank)

    def on_train_batch_end(
        self,
        trainer: Any,  # noqa: ARG002
        pl_module: Any,  # noqa: ARG002
        outputs: Any,
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Record a batch."""
        if not outputs:  # the step was skipped
            return
        if not (isinstance(outputs, dict) and {"ids", "logits"} <= outputs.keys()):
            raise ValueError(
                "training_step must return a dict with loss, logits and ids, so that "
                "LightningRecorder can record them"
            )
        self._recorder.update(outputs["ids"], outputs["logits"])

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Write an epoch."""
        self._recorder.end_epoch()
