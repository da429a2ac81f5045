"""Run the Dockerfile's install lines with nothing installed, then the command; prints the seconds.

    python -m benchmarks.docker_install

As the Docker builder would, but for FROM: a fresh virtual environment, the lines as they are, from
whatever indexes pip is configured for besides the Dockerfile's. Needs a few GB in the temporary
folder. tests/test_docker.py runs the same lines in seconds, on packages that are installed already.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.commands import DIGITS
from tests.dockerfile import run_layers


def main() -> None:
    """Build, score and prune the sample data, in a temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
        start = time.perf_counter()
        run_layers(root, root / "venv/bin")
        print(f"layers: {time.perf_counter() - start:.0f} s")
        command, environment = root / "venv/bin/noisefind", {"PATH": os.environ["PATH"]}
        for arguments in (("score", DIGITS, "-o", "run"), ("prune", "run", "-o", "clean")):
            subprocess.run([command, *arguments], cwd=root / "out", env=environment, check=True)
        print(f"and both commands: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
