"""YAML of users: what expands, recurses or guesses is refused in one line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from noisefind.config import ScoreConfig, load_config
from noisefind.errors import ConfigError
from noisefind.utils.plain_yaml import MAX_BYTES, read_yaml
from tests.mutations import read_damaged

if TYPE_CHECKING:
    from pathlib import Path

BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
REFUSED = {
    BOMB: "aliases",
    "members: !!bool abc": "tags",
    "members: !!python/object:os.system 3": "tags",
    f"members: {'9' * 5000}": "not valid YAML",
    "members: 3\0": "not valid YAML",
    "[" * 20_000: "nested more than 20",
    "".join(f"{' ' * depth}a:\n" for depth in range(500)): "nested more than 20",
    "members: 3\nmembers: 4": "line 2: 'members' appears twice",
    "? [a, b]\n: 3": "key must be text",
    "members: 1" + ":59" * 300 + ".5": "not valid YAML",
    "#" * (MAX_BYTES + 1): "larger than 1,024 KiB",
    "members: =": "not valid YAML",
}
VALUES = {
    "members: 2024-13-45": "'2024-13-45'",
    f"members: 0x{'f' * 5000}": "too large to show",
    f"learning_rate: 0x{'f' * 3000}": "--learning-rate",
    'cache_dir: "a\\0b"': "without NUL",
    'cache_dir: "\\uD800"': "UTF-8",
    "cache_dir: {a: b}": "one text",
    f"cache_dir: 0x{'f' * 5000}": "one text",
    "fail_over: 1e9999999%": "--fail-over",
    f"fail_over: 0x{'f' * 5000}": "--fail-over",
    f"members: {'m' * 100_000}": "mmm…mmm",
    f"{'m' * 1000}: 3": "mmm…mmm",
    "0x" + "f" * 900 + ": 3": "unknown option",
}


def refusal(path: Path, content: str) -> str:
    """The message of a configuration that is refused: one short line."""
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(ScoreConfig, path, {})
    message = str(caught.value)
    assert ("\n" not in message, len(message) < 2000, str(path) in message) == (True, True, True)
    return message


@pytest.mark.parametrize(("content", "words"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_expands_or_nests_is_refused(tmp_path: Path, content: str, words: str) -> None:
    """Aliases, tags, deep nesting, huge numbers and files: one line, before anything is built."""
    assert words in refusal(tmp_path / "c.yaml", content)


@pytest.mark.parametrize(("content", "words"), VALUES.items(), ids=range(len(VALUES)))
def test_values_that_no_option_takes(tmp_path: Path, content: str, words: str) -> None:
    """Values of any size and type are refused with the name of the option, shortened."""
    assert words in refusal(tmp_path / "c.yaml", content)


def test_scalars_of_a_class_map_are_text(tmp_path: Path) -> None:
    """Classes called no, 7 and 2024-01-01 keep their names; without it, dates alone do."""
    path = tmp_path / "m.yaml"
    path.write_text("no: 7\n2024-01-01: null\n")
    assert read_yaml(path, only_text=True) == {"no": "7", "2024-01-01": "null"}
    assert read_yaml(path) == {False: 7, "2024-01-01": None}


def test_a_named_pipe_is_refused(tmp_path: Path) -> None:
    """Opening a pipe that no one writes to would wait for ever."""
    os.mkfifo(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="named pipe"):
        load_config(ScoreConfig, tmp_path / "c.yaml", {})


@pytest.mark.fuzz
def test_damaged_files(tmp_path: Path) -> None:
    """Each of 400 damaged configurations is read, or refused in one line."""
    content = b"members: 20\nlearning-rate: 0.001  # lower\nrotate: true\ncache_dir: 'a b'\n"
    tokens = [b"&a ", b"*a ", b"!!int ", b"[", b"{", b"<<: ", b"? ", b"\0", b"\xff", b"|\n", b"\t"]
    tokens += [b"2024-13-45", b"0x", b".inf", b"'", b'"\\ud800"', b"%TAG", b"---\n", b"1:2"]
    results, _ = read_damaged(
        lambda path: load_config(ScoreConfig, path, {}), tmp_path / "c.yaml", content, tokens
    )
    assert all(isinstance(result, ScoreConfig) for result in results)
