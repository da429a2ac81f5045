"""Hugging Face transformers: a mixin for ``Trainer`` that records the logits of each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noisefind.integrations.recording import Recording

try:
    from transformers import TrainerCallback
except ModuleNotFoundError as error:
    raise ImportError("needs transformers: pip install 'noisefind[transformers]'") from error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from noisefind.training.recorder import Recorder

IDS = "ids"


class RecorderMixin:
    """Records a training of a Hugging Face ``Trainer``: ``class Mine(RecorderMixin, Trainer)``.

    Callbacks of a Trainer see no logits, so this takes them from ``compute_loss``. The batches that
    the data collator makes have ``ids``, a list of the ids of their images. The model gets the
    batch without them. ``TrainingArguments`` needs ``remove_unused_columns=False``, or else the
    collator never sees the column of the ids.
    """

    _recorder: Recorder | None = None

    def record(
        self, folder: str | Path, ids: Sequence[str], labels: Any, class_names: Sequence[str]
    ) -> None:
        """Record the training; call it before ``train``.

        Args:
            folder: new. Where ``train`` continues from a checkpoint: that of the interrupted
                training; recorded epochs after the checkpoint are deleted.
            ids: (N,) unique ids of all training images: the path relative to the data.
            labels: (N,) given labels, 0 .. C-1.
            class_names: (C,) names, in the order of the logits.

        Raises:
            DataError: when the training starts, and the folder holds another record.
            ValueError: in the training, where an argument or a batch does not fit.
        """
        callback = _Epochs(self, Recording(folder, ids, labels, class_names))
        self.add_callback(callback)  # type: ignore[attr-defined]

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **options: Any
    ) -> Any:
        """The loss of the Trainer; a batch of the training is recorded."""
        ids = inputs.pop(IDS, None)
        loss, outputs = super().compute_loss(  # type: ignore[misc]
            model, inputs, return_outputs=True, **options
        )
        if self._recorder is not None and model.training:
            if ids is None:
                raise ValueError(
                    f"the batch has no {IDS!r}: the data collator must return them, and "
                    "TrainingArguments needs remove_unused_columns=False"
                )
            self._recorder.update(ids, outputs["logits"])
        return (loss, outputs) if return_outputs else loss

    def prediction_step(
        self, model: Any, inputs: dict[str, Any], *arguments: Any, **options: Any
    ) -> Any:
        """The step of the Trainer in ``evaluate`` and ``predict``, without the ids."""
        inputs = {name: value for name, value in inputs.items() if name != IDS}
        return super().prediction_step(model, inputs, *arguments, **options)  # type: ignore[misc]


class _Epochs(TrainerCallback):  # type: ignore[misc]  # transformers is followed by no type checker
    """Opens the record when the training starts, and writes each epoch."""

    def __init__(self, trainer: Any, recording: Recording) -> None:
        self._trainer, self._recording = trainer, recording

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        epoch = int(state.epoch or 0)  # that of the checkpoint
        self._trainer._recorder = self._recording.start(epoch, args.process_index)  # noqa: SLF001

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._trainer._recorder.end_epoch()  # noqa: SLF001
