"""Help texts: whole words and names within 80 columns, everyday options first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import typer.main

from noisefind.cli.main import app
from noisefind.cli.options import COMMANDS, PANELS
from noisefind.config import options_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commands import CommandLine


def all_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command and group, the program itself as ()."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from all_commands(child, (*path, name))


EVERY = list(all_commands(typer.main.get_command(app)))


def command_at(path: tuple[str, ...]) -> Any:
    found = cast("Any", typer.main.get_command(app))
    for name in path:
        found = found.commands[name]
    return found


def words(text: str) -> set[str]:
    """The words of a help page, without frames."""
    return set(text.replace("│", " ").split())


@pytest.mark.parametrize("columns", ["80", None], ids=["80 columns", "no terminal"])
@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_fits_80_columns(
    path: tuple[str, ...], columns: str | None, noisefind: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """No line of any help text is longer, and no option name or word is cut."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    output = noisefind(*path, "--help")
    assert (output.code, output.err) == (0, "")
    assert [line for line in output.out.splitlines() if len(line) > 80] == []
    assert "…" not in output.out
    shown = words(output.out)
    for parameter in command_at(path).params:
        names = {*parameter.opts, *parameter.secondary_opts} if parameter.opts else set()
        assert {name for name in names if name.startswith("-")} <= shown
        assert words(getattr(parameter, "help", None) or "") <= shown


@pytest.mark.parametrize("command", COMMANDS)
def test_panels_are_in_the_order_of_need(command: str, noisefind: CommandLine) -> None:
    """Options of one panel are together, and everyday panels come before special ones."""
    panels = {f.metadata["group"] for f in options_of(COMMANDS[command])}
    output = noisefind(*command.split(), "--help").out
    titles = [line.strip("╭─╮ ") for line in output.splitlines() if line.startswith("╭─ ")]
    assert titles == ["Arguments", "Options", *(name for name in PANELS if name in panels)]


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_switches_have_no_placeholder(path: tuple[str, ...], noisefind: CommandLine) -> None:
    """A switch takes no value, so its help shows none."""
    assert "<bool>" not in noisefind(*path, "--help").out


def test_the_shell_can_complete(noisefind: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script, a completed option, and an unknown shell: exit 0, 0 and 2, never 1."""
    assert noisefind("--show-completion", "bash").code == 0
    monkeypatch.setenv("_NOISEFIND_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "noisefind prune --dr")
    monkeypatch.setenv("COMP_CWORD", "2")
    done = noisefind()
    assert (done.code, done.out.split()) == (0, ["--dry-run", "--drop"])
    monkeypatch.setenv("_NOISEFIND_COMPLETE", "complete_none")
    assert noisefind().code == 2
