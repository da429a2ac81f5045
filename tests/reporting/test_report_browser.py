"""The report in a real browser: filters, decisions by key and mouse, storage, download, access."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import noisefind as library
from tests.browser import chromium, opened
from tests.commands import read_csv
from tests.planted import COPY, LEAKED, MIRRORED, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.commands import CommandLine

CARDS = "#cards article"
pytestmark = pytest.mark.browser


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
        yield page


def flagged(noisy_digits: Path) -> list[dict[str, str]]:
    rows = read_csv(noisy_digits / "run" / "scores.csv")
    return [row for row in rows if row["is_label_issue"] == "true"]


def downloaded(page: Page, path: Path) -> list[dict[str, str]]:
    """Save what the button gives as ``path``; its rows as Python reads them."""
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "decisions.csv"
    download.value.save_as(path)
    return read_csv(path)


def test_review_by_keyboard(
    noisefind: CommandLine, page: Page, noisy_digits: Path, tmp_path: Path
) -> None:
    """Keys decide and go on, z takes back, a reload changes nothing; prune takes decisions.csv."""
    rows = flagged(noisy_digits)
    run_id = json.loads((noisy_digits / "run" / "run.json").read_text())["run_id"]
    page.focus(f"{CARDS} >> nth=0")
    page.keyboard.press("k")
    page.keyboard.press("r")
    page.keyboard.press("d")
    page.keyboard.press("d")
    page.keyboard.press("z")  # the second d; the focus is on the fourth again
    page.keyboard.press("u")
    page.keyboard.press("t")
    other = next(
        name for name in ("one", "two", "three")
        if name not in (rows[4]["given_label"], rows[4]["predicted_label"])
    )  # fmt: skip
    page.keyboard.type(other)
    page.keyboard.press("Enter")
    page.wait_for_selector("#cards [data-row='5']:focus")
    page.reload()
    assert "5 of" in page.inner_text("#progress-text")
    decisions = downloaded(page, tmp_path / "decisions.csv")
    asked = [("keep", ""), ("relabel", rows[1]["predicted_label"]), ("drop", ""), ("unsure", ""),
             ("relabel", other)]  # fmt: skip
    assert decisions == sorted(
        (
            {"file_name": row["file_name"], "decision": d, "label": label, "run_id": run_id}
            for row, (d, label) in zip(rows, asked, strict=False)
        ),
        key=lambda row: row["file_name"],
    )
    done = noisefind(
        "prune", noisy_digits / "run", "--decisions", tmp_path / "decisions.csv",
        "-o", tmp_path / "clean",
    )  # fmt: skip
    assert done.code == 0
    manifest = {row["file_name"]: row for row in read_csv(tmp_path / "clean/manifest.csv")}
    results = [manifest[row["file_name"]] for row in rows[:5]]
    assert [row["keep"] for row in results[:3]] == ["true", "true", "false"]
    assert [row["label"] for row in (results[1], results[4])] == [rows[1]["predicted_label"], other]
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#forget")
    page.reload()
    assert page.is_disabled("#download")


def test_fast_keys_skip_no_image(page: Page) -> None:
    """Who relabels faster than the browser tells of a closed dialog decides on every image once."""
    page.focus(f"{CARDS} >> nth=0")
    page.evaluate("""() => {
      const press = (key) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      for (let n = 0; n < 3; n++) { press("t"); press("Enter"); }
    }""")
    assert "3 of" in page.inner_text("#progress-text")
    page.wait_for_selector("#cards [data-row='3']:focus")


def test_review_by_mouse(page: Page, tmp_path: Path) -> None:
    """A click decides, a second takes back; a class may be new; single keys can be turned off."""
    first = page.locator(CARDS).first
    first.locator("[data-action=drop]").click()
    assert first.locator(".decision").inner_text() == "Drop"
    first.locator("[data-action=drop]").click()
    assert first.locator(".decision").count() == 0
    first.locator("[data-action=choose]").click()
    page.locator("#choose-list li").nth(1).click()
    assert first.locator(".decision").inner_text().startswith("Relabel to ")
    first.locator("[data-action=choose]").click()
    page.keyboard.type("Eleven")  # no class of the run
    assert page.locator("#choose-list li").all_inner_texts() == ["new class Eleven"]
    page.keyboard.press("Enter")
    page.reload()
    assert first.locator(".decision").inner_text() == "Relabel to Eleven"
    assert [row["label"] for row in downloaded(page, tmp_path / "decisions.csv")] == ["Eleven"]
    page.keyboard.press("?")
    page.uncheck("#keys-on")
    page.click("#help form button")
    page.locator(CARDS).nth(1).focus()
    page.keyboard.press("k")
    assert page.locator(".decision").count() == 1


def test_filters_and_sorting(page: Page, noisy_digits: Path) -> None:
    """Classes, confusions, selects, file names and scores choose the images that they name."""
    every = read_csv(noisy_digits / "run" / "scores.csv")
    rows = flagged(noisy_digits)

    def shown() -> int:
        return int(page.inner_text("#count").split()[0].replace(",", ""))

    assert shown() == len(rows)
    page.click("#classes tbody button >> nth=3")
    name = page.inner_text("#classes tbody button >> nth=3")
    assert shown() == sum(row["given_label"] == name for row in rows)
    page.select_option("#f-flagged", "")
    assert shown() == sum(row["given_label"] == name for row in every)
    page.click("#confusions tbody button >> nth=0")
    pair = [page.eval_on_selector(f"#f-{which}", "e => e.selectedOptions[0].textContent")
            for which in ("given", "suggestion")]  # fmt: skip
    matching = [r for r in rows if [r["given_label"], r["predicted_label"]] == pair]
    assert shown() == len(matching) or not matching
    page.click("#reset")
    page.fill("#f-text", rows[5]["file_name"])
    assert page.locator(f"{CARDS} .file").all_inner_texts() == [rows[5]["file_name"]]
    page.click("#reset")
    page.select_option("#sort", "el2n")
    hardest = max(rows, key=lambda row: float(row["el2n"]))
    value = float(page.locator(f"{CARDS} .small").first.inner_text().split()[1])
    assert value == pytest.approx(float(hardest["el2n"]), rel=0.01)
    page.select_option("#f-flagged", "0")
    page.click("#view-table")
    assert shown() == len(every) - len(rows)
    page.click("#next")
    assert page.inner_text("#page-text").startswith("101 to 200 of ")


def test_sample_gives_an_unbiased_share(page: Page) -> None:
    """The sample gives a share with Wilson's interval; what is decided out of turn has to wait."""
    page.click("#sample")
    assert page.is_disabled("#f-given")
    cards = page.locator(CARDS)
    for place, action in enumerate(["drop", "drop", "drop", "keep"]):
        cards.nth(place).locator(f"[data-action={action}]").click()
    cards.nth(6).locator("[data-action=keep]").click()
    text = page.inner_text("#sample-panel")
    assert "75 % of the flagged labels are truly wrong" in text
    assert "95 % interval 30 % to 95 %" in text  # statsmodels: .3006 to .9544
    assert "3 of 4 decisions" in text
    cards.nth(4).locator("[data-action=unsure]").click()
    cards.nth(5).locator("[data-action=drop]").click()
    text = page.inner_text("#sample-panel")
    assert "4 of 6 decisions, 1 unsure left out" in text


def test_copies_and_faults(browser: Browser, planted: Path, tmp_path: Path) -> None:
    """Leaks and duplicates show their pictures side by side; reasons filter the images."""
    path = library.report(planted / "run", tmp_path / "report.html").path
    with opened(browser, path) as page:
        groups = page.locator("#copies .group").all()
        names = [group.locator(".file").all_inner_texts() for group in groups]
        found = zip(names, (LEAKED, COPY, MIRRORED), strict=True)
        assert [(len(group), name in group) for group, name in found] == [(2, True)] * 3
        kinds = page.locator("#copies .group-kind").all_inner_texts()
        assert ["labels differ" in kind for kind in kinds] == [False, True, False]
        assert ["exact copy" in kind for kind in kinds] == [True, True, False]
        for picture in page.locator("#copies img").all():
            assert picture.evaluate("async e => { await e.decode(); return e.naturalWidth; }") >= 8
        assert page.locator("#copies img").count() == 6
        page.click("#copies [data-reason]")
        shown = page.locator(f"{CARDS} .file")
        assert sorted(shown.all_inner_texts()) == sorted(names[1])
        page.click("#reset")
        page.fill("#f-text", PLAIN)
        page.select_option("#f-reason", "odd size")
        if page.is_visible("#none-all"):  # it is odd, but its label need not be flagged
            page.click("#none-all")
        assert shown.all_inner_texts() == [PLAIN]
        page.select_option("#f-reason", "outlier")
        assert shown.all_inner_texts() == [PLAIN]


def test_one_card_decides_on_a_picture_with_two_labels(
    noisefind: CommandLine, browser: Browser, planted: Path, tmp_path: Path
) -> None:
    """Both images are side by side; a key or a button decides, z takes it back, prune obeys."""
    rows = read_csv(planted / "run" / "scores.csv")
    original = next(row for row in rows if f": {COPY}" in row["reasons"])
    path = library.report(planted / "run", tmp_path / "report.html").path
    with opened(browser, path) as page:
        pair = page.locator("#cards .pair article")
        assert pair.count() == 1
        assert sorted(pair.locator(".file").all_inner_texts()) == sorted(
            [COPY, original["file_name"]]
        )
        assert page.locator(f"{CARDS} .file", has_text=COPY).count() == 1
        boxes = [image.bounding_box() for image in pair.locator(".frame").all()]
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert boxes[0]["y"] == boxes[1]["y"]
        words = pair.locator(".decide").all_inner_texts()
        assert [words[0], words[-2], words[-1]] == ["Keep both", "Drop both", "Unsure"]
        assert sorted(words[1:-2]) == ["one for both", "zero for both"]
        pair.focus()
        page.keyboard.press("d")
        page.keyboard.press("z")
        assert page.is_disabled("#download")
        pair.locator(".decide", has_text="zero for both").click()
        assert pair.locator(".pair-decision").inner_text() == "zero for both"
        page.reload()
        decided = downloaded(page, tmp_path / "decisions.csv")
    assert {row["file_name"]: (row["decision"], row["label"]) for row in decided} == {
        COPY: ("relabel", "zero"), original["file_name"]: ("keep", ""),
    }  # fmt: skip
    done = noisefind(
        "prune", planted / "run", "--decisions", tmp_path / "decisions.csv", "-o", tmp_path / "out"
    )
    assert done.code == 0
    kept = {row["file_name"]: row["label"] for row in read_csv(tmp_path / "out" / "kept.csv")}
    assert kept[COPY] == kept[original["file_name"]] == "zero"


def test_another_tab_sees_the_decisions(browser: Browser, report: Path) -> None:
    """Two tabs of one report show the same decisions."""
    with opened(browser, report) as page:
        other = page.context.new_page()
        other.goto(report.as_uri())
        page.locator(f"{CARDS} [data-action=unsure]").first.click()
        other.wait_for_selector(".decision")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_access(browser: Browser, report: Path, scheme: str) -> None:
    """axe-core finds nothing serious in the page, its table and its help."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with opened(browser, report, color_scheme=scheme) as page:

        def check(what: str) -> None:
            found = axe.run(page).response["violations"]
            serious = [v for v in found if v["impact"] in ("serious", "critical")]
            assert not [(what, v["id"], v["nodes"][0]["html"]) for v in serious]

        page.select_option("#f-given", "0")  # a few cards: axe-core takes its time with each
        for place, action in enumerate(("keep", "relabel", "drop", "unsure")):
            page.locator(CARDS).nth(place).locator(f"[data-action={action}]").click()
        page.locator(f"{CARDS} [data-action=details]").first.click()
        check("cards")
        if scheme == "dark":  # the rest differs from light in its colours alone
            return
        page.click("#view-table")
        check("table")
        page.click("#help-open")
        check("help")


def test_a_narrow_page_does_not_scroll_sideways(browser: Browser, report: Path) -> None:
    """At 360 px nothing is wider than the page."""
    with opened(browser, report, viewport={"width": 360, "height": 700}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_tables_are_not_cut(browser: Browser, report: Path) -> None:
    """At 1,300 px the tables of classes and images fit; that of the classes from 390 px on."""
    cut = "e => e.scrollWidth - e.clientWidth"
    with opened(browser, report, viewport={"width": 1300, "height": 900}) as page:
        page.click("#view-table")
        for table in ("#classes .scroll", "#table-box"):
            assert page.eval_on_selector(table, cut) == 0
        for width in (1280, 1160, 1000, 700, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.eval_on_selector("#classes .scroll", cut) == 0
