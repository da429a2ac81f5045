"""The gate of a pipeline: whether too many labels of a run are suspected to be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def reason_to_fail(summary: Mapping[str, Any], fail_over: float | None) -> str | None:
    """One line that says why the gate is closed; None where it is open or was not asked for.

    Args:
        summary: what run.json holds.
        fail_over: the largest share of suspected labels, 0 to 1, that still passes.
    """
    share = summary["label_issue_share"]
    if fail_over is None or share <= fail_over:
        return None
    return (
        f"{_percent(share)} of {summary['n_images']:,} labels are suspected to be wrong, more than "
        f"--fail-over {_percent(fail_over)}"
    )


def _percent(share: float) -> str:
    """All digits of a share that is rounded to six: 2.0001% is not 2%."""
    return f"{100 * share:.7g}%"
