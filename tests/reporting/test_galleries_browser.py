"""The report in a real browser: galleries, enlarged pictures, keys that work at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

import noisefind as library
from noisefind.reporting.thumbnails import LARGE, LARGER, N_LARGER
from tests.browser import chromium, opened
from tests.made_up_runs import MadeUp, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

N_IMAGES = N_LARGER + 20
N_BLURRY = 17
SIDE = 600  # px of the originals
CARDS = "#cards article"
DECIDED = "#progress-text"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 120 plain images of 600 px; forty are flagged, and the last 17 are blurry."""
    home = tmp_path_factory.mktemp("galleries")
    ids = [f"{'ab'[n % 2]}/{n:03} #%?.png" for n in range(N_IMAGES)]
    for n, id_ in enumerate(ids):
        (home / "data" / id_).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (SIDE, SIDE // 2), (2 * n, 120, 90)).save(home / "data" / id_)
    labels = [id_[0] for id_ in ids]
    issues = [""] * (N_IMAGES - N_BLURRY) + ["blurry"] * N_BLURRY
    made_up = MadeUp(ids, labels, labels[1:] + labels[:1], n_flagged=40, issues=issues)
    run = write_run(home / "run", made_up, home / "data")
    return library.report(run.path).path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    with opened(browser, report) as page:
        yield page


def enlarged(page: Page) -> int:
    """Width of the picture in the dialog, in pixels of its own."""
    return int(
        page.eval_on_selector(
            "#viewer-frame img", "async e => { await e.decode(); return e.naturalWidth; }"
        )
    )


@pytest.mark.parametrize("link", [".start a", ".nav-review"])
def test_the_review_opens_at_its_first_image(page: Page, link: str) -> None:
    """After a click on "Review" the key k decides on the first image."""
    page.click(link)
    page.wait_for_selector("#cards [data-row='0']:focus")
    page.keyboard.press("k")
    assert page.inner_text("#cards [data-row='0'] .decision") == "Keep"
    page.wait_for_selector("#cards [data-row='1']:focus")


def test_keys_work_unless_a_text_is_typed(page: Page) -> None:
    """A key acts from any button; not within a field; and on no image that is not on the screen."""
    page.click(".start a")
    page.focus("#view-cards")
    page.keyboard.press("d")
    assert page.inner_text(DECIDED).startswith("1 of ")
    page.focus("#f-text")
    page.keyboard.press("k")
    assert page.inner_text(DECIDED).startswith("1 of ")
    assert page.input_value("#f-text") == "k"
    page.fill("#f-text", "")
    page.evaluate("() => { scrollTo(0, 0); document.activeElement.blur(); }")
    page.keyboard.press("u")
    assert page.inner_text(DECIDED).startswith("1 of ")
    page.wait_for_selector("#cards [data-row='0']:focus")
    page.keyboard.press("u")
    assert page.inner_text(f"{CARDS} .decision") == "Unsure"


def test_details_leave_no_hole(page: Page) -> None:
    """Key n makes its card wider; no card of its line grows by more than a quarter."""
    page.click(".start a")
    height = "e => e.getBoundingClientRect().height"
    before = page.eval_on_selector("#cards [data-row='1']", height)
    page.keyboard.press("n")
    assert page.is_visible("#cards [data-row='0'] .details")
    lines = page.eval_on_selector_all(
        "#cards > li",
        "all => all.map(e => [e.offsetTop, e.offsetHeight, e.firstChild.offsetHeight])",
    )
    assert max(outer for _, outer, _ in lines) <= 1.25 * before
    assert all(inner == outer for _, outer, inner in lines)
    page.keyboard.press("k")
    page.wait_for_selector("#cards [data-row='1']:focus")


def test_every_image_of_a_reason_has_a_picture(page: Page) -> None:
    """All 17 blurry images are cards, though their labels come last; the gallery leads there."""
    gallery = page.locator("[data-gallery=blurry]")
    assert gallery.locator("img").count() == N_BLURRY
    gallery.locator("[data-reason]").click()
    assert page.locator(f"{CARDS} img.photo").count() == N_BLURRY
    page.click("#view-table")
    assert page.locator("#rows img.thumb").count() == N_BLURRY


def test_the_worst_stand_before_every_table(page: Page) -> None:
    """Twelve pictures with given and predicted label, above the first table."""
    assert page.locator("#worst img").count() == 12
    first = page.locator("#worst li").first.inner_text().split()
    assert (first[first.index("given") + 1], first[-1]) == ("a", "b")
    page.set_viewport_size({"width": 1300, "height": 900})
    bottom = page.eval_on_selector("#worst", "e => e.getBoundingClientRect().bottom")
    table = page.eval_on_selector("table", "e => e.getBoundingClientRect().top")
    assert bottom < min(table, 900)


def test_a_picture_is_enlarged_by_mouse_and_key(page: Page) -> None:
    """A click, Enter or e opens the larger picture; Escape closes it, and the focus is back."""
    page.locator("#worst button").first.click()
    assert enlarged(page) == LARGER.side
    assert page.inner_text("#viewer-labels") == "given a → predicted b"
    page.keyboard.press("Escape")
    assert not page.is_visible("#viewer")
    page.focus("#worst button >> nth=1")
    page.keyboard.press("Enter")
    assert page.inner_text("#viewer-file") == "b/001 #%?.png"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.querySelectorAll('#worst button')[1]")
    page.click(".start a")
    page.keyboard.press("e")
    assert enlarged(page) == LARGER.side
    page.keyboard.press("k")  # not on the image behind the dialog
    page.keyboard.press("Escape")
    assert page.inner_text(DECIDED).startswith("0 of ")
    page.wait_for_selector("#cards [data-row='0']:focus")
    page.click(f"{CARDS} .frame img >> nth=2")
    assert page.inner_text("#viewer-file") == "a/002 #%?.png"
    page.click("#viewer form button")
    assert not page.is_visible("#viewer")


def test_beyond_the_first_hundred_the_file_is_shown(browser: Browser, report: Path) -> None:
    """The image file is read where it is; the small picture stays where the file is gone."""
    page = browser.new_context().new_page()
    page.goto(report.as_uri())
    without = page.evaluate(
        """() => {
          const { pictures, larger } = JSON.parse(document.getElementById("data").textContent);
          return Object.keys(pictures).filter((number) => !(number in larger)).map(Number);
        }"""
    )
    assert len(without) == N_IMAGES - N_LARGER
    page.select_option("#f-flagged", "")
    page.click("#view-table")
    page.click("#next")
    number = without[-1]
    page.click(f"#rows [data-row='{number}'] .enlarge")
    page.wait_for_function(
        f"document.querySelector('#viewer-frame img').naturalWidth === {SIDE}", timeout=5000
    )
    page.keyboard.press("Escape")
    gone = report.parent.parent / "data" / page.inner_text("#viewer-file")
    gone.rename(gone.with_name("moved"))
    page.reload()
    page.select_option("#f-flagged", "")
    page.click("#view-table")
    page.click("#next")
    page.click(f"#rows [data-row='{number}'] .enlarge")
    assert enlarged(page) == LARGE.side
    gone.with_name("moved").rename(gone)
    page.context.close()
