"""The report of a made-up run of many rows: how long it takes to write, its size, its page in use.

    python -m benchmarks.report_rows [--rows N] [--classes N] [--images N] [--pictures DIR]

The images are hard links to those of DIR (sample_data/digits unless told otherwise), spread over
the classes; scores, reasons, neighbours and twins are made up. Chromium opens it from the disk; a
reaction is the time from a control's event to the next frame, the median of five and the longest.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from noisefind.config import ReportConfig
from noisefind.data.dataset import Skipped
from noisefind.data.layout import is_image_name
from noisefind.reporting.report import report
from noisefind.runs.folder import RunFolder
from noisefind.runs.ranking import Ranking
from noisefind.runs.tables import CLASS_COLUMNS, DUPLICATE_COLUMNS, PAIR_COLUMNS
from noisefind.runs.writers import write_results
from noisefind.scores import SCORES
from noisefind.utils.files import write_csv
from tests.made_up_runs import made_up_summary

if TYPE_CHECKING:
    from playwright.sync_api import Page

DIGITS = Path(__file__).parent.parent / "sample_data" / "digits"
N_SOURCES = 400  # images that all rows are links to
N_REACTIONS = 5
# what a user does -> the script that does it, given the number of the try
REACTIONS = {
    "show all images": "set('f-flagged', n % 2 ? '1' : '')",
    "sort by el2n": "set('sort', n % 2 ? 'label_score' : 'el2n')",
    "sort by file": "set('sort', n % 2 ? 'label_score' : 'file')",
    "filter by class": "set('f-given', String(n))",
    "filter by reason": "set('f-reason', ['', 'held out', 'ensemble', 'neighbours', 'dark'][n])",
    "type a name": "set('f-text', '0' + n)",
    "open the table": "document.getElementById(n % 2 ? 'view-cards' : 'view-table').click()",
    "decide": "document.querySelector('#review [data-action=keep][aria-pressed=false]').click()",
}
MEASURE = """async (n) => {
  const set = (id, value) => {
    const control = document.getElementById(id);
    control.value = value;
    control.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const start = performance.now();
  %s;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def main() -> None:
    """Make the run, write its report, open it; print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--pictures", type=Path, default=DIGITS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        run = made_up_run(Path(home), options.pictures, options.rows, options.classes)
        start = time.perf_counter()
        result = report(run.path, config=ReportConfig(images=options.images))
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(f"{result.n_images:,} rows, {options.classes} classes, {result.n_pictures} pictures")
        print(
            f"written in {seconds:.1f} s, {result.n_bytes / 1e6:.1f} MB, peak {peak / 1e9:.2f} GB"
        )
        use(result.path)


def made_up_run(home: Path, pictures: Path, n_rows: int, n_classes: int) -> RunFolder:
    """A run folder of ``n_rows`` images, a twentieth of them suspected."""
    rng = np.random.default_rng(0)
    classes = [f"class {number:03d}" for number in range(n_classes)]
    labels = rng.integers(n_classes, size=n_rows)
    ids = link(home / "data", pictures, [classes[label] for label in labels.tolist()])
    ranking = made_up_ranking(rng, ids, classes, labels)
    run = RunFolder(home / "run")
    (run.path / "features").mkdir(parents=True)
    write_results(run, ranking, [Skipped("broken.jpg", "not an image")], {})
    np.save(run.neighbours, rng.integers(n_rows, size=(n_rows, 10)).astype(np.int32))
    np.save(run.neighbour_similarity, np.sort(rng.random((n_rows, 10), np.float32))[:, ::-1])
    per_class = [(name, n_rows // n_classes, 9, 0.05, 0.03, 0.08) for name in classes]
    write_csv(run.path / "noise_per_class.csv", CLASS_COLUMNS, per_class)
    pairs = [(a, b, round(rng.random() * 20, 1)) for a in classes for b in classes if a != b]
    write_csv(run.path / "transitions.csv", PAIR_COLUMNS, pairs)
    twins = [
        (group + 1, name, ranking.given_labels[row], "near")
        for group in range(n_rows // 100)
        for row, name in ((2 * group, ids[2 * group]), (2 * group + 1, ids[2 * group + 1]))
    ]
    write_csv(run.path / "duplicates.csv", DUPLICATE_COLUMNS, twins)
    data = str(home / "data")
    run.finish(
        made_up_summary(
            data=data, root=data, n_images=n_rows, classes=classes, n_skipped=1,
            n_label_issues=int(ranking.is_label_issue.sum()),
        )
    )  # fmt: skip
    return run


def link(data: Path, pictures: Path, folders: list[str]) -> list[str]:
    """Hard links to ``pictures``, one in each of ``folders``; their ids."""
    files = [path for path in sorted(pictures.rglob("*")) if is_image_name(path.name)]
    sources = []
    for number, file in enumerate(files[:: max(1, len(files) // N_SOURCES)]):
        sources.append(data.parent / f"{number}{file.suffix}")  # a link cannot leave a file system
        shutil.copy(file, sources[-1])
    for folder in set(folders):
        (data / folder).mkdir(parents=True)
    ids = []
    for row, folder in enumerate(folders):
        source = sources[row % len(sources)]
        ids.append(f"{folder}/image-{row:07d}{source.suffix}")
        os.link(source, data / ids[-1])
    return ids


def made_up_ranking(
    rng: np.random.Generator, ids: list[str], classes: list[str], labels: np.ndarray
) -> Ranking:
    """Random scores; every suspected row has reasons, and one in fifty of the others."""
    n_rows = len(ids)
    given = [classes[label] for label in labels.tolist()]
    others = np.where(
        np.arange(n_rows) < n_rows // 20, rng.integers(len(classes), size=n_rows), labels
    )
    predicted = [classes[label] for label in others.tolist()]
    is_doubted = np.arange(n_rows) < n_rows // 20
    is_doubted |= rng.random(n_rows) < 0.02
    counts = rng.integers(5, 11, size=n_rows).tolist()
    return Ranking(
        ids=ids,
        splits=[("train", "test")[row % 10 == 0] for row in range(n_rows)],
        given_labels=given,
        predicted_labels=predicted,
        predicted_probs=rng.random(n_rows),
        label_scores=np.sort(rng.random(n_rows)),
        is_label_issue=np.arange(n_rows) < n_rows // 20,
        is_worth_a_look=np.zeros(n_rows, np.bool_),
        reasons=[
            f"leave-one-out says {name} 90 %; the neighbours say {name} {count} of 10"
            if doubted
            else ""
            for name, count, doubted in zip(predicted, counts, is_doubted.tolist(), strict=True)
        ],
        scores={name: rng.random(n_rows) * 10 for name in SCORES},
        duplicate_groups=np.zeros(n_rows, np.int64),
        is_outlier_issue=np.zeros(n_rows, np.bool_),
        image_issues=["dark" if row % 50 == 0 else "" for row in range(n_rows)],
    )


def use(path: Path) -> None:
    """Open the page in Chromium and try its controls."""
    from playwright.sync_api import sync_playwright

    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--disable-gpu", *as_root]
        )
        opening = []
        for _ in range(N_REACTIONS):
            page = browser.new_context().new_page()
            start = time.perf_counter()
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector("#review [data-row]:visible")
            opening.append(time.perf_counter() - start)
        print(f"open until usable: {shown(opening)} s, Chromium {browser.version}")
        for name, script in REACTIONS.items():
            print(f"{name}: {shown(reactions(page, script))} s")
        browser.close()


def reactions(page: Page, script: str) -> list[float]:
    """Seconds of each try, from the first view on."""
    page.evaluate("() => document.getElementById('reset').click()")
    page.evaluate("() => document.getElementById('view-cards').click()")
    return [page.evaluate(MEASURE % script, n) / 1000 for n in range(N_REACTIONS)]


def shown(seconds: list[float]) -> str:
    """The median and the longest."""
    return f"{statistics.median(seconds):.2f} (at most {max(seconds):.2f})"


if __name__ == "__main__":
    main()
