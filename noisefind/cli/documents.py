"""Documents of ``--json``, one per command; see schemas/ and docs/reference/json.md."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from noisefind.evaluation.compare import CompareResult
    from noisefind.evaluation.inject import InjectResult
    from noisefind.pruning.prune import PruneResult
    from noisefind.reporting.report import ReportResult
    from noisefind.runs.run import Run

N_WORST = 10


def score_document(result: Run) -> dict[str, Any]:
    """run.json, its folder, and the worst labels."""
    ranking = result.ranking
    worst = [
        {
            "file_name": ranking.ids[row],
            "given_label": ranking.given_labels[row],
            "predicted_label": ranking.predicted_labels[row],
            "label_score": float(ranking.label_scores[row]),
            "is_label_issue": bool(ranking.is_label_issue[row]),
        }
        for row in range(min(N_WORST, len(ranking)))
    ]
    summary = result.summary.to_json()
    return {"command": "score", "run": str(result.path), **summary, "worst": worst}


def prune_document(result: PruneResult, *, dry_run: bool) -> dict[str, Any]:
    """Counts of kept and dropped images, with the reasons."""
    manifest, review, summary = result.manifest, result.review, result.summary
    n_kept = int(manifest.keep.sum())
    return {
        "command": "prune",
        "run_id": summary.run_id,
        "output": str(result.output),
        "dry_run": dry_run,
        "files": result.files,
        "rules": [str(rule) for rule in result.rules],
        "n_images": len(manifest.keep),
        "n_kept": n_kept,
        "n_dropped": len(manifest.keep) - n_kept,
        "n_unreadable": len(manifest.unreadable),
        "n_spared": result.n_spared,
        "n_conflicting": result.n_conflicting,
        "reasons": dict(sorted(manifest.reason_counts(kept=False).items())),
        "kept_reasons": dict(sorted(manifest.reason_counts(kept=True).items())),
        "classes": [
            {"label": c.label, "n_images": c.before, "n_kept": c.kept, "n_dropped": c.dropped}
            for c in result.counts
        ],
        "halved_classes": [c.label for c in result.counts if c.is_halved],
        "review": {
            "n_decided": len(review.decisions),
            "n_kept": review.count("keep"),
            "n_relabelled": review.count("relabel"),
            "n_dropped": review.count("drop"),
            "unsure": list(review.unsure),
            "disputed": review.disputed,
            "n_undecided": result.n_undecided,
        },
        "noise_rate": asdict(summary.noise_rate),
    }


def injection_document(result: InjectResult) -> dict[str, Any]:
    """injection.json and its folder."""
    return {
        "command": "inject",
        "output": str(result.output),
        "labels_file": str(result.labels_file),
        **result.summary,
    }


def comparison_document(result: CompareResult) -> dict[str, Any]:
    """comparison.json and its folder."""
    output = None if result.output is None else str(result.output)
    return {"command": "compare", "output": output, **result.summary}


def report_document(result: ReportResult) -> dict[str, Any]:
    """Path of the page, and counts of its images."""
    return {
        "command": "report",
        "path": str(result.path),
        "n_images": result.n_images,
        "n_pictures": result.n_pictures,
        "n_unreadable": result.n_unreadable,
        "n_bytes": result.n_bytes,
        "files": result.files,
    }


def evaluation_document(
    subcommand: str, summary: Mapping[str, Any], output: Path
) -> dict[str, Any]:
    """The JSON file that a subcommand of ``evaluate`` wrote, and its folder."""
    return {"command": f"evaluate {subcommand}", "output": str(output), **summary}
