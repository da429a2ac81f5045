"""Train probes and networks from scratch on subsets of the data and evaluate them on other images.

The test images influence nothing but the reported accuracy; a plateau watches the validation
images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.training.divergence import are_usable, divergence_error
from noisefind.training.examples import Examples
from noisefind.training.loop import train_epochs
from noisefind.training.network import NetworkTraining, PixelBatch, own_random_state
from noisefind.training.probes import ProbeBatch, ProbeTraining, dropout
from noisefind.training.schedule import Schedule
from noisefind.training.stream import Passes, stream
from noisefind.training.subsets import Curve, SubsetJob
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from noisefind.training.network import NetworkOptions
    from noisefind.training.recipe import Recipe
    from noisefind.training.stream import Batch
    from noisefind.training.subsets import Phase
    from noisefind.utils.progress import Progress

T = TypeVar("T")

TOGETHER = 32  # probes in one batched product; more is not faster on a CPU


@dataclass(frozen=True)
class Split:
    """Images to evaluate on: features (n, d) or pixels (n, S, S, 3), and labels (n,)."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class SubsetData:
    """N images to learn from, as features or as pixels, and two splits to evaluate on."""

    inputs: NDArray[Any]
    n_classes: int
    validation: Split
    test: Split


@dataclass(frozen=True)
class SubsetTrainer:
    """Trains jobs: many probes at once, networks from pixels one by one.

    Attributes:
        data: what to learn from and to evaluate on.
        recipe: network, batch size, optimiser and schedule; the jobs give the epochs.
        options: of networks from pixels.
        device: where to train.
        progress: advanced once per epoch of each job.

    A call raises a ConfigError where a training diverges.
    """

    data: SubsetData
    recipe: Recipe
    options: NetworkOptions
    device: torch.device
    progress: Progress

    def __call__(self, jobs: Sequence[SubsetJob]) -> Iterator[tuple[int, Curve]]:
        """Yield the number of each job and its curve, as soon as it is known."""
        if self.recipe.architecture != "probe":
            for number, job in enumerate(jobs):
                yield number, self._train_network(job)
            return
        alike: dict[object, list[int]] = {}
        for number, job in enumerate(jobs):
            alike.setdefault(job.shape, []).append(number)
        for numbers in alike.values():
            for start in range(0, len(numbers), TOGETHER):
                group = numbers[start : start + TOGETHER]
                yield from zip(group, self._train_probes([jobs[n] for n in group]), strict=True)

    def _train_probes(self, jobs: list[SubsetJob]) -> list[Curve]:
        """The curves of jobs of one shape. Jobs of one seed share weights, order and dropout."""
        data, device = self.data, self.device
        seeds = sorted({job.seed for job in jobs})
        seed_of = torch.tensor([seeds.index(job.seed) for job in jobs])
        training = ProbeTraining(
            Examples(data.inputs, jobs[0].labels, data.n_classes), self.recipe,
            [_generator(job.seed, "weights") for job in jobs], device=device,
            labels=torch.stack([torch.from_numpy(job.labels) for job in jobs]),
        )  # fmt: skip
        masks = [_generator(seed, "dropout") for seed in seeds]
        passes = [Passes(len(data.inputs), seed) for seed in seeds]
        streams = [
            stream(job.phases, passes[place], self.recipe.batch_size)
            for job, place in zip(jobs, seed_of.tolist(), strict=True)
        ]

        def probe_batch(batches: tuple[Batch, ...]) -> ProbeBatch:
            rows = torch.stack([batch.rows for batch in batches])
            return ProbeBatch(rows, dropout(masks, rows.shape[1], device)[seed_of.to(device)])

        accuracies: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []

        def accuracy(split: Split) -> NDArray[np.float64]:
            predictions = training.predict(torch.from_numpy(split.inputs))
            return _probe_accuracy(self._checked(predictions, jobs, len(accuracies)), split)

        def after_epoch(_: int) -> None:  # no plateau: probes share one learning rate
            accuracies.append((accuracy(data.validation), accuracy(data.test)))
            self.progress.advance(len(jobs))

        batches = map(probe_batch, zip(*streams, strict=True))
        _train_phases(jobs[0], self.recipe, batches, learn=training.learn, after_epoch=after_epoch)
        validation, test = (np.stack(v, axis=1) for v in zip(*accuracies, strict=True))
        return [Curve(*curves) for curves in zip(validation, test, strict=True)]

    def _train_network(self, job: SubsetJob) -> Curve:
        data, recipe, device = self.data, self.recipe, self.device
        training = NetworkTraining(
            Examples(data.inputs, job.labels, data.n_classes), recipe, self.options,
            weights_seed=derived_seed(job.seed, "subset", "weights"), device=device,
        )  # fmt: skip
        passes, size = Passes(len(job.labels), job.seed), data.inputs.shape[1]

        def pixel_batch(batch: Batch) -> PixelBatch:
            moves, angles = passes.moves(batch, size)
            rotates = self.options.augmentation.rotate
            return PixelBatch(batch.rows, moves, angles if rotates else None)

        accuracies: list[tuple[float, float]] = []

        def accuracy_and_loss(split: Split) -> tuple[float, float]:
            predictions = training.predict(torch.from_numpy(split.inputs))
            return _accuracy_and_loss(self._checked(predictions, [job], len(accuracies)), split)

        def after_epoch(_: int) -> float | None:
            validation, loss = accuracy_and_loss(data.validation)
            test, _loss = accuracy_and_loss(data.test)
            accuracies.append((validation, test))
            self.progress.advance()
            return loss if recipe.schedule == "plateau" else None

        batches = map(pixel_batch, stream(job.phases, passes, recipe.batch_size))
        with own_random_state(derived_seed(job.seed, "subset", "dropout"), device):
            _train_phases(job, recipe, batches, learn=training.learn, after_epoch=after_epoch)
        return Curve(*np.array(accuracies).T)

    def _checked(
        self, predictions: Iterable[tuple[int, torch.Tensor]], jobs: list[SubsetJob], epoch: int
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """The predictions as they are; each job has a row of (E, n, C), one job also (n, C).

        Raises:
            ConfigError: those of a job are not finite.
        """
        for start, outputs in predictions:
            if not are_usable(outputs):
                parts = outputs.reshape(len(jobs), -1)
                name = next(
                    job.name for job, own in zip(jobs, parts, strict=True) if not are_usable(own)
                )
                raise divergence_error(
                    f"the training on {name}", epoch, self.recipe, self.options.weights
                )
            yield start, outputs


def _train_phases(
    job: SubsetJob,
    recipe: Recipe,
    batches: Iterator[T],
    *,
    learn: Callable[[T, float], None],
    after_epoch: Callable[[int], float | None],
) -> None:
    """Train on the batches of all phases, which follow one another.

    The phases share one schedule, or each has its own if the job has ``restart``.
    """
    for phases in [(phase,) for phase in job.phases] if job.restart else [job.phases]:
        n_epochs, n_steps = sum(p.epochs for p in phases), sum(p.steps for p in phases)
        schedule = Schedule(replace(recipe, epochs=n_epochs), n_steps / n_epochs)
        train_epochs(schedule, _epochs(phases, batches), learn, after_epoch)


def _epochs(phases: Sequence[Phase], batches: Iterator[T]) -> Iterator[Iterator[T]]:
    """The batches of each epoch; an epoch of a phase ends at the nearest whole step."""
    for phase in phases:
        ends = [round(n * phase.steps / phase.epochs) for n in range(1, phase.epochs + 1)]
        for n_steps in np.diff(ends, prepend=0).tolist():
            yield islice(batches, n_steps)


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derived_seed(seed, "subset", purpose))


def _probe_accuracy(
    predictions: Iterable[tuple[int, torch.Tensor]], split: Split
) -> NDArray[np.float64]:
    """(E,) the share of the split that each probe predicts correctly."""
    n_correct: Any = 0
    for start, logits in predictions:
        predicted = logits.argmax(-1).cpu().numpy()
        n_correct = n_correct + (predicted == split.labels[start : start + logits.shape[1]]).sum(1)
    return np.asarray(n_correct / len(split.labels), np.float64)


def _accuracy_and_loss(
    predictions: Iterable[tuple[int, torch.Tensor]], split: Split
) -> tuple[float, float]:
    """Accuracy and mean loss on a split."""
    n_correct, loss = 0, 0.0
    y = torch.from_numpy(split.labels)
    for start, log_probs in predictions:
        targets = y[start : start + len(log_probs)].to(log_probs.device)
        n_correct += int((log_probs.argmax(1) == targets).sum())
        loss += F.nll_loss(log_probs, targets, reduction="sum").item()
    return n_correct / len(y), loss / len(y)
