"""Commands whose help shows a switch as ``--name``, without a placeholder of a value."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _PlainSwitches:
    """The rest of a command; typer would print ``<bool>`` beside each switch."""

    def get_params(self, context: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class Command(_PlainSwitches, TyperCommand):
    """A command of the program."""


class Group(_PlainSwitches, TyperGroup):
    """A group of commands."""
