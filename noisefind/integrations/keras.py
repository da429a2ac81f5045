"""Keras 3: a callback that predicts all training images after each epoch, and records that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from noisefind.integrations.recording import Recording

try:
    from keras.callbacks import Callback
except ModuleNotFoundError as error:
    raise ImportError("needs keras: pip install 'noisefind[keras]'") from error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from noisefind.training.recorder import Recorder


class KerasRecorder(Callback):  # type: ignore[misc]  # Keras is followed by no type checker
    """Records a training of Keras with any backend; give it to ``model.fit``.

    Callbacks of Keras see neither logits nor ids. So this predicts all images after each epoch, in
    evaluation mode, which takes the time of ``model.predict``.

    Args:
        folder: new. Where ``model.fit`` continues with ``initial_epoch``: that of the interrupted
            training; recorded epochs from there on are deleted.
        ids: (N,) unique ids of all training images: the path relative to the data.
        labels: (N,) given labels, 0 .. C-1.
        class_names: (C,) names, in the order of the outputs.
        images: the N images in the order of ``ids``, as ``model.predict`` takes them.
        from_logits: the model's outputs are those before the softmax, as in the losses of Keras.
            False: they are probabilities.

    Raises:
        DataError: when the training starts, and the folder holds another record.
        ValueError: in the training, where an argument or an output does not fit.
    """

    def __init__(
        self,
        folder: str | Path,
        ids: Sequence[str],
        labels: Any,
        class_names: Sequence[str],
        images: Any,
        *,
        from_logits: bool = False,
    ) -> None:
        super().__init__()
        self._recording = Recording(folder, ids, labels, class_names)
        self._images, self._from_logits = images, from_logits
        self._recorder: Recorder | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Open the record, before the first epoch; a second ``fit`` goes on with it."""
        if self._recorder is None:
            self._recorder = self._recording.start(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Predict, record and write an epoch."""
        outputs = np.asarray(self.model.predict(self._images, verbose=0), np.float32)
        logits = outputs if self._from_logits else _logits(outputs)
        if self._recorder is not None:
            self._recorder.update(self._recording.ids, logits)
            self._recorder.end_epoch()


def _logits(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithms of (N, C) probabilities; 0 counts as the smallest float32 above 0."""
    is_finite = bool(np.isfinite(probs).all())
    if not (is_finite and probs.min() >= 0 and np.allclose(probs.sum(-1), 1, atol=0.01)):
        raise ValueError(
            "the model's outputs are no probabilities: KerasRecorder needs from_logits=True for "
            "outputs before the softmax"
        )
    return np.asarray(np.log(np.maximum(probs, np.finfo(np.float32).tiny)))
