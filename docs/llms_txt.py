"""Writes docs/llms.txt: the title, address and first sentence of every page, for language models.

`python docs/llms_txt.py` writes the file; with `--check` it only exits with 1 where it is out of
date. The pages and their order are those of `nav` in mkdocs.yml.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parent
SETTINGS = DOCS.parent / "mkdocs.yml"
OUTPUT = DOCS / "llms.txt"


def pages(nav: list[Any], section: str = "") -> list[tuple[str, str]]:
    """(section, path) of every page, in the order of the navigation."""
    found: list[tuple[str, str]] = []
    for entry in nav:
        for title, value in entry.items():
            found += pages(value, title) if isinstance(value, list) else [(section, value)]
    return found


def title_and_sentence(text: str) -> tuple[str, str]:
    """The heading of a page and the first sentence below it, as plain text."""
    title, body = re.split(r"\n\s*\n", text.removeprefix("# "), maxsplit=1)
    paragraph = re.split(r"\n\s*\n", body, maxsplit=1)[0]
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    return title.strip(), re.split(r"(?<=[.:?])\s+(?=[A-Z`])", plain, maxsplit=1)[0].rstrip(":")


def llms_txt() -> str:
    """The whole text: a heading for each section of the navigation, a line for each page."""
    settings = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    lines = [f"# {settings['site_name']}", "", f"> {settings['site_description']}."]
    before = None
    for section, path in pages(settings["nav"]):
        if section != before:
            lines += ["", f"## {section or 'Pages'}", ""]
            before = section
        title, sentence = title_and_sentence((DOCS / path).read_text(encoding="utf-8"))
        lines.append(f"- [{title}]({path}): {sentence}")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the file."""
    text = llms_txt()
    if "--check" not in sys.argv[1:]:
        OUTPUT.write_text(text, encoding="utf-8")
        return 0
    if OUTPUT.exists() and OUTPUT.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/llms.txt is out of date; renew it: python docs/llms_txt.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
