"""The report: what is read of a run, the page's policy and escaping, its size and its place."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import noisefind as library
from noisefind.detection.reasons import Reason, kind_words
from noisefind.errors import RunError
from noisefind.reporting.data import (
    N_NEIGHBOURS,
    LabelPair,
    NearestImages,
    Neighbour,
    PairImage,
    read_report_data,
)
from noisefind.reporting.page import as_json, packed, percent
from noisefind.reporting.plots import heat_map, histogram
from noisefind.reporting.thumbnails import LARGE, SMALL, Size, data_uri, thumbnails
from noisefind.runs.summary import EstimatedShare
from noisefind.similarity.findings import Leak
from noisefind.utils.files import write_csv
from noisefind.utils.progress import Progress
from tests.cli.test_hostile import HOSTILE
from tests.images import opened, write_images
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from noisefind.runs.folder import RunFolder
    from tests.commands import CommandLine


class Page(HTMLParser):
    """What a report is made of."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag + (dict(attrs).get("type") or "")

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + data

    @property
    def policy(self) -> str:
        return next(
            a["content"] or ""
            for tag, a in self.elements
            if a.get("http-equiv") == "Content-Security-Policy"
        )

    @property
    def embedded(self) -> dict[str, object]:
        values: dict[str, object] = json.loads(self.texts["scriptapplication/json"])
        return values


def details(id_: str, codes: str, label: str, other: str = "") -> tuple[object, ...]:
    """A row of details.csv in which everything points to ``label``."""
    alternatives = json.dumps([[label, 0.9]])
    return (id_, 0.1, label, label, 0.9, 0.1, label, 0.7, other, 10, codes, 0.9, alternatives)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Six images of two classes whose order in the ranking is not that of their names."""
    ids = ["b/1.png", "a/0.png", "b/0.png", "a/2.png", "b/2.png", "a/1.png"]
    write_images(tmp_path / "data", *ids)
    labels = [name[0] for name in ids]
    made_up = MadeUp(
        ids, labels, ["a", "b", *labels[2:]], n_flagged=2,
        details=[
            details("b/1.png", "leave_one_out;neighbours", label="a"),
            details("a/0.png", "ensemble", label="b"),
        ],
        issues=["dark;odd_size", "", "", "", "", ""],
    )  # fmt: skip
    return write_run(tmp_path / "run", made_up, tmp_path / "data")


def test_policy_admits_its_own_script_and_style_alone(run: RunFolder) -> None:
    """The policy names the hashes of script and style; nothing inline or outside needs more."""
    result = library.report(run.path)
    page = Page(result.path.read_text(encoding="utf-8"))
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        digest = base64.b64encode(hashlib.sha256(page.texts[tag].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in page.policy
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}
    asked = ("src", "href", "action", "srcset", "data")
    addresses = [a[name] or "" for _, a in page.elements for name in asked if name in a]
    assert len(addresses) >= 10
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert sum(tag == "script" for tag, _ in page.elements) == 2


def test_what_a_run_lacks_is_said_in_words(run: RunFolder) -> None:
    """Without neighbours, duplicates and leaks the page says so and is whole."""
    data = read_report_data(run)
    assert (data.neighbours, data.duplicates, data.leaks) == (None,) * 3
    assert data.label_pairs == [LabelPair("a", "b", 1), LabelPair("b", "a", 1)]
    assert not data.pairs_are_estimated
    text = library.report(run.path).path.read_text(encoding="utf-8")
    assert "did not check for duplicates" in text


def test_what_a_run_holds_is_read(run: RunFolder) -> None:
    """All is read as the files say; groups whose labels differ come first."""
    path = run.path
    summary = json.loads((path / "run.json").read_text())
    rate = {"estimate": 0.03, "low": 0.01, "high": 0.06}
    (path / "run.json").write_text(json.dumps(summary | {"noise_rate": rate}))
    header = ("class", "n_images", "n_label_issues", "noise_rate", "low", "high")
    write_csv(path / "noise_per_class.csv", header, [("a", 3, 1, 0.1, 0.05, 0.2)])
    pairs = [("a", "b", 2.5), ("b", "a", 0.5)]
    write_csv(path / "joint.csv", ("given_label", "true_label", "n_images"), pairs)
    twins = [(1, "a/0.png", "a", "exact"), (1, "a/1.png", "a", "exact"),
             (2, "a/2.png", "a", "near"), (2, "b/2.png", "b", "exact")]  # fmt: skip
    write_csv(
        path / "duplicates.csv", ("duplicate_group", "file_name", "given_label", "kind"), twins
    )
    write_csv(
        path / "leaks.csv",
        Leak._fields,
        [("a/0.png", "train", "a", "b/0.png", "test", "b", "exact")],
    )  # fmt: skip
    np.save(run.neighbours, np.array([[5, -1], [0, 2], [0, 1], [0, 1], [0, 1], [4, 3]], np.int32))
    data = read_report_data(run)
    assert data.noise == EstimatedShare(0.03, 0.01, 0.06)
    assert [row.noise for row in data.classes] == [EstimatedShare(0.1, 0.05, 0.2), None]
    assert data.label_pairs == [LabelPair("a", "b", 2.5), LabelPair("b", "a", 0.5)]
    assert [group.kind for group in data.duplicates or []] == ["near", "exact"]
    assert [leak.images[1] for leak in data.leaks or []] == [PairImage("b/0.png", "test", "b")]
    text = library.report(path).path.read_text(encoding="utf-8")
    assert "3.0 %" in text
    assert "1.0 % to 6.0 %" in text
    embedded = Page(text).embedded
    # a/0.png, row 1, is the first name; its nearest is the sixth name, b/2.png, row 4
    assert embedded["neighbours"]["1"] == [[4, None]]  # type: ignore[index]


def test_neighbours_are_found_by_name_whatever_the_ranking() -> None:
    """Row numbers of sorted names become rows of the ranking; -1 is nobody."""
    ids = ["c", "a", "b"]  # rows 0, 1, 2; sorted: a, b, c
    numbers = np.array([[1, 2], [0, -1], [0, 1]], np.int32)
    cosines = np.array([[0.9, 0.8], [0.7, -1], [0.6, 0.5]], np.float32)
    near = NearestImages(ids, numbers, cosines)
    assert near.of(1) == [Neighbour(2, 0.9), Neighbour(0, 0.8)]
    assert near.of(2) == [Neighbour(1, 0.7)]
    assert near.of(0) == [Neighbour(1, 0.6), Neighbour(2, 0.5)]


def test_sample_is_drawn_by_id(tmp_path: Path) -> None:
    """The sample is of flagged images, and rows in another order draw the same ids."""
    flagged, rest = [f"{n:03}" for n in range(150)], [f"{n:03}" for n in range(150, 300)]
    drawn = []
    for name, step in (("one", 1), ("two", -1)):
        ids = [*flagged[::step], *rest]
        run = write_run(tmp_path / name, MadeUp(ids, ["a"] * 300, ["b"] * 300, 150), tmp_path)
        drawn.append([ids[row] for row in read_report_data(run).sample])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 100
    assert set(drawn[0]) <= set(flagged)
    assert drawn[0] != sorted(drawn[0])


def test_reasons_are_read_as_codes_with_numbers_and_names(run: RunFolder) -> None:
    """Reasons of the label and issues of the image become one list; a kind names its code alone."""
    listed = read_report_data(run).reasons
    assert listed[0] == (
        Reason("leave_one_out", "a", share=0.9), Reason("neighbours", "a", 7, 10), Reason("dark"),
        Reason("odd_size"),
    )  # fmt: skip
    assert list(map(str, listed[0])) == [
        "leave-one-out says a 90 %", "the neighbours say a 7 of 10", "dark", "odd size",
    ]  # fmt: skip
    assert list(map(kind_words, listed[0])) == ["leave-one-out", "neighbours", "dark", "odd size"]
    assert listed[1:3] == [(Reason("ensemble", "b", share=0.9),), ()]


def test_broken_alternatives_name_their_row(run: RunFolder) -> None:
    """A cell that is not pairs of class and probability is refused, with file, row and value."""
    table = run.path / "details.csv"
    whole = table.read_text(encoding="utf-8")
    for broken in ("[1]", "{", "[[1, 2]]", '[[""a"", NaN]]', '[[""a""]]'):
        table.write_text(whole.replace('[[""b"", 0.9]]', broken), encoding="utf-8")
        with pytest.raises(RunError, match=r"details.csv: row 2: alternatives is"):
            read_report_data(run)


def test_names_do_not_cut_reasons(tmp_path: Path) -> None:
    """Every reason stays whole where a class or a file has "; " or the words of another reason."""
    names, ids = ["a", "cat; ensemble: dog"], ["a.png", "d; e.png"]
    codes = "conflicting_duplicate;leave_one_out;ensemble;neighbours;never_learned;outlier"
    made_up = MadeUp(ids, names, names[::-1], details=[details(ids[0], codes, names[1], ids[1])])
    run = write_run(tmp_path / "run", made_up, tmp_path)
    assert list(map(str, read_report_data(run).reasons[0])) == [
        "duplicate with label cat; ensemble: dog: d; e.png",
        "leave-one-out says cat; ensemble: dog 90 %", "the ensemble says cat; ensemble: dog 90 %",
        "the neighbours say cat; ensemble: dog 7 of 10", "never learned", "outlier",
    ]  # fmt: skip


@given(st.lists(st.text()))
def test_json_cannot_leave_its_element(names: list[str]) -> None:
    """Whatever the names, no character that HTML reads is left, and every name comes back."""
    text = as_json(names)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == names


@given(st.lists(st.floats(width=32)))
def test_packed_numbers_keep_four_digits(numbers: list[float]) -> None:
    """Three bytes each, little-endian, the lowest of a float32 left out; not finite: NaN."""
    content = np.frombuffer(base64.b64decode(packed(np.array(numbers))), np.uint8).reshape(-1, 3)
    floats = np.pad(content, ((0, 0), (1, 0))).view("<f4").ravel()
    expected = [number if np.isfinite(number) else np.nan for number in numbers]
    largest = np.abs(np.nan_to_num(expected)) > 3.4e38  # may become infinite
    np.testing.assert_allclose(
        floats[~largest], np.array(expected)[~largest], rtol=2**-16, atol=1e-38
    )


def test_names_are_data(tmp_path: Path) -> None:
    """Hostile names add neither element nor attribute, and the script gets them as they are."""
    ids = [f"{name}/{number}{place}.png" for place, name in enumerate(HOSTILE) for number in "<&"]
    labels = [name for name in HOSTILE for _ in range(2)]
    pages = []
    for folder, names in (("hostile", labels), ("tame", [f"c{HOSTILE.index(n)}" for n in labels])):
        others = [*names[2:], *names[:2]]
        made_up = MadeUp(
            ids,
            names,
            others,
            n_flagged=20,
            details=[details(i, "leave_one_out", n) for i, n in zip(ids, others, strict=True)],
        )
        run = write_run(tmp_path / folder, made_up, tmp_path / "data")
        config = library.ReportConfig(images=0)
        pages.append(Page(library.report(run.path, config=config).path.read_text(encoding="utf-8")))
    hostile, tame = pages
    shapes = [sorted((tag, *sorted(a)) for tag, a in page.elements) for page in pages]
    assert shapes[0] == shapes[1]
    assert hostile.embedded["classes"] == sorted(HOSTILE)
    assert hostile.embedded["rows"]["file"] == ids  # type: ignore[index]
    assert len(tame.embedded["classes"]) == len(HOSTILE)  # type: ignore[arg-type]


def test_histogram_counts_every_image() -> None:
    """Bins add up to the images, those of the flagged to the flagged; NaN is in none."""
    values = np.array([0.0, 0.0, 0.5, 1.0, np.nan])
    plot = histogram(values, np.array([True, False, True, False, True]))
    assert (plot.low, plot.high, plot.median, plot.flagged_median) == (0, 1, 0.25, 0.25)
    assert sum(bar.n_images for bar in plot.bars) == 4
    assert sum(bar.n_flagged for bar in plot.bars) == 2
    assert (plot.bars[0].n_images, plot.bars[0].n_flagged, plot.bars[0].height) == (2, 1, 1)
    assert len(histogram(np.ones(3), np.zeros(3, np.bool_)).bars) == 1
    assert histogram(np.full(2, np.nan), np.zeros(2, np.bool_)).bars == []


def test_heat_map_shows_the_classes_that_are_confused() -> None:
    """Counts stand at row given, column true; of many classes those with the most stay."""
    names = [f"c{number:02}" for number in range(40)]
    moves = [LabelPair("c39", "c00", 9.0), LabelPair("c38", "c01", 1.0)]
    heat = heat_map(moves, names)
    assert {"c00", "c01", "c38", "c39"} <= set(heat.names)
    assert heat.names == sorted(heat.names)
    assert len(heat.names) == 24
    place = heat.names.index
    assert heat.counts[place("c39")][place("c00")] == 9
    assert heat.shades[place("c39")][place("c00")] == 8
    assert heat.shades[place("c38")][place("c01")] == 3
    assert sum(map(sum, heat.counts)) == 10


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.124, "12 %"), (0.0314, "3.1 %"), (0.0004, "0.04 %"), (1e-6, "0 %")],
)  # fmt: skip
def test_percent(share: float, text: str) -> None:
    """A share is written with about two digits that mean something."""
    assert percent(share) == text


@pytest.mark.parametrize("size", [LARGE, SMALL])
def test_a_picture_fits_its_bytes(size: Size) -> None:
    """Even noise fits, so 500 images with 5 neighbours each leave 1.5 MB of 15 for all else."""
    noise = np.random.default_rng(0).integers(0, 256, (size.side, size.side, 3), dtype=np.uint8)
    uri = data_uri(Image.fromarray(noise), size.n_bytes)
    assert len(uri) <= size.n_bytes * 4 / 3 + 40
    assert 500 * (LARGE.n_bytes + N_NEIGHBOURS * SMALL.n_bytes) * 4 / 3 <= 13.5e6


def test_thumbnails_keep_proportions_and_small_ones_every_pixel(tmp_path: Path) -> None:
    """A picture is shrunk, not bent; 32 px come back bit by bit; the unreadable are left out."""
    write_images(tmp_path, "a/small.png", "b/small.png", size=32)
    Image.new("RGB", (900, 300), "red").save(tmp_path / "a/wide.png")
    (tmp_path / "a/broken.png").write_bytes(b"no image")
    dataset = opened(tmp_path)
    wanted = [(f"a/{name}.png", LARGE) for name in ("wide", "small", "broken", "gone")]
    uris = thumbnails(dataset, wanted, max_pixels=10**6, progress=Progress())
    assert [id_ for id_, _ in uris] == ["a/wide.png", "a/small.png"]
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) for uri in uris.values()
    ]
    assert pictures[0].size == (208, 69)
    with Image.open(tmp_path / "a/small.png") as original:
        assert np.array_equal(np.asarray(pictures[1].convert("RGB")), np.asarray(original))


def test_the_worst_have_pictures_and_all_stand_in_the_table(run: RunFolder) -> None:
    """``--images`` counts from the worst on; every image is in the data of the table."""
    result = library.report(run.path, config=library.ReportConfig(images=4))
    page = Page(result.path.read_text(encoding="utf-8"))
    assert sorted(page.embedded["pictures"]) == ["0", "1", "2", "3"]  # type: ignore[call-overload]
    assert len(page.embedded["rows"]["file"]) == 6  # type: ignore[index]
    assert (result.n_images, result.n_pictures, result.n_unreadable) == (6, 4, 0)
    assert result.n_bytes == result.path.stat().st_size


def test_command_line(noisefind: CommandLine, run: RunFolder, tmp_path: Path) -> None:
    """``report RUN`` writes RUN/report.html, again with the same bytes, or what -o says."""
    done = noisefind("report", run.path)
    path = run.path / "report.html"
    assert done.code == 0
    assert f"{path}: " in done.out
    assert "6 of 6 images with a picture" in done.out
    before = path.read_bytes()
    assert noisefind("report", run.path, "-o", tmp_path / "new/page.html").code == 0
    assert noisefind("report", run.path).code == 0
    assert path.read_bytes() == before == (tmp_path / "new/page.html").read_bytes()


def test_places_that_are_refused(noisefind: CommandLine, run: RunFolder, tmp_path: Path) -> None:
    """A foreign file, a folder and the data itself are never written to."""
    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    assert "was not written by noisefind report" in noisefind.refused(
        "report", run.path, "-o", mine
    )
    assert "is a folder: name a file" in noisefind.refused("report", run.path, "-o", tmp_path)
    inside = tmp_path / "data" / "report.html"
    assert "lies in the data" in noisefind.refused("report", run.path, "-o", inside)
    assert mine.read_text() == "<p>mine</p>"
    assert not inside.exists()


def test_moved_and_gone_images(noisefind: CommandLine, run: RunFolder, tmp_path: Path) -> None:
    """Where the images are gone the message names both ways out, and both work."""
    (tmp_path / "data").rename(tmp_path / "moved")
    line = noisefind.refused("report", run.path)
    assert "the images are missing" in line
    assert "--data DIR" in line
    assert "--images 0" in line
    assert not (run.path / "report.html").exists()
    assert noisefind("report", run.path, "--images", "0").code == 0
    done = noisefind("report", run.path, "--data", tmp_path / "moved")
    assert "6 of 6 images with a picture" in done.out
    write_images(tmp_path / "other", "a/x.png", "b/x.png")
    line = noisefind.refused("report", run.path, "--data", tmp_path / "other")
    assert "no image of the run can be read here" in line
    assert "does not exist" in noisefind.refused("report", run.path, "--data", tmp_path / "none")
