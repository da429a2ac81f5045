"""What the steps of gpu.py share: cases, runs of ``score``, clocks, and where findings go."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from cases import cifar_cases, clothing_cases, wrong_ids

import noisefind
from noisefind.config import ScoreConfig, load_config
from noisefind.evaluation import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cases import Case
    from numpy.typing import NDArray

    from noisefind.runs.folder import RunFolder
    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary

SAMPLE_SECONDS = 0.1  # between two questions how busy the card is


@dataclass(frozen=True)
class Bench:
    """Where things are and run, and where findings go."""

    step: str
    home: Path  # what gpu.py unpacked
    results: Path
    device: torch.device
    most: int  # images of any case; 0: no limit
    end: float  # when the step is stopped, as time.monotonic() counts

    @property
    def left(self) -> float:
        """Seconds until the step is stopped."""
        return self.end - time.monotonic()

    def note(self, name: str, **values: object) -> None:
        """Print a finding and append it."""
        line = json.dumps({"step": self.step, "name": name, **values})
        print(line, flush=True)
        with self.results.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def few(self, number: int) -> int:
        """At most so many images."""
        return min(number, self.most or number)

    def clothing(self, name: str, n_images: int) -> Case:
        """Photographs with planted noise."""
        folder = self.home / "cases"
        cases = clothing_cases(folder, range(1))
        case = next(case for case in cases if case.name == f"clothing {name}")
        table = shortened(case.table, self.few(n_images), folder / f"clothing-{name}-short.csv")
        return case._replace(table=table)

    def cifar(self, name: str, n_images: int) -> Case:
        """Images of CIFAR-10 with labels of that name."""
        number = self.few(n_images)
        cases = cifar_cases(self.home / f"cases/cifar-{number}", self.home / "unpacked", number)
        return next(case for case in list(cases) if case.name == f"CIFAR-10 {name}")


@dataclass(frozen=True)
class Scored:
    """A run that is over, and what it cost."""

    run: RunFolder
    cache: Path
    summary: RunSummary
    seconds: float  # of the call
    busy: float | None  # share of these seconds in which the card computed

    @property
    def costs(self) -> dict[str, Any]:
        """What a finding says of every run."""
        stages = self.summary.seconds
        n_images = self.summary.n_images
        return {
            "n": n_images, "seconds": round(self.seconds, 2), "stages": stages,
            "images_per_s": round(n_images / self.seconds, 1), "gpu_busy": self.busy,
        }  # fmt: skip


def score(bench: Bench, case: Case, device: torch.device | None = None, **options: Any) -> Scored:
    """``noisefind score`` in this process, with an empty cache."""
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=bench.home))
    values = {"labels": case.table, "only_listed": True, "cache_dir": folder / "cache"}
    config = load_config(
        ScoreConfig, None, {**values, "device": str(device or bench.device), **options}
    )
    start = time.perf_counter()
    with busy_share(device or bench.device) as busy:
        result = noisefind.score(case.data, folder / "run", config)
    seconds = time.perf_counter() - start
    share = round(float(np.mean(busy)) / 100, 3) if busy else None
    return Scored(result.folder, folder / "cache", result.summary, seconds, share)


@contextmanager
def busy_share(device: torch.device) -> Iterator[list[int]]:
    """Percent of the time in which the card computed, as its driver samples it."""
    samples: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLE_SECONDS):
            with suppress(ModuleNotFoundError, RuntimeError):  # without pynvml: no samples
                samples.append(torch.cuda.utilization(device))

    thread = threading.Thread(target=watch, daemon=True)
    if device.type == "cuda":
        thread.start()
    try:
        yield samples
    finally:
        over.set()
        if thread.is_alive():
            thread.join()


def judged(ranking: Ranking, table: Path) -> tuple[dict[str, float], float]:
    """Average precision of every score, and F1 of the suspected labels."""
    wrong = wrong_ids(table)
    is_wrong = np.array([wrong[id_] for id_ in ranking.ids])
    found = {
        name: float(metrics.average_precision(metrics.curve(metrics.steps(is_wrong, values)))[0])
        for name, values in ranking.hardness().items()
    }
    return found, float(metrics.flag_metrics(is_wrong, ranking.is_label_issue).f1[0])


def bench_of(words: list[str]) -> Bench:
    """From the words that gpu.py gives to a step."""
    step, home, results, device, most, limit = words
    bench = Bench(
        step, Path(home), Path(results), torch.device(device), int(most),
        time.monotonic() + float(limit),
    )  # fmt: skip
    bench.note("torch", torch=torch.__version__, cuda=torch.version.cuda)
    return bench


def forget(scored: Scored) -> None:
    """Remove a run and its cache."""
    shutil.rmtree(scored.cache.parent)


def shortened(table: Path, n_images: int, path: Path) -> Path:
    """A table with at most ``n_images`` of the rows, chosen by a seed."""
    with table.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    chosen = np.random.default_rng(0).permutation(len(rows))[:n_images]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *(rows[k] for k in chosen)])
    return path


class Stopwatch:
    """Seconds of parts of a loop, by events of the card or by the clock of the processor."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: dict[str, float] = {}

    def clocked(self, part: str, run: Callable[..., Any], *given: Any) -> Any:
        """What ``run`` makes of what is given; its seconds are added to those of ``part``."""
        if self._device.type != "cuda":
            start = time.perf_counter()
            made = run(*given)
            taken = time.perf_counter() - start
        else:
            event: Any = torch.cuda.Event  # it has no types
            first, last = (event(enable_timing=True) for _ in range(2))
            first.record()
            made = run(*given)
            last.record()
            last.synchronize()
            taken = first.elapsed_time(last) / 1000
        self.seconds[part] = self.seconds.get(part, 0.0) + taken
        return made

    def rounded(self) -> dict[str, float]:
        """Seconds of each part."""
        return {part: round(seconds, 4) for part, seconds in self.seconds.items()}


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) of the rows of two arrays."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(1) / lengths)
