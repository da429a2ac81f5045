"""The torch device and threads, and settings that make a CPU fast."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

import torch

from noisefind.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# glibc's mallopt: keep freed memory instead of giving it back to the kernel after every step, which
# page-faults it in again and takes about half of a small CNN's time. Linux with glibc only; nothing
# depends on it.
RESIDENT_SHARE = 0.5  # of a GPU's free memory that the pixels may take
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def choose_devices(device: str, devices: str | None) -> tuple[torch.device, list[torch.device]]:
    """The device of this process and those of further processes, from ``--device``, ``--devices``.

    Raises:
        ConfigError: both were given, or a device is not available.
    """
    if devices is None:
        return choose_device(device), []
    if device != "auto":
        raise ConfigError(f"--device {device} and --devices {devices} exclude each other; give one")
    others = [choose_device(name, "--devices") for name in devices.split(",")]
    return others[0], others


def choose_device(name: str, option: str = "--device") -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as an available device.

    Raises:
        ConfigError: a GPU was requested that the hardware or this PyTorch does not have.
    """
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if n_gpus else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= n_gpus:
        raise ConfigError(f"{option} is {name!r}, but PyTorch sees {n_gpus} GPUs; try --device cpu")
    return device


def choose_threads(threads: int | str) -> int:
    """The number of CPU threads: as given, or the cores that this process may use."""
    if isinstance(threads, int):
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def prepare_cpu(n_threads: int) -> None:
    """Set the threads of this process, and let its allocator keep memory between steps."""
    torch.set_num_threads(n_threads)
    if sys.platform == "linux":
        try:
            mallopt = ctypes.CDLL(None).mallopt
        except (OSError, AttributeError):  # not glibc
            return
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 256 << 20)


def place_pixels(pixels: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """The pixels as a tensor: on the GPU if they fit, else in memory."""
    images = torch.from_numpy(pixels)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.numel() < RESIDENT_SHARE * free:
            return images.to(device)
    return images


def to_device(rows: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """``rows`` on the device; to a GPU they are copied while this process goes on."""
    tensor = torch.from_numpy(rows)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor


def autocast(device: torch.device) -> torch.autocast:
    """Half precision on a GPU only: on a CPU without AMX it is 4 to 8 times slower."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
