"""Keras with the backend torch: the record of a real training is what the model predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from noisefind.errors import DataError
from tests.integrations.tiny import ARGUMENTS, LABELS, VECTORS, assert_recorded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
keras = pytest.importorskip("keras")


class Weights(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
    """Keeps the weights after each epoch, and the logits that they give, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.logits: list[NDArray[np.float32]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        matrix, shift = self.model.layers[0].get_weights()
        self.logits.append(VECTORS @ matrix + shift)


def new_model(activation: str, *between: Any) -> Any:
    """A linear network with a layer, by default dropout, that a prediction must not have."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(3), *(between or [keras.layers.Dropout(0.5)])]
    model = keras.Sequential([*layers, keras.layers.Activation(activation)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=activation == "linear")
    model.compile(keras.optimizers.SGD(0.5), loss)
    return model


def fit(home: Path, model: Any, n_epochs: int, **options: Any) -> list[NDArray[np.float32]]:
    """Train with the callback; the logits after each epoch."""
    from noisefind.integrations.keras import KerasRecorder

    is_linear = model.layers[-1].activation is keras.activations.linear
    from_logits = options.pop("from_logits", is_linear)
    weights = Weights()
    recorder = KerasRecorder(home / "record", *ARGUMENTS, VECTORS, from_logits=from_logits)
    model.fit(
        VECTORS, np.array(LABELS), batch_size=5, epochs=n_epochs, verbose=0,
        validation_data=(VECTORS, np.array(LABELS)), callbacks=[recorder, weights], **options,
    )  # fmt: skip
    return weights.logits


@pytest.mark.parametrize("activation", ["softmax", "linear"])
def test_a_training(tmp_path: Path, activation: str) -> None:
    """Outputs of both kinds are recorded, without dropout."""
    logits = fit(tmp_path, new_model(activation), 3)
    assert_recorded(tmp_path / "record", np.stack(logits))


def test_a_training_that_continues(tmp_path: Path) -> None:
    """``initial_epoch`` deletes what comes after it; a new training is refused."""
    model = new_model("softmax")
    first = fit(tmp_path, model, 3)
    again = fit(tmp_path, model, 5, initial_epoch=2)
    assert_recorded(tmp_path / "record", np.stack([*first[:2], *again]))
    with pytest.raises(DataError, match="has 5 recorded epochs, and this training begins with"):
        fit(tmp_path, new_model("softmax"), 1)


def test_a_second_fit_with_the_same_callback(tmp_path: Path) -> None:
    """It goes on with the record, although Keras counts from 0 again."""
    from noisefind.integrations.keras import KerasRecorder

    model, weights = new_model("softmax"), Weights()
    recorder = KerasRecorder(tmp_path / "record", *ARGUMENTS, VECTORS)
    for _ in range(2):
        model.fit(VECTORS, np.array(LABELS), epochs=2, verbose=0, callbacks=[recorder, weights])
    assert_recorded(tmp_path / "record", np.stack(weights.logits))


def test_outputs_of_another_kind(tmp_path: Path) -> None:
    """The message names the argument."""
    with pytest.raises(ValueError, match="from_logits=True"):
        fit(tmp_path, new_model("linear"), 1, from_logits=False)


def test_the_callback_does_not_change_the_training(tmp_path: Path) -> None:
    """Weights and moving averages of batch normalisation are those of a training without it.

    In a fixed order of images and without dropout: each pass over data takes random numbers.
    """

    def network() -> Any:
        return new_model("softmax", keras.layers.BatchNormalization(momentum=0.5))

    recorded, alone, targets = network(), network(), np.array(LABELS)
    keras.utils.set_random_seed(0)  # the weights are made by the first batch
    fit(tmp_path, recorded, 3, shuffle=False)
    keras.utils.set_random_seed(0)
    alone.fit(VECTORS, targets, batch_size=5, epochs=3, verbose=0, shuffle=False)
    for one, other in zip(recorded.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
