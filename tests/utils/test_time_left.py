"""The time left of simulated runs, on machines of other speeds than planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from noisefind.utils.progress import PartProgress, Progress, Stage
from noisefind.utils.time_left import TimeLeft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PLAN = {"read": 2.0, "features": 14.0, "reduce": 3.0, "train": 6.0, "predict": 2.0, "check": 4.0}
STAGES = [Stage(name, seconds) for name, seconds in PLAN.items()]
N_STEPS = 20


class Clock:
    """Time that passes by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Announced(NamedTuple):
    """What was announced for the whole at the start of a stage, and in its middle."""

    at_start: list[float]
    in_middle: list[float]
    taken: float


def simulated(slowness: Callable[[float], float], rounds: int = 1) -> Announced:
    """Carry out the plan on a machine that is slower by a factor that depends on the time."""
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan(STAGES * rounds)
    starts, middles = [], []

    def total() -> float:
        left = time_left.left()
        assert left is not None
        return time_left.elapsed() + left

    for stage in STAGES * rounds:
        time_left.begin(stage.name, N_STEPS)
        starts.append(total())
        for step in range(N_STEPS):
            clock.now += stage.seconds / N_STEPS * slowness(clock.now - 100)
            time_left.advance(1)
            if step == N_STEPS // 2:
                middles.append(total())
    time_left.end()
    assert time_left.left() == 0
    assert time_left.share() == 1
    return Announced(starts, middles, time_left.elapsed())


def test_a_machine_as_planned_takes_what_was_announced() -> None:
    """With the planned seconds the total stays the same from the first stage to the last."""
    found = simulated(lambda _: 1.0)
    assert found.at_start == pytest.approx([31.0] * 6)
    assert found.in_middle == pytest.approx([31.0] * 6)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_slower_machine_is_known_from_the_second_stage_on(factor: float) -> None:
    """The first stage says how fast the machine is: totals within a third."""
    found = simulated(lambda _: factor)
    assert found.taken == pytest.approx(31 * factor)
    for total in [*found.at_start[1:], *found.in_middle]:
        assert total == pytest.approx(found.taken, rel=1 / 3)


def test_a_machine_that_becomes_slower_is_noticed_within_the_stage() -> None:
    """Three times slower after 9 s: from the middle of the next stage the total is right."""
    found = simulated(lambda now: 1.0 if now < 9 else 3.0)
    assert found.at_start[1] == pytest.approx(31, rel=0.1)  # nobody can know
    for total in found.at_start[2:]:
        assert total == pytest.approx(found.taken, rel=1 / 3)


def test_the_second_round_knows_each_stage() -> None:
    """A stage that takes ten times as planned is planned right in the next rounds."""
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan([Stage("quick", 5.0), Stage("odd", 1.0)] * 9)
    totals = []
    for _ in range(9):
        for name, seconds in (("quick", 5.0), ("odd", 10.0)):
            time_left.begin(name, 1)
            totals.append(time_left.elapsed() + (time_left.left() or 0))
            clock.now += seconds
            time_left.advance(1)
    assert totals[3:] == pytest.approx([135] * 15, rel=1 / 3)


def test_planned_stages_that_do_not_come_are_left_out() -> None:
    """Where a later stage begins, what was planned before it is not counted."""
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan(STAGES)
    time_left.begin("predict", 1)
    assert time_left.left() == pytest.approx(2 + 4)


def test_a_stage_without_steps_goes_on() -> None:
    """The seconds of one long step count down; later a fifth of what has passed is left."""
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan([Stage("long", 10.0)])
    time_left.begin("long", 1)
    clock.now += 6
    assert time_left.left() == pytest.approx(4)
    clock.now += 14
    assert time_left.left() == pytest.approx(4)


def test_a_stage_that_was_not_planned_has_its_own_pace() -> None:
    """Nothing is known before its first step; then its own pace says what is left."""
    clock = Clock()
    time_left = TimeLeft(clock)
    assert time_left.left() is None
    time_left.begin("pictures", 10)
    assert time_left.left() is None
    assert time_left.share() == 0
    clock.now += 3
    time_left.advance(2)
    assert time_left.left() == pytest.approx(12)
    assert time_left.share() == pytest.approx(0.2)


def test_the_share_never_falls() -> None:
    """A machine that becomes slower holds the bar; it does not move it back."""
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan([Stage("a", 10.0), Stage("b", 10.0)])
    time_left.begin("a", 10)
    shares = []
    for step in range(10):
        clock.now += 1 if step < 5 else 9
        time_left.advance(1)
        shares.append(time_left.share())
    assert shares == sorted(shares)
    assert shares[4] == pytest.approx(0.25)


def test_a_part_plans_the_whole() -> None:
    """A part of a longer task passes all on and plans the rest too."""
    told: list[object] = []

    class Told(Progress):
        def plan(self, stages: Sequence[Stage]) -> None:
            told.append([stage.name for stage in stages])

        def stage(self, name: str, total: int) -> None:
            told.append((name, total))

        def advance(self, count: int = 1) -> None:
            told.append(count)

        def say(self, message: str) -> None:
            told.append(message)

    whole = Told()
    part = PartProgress(whole, lambda stages: whole.plan([*stages, Stage("end", 1.0)]))
    part.plan([Stage("begin", 1.0)])
    part.stage("begin", 2)
    part.advance()
    part.say("hello")
    assert told == [["begin", "end"], ("begin", 2), 1, "hello"]


def test_a_tiny_stage_says_little_about_the_machine() -> None:
    """A stage of .05 s that takes 2 s does not make all others forty times as long."""
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan([Stage("tiny", 0.05), Stage("long", 100.0)])
    time_left.begin("tiny", 1)
    clock.now += 2
    time_left.begin("long", 10)
    assert (time_left.left() or 0) < 1000
    for _ in range(2):
        clock.now += 10
        time_left.advance(1)
    assert time_left.left() == pytest.approx(80, rel=1 / 3)


def test_a_new_plan_counts_as_it_is() -> None:
    """It is in seconds of this machine now, whatever the stages before it took."""
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan([Stage("measure", 1.0), Stage("work", 5.0)])
    time_left.begin("measure", 1)
    clock.now += 60
    time_left.plan([Stage("work", 50.0)])
    time_left.begin("work", 1)
    assert time_left.left() == pytest.approx(50)
