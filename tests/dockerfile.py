"""The Dockerfile without a Docker engine: its instructions, and its layers run in a folder.

What ``FROM`` brings (Python and pip) must be in ``bin``, the folder of executables given; absolute
paths of the image lie under the folder ``root``.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.commands import ROOT


class Instruction(NamedTuple):
    """``COPY`` and ``a b``."""

    name: str
    text: str


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile in order, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def sources(copy: str) -> list[str]:
    """What a COPY takes from the checkout."""
    return copy.split()[:-1]


def is_sent(path: str, ignore: str) -> bool:
    """Whether .dockerignore lets a path of the checkout into the build; its last match counts."""
    sent = True
    for line in ignore.splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, wanted = line.removeprefix("!"), line.startswith("!")
        parts = Path(path).parts
        heads = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if any(_matches(head, pattern) for head in heads):
            sent = wanted
    return sent


def _matches(path: str, pattern: str) -> bool:
    """``*`` stops at a slash; ``**/x`` is an x in any folder."""
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(path.rpartition("/")[2], pattern[3:])
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)


def run_layers(root: Path, bin_folder: Path) -> None:
    """Run WORKDIR, COPY and RUN as the builder would, with the arguments' defaults."""
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    here = root
    for name, text in instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        if name == "ARG":
            argument, _, default = text.partition("=")
            environment.setdefault(argument, default)
        elif name == "WORKDIR":
            here = root / text.lstrip("/")
            here.mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            for source in sources(text):
                _copy(source, here / text.split()[-1], ignore)
        elif name == "RUN":
            command = re.sub(r"(?<= )/out\b", str(root / "out"), text)
            command = re.sub(r"chown 1000:1000", f"chown {os.getuid()}:{os.getgid()}", command)
            subprocess.run(["/bin/sh", "-ec", command], cwd=here, env=environment, check=True)


def _copy(source: str, target: Path, ignore: str) -> None:
    """The files of ``source`` that .dockerignore lets through; a folder's content, as COPY does."""
    origin = ROOT / source
    if origin.is_file():
        shutil.copy(origin, target)
        return
    for path in origin.rglob("*"):
        if path.is_file() and is_sent(path.relative_to(ROOT).as_posix(), ignore):
            place = target / path.relative_to(origin)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
