"""Members on frozen features: one hidden layer each, all trained together in batched products.

Ten members train in the time of little more than ten matrix products per step, so an ensemble
costs seconds. Every member has its own initial weights, order of images and dropout, drawn from
its own generator: what it learns does not depend on how many others train beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from noisefind.training.optimize import batches, build_optimizer
from noisefind.training.schedule import Schedule
from noisefind.utils.files import row_chunks
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from noisefind.training.recipe import Recipe
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


def train_probes(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    n_classes: int,
    *,
    kind: str,
    members: range,
    recipe: Recipe,
    seed: int,
    device: torch.device,
    recorder: Observer,
    progress: Progress,
) -> None:
    """Train the members numbered ``members`` and record all predictions after every epoch.

    Args:
        features: (N, d) float32, may be memory-mapped.
        labels: (N,) given labels.
        n_classes: C.
        kind: name of this kind of member; part of its seeds.
        members: numbers of the members; each determines its member's random choices.
        recipe: epochs, batch size and optimiser.
        seed: of the run.
        device: where to train.
        recorder: takes the predictions.
        progress: advanced once per epoch.
    """
    x, y = torch.from_numpy(features), torch.from_numpy(labels)
    if device.type == "cuda":
        x = x.to(device)  # a few KB an image: fits where the network does
    generators = [torch.Generator().manual_seed(derived_seed(seed, kind, m)) for m in members]
    scale = usual_scale(features)
    probes = Probes(x.shape[1], n_classes, generators).to(device)
    optimizer = build_optimizer(probes.parameters(), recipe)
    plan = batches(len(y), recipe.batch_size)
    schedule, step = Schedule(recipe, len(plan)), 0
    for epoch in range(recipe.epochs):
        orders = torch.stack([torch.randperm(len(y), generator=g) for g in generators])
        for rows in plan:
            chosen = orders[:, rows]
            optimizer.param_groups[0]["lr"] = schedule.rate(step)
            mask = dropout(generators, chosen.shape[1], device)
            learn_together(
                probes, optimizer, x[chosen.to(x.device)] * scale, mask, y[chosen].to(device)
            )
            step += 1
        _record_epoch(probes, x, scale, members, epoch, recorder, device)
        progress.advance()


def learn_together(
    probes: Probes,
    optimizer: torch.optim.Optimizer,
    x: torch.Tensor,
    mask: torch.Tensor,
    targets: torch.Tensor,
) -> None:
    """One step of all E members, on features (E, B, d) and labels (E, B) of their own."""
    logits = probes(x, mask)
    # the sum over members: each gets the gradient of its own mean loss
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten()) * len(targets)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def usual_scale(features: NDArray[np.float32]) -> float:
    """The one factor that gives all features together the mean square 1."""
    total = sum(float(np.square(c, dtype=np.float64).sum()) for c in row_chunks(features, 4096))
    return 1 / max(math.sqrt(total / features.size), 1e-12)


def dropout(generators: list[torch.Generator], n_images: int, device: torch.device) -> torch.Tensor:
    """(E, B, hidden): 0 or what makes up for the zeros, a generator for each member."""
    mask = torch.empty(len(generators), n_images, N_HIDDEN)
    for one, generator in zip(mask, generators, strict=True):
        one.bernoulli_(1 - DROPOUT, generator=generator)
    return mask.div_(1 - DROPOUT).to(device)


@torch.inference_mode()
def _record_epoch(
    probes: Probes,
    x: torch.Tensor,
    scale: float,
    members: range,
    epoch: int,
    recorder: Observer,
    device: torch.device,
) -> None:
    for start in range(0, len(x), PREDICT_ROWS):
        chunk = x[start : start + PREDICT_ROWS].to(device) * scale
        logits = probes(chunk.expand(len(members), *chunk.shape))
        for member, log_probs in zip(members, F.log_softmax(logits, dim=-1), strict=True):
            recorder.observe(member, epoch, start, log_probs)
