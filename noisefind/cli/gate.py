"""The gate of a pipeline: a run with too many wrong labels fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noisefind.runs.summary import RunSummary


def reason_to_fail(summary: RunSummary, fail_over: float | None) -> str | None:
    """One line with the reason to fail; None to pass, or without a limit.

    It fails if the lower end of the 95 % interval of the noise rate is above the limit:
    uncertainty alone stops no pipeline.

    Args:
        summary: run.json.
        fail_over: the largest share of wrong labels, 0 to 1, that still passes.
    """
    if fail_over is None:
        return None
    rate = summary.noise_rate
    if rate.low <= fail_over:
        return None
    return (
        f"about {_percent(rate.estimate)} of {summary.n_images:,} labels are wrong (95 % interval "
        f"{_percent(rate.low)} to {_percent(rate.high)}): the lower end is more than --fail-over "
        f"{_percent(fail_over)}"
    )


def _percent(share: float) -> str:
    """All digits of a share that is rounded to six: 2.0001% is not 2%."""
    return f"{100 * share:.7g}%"
