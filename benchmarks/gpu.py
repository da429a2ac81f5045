"""What noisefind does on an NVIDIA GPU: is it right, and how fast is it?

    python DATA/benchmarks/gpu.py DATA OUT [--only STEP ...] [--images N] [--device cpu]

DATA is the folder that pack_gpu.py made, which says what else the machine has. Each step is a
process with a time limit of its own, 8 minutes in all. What it finds is printed and appended to
OUT/STEP.jsonl at once, so a step that is stopped loses only the rest; OUT/summary.md has all steps.
``--only`` runs one step again, and the others keep their files.

    correct   GPU against CPU, the same seed twice, too little memory, two devices; then pytest
    fast      the preset fast: seconds per stage, and where the features' time goes
    frontier  average precision, F1 and seconds of the presets
    train     images per second of networks from pixels, and share of the card's rate
    thesis    scores of thesis-cifar10 with larger batches, their correlations, experiments 3 and 5

``--images`` takes fewer images and ``--device cpu`` no GPU: that only proves that all steps run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import IO

LIMITS = {"correct": 110, "fast": 110, "frontier": 110, "train": 40, "thesis": 100}  # s on a GPU
SLOWER = 10  # times as many without one
NEEDS_CIFAR = ("fast", "frontier", "train", "thesis")
STEPS_OF = {"train": "gpu_training.py", "thesis": "gpu_training.py"}  # others: gpu_steps.py
PYTHON = ".".join(platform.python_version_tuple()[:2])
IMAGES = "NOISEFIND_DATA"  # a folder as pack_gpu.py reads it, where the pack has no images


def main() -> None:
    """Unpack, then run the steps one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", action="append", choices=LIMITS, help="default: all steps")
    parser.add_argument("--images", type=int, help="at most so many of each case")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--home", type=Path, default=Path(tempfile.gettempdir()) / "noisefind-gpu",
        help="folder to unpack to, and to find it unpacked",
    )  # fmt: skip
    options = parser.parse_args()
    home = options.home.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    environment = unpack_code(options.data / "data", home)
    packed = options.data / "data"
    has_images = (packed / "unpack.py").exists()
    cifar = start_cifar(packed if has_images else Path(os.environ[IMAGES]), home)
    for step in options.only or LIMITS:
        results = options.out.resolve() / f"{step}.jsonl"
        with results.open("w", encoding="utf-8") as file:
            write(file, step=step, name="machine", **machine())
            if step in NEEDS_CIFAR and cifar.wait() != 0:
                write(file, step=step, name="error", error="CIFAR-10 could not be unpacked")
                continue
            limit = LIMITS[step] * (SLOWER if options.device == "cpu" else 1)
            words = [step, home, results, options.device, options.images or 0, limit]
            seconds, code = run_step(words, environment, limit)
        with results.open("a", encoding="utf-8") as file:  # after the lines of the process
            write(file, step=step, name="process", seconds=seconds, exit=code)
        summarise(options.out)
    cifar.wait()


def unpack_code(data: Path, home: Path) -> dict[str, str]:
    """Noisefind, the packages, the photographs; what a process needs to find them."""
    names = ("code", "site", f"site-{PYTHON}", "clothing")
    for name in names:
        if (data / f"{name}.tar.xz").exists():
            with tarfile.open(data / f"{name}.tar.xz") as tar:
                tar.extractall(home / name, filter="data")
    before = [path for path in [os.environ.get("PYTHONPATH")] if path]
    places = [str(home / name) for name in names[:3]]
    images = home / "clothing"
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(places + before),
        IMAGES: str(images) if images.exists() else str(Path(os.environ[IMAGES]).resolve()),
        "PYTHONUNBUFFERED": "1",
        "XDG_CACHE_HOME": str(home / "cache"),
    }


def summarise(out: Path) -> None:
    """Write OUT/summary.md: a list of what every step found."""
    lines = ["# noisefind on a GPU"]
    for step in LIMITS:
        file = out / f"{step}.jsonl"
        if not file.exists():
            continue
        lines.append(f"\n## {step}\n")
        for line in file.read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            values = [f"{k} {v}" for k, v in found.items() if k not in {"step", "name"}]
            lines.append(f"- **{found['name']}**: {'; '.join(values)}")
    (out / "summary.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def start_cifar(data: Path, home: Path) -> subprocess.Popen[bytes]:
    """Unpack CIFAR-10 beside the first step, unless it was unpacked before."""
    target, mark = home / "unpacked", home / "unpacked/whole"
    script = (
        "import pathlib, runpy, sys\n"
        "_, script, target, mark = sys.argv\n"
        "if not pathlib.Path(mark).exists():\n"
        "    runpy.run_path(script)['main'](pathlib.Path(target))\n"
        "    pathlib.Path(mark).touch()\n"
    )
    words = [sys.executable, "-c", script, data / "unpack.py", target, mark]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)


def run_step(words: list[object], environment: dict[str, str], limit: int) -> tuple[float, str]:
    """Seconds, and how the process of a step ended."""
    start = time.perf_counter()
    code = Path(environment["PYTHONPATH"].split(os.pathsep)[0])
    command = [sys.executable, code / STEPS_OF.get(str(words[0]), "gpu_steps.py"), *words]
    try:
        done = subprocess.run(
            [*map(str, command)], check=False, env=environment, timeout=limit, cwd=code
        )
        ended = str(done.returncode)
    except subprocess.TimeoutExpired:
        ended = f"stopped after {limit} s"
    return round(time.perf_counter() - start, 1), ended


def machine() -> dict[str, object]:
    """The card, its driver, the processor's cores and the versions that matter."""
    query = "--query-gpu=name,driver_version,memory.total"
    try:
        words = ["nvidia-smi", query, "--format=csv,noheader"]
        card = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        card = "none"
    return {"card": card, "cores": os.cpu_count(), "python": platform.python_version()}


def write(file: IO[str], **values: object) -> None:
    """Append one line, and print it."""
    line = json.dumps(values)
    print(line, flush=True)
    file.write(line + "\n")
    file.flush()


if __name__ == "__main__":
    main()
