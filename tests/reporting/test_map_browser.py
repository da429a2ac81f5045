"""The map of the features in a real browser: points, hover, lasso, decisions on many, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import noisefind as library
from tests.browser import chromium, opened
from tests.commands import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
INK = """() => { const c = document.getElementById("map-points");
  const copy = document.createElement("canvas");  // to read the map itself often is warned of
  [copy.width, copy.height] = [c.width, c.height];
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(c, 0, 0);
  const p = pen.getImageData(0, 0, c.width, c.height).data;
  const columns = new Set(), rows = new Set();
  let n = 0, sum = 0;
  for (let i = 3; i < p.length; i += 4) if (p[i] > 200) {
    n++; sum += p[i - 1] - p[i - 3];
    columns.add((i >> 2) % c.width); rows.add(Math.floor((i >> 2) / c.width)); }
  return [n, Math.min(...columns), Math.max(...columns),
    Math.min(...rows), Math.max(...rows), sum]; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def report(noisy_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of digits with planted errors."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    return library.report(noisy_digits / "run", path).path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    with opened(browser, report) as page:
        page.locator("#map-frame").scroll_into_view_if_needed()
        page.wait_for_function(f"({INK})()[0] > 0")
        yield page


def box_of(page: Page) -> tuple[float, float, float, float]:
    page.locator("#map-frame").evaluate("e => e.scrollIntoView({block: 'center'})")
    box = page.locator("#map-over").bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def lasso(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Draw a rectangle; the arguments are shares of the map."""
    x, y, width, height = box_of(page)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    places = [(x + width * a, y + height * b) for a, b in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()


def shown(page: Page) -> int:
    return int(page.inner_text("#count").split()[0].replace(",", ""))


def test_points_are_drawn_and_change_colour(page: Page) -> None:
    """All images lie on the map, over most of its height; colours follow what is asked."""
    n, left, right, top, bottom, colours = page.evaluate(INK)
    height = page.evaluate("document.getElementById('map-points').height")
    assert n > 1000
    assert right - left > height / 2
    assert bottom - top > height / 2
    assert page.locator("#map-legend li").count() == 10
    page.select_option("#map-colour", "label_score")
    page.wait_for_function(f"before => ({INK})()[5] !== before", arg=colours)
    assert page.locator("#map-legend li").all_inner_texts()[0].split() == ["easy", "hard"]


def test_hover_shows_the_image(page: Page, noisy_digits: Path) -> None:
    """Somewhere along a line through the middle is a point: its labels and file are shown."""
    x, y, width, height = box_of(page)
    for step in range(200):
        page.mouse.move(x + width * (0.3 + 0.002 * step), y + height / 2)
        if page.is_visible("#map-hover"):
            break
    file = page.inner_text("#map-hover .file")
    rows = {row["file_name"]: row for row in read_csv(noisy_digits / "run" / "scores.csv")}
    labels = page.locator("#map-hover .label").all_inner_texts()
    row = rows[file]
    assert labels == list(dict.fromkeys([row["given_label"], row["predicted_label"]]))
    page.mouse.move(1, 1)
    page.wait_for_selector("#map-hover", state="hidden")


def test_lasso_filters_and_one_decision_takes_all(page: Page, tmp_path: Path) -> None:
    """A line around everything selects all, around a half fewer; a decision, and one undo."""
    lasso(page, 0.01, 0.01, 0.99, 0.99)
    everything = shown(page)
    assert page.inner_text("#count").endswith(f" of {everything:,}")
    lasso(page, 0.01, 0.01, 0.5, 0.99)
    half = shown(page)
    assert 0 < half < everything
    assert f"{half:,} images selected" in page.inner_text("#selection")
    page.click("#view-table")
    assert page.inner_text("#page-text").endswith(f" of {half:,}")
    page.locator("#rows [data-action=drop]").first.click()
    page.click("#bulk-open")
    assert page.inner_text("#bulk-title") == f"Decide on {half:,} images"
    assert "1 of them has a decision" in page.inner_text("#bulk-note")
    page.click("#bulk form .button >> nth=0")  # cancel
    page.click("#bulk-open")
    page.check("input[value=keep]")
    page.click("#bulk-do")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "decisions.csv")
    assert [row["decision"] for row in read_csv(tmp_path / "decisions.csv")] == ["keep"] * half
    page.click("#undo")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "before.csv")
    assert [row["decision"] for row in read_csv(tmp_path / "before.csv")] == ["drop"]
    page.click("#selection-clear")
    assert shown(page) == everything


def test_bulk_relabel_by_the_filters_alone(page: Page, noisy_digits: Path, tmp_path: Path) -> None:
    """The keyboard's way: filters choose; an image that has the class already is kept."""
    page.select_option("#f-flagged", "")
    page.fill("#f-text", "two/")
    rows = read_csv(noisy_digits / "run" / "scores.csv")
    rows = [row for row in rows if "two/" in row["file_name"]]
    assert shown(page) == len(rows)
    page.click("#bulk-open")
    assert page.eval_on_selector("#bulk-class", "e => e.selectedOptions[0].textContent") == "two"
    page.select_option("#bulk-class", label="two")
    assert page.is_checked("input[value=relabel]")
    page.click("#bulk-do")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "decisions.csv")
    decided = {row["file_name"]: row["decision"] for row in read_csv(tmp_path / "decisions.csv")}
    assert decided == {
        row["file_name"]: "keep" if row["given_label"] == "two" else "relabel" for row in rows
    }
    page.click("#sample")
    assert page.is_disabled("#bulk-open")
