"""Probes: networks of one hidden layer on frozen features, trained together in batched products.

A step of ten members takes little more time than ten matrix products, so an ensemble costs
seconds. Every member has its own initial weights, order of images and dropout, drawn from its own
generator: what it learns does not depend on how many others are trained with it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from noisefind.training.loop import train_epochs
from noisefind.training.optimize import batches, build_optimizer
from noisefind.training.schedule import Schedule
from noisefind.utils.files import row_chunks
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from noisefind.training.examples import Examples
    from noisefind.training.recipe import MemberKind, Recipe
    from noisefind.training.record import Observer
    from noisefind.utils.progress import Progress

N_HIDDEN = 256
DROPOUT = 0.5  # of the hidden layer; on the input it lost .01 to .03 AP everywhere
PREDICT_ROWS = 4096


class Probes(nn.Module):
    """E networks of one hidden layer; each weight has the member as its first dimension."""

    def __init__(self, n_features: int, n_classes: int, generators: list[torch.Generator]) -> None:
        super().__init__()

        def normal(rows: int, columns: int, gain: float) -> nn.Parameter:
            draws = [torch.randn(rows, columns, generator=g) for g in generators]
            return nn.Parameter(torch.stack(draws) * math.sqrt(gain / rows))

        self.hidden = normal(n_features, N_HIDDEN, 2.0)
        self.hidden_bias = nn.Parameter(torch.zeros(len(generators), 1, N_HIDDEN))
        self.output = normal(N_HIDDEN, n_classes, 1.0)
        self.output_bias = nn.Parameter(torch.zeros(len(generators), 1, n_classes))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (E, B, C) of features (E, B, d); ``mask`` (E, B, hidden) is the dropout."""
        hidden = F.relu(torch.baddbmm(self.hidden_bias, x, self.hidden))
        if mask is not None:
            hidden = hidden * mask
        return torch.baddbmm(self.output_bias, hidden, self.output)


class ProbeBatch(NamedTuple):
    """The images of one step of E probes, and their dropout."""

    rows: torch.Tensor  # (E, B)
    mask: torch.Tensor  # (E, B, hidden)


class ProbeTraining:
    """E probes with their optimiser and the images that they learn from."""

    def __init__(
        self,
        examples: Examples,
        recipe: Recipe,
        generators: list[torch.Generator],
        *,
        device: torch.device,
        labels: torch.Tensor | None = None,
    ) -> None:
        """Draw the initial weights, of each probe from its generator.

        ``labels`` (E, N) are each probe's own; None: those of the examples for all.
        """
        x = torch.from_numpy(examples.inputs)
        # a few KB an image: they fit on a GPU where the network does
        self.features = x.to(device) if device.type == "cuda" else x
        if labels is None:
            labels = torch.from_numpy(examples.labels).expand(len(generators), -1)
        self._labels = labels
        self._scale = usual_scale(examples.inputs)
        self._probes = Probes(x.shape[1], examples.n_classes, generators).to(device)
        self._optimizer = build_optimizer(self._probes.parameters(), recipe)
        self._device = device

    def learn(self, batch: ProbeBatch, rate: float) -> None:
        """One step of all probes at a learning rate."""
        self._optimizer.param_groups[0]["lr"] = rate
        x = self.features[batch.rows.to(self.features.device)] * self._scale
        targets = self._labels.gather(1, batch.rows).to(self._device)
        logits = self._probes(x, batch.mask)
        # the sum over members: each gets the gradient of its own mean loss
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten()) * len(targets)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    @torch.inference_mode()
    def predict(self, features: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield (first row, logits (E, n, C)) of features (N, d)."""
        n_probes = len(self._probes.hidden)
        for start in range(0, len(features), PREDICT_ROWS):
            chunk = features[start : start + PREDICT_ROWS].to(self._device) * self._scale
            yield start, self._probes(chunk.expand(n_probes, *chunk.shape))


def train_probes(
    examples: Examples,
    kind: MemberKind,
    members: range,
    *,
    device: torch.device,
    observer: Observer,
    progress: Progress,
) -> None:
    """Train the members numbered ``members`` and observe their predictions after every epoch.

    Args:
        examples: features and labels.
        kind: name, recipe and seed; with its number they determine a member's random choices.
        members: their numbers.
        device: where to train.
        observer: gets the predictions on all images after each epoch.
        progress: advanced once per epoch.
    """
    recipe, n_images = kind.recipe, len(examples.labels)
    generators = [
        torch.Generator().manual_seed(derived_seed(kind.seed, kind.name, m)) for m in members
    ]
    training = ProbeTraining(examples, recipe, generators, device=device)
    plan = batches(n_images, recipe.batch_size)

    def batch(rows: torch.Tensor) -> ProbeBatch:
        return ProbeBatch(rows, dropout(generators, rows.shape[1], device))

    def epochs() -> Iterator[Iterator[ProbeBatch]]:
        for _ in range(recipe.epochs):
            orders = torch.stack([torch.randperm(n_images, generator=g) for g in generators])
            yield map(batch, [orders[:, rows] for rows in plan])

    def after_epoch(epoch: int) -> None:
        for start, logits in training.predict(training.features):
            for member, log_probs in zip(members, F.log_softmax(logits, dim=-1), strict=True):
                observer.observe(member, epoch, start, log_probs)
        progress.advance()

    train_epochs(Schedule(recipe, len(plan)), epochs(), training.learn, after_epoch)


def usual_scale(features: NDArray[np.float32]) -> float:
    """The factor that gives all features together the mean square 1."""
    total = sum(float(np.square(c, dtype=np.float64).sum()) for c in row_chunks(features, 4096))
    return 1 / max(math.sqrt(total / features.size), 1e-12)


def dropout(generators: list[torch.Generator], n_images: int, device: torch.device) -> torch.Tensor:
    """(E, B, hidden): 0 or 1 / (1 - rate), from a generator for each member."""
    mask = torch.empty(len(generators), n_images, N_HIDDEN)
    for one, generator in zip(mask, generators, strict=True):
        one.bernoulli_(1 - DROPOUT, generator=generator)
    return mask.div_(1 - DROPOUT).to(device)
