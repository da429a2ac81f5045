"""The ensemble: which members are still to be trained, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from noisefind.training.member import train_member
from noisefind.training.parallel import Job, train_on_devices
from noisefind.training.probes import train_probes
from noisefind.training.record import Recorder, n_recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.config import ScoreConfig
    from noisefind.progress import Progress
    from noisefind.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingData:
    """What members learn from, all in the same order of images."""

    features: NDArray[np.float32]  # (N, d)
    pixels: NDArray[np.uint8] | None  # (N, S, S, 3); None where no network needs them
    labels: NDArray[np.int64]  # (N,)
    n_classes: int


def train_ensemble(
    data: TrainingData,
    recipes: dict[str, Recipe],
    config: ScoreConfig,
    folder: Path,
    device: torch.device,
    progress: Progress,
    devices: Sequence[torch.device] = (),
) -> None:
    """Train the members that ``folder`` does not hold yet; each kind has a folder in it.

    Probes are trained and saved together; networks from pixels one by one, so that an interrupted
    run loses one member at most. Where ``devices`` are given, each gets a process for networks from
    pixels, and the threads of this one are shared out among them.
    """
    for network, recipe in recipes.items():
        done = n_recorded(folder / network)
        missing = range(done, recipe.members)
        if not missing:
            continue
        groups = [missing] if network == "probe" else [range(m, m + 1) for m in missing]
        progress.stage(f"Training {len(missing)} x {network}", recipe.epochs * len(groups))
        if network != "probe" and devices:
            job = Job(
                folder / network, _file_of(data.pixels), data.labels, data.n_classes, network,
                recipe, config, n_threads=max(1, torch.get_num_threads() // len(devices)),
            )  # fmt: skip
            train_on_devices(job, missing, devices, progress)
            continue
        for group in groups:
            recorder = Recorder(folder / network, data.labels, data.n_classes, group, recipe.epochs)
            if network == "probe":
                train_probes(
                    data.features, data.labels, data.n_classes, members=group, recipe=recipe,
                    seed=config.seed, device=device, recorder=recorder, progress=progress,
                )  # fmt: skip
            else:
                if data.pixels is None:
                    raise ValueError(f"{network} needs pixels")
                train_member(
                    data.pixels, data.labels, data.n_classes, network=network, member=group[0],
                    recipe=recipe, config=config, device=device, recorder=recorder,
                    progress=progress,
                )  # fmt: skip
            recorder.finish()


def _file_of(pixels: NDArray[np.uint8] | None) -> Path:
    """Where pixels are kept, so that another process can map them too."""
    if not isinstance(pixels, np.memmap) or pixels.filename is None:
        raise ValueError("several devices need pixels that are a memory-mapped file")
    return Path(pixels.filename)
