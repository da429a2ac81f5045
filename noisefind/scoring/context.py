"""Context of a run: devices, threads, cache, progress, and the seconds of each stage."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from noisefind.utils.cache import cache_folder
from noisefind.utils.device import choose_devices, choose_threads, prepare_cpu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch

    from noisefind.config import ScoreConfig
    from noisefind.utils.progress import Progress


@dataclass(frozen=True)
class Context:
    """Hardware, cache and progress of a run.

    Attributes:
        device: of this process.
        devices: with a process each for networks from pixels; empty in most runs.
        n_threads: of the CPU.
        cache: folder of pixels and features.
        progress: receives how far the run is.
        seconds: of each finished stage.
    """

    device: torch.device
    devices: list[torch.device]
    n_threads: int
    cache: Path
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure the seconds of a stage."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)


def open_context(config: ScoreConfig, run: Path, progress: Progress) -> Context:
    """Choose devices, threads and cache; the cache is in ``run`` where the user's is read-only.

    Raises:
        ConfigError: a device does not exist.
    """
    device, devices = choose_devices(config.device, config.devices)
    context = Context(
        device=device, devices=devices, n_threads=choose_threads(config.threads),
        cache=cache_folder(config.cache_dir, run / "cache"), progress=progress,
    )  # fmt: skip
    prepare_cpu(context.n_threads)
    return context
