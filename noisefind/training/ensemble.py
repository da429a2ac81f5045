"""Training of the members of an ensemble that are not recorded yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from noisefind.training.divergence import DivergenceCheck
from noisefind.training.examples import Examples
from noisefind.training.member import train_member
from noisefind.training.networks import build_network, require_size
from noisefind.training.parallel import DeviceJob, train_on_devices
from noisefind.training.probes import train_probes
from noisefind.training.record import RecordWriter, n_recorded
from noisefind.training.weights import load_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from noisefind.training.network import NetworkOptions
    from noisefind.training.recipe import MemberKind
    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class TrainingData:
    """Features, pixels and labels of the images to train on, in the same order."""

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
    """Build every network once, so that errors appear before images are decoded.

    Raises:
        ConfigError: a network does not take images of this size, or ``weights`` are of another
            network.
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
                names = ", ".join(fresh)
                progress.say(f"--weights {weights}: not taken but trained from scratch: {names}")


def train_ensemble(
    data: TrainingData,
    kinds: Iterable[MemberKind],
    options: NetworkOptions,
    folder: Path,
    *,
    device: torch.device,
    devices: Sequence[torch.device] = (),
    progress: Progress,
) -> None:
    """Train the members that ``folder`` does not hold yet.

    Each kind has a folder of its name in ``folder``. Probes are trained and saved together,
    networks from pixels one by one, so an interrupted run loses one member at most.

    Args:
        data: what members learn from.
        kinds: of members.
        options: of networks from pixels.
        folder: of the records.
        device: where to train.
        devices: each gets a process for networks from pixels, and a share of the threads of this
            process; empty: they are trained in this process.
        progress: advanced once per epoch.

    Raises:
        ConfigError: a member has diverged; the members before it are recorded.
    """
    for kind in kinds:
        recipe, place = kind.recipe, folder / kind.name
        missing = range(n_recorded(place), recipe.members)
        if not missing:
            continue
        are_probes = recipe.architecture == "probe"
        n_trainings = 1 if are_probes else len(missing)
        progress.stage(training_stage(kind.name, len(missing)), recipe.epochs * n_trainings)
        if are_probes:
            examples = Examples(data.features, data.labels, data.n_classes)
            recorder = RecordWriter(
                place, data.labels, data.n_classes, missing, n_epochs=recipe.epochs
            )
            train_probes(
                examples, kind, missing, device=device,
                observer=DivergenceCheck(recorder, kind), progress=progress,
            )  # fmt: skip
            recorder.finish()
            continue
        if data.pixels is None:
            raise ValueError(f"{kind.name} needs pixels")
        if devices:
            job = DeviceJob(
                folder=place, pixels=_file_of(data.pixels), labels=data.labels,
                n_classes=data.n_classes, kind=kind, options=options,
                n_threads=max(1, torch.get_num_threads() // len(devices)),
            )  # fmt: skip
            train_on_devices(job, missing, devices, progress)
            continue
        examples = Examples(data.pixels, data.labels, data.n_classes)
        for member in missing:
            group = range(member, member + 1)
            recorder = RecordWriter(
                place, data.labels, data.n_classes, group, n_epochs=recipe.epochs
            )
            train_member(
                examples, kind, options, member, device=device,
                observer=DivergenceCheck(recorder, kind, options.weights), progress=progress,
            )  # fmt: skip
            recorder.finish()


def training_stage(kind: str, n_members: int) -> str:
    """The name of the stage that trains members of a kind."""
    return f"Training {n_members} x {kind}"


def _file_of(pixels: NDArray[np.uint8]) -> Path:
    """The file of memory-mapped pixels, for other processes to map."""
    if not isinstance(pixels, np.memmap) or pixels.filename is None:
        raise ValueError("several devices need pixels that are a memory-mapped file")
    return Path(pixels.filename)
