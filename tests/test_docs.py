"""The pages of docs/ and the README: their links, their place in the site, and docs/llms.txt."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import noisefind

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [*PAGES, *ROOT.glob("*.md")]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as mkdocs and GitHub make them."""
    headings = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files_of_the_repository(page: Path) -> None:
    """Every relative link names a file, and a heading of it where it has an anchor."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_is_in_the_navigation() -> None:
    """mkdocs.yml lists every page once."""
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = re.findall(r"[\w/-]+\.md", str(nav))
    assert sorted(listed) == [page.relative_to(DOCS).as_posix() for page in PAGES]


def test_llms_txt_is_up_to_date() -> None:
    """docs/llms.txt is what its script writes."""
    command = [sys.executable, str(DOCS / "llms_txt.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", noisefind.__all__)
def test_the_api_page_has_every_public_name(name: str) -> None:
    """docs/reference/python.md describes the name or lists it among the configurations."""
    page = (DOCS / "reference/python.md").read_text(encoding="utf-8")
    assert f"::: noisefind.{name}\n" in page or f"| `{name}` |" in page


@pytest.mark.slow
def test_code_of_own_predictions(capsys: pytest.CaptureFixture[str]) -> None:
    """The code of docs/how-to/own-predictions.md runs, and finds most of its 90 wrong labels."""
    page = (DOCS / "how-to/own-predictions.md").read_text(encoding="utf-8")
    exec(compile(page.split("```python\n")[1].split("```")[0], "own-predictions.md", "exec"), {})
    n_flagged, n_found = map(int, capsys.readouterr().out.splitlines()[-1].split())
    assert n_found >= 80
    assert n_flagged <= 110
