"""``noisefind score``: from a path to a run folder, stage by stage."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from noisefind.config import AUTO, ScoreConfig
from noisefind.data.open import open_dataset
from noisefind.data.pixels import open_pixels, resized_pixels
from noisefind.data.splits import hold_out
from noisefind.detection.kernel_ridge import leave_one_out_scores
from noisefind.detection.leave_one_out import LeaveOneOut, fit_leave_one_out
from noisefind.features.compute import FeatureFiles, FeatureTask, open_network
from noisefind.features.swav import SwavFiles
from noisefind.runs.folder import RunFolder
from noisefind.runs.tables import write_findings, write_held_out, write_results
from noisefind.scores.distance import Clusters, find_clusters, km_distance
from noisefind.scoring.details import memorised_warning, write_details
from noisefind.scoring.estimate import estimate
from noisefind.scoring.image_checks import (
    ImageCheckSettings,
    check_images,
    check_other_splits,
)
from noisefind.scoring.ranking import Ensemble, rank
from noisefind.scoring.settings import choose_recipes, feature_options, network_options
from noisefind.scoring.sizes import choose_sizes, trains_on_pixels
from noisefind.scoring.summary import Means, run_start, run_summary
from noisefind.training.ensemble import TrainingData, train_ensemble, try_networks
from noisefind.training.networks import require_known
from noisefind.training.recipe import MemberKind, Recipe, is_trajectory
from noisefind.training.record import Record, n_recorded
from noisefind.utils.cache import cache_folder
from noisefind.utils.device import choose_devices, choose_threads, prepare_cpu
from noisefind.utils.files import open_array
from noisefind.utils.output import check_place
from noisefind.utils.progress import Progress
from noisefind.utils.seeds import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from numpy.typing import NDArray

    from noisefind.data.dataset import Dataset
    from noisefind.data.pixels import Stored
    from noisefind.runs.ranking import Ranking
    from noisefind.runs.summary import RunSummary
    from noisefind.similarity.findings import Findings
    from noisefind.training.network import NetworkOptions

FEW_IMAGES = 20  # of a class; with fewer a warning is given


@dataclass(frozen=True)
class ScoreResult:
    """What ``score`` found; everything is in the run folder too."""

    run: RunFolder
    summary: RunSummary
    ranking: Ranking


@dataclass(frozen=True)
class _Machine:
    """Where things run and are kept."""

    device: torch.device
    devices: list[torch.device]  # with a process each for networks from pixels; mostly none
    n_threads: int
    cache: Path
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)


def score(
    data: str | Path,
    output: str | Path,
    config: ScoreConfig | None = None,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> ScoreResult:
    """Train an ensemble on the images, score every image and write the run folder.

    Args:
        data: class folders, split folders, a table, a CIFAR directory or archive, or ``cifar10``
            or ``cifar100``. Images are only read.
        output: the run folder, new or empty; with ``resume`` the folder of an interrupted run, or
            of a finished run that gets more members.
        config: the options; None for the defaults.
        resume: continue the run in ``output``.
        progress: receives progress and messages; None: nothing is printed.

    Returns:
        The run folder, the content of run.json (``summary``) and the images, worst first
        (``ranking``).

    Raises:
        DataError: the data cannot be read, or is not suited to scoring.
        ConfigError: an option is out of range, or is not possible with this data or machine.
        RunError: ``output`` exists and is not empty, or with ``resume`` it is not a run of the same
            data and options.

    Example::

        result = noisefind.score("photos", "run", noisefind.ScoreConfig(seed=1))
        print(result.ranking.ids[:10], result.summary.label_issue_share)
    """
    run = RunFolder(Path(output))
    if Path(data).is_dir():  # a run in there would be found as images by the next one
        check_place(run.path, Path(data), may_be_full=True)
    with run.held(resume=resume):
        return _score(data, run, config or ScoreConfig(), progress or Progress())


def _score(
    data: str | Path, run: RunFolder, config: ScoreConfig, progress: Progress
) -> ScoreResult:
    machine = _Machine(
        *choose_devices(config.device, config.devices),
        choose_threads(config.threads),
        cache_folder(config.cache_dir, run.path / "cache"),
        progress,
    )
    prepare_cpu(machine.n_threads)
    networks = config.networks(on_gpu=machine.device.type == "cuda")
    require_known(networks)
    wanted = feature_options(config)
    feature_network = open_network(wanted, machine.progress)
    with machine.timed("open"):
        dataset, held_out = _open(data, config, machine)
        sizes = choose_sizes(
            dataset, networks, feature_network, options=wanted, image_size=config.image_size
        )
        try_networks(
            networks, len(dataset.classes), sizes.network, weights=config.network_weights,
            progress=machine.progress,
        )  # fmt: skip
    with machine.timed("pixels"):
        stored = open_pixels(
            dataset, sizes.stored, cache=machine.cache, max_pixels=config.max_pixels,
            n_threads=machine.n_threads, progress=machine.progress,
        )  # fmt: skip
    dataset, pixels = stored.dataset, stored.pixels
    dataset = replace(dataset, images=[])  # from here on pixels come from the store: frees a CIFAR
    recipes = choose_recipes(config, networks, len(dataset))
    started = run.start(run_start(data, config, dataset, recipes))
    if run.is_whole and all(n_recorded(run.record / k) == r.members for k, r in recipes.items()):
        machine.progress.say(f"{run.path} is complete; nothing is left to do")
        return ScoreResult(run, run.read_summary(), run.read_ranking())
    network_pixels = None
    if trains_on_pixels(networks, wanted):
        network_pixels = resized_pixels(
            pixels, sizes.network, key=stored.key, cache=machine.cache, progress=machine.progress
        )
    if network_pixels is not None and config.features == "swav":
        pixels = network_pixels
    task = FeatureTask(
        options=wanted, network=feature_network, pixels=pixels, size=sizes.features,
        key=stored.key, cache=machine.cache, device=machine.device,
    )  # fmt: skip
    options = network_options(config, network_pixels)
    _say_estimate(
        task, len(dataset.classes), recipes, options, network_size=sizes.network, run=run,
        machine=machine,
    )  # fmt: skip
    features = _features(task, dataset, run, machine)
    clusters = _clusters(features, dataset, config, machine)
    with machine.timed("training"):
        training = TrainingData(features, network_pixels, dataset.labels, len(dataset.classes))
        kinds = [MemberKind(name, recipe, config.seed) for name, recipe in recipes.items()]
        train_ensemble(
            training, kinds, options, run.record, device=machine.device,
            devices=machine.devices, progress=machine.progress,
        )  # fmt: skip
    with machine.timed("leave_one_out"):
        leave_one_out = _leave_one_out(features, dataset, config, machine)
    findings = _findings(features, dataset, stored, config, machine)
    with machine.timed("scores"):
        machine.progress.stage("Scoring", 1)
        ensemble = Ensemble(
            [Record(run.record / kind) for kind in recipes if not is_trajectory(kind)],
            [Record(run.record / kind) for kind in recipes if is_trajectory(kind)],
            config.never_learned,
        )
        distances = km_distance(features, clusters.centers)
        judgement = rank(
            dataset, ensemble, distances, leave_one_out, findings=findings, seed=config.seed
        )
        ranking = judgement.ranking
        write_results(run, ranking, dataset.skipped, clusters.curve)
        write_findings(run, findings, dataset)
        write_details(run, dataset, judgement)
        if held_out is not None:
            write_held_out(run, held_out)
        machine.progress.advance()
    if judgement.issues.memorised:
        machine.progress.say(memorised_warning(judgement.issues.memorised_share or 0.0))
    device = ",".join(map(str, machine.devices or [machine.device]))
    means = Means(device, machine.n_threads, machine.seconds, sizes, recipes, len(clusters.centers))
    summary = run_summary(started, dataset, judgement, findings, means)
    run.finish(summary)
    return ScoreResult(run, summary, ranking)


def _open(
    data: str | Path, config: ScoreConfig, machine: _Machine
) -> tuple[Dataset, Dataset | None]:
    """What is scored, and what --hold-out sets aside."""
    dataset = open_dataset(data, config, cache_dir=machine.cache, say=machine.progress.say)
    skipped = f", {len(dataset.skipped):,} files left out" if dataset.skipped else ""
    machine.progress.say(
        f"{len(dataset):,} images in {len(dataset.classes):,} classes in {data}{skipped}"
    )
    n_small = int((np.bincount(dataset.labels) < FEW_IMAGES).sum())
    if n_small:
        machine.progress.say(
            f"{n_small} of the classes have fewer than {FEW_IMAGES} images: what is said of their "
            "labels rests on little"
        )
    kept, held_out = hold_out(dataset, config.hold_out, derived_seed(config.seed, "hold-out"))
    if held_out is not None:
        machine.progress.say(f"{len(held_out):,} images are set aside; {len(kept):,} are scored")
    return kept, held_out


def _say_estimate(
    task: FeatureTask,
    n_classes: int,
    recipes: dict[str, Recipe],
    options: NetworkOptions,
    *,
    network_size: int,
    run: RunFolder,
    machine: _Machine,
) -> None:
    """Print the estimate of what is neither cached nor recorded yet."""
    missing = {
        kind: replace(recipe, members=recipe.members - n_recorded(run.record / kind))
        for kind, recipe in recipes.items()
    }
    has_features = run.reduced_features.exists() or task.is_cached
    seconds, n_bytes = estimate(
        task, n_classes, missing, options, has_features=has_features, network_size=network_size,
        n_gpus=len({d for d in machine.devices if d.type == "cuda"}),
    )  # fmt: skip
    time_text = f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.0f} seconds"
    machine.progress.say(
        f"about {time_text} on {machine.device} and {n_bytes / 1e6:,.0f} MB of disk "
        "to come, by a measured first batch"
    )


def _features(
    task: FeatureTask, dataset: Dataset, run: RunFolder, machine: _Machine
) -> NDArray[np.float32]:
    """The reduced features (N, k), computed unless an interrupted run left them."""
    if not run.reduced_features.exists():
        with machine.timed("features"):
            files = FeatureFiles(
                run.reduced_features, SwavFiles(run.swav_checkpoint, run.swav_loss)
            )
            task.write(files, dataset.ids, machine.progress)
    return cast("NDArray[np.float32]", open_array(run.reduced_features))


def _clusters(
    features: NDArray[np.float32], dataset: Dataset, config: ScoreConfig, machine: _Machine
) -> Clusters:
    with machine.timed("clusters"):
        machine.progress.stage("Clustering", 12 if config.clusters == AUTO else 1)
        clusters = find_clusters(
            features, config.clusters, n_classes=len(dataset.classes),
            seed=derived_seed(config.seed, "clusters") % 2**32, n_threads=machine.n_threads,
            advance=machine.progress.advance,
        )  # fmt: skip
    if config.clusters != AUTO and len(clusters.centers) < int(config.clusters):
        machine.progress.say(
            f"--clusters {config.clusters}: only {len(clusters.centers)} images differ, "
            "and with as many centres as images km_distance is rounding alone"
        )
    return clusters


def _findings(
    features: NDArray[np.float32],
    dataset: Dataset,
    stored: Stored,
    config: ScoreConfig,
    machine: _Machine,
) -> Findings:
    """The image checks, and the search in other splits."""
    settings = ImageCheckSettings(
        config.max_pixels, machine.cache, machine.n_threads, machine.progress,
        derived_seed(config.seed, "neighbours") % 2**32,
    )  # fmt: skip
    with machine.timed("pictures"):
        findings = check_images(stored, dataset.labels, features, settings)
    if not config.leaks or dataset.elsewhere is None:
        return findings
    with machine.timed("other_splits"):
        return replace(findings, leaks=check_other_splits(dataset, stored, settings))


def _leave_one_out(
    features: NDArray[np.float32], dataset: Dataset, config: ScoreConfig, machine: _Machine
) -> LeaveOneOut:
    machine.progress.stage("Predicting each label without it", 2 * len(dataset))
    seed = derived_seed(config.seed, "witness")  # the purpose's name is part of the seed
    scores = leave_one_out_scores(
        features, dataset.labels, len(dataset.classes), seed=seed, n_threads=machine.n_threads,
        advance=machine.progress.advance,
    )  # fmt: skip
    return fit_leave_one_out(scores, dataset.labels, seed=seed)
