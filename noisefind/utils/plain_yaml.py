"""The YAML that users write: maps, lists, text, numbers, true and false; nothing that expands.

Aliases and tags are refused, no text becomes a date, and no key may appear twice. Size and depth
are limited, so that no file takes more than seconds or megabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from noisefind.utils.inputs import KIB, read_text
from noisefind.utils.text import cut, shortened

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1024 * KIB  # 40,000 lines of a class map; 4 s
MAX_DEPTH = 20


def read_yaml(path: Path, *, only_text: bool = False) -> object:
    """The content of a YAML file; None if it is empty.

    Args:
        path: the file.
        only_text: all scalars are text: a class called ``no`` or ``7`` keeps its name.

    Raises:
        ValueError: the file cannot be read; the text is one line for the user.
    """
    text = read_text(path, MAX_BYTES)
    try:
        return yaml.load(text, _OnlyText if only_text else _Plain)  # noqa: S506  it is safe
    except RecursionError:
        raise ValueError("not valid YAML: nested too deeply") from None
    except (yaml.YAMLError, ValueError, ArithmeticError) as error:
        reason = cut(" ".join(str(error).split()), 300)
        raise ValueError(f"not valid YAML: {reason}") from None


class _Plain(yaml.SafeLoader):
    """YAML without aliases, tags, dates and keys that appear twice."""

    yaml_implicit_resolvers = {  # noqa: RUF012  as the base class has it
        first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1  # type: ignore[union-attr]
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"line {line}: aliases (*name) are refused; write the value out")
        if getattr(event, "tag", None) is not None:
            raise yaml.YAMLError(f"line {line}: tags (!name) are refused; write the value alone")
        if self._depth == MAX_DEPTH:
            raise yaml.YAMLError(f"line {line}: nested more than {MAX_DEPTH} deep")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: a key must be text")
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: {shortened(key.value)} appears twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _OnlyText(_Plain):
    """The same; every scalar is text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012
