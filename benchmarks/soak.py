"""Score, prune and report, killed at random moments again and again; every byte is checked.

    python benchmarks/soak.py DATA OUT [--minutes 60] [--seed 0]

DATA is a folder of class folders; the first images of each class are copied to OUT/data. A round
scores them, is killed (kill -9, SIGTERM or Ctrl-C, to the process or to its group), goes on with
--resume until the run is finished, and then kills prune, prune --force and report. Two processes
of one command are also started at once. What does not depend on the time must have the bytes of
commands that nothing interrupted; nothing hidden may be left after the next command; each entry of
the cache must fit its checksums. One line per round, and the numbers at the end in OUT/soak.json.
At the first difference the program stops with exit code 1 and keeps OUT.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from noisefind.utils.checksums import damage_of

Contents = dict[str, bytes]
N_PER_CLASS = 12
REPEATS = 3  # of prune and report in a round
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
QUICK = ("--clusters", "3", "--feature-size", "32", "--cache-dir", "cache", "--epochs", "3")
KINDS = {
    "probe": (*QUICK, "--members", "3", "--threads", "1"),
    "cnn": (*QUICK, "--members", "2", "--threads", "2", "--network", "probe,cnn", "--devices",
            "cpu,cpu"),
}  # fmt: skip
FORMATS = ("--format", "txt", "--format", "imagefolder")
PRUNES = {
    "issues": (*FORMATS,),
    "hardest": ("--drop", "hardest", "--fraction", "0.3", "--format", "npy"),
}
PRUNED, PAGE = "pruned", "page.html"
PRUNE, REPORT = ["prune", "run", "-o", PRUNED], ["report", "run", "-o", PAGE]
PYTHON_SECONDS = 0.5  # until Python itself runs, a signal ends it in ways of its own
POLL_SECONDS = 0.0005  # the moves take less than a millisecond
END_SECONDS = 300.0  # a command that does not end by then hangs
MINE = "mine.txt"  # a file of the user beside the results


class DifferenceError(Exception):
    """Something is not as it must be."""


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    err: str


class Usual(NamedTuple):
    """Seconds that a command takes, and that its hidden folder exists."""

    seconds: float
    hidden: float


def require(condition: object, what: str) -> None:
    """Stop at a difference."""
    if not condition:
        raise DifferenceError(what)


def contents(folder: Path) -> Contents:
    """All files by name, without locks; of a link its target."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {
        path.relative_to(folder).as_posix(): (
            os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        )
        for path in files
        if path.name != ".lock"
    }


def run_contents(run: Path) -> Contents:
    """The files of a finished run; run id, time and durations are replaced by fixed words."""
    files, summary = contents(run), json.loads((run / "run.json").read_text())
    files["run.json"] = json.dumps({**summary, "seconds": None}).encode()
    for key in ("run_id", "finished"):
        word, fixed = summary[key].encode(), key.encode()
        files = {name: content.replace(word, fixed) for name, content in files.items()}
    return files


class Place:
    """A folder with the outputs of the commands, which run in it."""

    def __init__(self, path: Path, data: Path, rng: random.Random, counts: Counter[str]) -> None:
        self.path, self._data, self._rng, self._counts = path, data, rng, counts
        path.mkdir(parents=True)

    def score(self, kind: str, *more: str, run: str = "run") -> list[str]:
        """Arguments of score."""
        return ["score", str(self._data), "-o", run, *KINDS[kind], *more]

    def start(self, arguments: list[str]) -> subprocess.Popen[str]:
        """Start a command in a session of its own, so that only its processes get its signals."""
        return subprocess.Popen(
            [sys.executable, "-m", "noisefind", *arguments], cwd=self.path, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def finish(self, running: subprocess.Popen[str]) -> Ended:
        """Wait for the end of a command and of all its processes."""
        _, err = running.communicate(timeout=END_SECONDS)
        deadline = time.monotonic() + END_SECONDS
        while _group_is_alive(running.pid):
            require(time.monotonic() < deadline, f"processes of {running.args!r} are left")
            time.sleep(0.01)
        self._counts["commands"] += 1
        ended = Ended(running.returncode, err)
        require("Traceback" not in err, f"{running.args!r}: a traceback: {err}")
        return ended

    def succeed(self, arguments: list[str]) -> None:
        """Run a command that must end well and leave no litter."""
        ended = self.finish(self.start(arguments))
        require(ended.code == 0, f"{arguments}: exit code {ended.code}: {ended.err}")
        require(not self.litter(), f"{arguments} left {self.litter()}")

    def kill(self, arguments: list[str], usual: Usual) -> None:
        """Start a command and send it a signal at a random moment."""
        number, is_group = self._rng.choice(SIGNALS), self._rng.random() < 0.5
        running = self.start(arguments)
        if usual.hidden and self._rng.random() < 0.75:
            while running.poll() is None and not self.has_hidden():
                time.sleep(POLL_SECONDS)
            delay = self._rng.uniform(0, 1.2 * usual.hidden)
        else:
            delay = self._rng.uniform(PYTHON_SECONDS, usual.seconds)
        with suppress(subprocess.TimeoutExpired):
            running.wait(delay)
        is_alive = running.poll() is None
        if is_alive:
            (os.killpg if is_group else os.kill)(running.pid, number)
        ended = self.finish(running)
        # Python itself, while it starts or ends, lets Ctrl-C end the process
        interrupted = {-number, 130} if number == signal.SIGINT else {-number}
        require(
            ended.code == 0 or (is_alive and ended.code in interrupted),
            f"{arguments}: exit code {ended.code} after {number.name}: {ended.err}",
        )
        what = f"{arguments[0]}{' --force' * ('--force' in arguments)}"
        self._counts[f"{what} {number.name}" if ended.code else f"{what} ended before"] += 1

    def measure(self, arguments: list[str]) -> Usual:
        """Run a command to its end; the time that it and its hidden folder take."""
        running, begin, seen = self.start(arguments), time.monotonic(), []
        while running.poll() is None:
            if self.has_hidden():
                seen.append(time.monotonic())
            time.sleep(POLL_SECONDS)
        usual = Usual(time.monotonic() - begin, seen[-1] - seen[0] + 0.001 if seen else 0.0)
        ended = self.finish(running)
        require(ended.code == 0, f"{arguments}: {ended.err}")
        return usual

    def race(self, first: list[str], second: list[str], seconds: float) -> list[Ended]:
        """Two commands, the second at a random moment of the first; how they ended."""
        running = [self.start(first)]
        time.sleep(self._rng.choice([0, self._rng.uniform(0, 0.1), self._rng.uniform(0, seconds)]))
        running.append(self.start(second))
        return [self.finish(one) for one in running]

    def one_wins(self, arguments: list[str], seconds: float) -> None:
        """Of two equal commands one succeeds; the other gives one line and exit code 2."""
        ended = self.race(arguments, arguments, seconds)
        require(sorted(one.code for one in ended) == [0, 2], f"a race of {arguments}: {ended}")
        loser = max(ended).err.rstrip("\n")
        require(loser.splitlines()[-1].startswith("error: "), f"{arguments}: {loser}")
        require(not self.litter(), f"a race of {arguments} left {self.litter()}")
        self._counts[f"races of {arguments[0]}"] += 1

    def has_hidden(self) -> bool:
        """Whether a command writes into a hidden folder at this moment."""
        places = (self.path, self.path / PRUNED)
        return any(True for place in places for _ in place.glob(".noisefind-*"))

    def litter(self) -> list[str]:
        """What only a killed command leaves: hidden folders, parts of files and of entries."""
        patterns = (".noisefind-*", "*.part", ".*.part-*")
        return sorted(str(p) for pattern in patterns for p in self.path.rglob(pattern))

    def equal(self, found: Contents, *expected: Contents) -> None:
        """The files are those of one of the expected folders."""
        if found in expected:
            self._counts["bytes"] += sum(map(len, found.values()))
            return
        wanted = expected[-1]
        names = sorted(n for n in found.keys() | wanted.keys() if found.get(n) != wanted.get(n))
        raise DifferenceError(f"{self.path}: other files than without interruptions: {names}")

    def check_cache(self) -> None:
        """Every entry of the cache fits its checksums."""
        for entry in (self.path / "cache").glob("*/*"):
            if not entry.name.startswith("."):
                damage = damage_of(entry, entry.name)
                require(not damage, f"{entry} is damaged: {damage}")
                self._counts["cache entries"] += 1


class Reference:
    """The results of commands that nothing interrupts, and the time that they take."""

    def __init__(self, place: Place, kind: str) -> None:
        self.place, self.kind = place, kind
        self.score_usual = place.measure(place.score(kind))
        self.run = run_contents(place.path / "run")
        self.prunes: dict[str, Contents] = {}
        for name, options in PRUNES.items():
            self.prune_usual = place.measure([*PRUNE, *options])
            self.prunes[name] = contents(place.path / PRUNED)
            shutil.rmtree(place.path / PRUNED)


def page_of(place: Place) -> Contents:
    """The page of the report, if there is one."""
    page = place.path / PAGE
    return {PAGE: page.read_bytes()} if page.exists() else {}


def score_round(place: Place, reference: Reference, rng: random.Random) -> None:
    """Score with some kills, then to the end."""
    if rng.random() < 0.5:
        shutil.copytree(reference.place.path / "cache", place.path / "cache")
    resume: list[str] = []
    for _ in range(rng.randint(1, 3)):
        place.kill(place.score(reference.kind, *resume), reference.score_usual)
        resume = ["--resume"]
    place.succeed(place.score(reference.kind, "--resume"))
    place.equal(run_contents(place.path / "run"), reference.run)
    place.check_cache()


def prune_round(place: Place, reference: Reference, rng: random.Random) -> None:
    """Kill a first prune and one that replaces; each leaves the old or the new result."""
    pruned, usual, (a, b) = place.path / PRUNED, reference.prune_usual, PRUNES.items()
    old, new = reference.prunes[a[0]], reference.prunes[b[0]]
    place.kill([*PRUNE, *a[1]], usual)
    place.equal(contents(pruned), {}, old)
    place.succeed([*PRUNE, *a[1], *["--force"] * pruned.exists()])
    place.equal(contents(pruned), old)
    mine = {MINE: b"mine"} if rng.random() < 0.5 else {}
    for name, content in mine.items():
        (pruned / name).write_bytes(content)
    place.kill([*PRUNE, *b[1], "--force"], usual)
    if mine:  # several moves, which the next command finishes
        require((pruned / MINE).read_bytes() == mine[MINE], f"{pruned / MINE} is lost")
    else:
        place.equal(contents(pruned), old, new)
    place.succeed([*PRUNE, *b[1], "--force"])
    place.equal(contents(pruned), new | mine)
    shutil.rmtree(pruned)
    place.one_wins([*PRUNE, *a[1]], usual.seconds)
    place.equal(contents(pruned), old)
    shutil.rmtree(pruned)


def report_rounds(place: Place) -> None:
    """Kill a first report and one that replaces it; each leaves the old or the new page."""
    short = [*REPORT, "--images", "0"]
    place.succeed(short)
    small = page_of(place)
    usual = place.measure(REPORT)
    whole = page_of(place)
    for _ in range(REPEATS):
        (place.path / PAGE).unlink()
        place.kill(REPORT, usual)
        place.equal(page_of(place), {}, whole)
        place.succeed(REPORT)
        place.equal(page_of(place), whole)
        place.kill(short, usual)
        place.equal(page_of(place), whole, small)
        place.succeed(REPORT)
        place.equal(page_of(place), whole)


def score_race(place: Place, reference: Reference) -> None:
    """Two runs in one folder, and two runs with one cache."""
    seconds = reference.score_usual.seconds
    place.one_wins(place.score(reference.kind), seconds)
    shutil.rmtree(place.path / "cache")
    one, two = (place.score(reference.kind, run=run) for run in ("run-1", "run-2"))
    for ended in place.race(one, two, seconds):
        require(ended.code == 0, f"two runs with one cache: {ended}")
    for run in ("run", "run-1", "run-2"):
        place.equal(run_contents(place.path / run), reference.run)
    place.check_cache()


def soak(data: Path, out: Path, minutes: float, seed: int, counts: Counter[str]) -> None:
    """All rounds that begin within the time; ``counts`` gets the numbers of what was done."""
    rng, begin = random.Random(seed), time.monotonic()
    copy_images(data, out / "data")

    def place(name: str) -> Place:
        return Place(out / name, (out / "data").absolute(), rng, counts)

    references = [Reference(place(f"reference-{kind}"), kind) for kind in KINDS]
    while time.monotonic() - begin < 60 * minutes:
        reference, here = rng.choice(references), place("round")
        score_round(here, reference, rng)
        for _ in range(REPEATS):
            prune_round(here, reference, rng)
        report_rounds(here)
        if counts["rounds"] % 4 == 0:
            score_race(place("round/race"), reference)
        shutil.rmtree(here.path)
        counts["rounds"] += 1
        print(f"round {counts['rounds']} ({reference.kind}): {summary_line(counts)}", flush=True)


def summary_line(counts: Counter[str]) -> str:
    """Numbers of rounds, kills, races and bytes in one line."""
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))


def copy_images(data: Path, target: Path) -> None:
    """The first images of each class."""
    for label in sorted(path for path in data.iterdir() if path.is_dir()):
        (target / label.name).mkdir(parents=True)
        for file in sorted(path for path in label.iterdir() if path.is_file())[:N_PER_CLASS]:
            shutil.copy(file, target / label.name)


def _group_is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> int:
    """Run, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    counts, fault = Counter[str](), ""
    try:
        soak(options.data, options.out, options.minutes, options.seed, counts)
    except (DifferenceError, subprocess.TimeoutExpired) as error:
        fault = f"--seed {options.seed}, {options.out}: {error}"
    numbers = {"seed": options.seed, "fault": fault, **dict(sorted(counts.items()))}
    (options.out / "soak.json").write_text(json.dumps(numbers, indent=2) + "\n")
    print(f"{summary_line(counts)}; {fault or 'no fault'}")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
