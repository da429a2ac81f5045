"""Networks trained from scratch on parts of the data and judged on images that they never learn.

Nothing but the reported accuracy comes from the test images; a plateau watches the validation
images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from noisefind.training.augment import move, turn
from noisefind.training.member import learn, new_model, own_random_state, place_pixels, predict
from noisefind.training.normalize import to_input
from noisefind.training.optimize import build_optimizer
from noisefind.training.probes import PREDICT_ROWS, Probes, dropout, learn_together, usual_scale
from noisefind.training.schedule import Schedule
from noisefind.training.stream import Passes, stream
from noisefind.training.subsets import Curve, Job
from noisefind.training.weights import load_weights
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from noisefind.config import TrainingConfig
    from noisefind.training.normalize import Normalization
    from noisefind.training.recipe import Recipe
    from noisefind.training.stream import Batch
    from noisefind.utils.progress import Progress

T = TypeVar("T")

TOGETHER = 32  # probes in one batched product; more is not faster on a CPU


@dataclass(frozen=True)
class Part:
    """Images that are only judged on: features (n, d) or pixels (n, S, S, 3), and labels (n,)."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class SubsetData:
    """N images to learn from, as features or as pixels, and two parts to judge on."""

    inputs: NDArray[Any]
    n_classes: int
    validation: Part
    test: Part


@dataclass(frozen=True)
class SubsetTrainer:
    """Trains jobs: probes many at once, networks from pixels one by one.

    Attributes:
        data: what to learn and to judge.
        recipe: network, batch size, optimiser and schedule; its epochs are those of the jobs.
        config: initial weights and augmentation.
        normalization: of pixels; None for probes.
        device: where to train.
        progress: advanced once per epoch of each job.
    """

    data: SubsetData
    recipe: Recipe
    config: TrainingConfig
    normalization: Normalization | None
    device: torch.device
    progress: Progress

    def __call__(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Curve]]:
        """Yield the number of each job and its curve, as soon as it is known."""
        if self.normalization is not None:
            for number, job in enumerate(jobs):
                yield number, self._train_network(job, self.normalization)
            return
        alike: dict[object, list[int]] = {}
        for number, job in enumerate(jobs):
            alike.setdefault(job.shape, []).append(number)
        for numbers in alike.values():
            for start in range(0, len(numbers), TOGETHER):
                group = numbers[start : start + TOGETHER]
                yield from zip(group, self._train_probes([jobs[n] for n in group]), strict=True)

    def _train_probes(self, jobs: list[Job]) -> list[Curve]:
        """The curves of jobs of one shape. Jobs of one seed share weights, order and dropout."""
        data, device = self.data, self.device
        x = torch.from_numpy(data.inputs).to(device)
        y = torch.stack([torch.from_numpy(job.labels) for job in jobs])
        scale = usual_scale(data.inputs)
        seeds = sorted({job.seed for job in jobs})
        seed_of = torch.tensor([seeds.index(job.seed) for job in jobs])
        weights = [_generator(job.seed, "weights") for job in jobs]
        masks = [_generator(seed, "dropout") for seed in seeds]
        probes = Probes(x.shape[1], data.n_classes, weights).to(device)
        optimizer = build_optimizer(probes.parameters(), self.recipe)
        passes = [Passes(len(x), seed) for seed in seeds]
        streams = [
            stream(job.phases, passes[place], self.recipe.batch_size)
            for job, place in zip(jobs, seed_of.tolist(), strict=True)
        ]

        def learn_batches(batches: tuple[Batch, ...], rate: float) -> None:
            optimizer.param_groups[0]["lr"] = rate
            chosen = torch.stack([batch.rows for batch in batches])
            mask = dropout(masks, chosen.shape[1], device)[seed_of.to(device)]
            targets = y.gather(1, chosen).to(device)
            learn_together(probes, optimizer, x[chosen.to(device)] * scale, mask, targets)

        right: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []

        def judge() -> float:
            right.append(
                (
                    _probe_accuracy(probes, data.validation, scale, device),
                    _probe_accuracy(probes, data.test, scale, device),
                )
            )
            self.progress.advance(len(jobs))
            return 0.0  # no plateau: probes share one learning rate

        _follow(jobs[0], self.recipe, zip(*streams, strict=True), learn_batches, judge)
        validation, test = (np.stack(values, axis=1) for values in zip(*right, strict=True))
        return [Curve(*curves) for curves in zip(validation, test, strict=True)]

    def _train_network(self, job: Job, normalization: Normalization) -> Curve:
        data, recipe, config, device = self.data, self.recipe, self.config, self.device
        name, size = recipe.architecture, data.inputs.shape[1]
        model = new_model(name, data.n_classes, size, derived_seed(job.seed, "subset", "weights"))
        if config.network_weights is not None:
            load_weights(
                model, config.network_weights, name=name, n_classes=data.n_classes, image_size=size
            )
        model = model.to(device).to(memory_format=torch.channels_last)
        optimizer = build_optimizer(model.parameters(), recipe)
        images, y = place_pixels(data.inputs, device), torch.from_numpy(job.labels)
        passes = Passes(len(y), job.seed)

        def learn_batch(batch: Batch, rate: float) -> None:
            optimizer.param_groups[0]["lr"] = rate
            moves, angles = passes.moves(batch, size)
            chosen = images[batch.rows.to(images.device)].to(device)
            inputs = to_input(
                move(chosen, moves, crop=config.crop, flip=config.flip), normalization
            )
            model.train()
            learn(
                model, optimizer, turn(inputs, angles) if config.rotate else inputs,
                y[batch.rows].to(device),
            )  # fmt: skip

        right: list[tuple[float, float]] = []

        def judge() -> float:
            found = [
                _judged(model, part, normalization, device) for part in (data.validation, data.test)
            ]
            right.append((found[0][0], found[1][0]))
            self.progress.advance()
            return found[0][1]

        with own_random_state(derived_seed(job.seed, "subset", "dropout"), device):
            batches = stream(job.phases, passes, recipe.batch_size)
            _follow(job, recipe, batches, learn_batch, judge)
        return Curve(*np.array(right).T)


def _follow(
    job: Job,
    recipe: Recipe,
    batches: Iterator[T],
    learn_batch: Callable[[T, float], None],
    judge: Callable[[], float],
) -> None:
    """Learn batch after batch at the schedule's rate; judge at the end of every epoch.

    Args:
        job: its phases say when an epoch ends, at the nearest whole step.
        recipe: the schedule.
        batches: of all phases, one after the other.
        learn_batch: takes one of them, and the learning rate.
        judge: gives the validation loss, which a plateau watches.
    """
    schedule, step = _schedule(job.phases, recipe), 0
    for phase in job.phases:
        if job.restart:
            schedule, step = _schedule((phase,), recipe), 0
        ends = [round(n * phase.steps / phase.epochs) for n in range(1, phase.epochs + 1)]
        for n_steps in np.diff(ends, prepend=0).tolist():
            for _ in range(n_steps):
                learn_batch(next(batches), schedule.rate(step))
                step += 1
            loss = judge()
            if recipe.schedule == "plateau":
                schedule.epoch_ended(loss)


def _schedule(phases: Sequence[Any], recipe: Recipe) -> Schedule:
    epochs, steps = (sum(getattr(phase, name) for phase in phases) for name in ("epochs", "steps"))
    return Schedule(replace(recipe, epochs=epochs), steps / epochs)


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derived_seed(seed, "subset", purpose))


@torch.inference_mode()
def _probe_accuracy(
    probes: Probes, part: Part, scale: float, device: torch.device
) -> NDArray[np.float64]:
    """(E,) the share of the part that each probe predicts right."""
    n_probes, n_right = len(probes.hidden), 0
    for start in range(0, len(part.labels), PREDICT_ROWS):
        rows = slice(start, start + PREDICT_ROWS)
        chunk = torch.from_numpy(np.array(part.inputs[rows])).to(device) * scale
        predicted = probes(chunk.expand(n_probes, *chunk.shape)).argmax(-1).cpu().numpy()
        n_right = n_right + (predicted == part.labels[rows]).sum(1)
    return np.asarray(n_right / len(part.labels), np.float64)


def _judged(
    model: torch.nn.Module, part: Part, normalization: Normalization, device: torch.device
) -> tuple[float, float]:
    """Accuracy and mean loss on a part."""
    n_right, loss = 0, 0.0
    y = torch.from_numpy(part.labels)
    images = torch.from_numpy(part.inputs)
    for start, log_probs in predict(model, images, normalization, device):
        targets = y[start : start + len(log_probs)].to(log_probs.device)
        n_right += int((log_probs.argmax(1) == targets).sum())
        loss += F.nll_loss(log_probs, targets, reduction="sum").item()
    return n_right / len(y), loss / len(y)
