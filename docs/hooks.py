"""Adds the JSON schemas of the package to the site, and points the links of the pages at them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

SCHEMAS = Path("noisefind/cli/schemas")


def on_files(files: Files, config: Any) -> Files:
    """Add every schema as schemas/NAME.json."""
    folder = Path(config.config_file_path).parent / SCHEMAS
    for path in sorted(folder.glob("*.json")):
        files.append(File.generated(config, f"schemas/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links that lead to the schemas in the repository lead to those of the site."""
    return markdown.replace(f"](../../{SCHEMAS.as_posix()}/", "](../schemas/")
