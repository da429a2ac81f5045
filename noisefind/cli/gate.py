"""The gate of a pipeline: whether too many labels of a run are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noisefind.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping


def reason_to_fail(summary: Mapping[str, Any], fail_over: float | None) -> str | None:
    """One line with the reason to fail; None to pass, or without a limit.

    It fails if even the lower end of the 95 % interval of the noise rate is above the limit:
    uncertainty alone stops no pipeline.

    Args:
        summary: what run.json holds.
        fail_over: the largest share of wrong labels, 0 to 1, that still passes.

    Raises:
        RunError: an older run without a noise rate.
    """
    if fail_over is None:
        return None
    if "noise_rate" not in summary:
        raise RunError("--fail-over: run.json has no noise_rate; score the data again")
    estimate, low, high = (summary["noise_rate"][name] for name in ("estimate", "low", "high"))
    if low <= fail_over:
        return None
    return (
        f"about {_percent(estimate)} of {summary['n_images']:,} labels are wrong (95 % interval "
        f"{_percent(low)} to {_percent(high)}): the lower end is more than --fail-over "
        f"{_percent(fail_over)}"
    )


def _percent(share: float) -> str:
    """All digits of a share that is rounded to six: 2.0001% is not 2%."""
    return f"{100 * share:.7g}%"
