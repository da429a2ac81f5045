"""``noisefind score``: from a path to a run folder, stage by stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from noisefind.config import AUTO, ScoreConfig
from noisefind.data.class_names import read_class_names
from noisefind.detection.kernel_ridge import leave_one_out_scores, n_steps
from noisefind.detection.leave_one_out import LeaveOneOut, fit_leave_one_out
from noisefind.errors import ConfigError, RunError
from noisefind.features.compute import FeatureFiles
from noisefind.features.swav import SwavFiles
from noisefind.runs.folder import RunFolder
from noisefind.runs.run import Run
from noisefind.runs.writers import write_findings, write_held_out, write_results
from noisefind.scores.distance import N_CANDIDATES, Clusters, find_clusters, km_distance
from noisefind.scoring import plan
from noisefind.scoring.context import Context, open_context
from noisefind.scoring.details import memorised_note, write_details
from noisefind.scoring.estimate import estimate, slowness
from noisefind.scoring.image_checks import (
    ImageCheckSettings,
    check_images,
    check_other_splits,
)
from noisefind.scoring.inputs import SPACE_HINT, Inputs, missing_members, open_inputs, trained
from noisefind.scoring.ranking import Ensemble, Judgement, rank
from noisefind.scoring.summary import Means, run_start, run_summary
from noisefind.training.ensemble import TrainingData, train_ensemble
from noisefind.training.own_predictions import record_predictions, record_training
from noisefind.training.recipe import OWN, MemberKind, is_trajectory
from noisefind.training.record import Record, discard_record, discard_unfinished, n_recorded
from noisefind.utils.arrays import DamagedError
from noisefind.utils.checksums import add_checksums, write_checksums
from noisefind.utils.disk import require_space, size_text
from noisefind.utils.output import check_place
from noisefind.utils.progress import Progress
from noisefind.utils.progress_display import displays_progress
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunStart
    from noisefind.similarity.findings import Findings

    Features = NDArray[np.float32]


@displays_progress
def score(
    data: str | Path,
    output: str | Path,
    config: ScoreConfig | None = None,
    *,
    resume: bool = False,
    progress: Progress | Literal[False] | None = None,
) -> Run:
    """Train an ensemble on the images, score every image and write the run folder.

    Args:
        data: class folders, split folders, a table, a CIFAR directory or archive, or ``cifar10``
            or ``cifar100``. Images are only read.
        output: the run folder, new or empty; with ``resume`` the folder of an interrupted run, or
            of a finished run that gets more members.
        config: the options; None for the defaults.
        resume: continue the run in ``output``.
        progress: receives progress and messages; None: a bar on stderr where a person watches,
            in a terminal or a notebook; False: nothing is printed.

    Returns:
        The run, the same object as ``open_run`` returns: images, labels and scores, worst first.

    Raises:
        DataError: the data cannot be read, or is not suited to scoring.
        ConfigError: an option is out of range, or is not possible with this data or machine.
        RunError: ``output`` exists and is not empty, or with ``resume`` it is not a run of the same
            data and options.

    Examples:
        ```python
        run = noisefind.score("photos", "run", noisefind.ScoreConfig(seed=1))
        print(run.label_issues[:10], run.noise_rate.estimate)
        ```
    """
    run = RunFolder(Path(output))
    if Path(data).is_dir():  # a run in there would be found as images by the next one
        check_place(run.path, Path(data), may_be_full=True)
    with run.held(resume=resume):
        try:
            return _score(data, run, config or ScoreConfig(), progress or Progress())
        except OSError as error:
            raise RunError(
                f"{run.path}: the run cannot go on: {error}; when this is corrected, continue it "
                "with --resume"
            ) from error


def _score(data: str | Path, run: RunFolder, config: ScoreConfig, progress: Progress) -> Run:
    progress.stage(plan.OPENING, 1)
    context = open_context(config, run.path, progress)
    discard_unfinished(run.record)
    inputs = open_inputs(data, config, context, run)
    start = run.start(run_start(data, config, inputs.dataset, inputs.recipes))
    _discard_damaged(inputs, run, progress)
    finished = _finished(inputs, run, start, progress)
    if finished is not None:
        progress.say(f"{run.path} is complete; nothing is left to do")
        return finished
    _check_estimate(inputs, run, context)
    features = _features(inputs, run, context)
    clusters = _clusters(features, inputs, config, context)
    if config.has_own_model:
        _record_own(inputs, config, run=run, context=context)
    else:
        _train(features, inputs, config.seed, run=run, context=context)
    leave_one_out = _leave_one_out(features, inputs, config.seed, context)
    findings = _findings(features, inputs, config, context)
    with context.timed("scores"):
        progress.stage(plan.RANKING, 1)
        ensemble = _ensemble(inputs, run, config.never_learned)
        distances = km_distance(features, clusters.centers)
        judgement = rank(
            inputs.dataset, ensemble, distances, leave_one_out, findings=findings, seed=config.seed
        )
        _require_finite(judgement.ranking)
        progress.stage(plan.WRITING, 4)
        run.discard_summary()
        _write(
            run, inputs, clusters, findings=findings, judgement=judgement, advance=progress.advance
        )
    if judgement.issues.memorised:
        share = judgement.issues.memorised_share or 0.0
        progress.say(memorised_note(share, is_own=config.has_own_model))
    means = Means(
        device=",".join(map(str, context.devices or [context.device])),
        threads=context.n_threads,
        seconds=context.seconds,
        sizes=inputs.sizes,
        recipes=inputs.recipes,
        n_clusters=len(clusters.centers),
    )
    summary = run_summary(start, inputs.dataset, judgement, findings=findings, means=means)
    run.finish(summary)
    return Run(run, summary, judgement.ranking)


def _discard_damaged(inputs: Inputs, run: RunFolder, progress: Progress) -> None:
    """Delete damaged features and records, which are then computed again."""
    n_images, n_classes = len(inputs.dataset), len(inputs.dataset.classes)
    if run.reduced_features.exists():
        try:
            run.open_features(n_images)
        except DamagedError as error:
            progress.say(f"computed again: {error.what}")
            run.reduced_features.unlink()
    for folder in (run.record / kind for kind in inputs.recipes):
        if n_recorded(folder):
            try:
                Record(folder, n_images, n_classes)
            except DamagedError as error:
                progress.say(f"trained again: {error.what}")
                discard_record(folder)


def _finished(inputs: Inputs, run: RunFolder, start: RunStart, progress: Progress) -> Run | None:
    """The result in the folder; None if a part is missing, damaged, or of fewer members."""
    has_features = run.reduced_features.exists()
    if not run.is_whole or not has_features or _is_growing(inputs, run):
        return None
    try:
        run.require_whole()
        summary = run.read_summary()
        # a run that was to grow may have been interrupted between its training and its tables
        is_current = summary.members == start.members
        return Run(run, summary, run.read_ranking()) if is_current else None
    except RunError as error:
        progress.say(f"computed again, with all that follows from it: {error}")
        return None


def _is_growing(inputs: Inputs, run: RunFolder) -> bool:
    """Whether members are requested that are not recorded yet."""
    return any(recipe.members for recipe in missing_members(inputs.recipes, run).values())


def _check_estimate(inputs: Inputs, run: RunFolder, context: Context) -> None:
    """Plan what is neither cached nor recorded yet, by a measured first batch.

    Raises:
        RunError: the disk has too little space for it.
    """
    context.progress.stage(plan.MEASURING, 1)
    seconds, in_run, in_cache = estimate(
        inputs.features, len(inputs.dataset.classes),
        trained(missing_members(inputs.recipes, run)),
        inputs.network_options,
        has_features=run.reduced_features.exists(),
        network_size=inputs.sizes.network,
        n_gpus=len({d for d in context.devices if d.type == "cuda"}),
    )  # fmt: skip
    if run.reduced_features.exists():
        in_run = max(0, in_run - run.reduced_features.stat().st_size)
    context.progress.plan(plan.work_plan(inputs.amount, seconds, slowness()))
    context.progress.say(
        f"features and members run on {context.device}; they need about "
        f"{size_text(in_run + in_cache)} of disk"
    )
    require_space("the run needs", {run.path: in_run, context.cache: in_cache}, SPACE_HINT)


def _features(inputs: Inputs, run: RunFolder, context: Context) -> Features:
    """The reduced features (N, k), computed unless an interrupted run left them."""
    if not run.reduced_features.exists():
        with context.timed("features"):
            swav = SwavFiles(run.swav_checkpoint, run.swav_loss)
            files = FeatureFiles(run.reduced_features, swav)
            inputs.features.write(files, inputs.dataset.ids, context.progress)
            write_checksums(run.reduced_features.parent, pattern="*.npy")
    return run.open_features(len(inputs.dataset))


def _clusters(
    features: Features, inputs: Inputs, config: ScoreConfig, context: Context
) -> Clusters:
    with context.timed("clusters"):
        context.progress.stage(plan.CLUSTERING, N_CANDIDATES if config.clusters == AUTO else 1)
        clusters = find_clusters(
            features, config.clusters, n_classes=len(inputs.dataset.classes),
            seed=derived_seed(config.seed, "clusters") % 2**32, n_threads=context.n_threads,
            advance=context.progress.advance,
        )  # fmt: skip
    if config.clusters != AUTO and len(clusters.centers) < int(config.clusters):
        context.progress.say(
            f"--clusters {config.clusters}: only {len(clusters.centers)} images differ, "
            "and with as many centres as images km_distance is rounding alone"
        )
    return clusters


def _train(
    features: Features, inputs: Inputs, seed: int, *, run: RunFolder, context: Context
) -> None:
    """Train the members that the record does not hold yet."""
    dataset = inputs.dataset
    with context.timed("training"):
        train_ensemble(
            TrainingData(features, inputs.network_pixels, dataset.labels, len(dataset.classes)),
            [MemberKind(name, recipe, seed) for name, recipe in inputs.recipes.items()],
            inputs.network_options, run.record, device=context.device, devices=context.devices,
            progress=context.progress,
        )  # fmt: skip
    for kind in inputs.recipes:  # without those of files that more members have replaced
        add_checksums(run.record / kind, {})


def _record_own(inputs: Inputs, config: ScoreConfig, *, run: RunFolder, context: Context) -> None:
    """Write the predictions of the user as the record of the ensemble."""
    folder, dataset, say = run.record / OWN, inputs.dataset, context.progress.say
    if n_recorded(folder):
        return
    with context.timed("training"):
        context.progress.stage("Reading predictions", 1)
        if config.record is not None:
            record_training(config.record, folder, dataset, say=say)
        else:
            names = None if config.class_names is None else read_class_names(config.class_names)
            record_predictions(
                list(map(Path, config.pred_probs)), folder, dataset, columns=names,
                are_logits=config.logits, say=say,
            )  # fmt: skip
        context.progress.advance()
    write_checksums(folder, pattern="*.npy")


def _leave_one_out(features: Features, inputs: Inputs, seed: int, context: Context) -> LeaveOneOut:
    labels, classes = inputs.dataset.labels, inputs.dataset.classes
    seed = derived_seed(seed, "witness")  # the name of the purpose is part of the seed
    with context.timed("leave_one_out"):
        context.progress.stage(plan.LEAVE_ONE_OUT, n_steps(len(labels)))
        scores = leave_one_out_scores(
            features, labels, len(classes), seed=seed, n_threads=context.n_threads,
            advance=context.progress.advance,
        )  # fmt: skip
        context.progress.stage(plan.NOISE_MODEL, 3)
        return fit_leave_one_out(scores, labels, seed=seed, advance=context.progress.advance)


def _findings(
    features: Features, inputs: Inputs, config: ScoreConfig, context: Context
) -> Findings:
    """The image checks, and the search in other splits."""
    settings = ImageCheckSettings(
        max_pixels=config.max_pixels, cache=context.cache, n_threads=context.n_threads,
        progress=context.progress, seed=derived_seed(config.seed, "neighbours") % 2**32,
    )  # fmt: skip
    with context.timed("image_checks"):
        findings = check_images(inputs.stored, inputs.dataset.labels, features, settings)
    if not config.leaks or inputs.dataset.elsewhere is None:
        return findings
    with context.timed("other_splits"):
        leaks = check_other_splits(inputs.dataset, inputs.stored, settings)
        return replace(findings, leaks=leaks)


def _ensemble(inputs: Inputs, run: RunFolder, never_learned: str) -> Ensemble:
    """The records of the members."""
    return Ensemble(
        [Record(run.record / kind) for kind in inputs.recipes if not is_trajectory(kind)],
        [Record(run.record / kind) for kind in inputs.recipes if is_trajectory(kind)],
        never_learned,
    )


def _require_finite(ranking: Ranking) -> None:
    """The last check before scores.csv is written.

    Raises:
        ConfigError: a score is not finite.
    """
    columns = {"label_score": ranking.label_scores, **ranking.scores}
    broken = [name for name, values in columns.items() if not np.isfinite(values).all()]
    if broken:
        raise ConfigError(
            f"the scores {', '.join(broken)} are not finite, because features or predictions are "
            "far too large; give a lower --learning-rate or other --features, and a new folder"
        )


def _write(
    run: RunFolder,
    inputs: Inputs,
    clusters: Clusters,
    *,
    findings: Findings,
    judgement: Judgement,
    advance: Callable[[], None],
) -> None:
    """Write all tables of the run folder."""
    write_results(run, judgement.ranking, inputs.dataset.skipped, clusters.curve)
    advance()
    write_findings(run, findings, inputs.dataset)
    advance()
    write_checksums(run.neighbours.parent, pattern="*.npy")
    advance()
    write_details(run, inputs.dataset, judgement)
    advance()
    if inputs.held_out is not None:
        write_held_out(run, inputs.held_out)
