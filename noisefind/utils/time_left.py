"""Time that is left of a plan of stages, learned from the stages as they go.

A stage takes ``seconds * machine * own`` seconds: ``seconds`` is what was planned, ``machine`` a
factor for all stages, ``own`` a factor for the stages of one name. The stages so far give both
factors, the latest count most. The running stage counts by its own pace once it has run for some
seconds.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from noisefind.utils.progress import Stage

HALF_TRUST = 1.0  # seconds of a stage after which its pace counts as much as the plan
HALF_LIFE = 30.0  # seconds after which the pace of the running stage counts half
OLDER = 0.6  # weight of a stage in the factor of the machine, compared with the stage after it
PLANNED = 0.2  # weight of factor 1 there, compared with the first stage
OVERTIME = 0.2  # of the seconds that a stage has run are left where it should have ended


@dataclass
class _Running:
    """The running stage; ``paced`` are the seconds in which ``share`` of it were done, lately."""

    name: str
    planned: float | None  # seconds; None: not in the plan
    total: float
    start: float
    last: float  # time of the last step
    done: float = 0.0
    paced: float = 0.0
    share: float = 0.0

    def step(self, count: float, now: float) -> None:
        """``count`` more units are done."""
        passed = now - self.last
        keep = 0.5 ** (passed / HALF_LIFE)
        self.paced = keep * self.paced + passed
        self.share = keep * self.share + count / max(self.total, 1e-9)
        self.done, self.last = min(self.done + count, self.total), now

    @property
    def undone(self) -> float:
        """Share of the stage that is not done yet, 0 to 1."""
        return 1 - self.done / self.total if self.total else 1.0


class TimeLeft:
    """Seconds that a plan of stages has left.

    Not safe for threads.

    Args:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._start = clock()
        self._to_come: list[Stage] = []
        self._running: _Running | None = None
        self._log_sum, self._weight = 0.0, PLANNED  # of the factor of the machine
        self._own: dict[str, float] = {}  # name -> logarithm of its own factor
        self._shown = 0.0
        self._is_over = False

    @property
    def name(self) -> str:
        """The running stage; empty before the first and after the last."""
        return self._running.name if self._running else ""

    def plan(self, stages: Sequence[Stage]) -> None:
        """All that comes after the running stage, in seconds as they are on this machine now."""
        self._to_come = list(stages)
        self._log_sum, self._weight = 0.0, PLANNED
        if self._running is not None:
            self._running.planned = None  # its seconds say nothing about the new plan

    def begin(self, name: str, total: float) -> None:
        """End the running stage and begin another; planned stages before it are left out."""
        self._finish()
        places = [n for n, stage in enumerate(self._to_come) if stage.name == name]
        planned = None
        if places:
            planned = self._to_come[places[0]].seconds
            del self._to_come[: places[0] + 1]
        now = self._clock()
        self._running = _Running(name, planned, total, now, now)

    def advance(self, count: float) -> None:
        """``count`` more units of the running stage are done."""
        if self._running is not None and count > 0:
            self._running.step(count, self._clock())

    def end(self) -> None:
        """End the running stage; nothing is to come."""
        self._finish()
        self._to_come, self._is_over = [], True

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def left(self) -> float | None:
        """Seconds that are left; None where they are not known."""
        here = self._left_here(self._running) if self._running else 0.0
        if here is None and not self._to_come:
            return None
        if not (self._to_come or self._running or self._is_over):
            return None
        return (here or 0.0) + sum(s.seconds * self._factor(s.name) for s in self._to_come)

    def share(self) -> float:
        """Share of the time that has passed, 0 to .99, at the end 1; it never falls."""
        if self._is_over:
            return 1.0
        left, elapsed = self.left(), self.elapsed()
        if left is not None and elapsed + left > 0:
            self._shown = max(self._shown, min(elapsed / (elapsed + left), 0.99))
        return self._shown

    def _left_here(self, running: _Running) -> float | None:
        now = self._clock()
        passed, pace = now - running.start, running.paced / (running.share or math.inf)
        if running.planned is None:
            whole = pace or None
        else:
            whole = running.planned * self._factor(running.name)
            if running.share and pace and whole:
                trust = running.paced / (running.paced + HALF_TRUST)
                whole = math.exp(trust * math.log(pace) + (1 - trust) * math.log(whole))
        if whole is None:
            return None
        return max(
            whole * running.undone - (now - running.last), OVERTIME * passed * running.undone
        )

    def _factor(self, name: str) -> float:
        """By which a stage of this name is slower than planned."""
        return math.exp(self._machine() + self._own.get(name, 0.0))

    def _machine(self) -> float:
        """Logarithm of the factor for all stages, with what the running one shows."""
        log_sum, weight, running = self._log_sum, self._weight, self._running
        if running is not None and running.planned and running.share and running.paced:
            trust = _trust(running.paced, running.share * running.planned)
            pace = math.log(running.paced / running.share / running.planned)
            seen = trust * (pace - self._own.get(running.name, 0.0))
            keep = 1 - (1 - OLDER) * trust
            log_sum, weight = keep * log_sum + seen, keep * weight + trust
        return log_sum / weight

    def _finish(self) -> None:
        """Learn from the running stage, which has ended now."""
        running = self._running
        if running is None:
            return
        passed = self._clock() - running.start
        if running.planned and passed > 0:
            trust = _trust(passed, running.planned)
            pace = math.log(passed / running.planned)
            own = self._own.get(running.name, 0.0)
            keep = 1 - (1 - OLDER) * trust
            self._log_sum = keep * self._log_sum + trust * (pace - own)
            self._weight = keep * self._weight + trust
            machine = self._log_sum / self._weight
            self._own[running.name] = (own + pace - machine) / 2 if own else pace - machine
        self._running = None


def _trust(passed: float, planned: float) -> float:
    """Weight of a stage, 0 to 1: little where it was planned to take next to nothing."""
    seconds = math.sqrt(passed * planned)
    return seconds / (seconds + HALF_TRUST)
