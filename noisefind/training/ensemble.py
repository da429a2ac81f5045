"""The ensemble: which members are still to be trained, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from noisefind.training.member import train_member
from noisefind.training.networks import build_network, require_size
from noisefind.training.normalize import choose_normalization
from noisefind.training.probes import train_probes
from noisefind.training.record import Recorder, n_recorded
from noisefind.training.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch
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
    config: ScoreConfig,
    folder: Path,
    device: torch.device,
    progress: Progress,
) -> None:
    """Train the members that ``folder`` does not hold yet; ``recipes`` has one per kind.

    Each kind has a folder of its name in ``folder``.

    Probes are trained and saved together; networks from pixels one by one, so that an interrupted
    run loses one member at most.
    """
    normalization = None
    if data.pixels is not None:
        normalization = choose_normalization(config.normalize, data.pixels)
    for kind, recipe in recipes.items():
        missing = range(n_recorded(folder / kind), recipe.members)
        if not missing:
            continue
        are_probes = recipe.architecture == "probe"
        groups = [missing] if are_probes else [range(m, m + 1) for m in missing]
        progress.stage(f"Training {len(missing)} x {kind}", recipe.epochs * len(groups))
        for group in groups:
            recorder = Recorder(folder / kind, data.labels, data.n_classes, group, recipe.epochs)
            if are_probes:
                train_probes(
                    data.features, data.labels, data.n_classes, kind=kind, members=group,
                    recipe=recipe, seed=config.seed, device=device, recorder=recorder,
                    progress=progress,
                )  # fmt: skip
            else:
                if data.pixels is None or normalization is None:
                    raise ValueError(f"{kind} needs pixels")
                train_member(
                    data.pixels, data.labels, data.n_classes, kind=kind, member=group[0],
                    recipe=recipe, config=config, normalization=normalization, device=device,
                    recorder=recorder, progress=progress,
                )  # fmt: skip
            recorder.finish()
