"""What ``--json`` printed, held against the schemas of the package."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema


def schema(name: str) -> dict[str, Any]:
    """A schema of the package."""
    text = resources.files("noisefind.cli").joinpath(f"schemas/{name}.json").read_text("utf-8")
    return dict(json.loads(text))


def checked(name: str, text: str) -> dict[str, Any]:
    """The one document on stdout, which its schema must describe to the last key."""
    document = json.loads(text)  # refuses anything before or after it
    jsonschema.validate(document, _strict(schema(name)), jsonschema.Draft202012Validator)
    assert text.isascii()
    return dict(document)


def evaluated(name: str, text: str) -> dict[str, Any]:
    """The same of a command of ``evaluate``, without what its JSON file does not hold."""
    document = checked(name, text)
    return {key: value for key, value in document.items() if key not in ("command", "output")}


def _strict(part: Any) -> Any:
    """The schema with no room for a key that it does not name."""
    if isinstance(part, list):
        return [_strict(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _strict(value) for key, value in part.items()}
    return {"additionalProperties": False, **closed} if "required" in part else closed
