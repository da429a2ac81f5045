"""The ensemble: which members are still to be trained, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from noisefind.training.member import train_member
from noisefind.training.networks import build_network, require_size
from noisefind.training.normalize import choose_normalization
from noisefind.training.parallel import Job, train_on_devices
from noisefind.training.probes import train_probes
from noisefind.training.record import Recorder, n_recorded
from noisefind.training.weights import load_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.config import TrainingConfig
    from noisefind.training.recipe import Recipe
    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class TrainingData:
    """What members learn from, all in the same order of images."""

    features: NDArray[np.float32]  # (N, d)
    pixels: NDArray[np.uint8] | None  # (N, S, S, 3); None where no network needs them
    labels: NDArray[np.int64]  # (N,)
    n_classes: int


def try_networks(
    networks: tuple[str, ...],
    n_classes: int,
    image_size: int,
    weights: Path | None,
    progress: Progress,
) -> None:
    """Build every network once, so that what cannot be built is refused before images are decoded.

    Raises:
        ConfigError: a network does not take images of this size, or ``weights`` are not its own.
    """
    for name in networks:
        if name == "probe":
            continue
        require_size(name, image_size)
        if weights is not None:
            network = build_network(name, n_classes, image_size)
            fresh = load_weights(
                network, weights, name=name, n_classes=n_classes, image_size=image_size
            )
            if fresh:
                progress.say(f"--weights {weights}: trained anew, not taken: {', '.join(fresh)}")


def train_ensemble(
    data: TrainingData,
    recipes: dict[str, Recipe],
    config: TrainingConfig,
    folder: Path,
    device: torch.device,
    progress: Progress,
    devices: Sequence[torch.device] = (),
) -> None:
    """Train the members that ``folder`` does not hold yet; ``recipes`` has one per kind.

    Each kind has a folder of its name in ``folder``.

    Probes are trained and saved together; networks from pixels one by one, so that an interrupted
    run loses one member at most. Where ``devices`` are given, each gets a process for networks from
    pixels, and the threads of this one are shared out among them.
    """
    for kind, recipe in recipes.items():
        missing = range(n_recorded(folder / kind), recipe.members)
        if not missing:
            continue
        are_probes = recipe.architecture == "probe"
        n_trainings = 1 if are_probes else len(missing)
        progress.stage(f"Training {len(missing)} x {kind}", recipe.epochs * n_trainings)
        if are_probes:
            recorder = Recorder(folder / kind, data.labels, data.n_classes, missing, recipe.epochs)
            train_probes(
                data.features, data.labels, data.n_classes, kind=kind, members=missing,
                recipe=recipe, seed=config.seed, device=device, recorder=recorder,
                progress=progress,
            )  # fmt: skip
            recorder.finish()
            continue
        if data.pixels is None:
            raise ValueError(f"{kind} needs pixels")
        normalization = choose_normalization(config.normalize, data.pixels)
        if devices:
            job = Job(
                folder / kind, _file_of(data.pixels), data.labels, data.n_classes, kind, recipe,
                config, normalization, n_threads=max(1, torch.get_num_threads() // len(devices)),
            )  # fmt: skip
            train_on_devices(job, missing, devices, progress)
            continue
        for member in missing:
            group = range(member, member + 1)
            recorder = Recorder(folder / kind, data.labels, data.n_classes, group, recipe.epochs)
            train_member(
                data.pixels, data.labels, data.n_classes, kind=kind, member=member, recipe=recipe,
                config=config, normalization=normalization, device=device, recorder=recorder,
                progress=progress,
            )  # fmt: skip
            recorder.finish()


def _file_of(pixels: NDArray[np.uint8]) -> Path:
    """Where pixels are kept, so that another process can map them too."""
    if not isinstance(pixels, np.memmap) or pixels.filename is None:
        raise ValueError("several devices need pixels that are a memory-mapped file")
    return Path(pixels.filename)
