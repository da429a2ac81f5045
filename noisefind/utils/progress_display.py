"""Progress of the public functions: a bar where a person watches, else silence."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from noisefind.utils.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
Result = TypeVar("Result")


def is_watched() -> bool:
    """Whether a person sees stderr: in a terminal or in a notebook."""
    return (sys.stderr is not None and sys.stderr.isatty()) or "ipykernel" in sys.modules


@contextmanager
def displayed(progress: Progress | bool | None) -> Iterator[Progress]:
    """The progress to report to.

    Args:
        progress: as given by the caller. None and True: that of the command line where a person
            watches. False: silence.
    """
    if not isinstance(progress, bool | None):
        yield progress
    elif progress is False or not is_watched():
        yield Progress()
    else:
        from noisefind import terminal_progress  # below the command line, the package alone has it

        with terminal_progress() as shown:
            yield shown


def displays_progress(function: Callable[P, Result]) -> Callable[P, Result]:
    """Decorate a public function, so that its ``progress`` is what :func:`displayed` gives."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Result:
        with displayed(cast("Progress | bool | None", kwargs.get("progress"))) as progress:
            kwargs["progress"] = progress
            return function(*args, **kwargs)

    return call
