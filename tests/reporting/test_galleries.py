"""Pictures of a report: which images of each kind of findings get one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import noisefind as library
from noisefind.reporting.data import read_report_data
from noisefind.reporting.galleries import (
    Kind,
    fair_split,
    image_findings,
    kinds_of_findings,
    pictured,
)
from noisefind.utils.files import write_csv
from tests.images import write_images
from tests.made_up_runs import MadeUp, write_run
from tests.reporting.test_report import Page

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.runs.folder import RunFolder

N_IMAGES = 60


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """60 images, 40 flagged; the last five have faults and two of them are duplicates."""
    ids = [f"{'ab'[n % 2]}/{n:02}.png" for n in range(N_IMAGES)]
    write_images(tmp_path / "data", *ids)
    labels = [id_[0] for id_ in ids]
    issues = [*[""] * 55, "blurry", "blurry", "dark;blurry", "odd_size", ""]
    made_up = MadeUp(ids, labels, labels[1:] + labels[:1], n_flagged=40, issues=issues)
    run = write_run(tmp_path / "run", made_up, tmp_path / "data")
    twins = [(1, id_, id_[0], "near") for id_ in ids[58:]]
    header = ("duplicate_group", "file_name", "given_label", "kind")
    write_csv(run.path / "duplicates.csv", header, twins)
    return run


def singles(text: str) -> list[tuple[str, ...]]:
    return [(id_,) for id_ in text]


def test_a_rare_kind_gets_all_and_the_others_share_by_weight() -> None:
    """Of 12 places the kind of one image takes one; weights 4 and 1 share the other eleven."""
    kinds = [
        Kind("many", 4, singles("abcdefghijklmnop")),
        Kind("also many", 1, singles("ABCDEFGHIJ")),
        Kind("rare", 1, singles("!")),
    ]
    chosen = fair_split(kinds, 12)
    assert sorted(chosen) == sorted("abcdefghi" + "AB" + "!")
    assert chosen[:3] == ["a", "A", "!"]


def test_an_image_of_two_kinds_takes_one_place() -> None:
    """It counts for both: the second kind does not get another one instead."""
    kinds = [Kind("one", 1, singles("abc")), Kind("two", 1, singles("axy"))]
    assert fair_split(kinds, 3) == ["a", "b", "x"]


def test_a_group_is_shown_as_a_whole_or_not_at_all() -> None:
    """A group of three does not fit into the two places left; the other kind takes them."""
    kinds = [Kind("groups", 1, [("a", "b"), ("c", "d", "e")]), Kind("single", 1, singles("xyz"))]
    assert fair_split(kinds, 4) == ["a", "b", "x", "y"]
    assert fair_split(kinds, 0) == []


@given(
    st.lists(
        st.builds(
            Kind,
            st.just("kind"),
            st.integers(1, 4),
            st.lists(st.lists(st.text("abcdefgh", max_size=2), min_size=1, unique=True).map(tuple)),
        )
    ),
    st.integers(0, 60),
)
def test_a_split_is_fair_whatever_the_findings(kinds: list[Kind], n_images: int) -> None:
    """Different ids of the findings, as many as asked or all; the split of fewer is its start."""
    chosen = fair_split(kinds, n_images)
    every = {id_ for kind in kinds for group in kind.groups for id_ in group}
    assert len(chosen) == len(set(chosen)) <= n_images
    assert set(chosen) <= every
    assert set(fair_split(kinds, len(every))) == every
    alone = [kind._replace(groups=[group[:1] for group in kind.groups]) for kind in kinds]
    longer = fair_split(alone, n_images)
    assert len(longer) == min(n_images, len({g[0] for kind in alone for g in kind.groups}))
    assert fair_split(alone, n_images // 2) == longer[: n_images // 2]


def test_every_kind_of_finding_gets_pictures(run: RunFolder) -> None:
    """With twenty pictures all blurry images, the duplicates and the sample have some."""
    data = read_report_data(run)
    ids = data.ranking.ids
    assert image_findings(data) == {
        "blurry": ids[55:58], "dark": [ids[57]], "odd_size": [ids[58]]
    }  # fmt: skip
    kinds = {kind.name: kind for kind in kinds_of_findings(data)}
    assert kinds["conflicting duplicates"].groups == [(ids[58], ids[59])]
    assert not {"duplicates", "leaks"} & kinds.keys()
    shown = pictured(data, 20)
    assert len(shown) == 20
    assert set(ids[55:]) < set(shown)
    assert set(ids[:4]) < set(shown)
    assert len(set(shown) & {ids[row] for row in data.sample[:5]}) >= 4
    assert pictured(data, N_IMAGES) == [*dict.fromkeys(pictured(data, N_IMAGES))]
    assert set(pictured(data, N_IMAGES)) == set(ids)


def test_the_page_has_a_gallery_for_every_kind(run: RunFolder) -> None:
    """Every picture is once in the file, and the galleries name the pictures by number."""
    text = library.report(run.path, config=library.ReportConfig(images=20)).path.read_text()
    page = Page(text)
    numbers = page.embedded["pictures"].keys()  # type: ignore[attr-defined]
    named = [a["data-picture"] for tag, a in page.elements if "data-picture" in a]
    assert set(named) <= numbers
    assert {"55", "56", "57", "58", "59"} <= set(named)
    assert page.embedded["folder"] == "../data/"
    assert [a["data-gallery"] for _, a in page.elements if "data-gallery" in a] == [
        "blurry", "dark", "odd_size"
    ]  # fmt: skip


def test_without_pictures_the_galleries_name_their_numbers(run: RunFolder) -> None:
    """--images 0: no button for a picture is left over, and the review of a kind can be opened."""
    config = library.ReportConfig(images=0)
    page = Page(library.report(run.path, config=config).path.read_text())
    assert not [a for _, a in page.elements if "data-picture" in a or a.get("id") == "worst"]
    assert {a["data-reason"] for _, a in page.elements if "data-reason" in a} >= {"blurry", "dark"}
