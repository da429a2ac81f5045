"""The pixel store: each image in its own row, whatever lies beside it, and made only once."""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from noisefind.data import pixels as room
from noisefind.data.dataset import Dataset, Skipped
from noisefind.data.decode import Picture, UnreadableImageError, decoding, read_image, read_picture
from noisefind.data.pixels import open_pixels, resized_pixels, typical_side
from noisefind.errors import DataError, RunError
from noisefind.utils.progress import Progress
from tests.images import one_line, opened, write_cifar10, write_csv, write_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from noisefind.data.view import View

NAMES = tuple(f"{label}/{number}.png" for label in ("ant", "bee", "cat") for number in range(4))


class Told(Progress):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.n_done = 0

    def stage(self, name: str, total: int) -> None:
        self.stages.append((name, total))
        self.n_done = 0

    def advance(self, count: int = 1) -> None:
        self.n_done += count


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen images are several chunks, the last of them not full."""
    monkeypatch.setattr(room, "CHUNK", 5)


def store(
    dataset: Dataset, cache: Path, size: int = 8, max_pixels: int = 10**6, **options: Any
) -> tuple[Dataset, NDArray[np.uint8]]:
    options = {"n_threads": 3, "progress": Progress(), **options}
    return open_pixels(dataset, size, cache=cache, max_pixels=max_pixels, **options)[:2]


def stores(cache: Path) -> list[Path]:
    """The stores in a cache, without locks; a part of one counts too."""
    folder = cache / "pixels"
    return sorted(path for path in folder.glob("*") if path.suffix != ".lock")


def damage(root: Path, *names: str) -> None:
    for name in names:
        (root / name).write_bytes((root / name).read_bytes()[:60])


def array_dataset(
    images: NDArray[np.uint8] | Sequence[Path], n_classes: int = 2, fingerprint: str = "f"
) -> Dataset:
    """A dataset with the ids 000, 001, ..., each in the class of its number modulo C."""
    n_images = len(images)
    return Dataset(
        root=Path("root"),
        ids=tuple(f"{number:03}" for number in range(n_images)),
        labels=np.arange(n_images) % n_classes,
        classes=tuple("abcdefgh"[:n_classes]),
        splits=("",) * n_images,
        images=images,
        fingerprint=fingerprint,
    )


def noise(n_images: int, height: int, width: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n_images, height, width, 3), dtype=np.uint8)


def test_rows(tmp_path: Path) -> None:
    """Row by row the store holds what read_image makes of the files, in the order of the ids."""
    dataset = opened(write_images(tmp_path / "data", *NAMES, size=20))
    told = Told()

    kept, pixels = store(dataset, tmp_path / "cache", progress=told)

    assert kept.ids == dataset.ids
    assert pixels.shape == (12, 8, 8, 3)
    assert pixels.dtype == np.uint8
    for id_, row in zip(dataset.ids, pixels, strict=True):
        with decoding():
            expected = read_image(dataset.root / id_, 8, 10**6)
        np.testing.assert_array_equal(row, expected)
    assert told.stages == [("Checking files", 12), ("Reading images", 12)]
    assert told.n_done == 12


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_threads_do_not_matter(tmp_path: Path, n_threads: int) -> None:
    """The store is the same to the bit for every number of threads."""
    dataset = opened(write_images(tmp_path / "data", *NAMES, size=20))

    _, one = store(dataset, tmp_path / "one", n_threads=1)
    _, many = store(dataset, tmp_path / "many", n_threads=n_threads)

    np.testing.assert_array_equal(many, one)


@pytest.mark.parametrize(
    "broken",
    [("ant/0.png",), ("cat/3.png",), ("ant/3.png", "bee/0.png", "bee/1.png"), NAMES[:4]],
)
def test_broken_files_change_no_other_row(tmp_path: Path, broken: tuple[str, ...]) -> None:
    """The store with broken files is, byte for byte, the store of the dataset without them.

    Each broken file is named, with its reason, its label and its split.
    """
    write_images(tmp_path / "data", *(f"test/{name}" for name in NAMES))
    shutil.copytree(tmp_path / "data", tmp_path / "without")
    for name in broken:
        damage(tmp_path / "data", f"test/{name}")
        (tmp_path / "without" / "test" / name).unlink()
    dataset = opened(tmp_path / "data", split="test")

    kept, pixels = store(dataset, tmp_path / "cache")
    whole, expected = store(opened(tmp_path / "without", split="test"), tmp_path / "other")

    np.testing.assert_array_equal(pixels, expected, strict=True)
    assert kept.ids == whole.ids
    assert kept.classes == whole.classes  # a class that is left empty vanishes
    assert kept.labels.tolist() == whole.labels.tolist()
    assert kept.splits == ("test",) * len(whole)
    assert list(kept.images) == [kept.root / id_ for id_ in whole.ids]
    reason = "cannot be decoded: image file is truncated"
    skipped = [(skip.file_name, skip.label, skip.split) for skip in kept.skipped]
    assert skipped == [(f"test/{name}", name[:3], "test") for name in broken]
    assert all(skip.reason.startswith(reason) for skip in kept.skipped)
    assert len(dataset) == 12  # the given one is as it was


def test_skipped_before_and_now(tmp_path: Path) -> None:
    """What was left out on opening stays in the list, which is sorted."""
    write_images(tmp_path, *NAMES)
    for name in ("ant/a.txt", "cat/z.txt"):
        (tmp_path / name).touch()
    (tmp_path / "bee" / "1.png").write_bytes(b"")

    kept, _ = store(opened(tmp_path), tmp_path / "cache" / "c")

    assert kept.skipped == (
        Skipped("ant/a.txt", "unknown suffix"),
        Skipped("bee/1.png", "empty file", "bee", ""),
        Skipped("cat/z.txt", "unknown suffix"),
    )


def test_files_that_went(tmp_path: Path) -> None:
    """A file that vanished after it was listed, or became a pipe, is one of the unreadable."""
    dataset = opened(write_images(tmp_path / "data", *NAMES))
    (tmp_path / "data" / "ant" / "1.png").unlink()
    (tmp_path / "data" / "bee" / "2.png").unlink()
    os.mkfifo(tmp_path / "data" / "bee" / "2.png")

    kept, pixels = store(dataset, tmp_path / "cache")

    assert kept.skipped == (
        Skipped("ant/1.png", "cannot be read: No such file or directory", "ant", ""),
        Skipped("bee/2.png", "not a regular file", "bee", ""),
    )
    assert len(pixels) == len(kept) == 10


@pytest.mark.parametrize("n_good", [0, 1, 4])
def test_fewer_than_two_classes(tmp_path: Path, n_good: int) -> None:
    """Where fewer than two classes have a readable image, one line says how many and why."""
    write_images(tmp_path / "data", *NAMES)
    damage(tmp_path / "data", *NAMES[n_good:])
    told = Told()

    for _ in range(2):  # the second time from the cache
        with pytest.raises(DataError, match="fewer than two classes") as caught:
            store(opened(tmp_path / "data"), tmp_path / "cache", progress=told)

        first = NAMES[n_good]
        start = f"{tmp_path / 'data'}: {12 - n_good} of 12 images cannot be read and the rest "
        assert str(caught.value).startswith(start)
        assert f"first {first!r}: cannot be decoded: image file is truncated" in str(caught.value)
        assert one_line(caught.value)
    stages = [name for name, _ in told.stages]
    assert stages == ["Checking files", "Reading images", "Checking files"]


@pytest.mark.parametrize("size", [32, 12, 50])
def test_arrays_and_files_agree(tmp_path: Path, size: int) -> None:
    """CIFAR's array and PNG files of the same pictures give the same pixels."""
    dataset = opened(write_cifar10(tmp_path))
    assert isinstance(dataset.images, np.ndarray)
    for id_, picture in zip(dataset.ids, dataset.images, strict=True):
        path = tmp_path / "files" / f"{id_}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    rows = [(f"{id_}.png", f"class {row % 2}") for row, id_ in enumerate(dataset.ids)]
    write_csv(tmp_path / "files" / "table.csv", *rows)
    files = opened(tmp_path / "files" / "table.csv")

    _, of_array = store(dataset, tmp_path / "cache", size)
    _, of_files = store(files, tmp_path / "cache", size)

    assert files.ids == tuple(f"{id_}.png" for id_ in dataset.ids)
    np.testing.assert_array_equal(of_array, of_files)
    if size == 32:
        np.testing.assert_array_equal(of_array, dataset.images)


def test_the_second_call_decodes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels are made once; after that they come from the cache, whatever the labels are."""
    write_images(tmp_path / "data", *NAMES)
    _, first = store(opened(tmp_path / "data"), tmp_path / "cache")
    monkeypatch.setattr(room, "read_picture", None)
    table = write_csv(tmp_path / "labels.csv", ("ant/0.png", "dog"))
    told = Told()

    _, second = store(opened(tmp_path / "data"), tmp_path / "cache", progress=told)
    other, third = store(opened(tmp_path / "data", labels=table), tmp_path / "cache")

    np.testing.assert_array_equal(second, first)
    np.testing.assert_array_equal(third, first)
    assert other.classes == ("ant", "bee", "cat", "dog")
    assert told.stages == [("Checking files", 12)]


def test_the_store_cannot_be_written(tmp_path: Path) -> None:
    """Who writes to the pixels changes them for itself: no one else finds them changed."""
    dataset = opened(write_images(tmp_path / "data", *NAMES))
    _, pixels = store(dataset, tmp_path / "cache")
    before = pixels.copy()

    pixels[:] = 255
    del pixels

    np.testing.assert_array_equal(store(dataset, tmp_path / "cache")[1], before)


def test_what_makes_another_store(tmp_path: Path) -> None:
    """Another size, limit, choice of images, or a file that changed makes another store."""
    root = write_images(tmp_path / "data", *NAMES)
    cache = tmp_path / "cache"
    path = root / "ant" / "0.png"
    n_stores = []

    def remember() -> NDArray[np.uint8]:
        _, pixels = store(opened(root), cache)
        n_stores.append(len(stores(cache)))
        return pixels

    before = remember()
    store(opened(root), cache, size=9)
    store(opened(root), cache, max_pixels=10**5)
    remember()
    info = path.stat()
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 1))
    remember()
    Image.new("RGB", (8, 8), "white").save(path)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    after = remember()
    (root / "bee" / "2.png").unlink()
    fewer = remember()

    assert n_stores == [1, 3, 4, 5, 6]
    assert (before[0] != 255).all()
    assert (after[0] == 255).all()
    np.testing.assert_array_equal(after[1:], before[1:])
    np.testing.assert_array_equal(fewer, np.delete(after, 6, axis=0))


def test_mended_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that could not be read for a reason outside the file is in as soon as it can be.

    Until then only the unreadable images are tried again.
    """
    dataset = opened(write_images(tmp_path / "data", *NAMES))
    cache = tmp_path / "cache"
    forbidden = {"ant/1.png", "cat/3.png"}
    tried: list[str] = []

    def limited(path: Path, size: int, max_pixels: int, view: View) -> Picture:
        tried.append(path.relative_to(dataset.root).as_posix())
        if tried[-1] in forbidden:
            raise UnreadableImageError("cannot be read: Permission denied")
        return read_picture(path, size, max_pixels, view)

    monkeypatch.setattr(room, "read_picture", limited)
    first, pixels = store(dataset, cache)
    assert sorted(tried) == sorted(NAMES)
    tried.clear()
    again, same = store(dataset, cache)
    assert sorted(tried) == sorted(forbidden)
    forbidden.remove("cat/3.png")
    second, more = store(dataset, cache)
    forbidden.clear()
    third, all_pixels = store(dataset, cache)

    assert [skip.file_name for skip in first.skipped] == ["ant/1.png", "cat/3.png"]
    assert again.ids == first.ids
    assert again.fingerprint == first.fingerprint
    assert second.ids == tuple(name for name in NAMES if name != "ant/1.png")
    assert third.ids == dataset.ids
    np.testing.assert_array_equal(more, np.delete(all_pixels, 1, axis=0))
    np.testing.assert_array_equal(pixels, np.delete(all_pixels, [1, 11], axis=0))  # still mapped
    np.testing.assert_array_equal(same, pixels)
    assert len(stores(cache)) == 1


def test_the_fingerprint_tells_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other images left out, the fingerprint is another: features are cached under it."""
    dataset = opened(write_images(tmp_path / "data", *NAMES))
    forbidden: set[str] = set()

    def limited(path: Path, size: int, max_pixels: int, view: View) -> Picture:
        if path.relative_to(dataset.root).as_posix() in forbidden:
            raise UnreadableImageError("cannot be read: Permission denied")
        return read_picture(path, size, max_pixels, view)

    monkeypatch.setattr(room, "read_picture", limited)
    fingerprints: list[str] = []
    no_one: set[str] = set()
    for case in (no_one, {"ant/1.png"}, {"ant/2.png"}, {"ant/1.png", "ant/2.png"}):
        forbidden.clear()
        forbidden.update(case)
        for cache in ("one", "two"):
            kept, _ = store(dataset, tmp_path / cache / str(len(fingerprints) // 2))
            fingerprints.append(kept.fingerprint)

    assert fingerprints[::2] == fingerprints[1::2]
    assert len(set(fingerprints)) == 4


def same_stat(path: Path, other: Path) -> None:
    """Give ``path`` the times of ``other``; their sizes must be equal."""
    info = other.stat()
    assert path.stat().st_size == info.st_size
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def test_equal_names_sizes_and_times_are_not_equal_pixels(tmp_path: Path) -> None:
    """Two folders of BMP files that differ by their pixels alone share nothing in the cache."""
    datasets = []
    for folder, shade in (("one", 10), ("two", 200)):
        for name in NAMES:
            path = (tmp_path / folder / name).with_suffix(".bmp")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 20), (shade,) * 3).save(path)
            os.utime(path, ns=(0, 0))
        datasets.append(opened(tmp_path / folder))
    assert datasets[0].fingerprint == datasets[1].fingerprint

    found = [store(dataset, tmp_path / "cache") for dataset in datasets]

    assert [pixels.max() for _, pixels in found] == [10, 200]
    assert found[0][0].fingerprint != found[1][0].fingerprint
    assert store(datasets[0], tmp_path / "cache")[0].fingerprint == found[0][0].fingerprint


def test_files_replaced_in_place(tmp_path: Path) -> None:
    """Two files that change places under the same sizes and times are two other images."""
    root = tmp_path / "data"
    for number in range(4):
        path = root / "ab"[number % 2] / f"{number}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (number,) * 3).save(path)
    first, before = store(opened(root), tmp_path / "cache")
    one, two = root / "a" / "0.bmp", root / "a" / "2.bmp"
    content = one.read_bytes()
    copy = tmp_path / "copy"
    shutil.copy2(one, copy)
    one.write_bytes(two.read_bytes())
    same_stat(one, copy)
    other, after = store(opened(root), tmp_path / "cache")

    assert (before[0].max(), after[0].max()) == (0, 2)
    assert first.fingerprint != other.fingerprint
    one.write_bytes(content)
    same_stat(one, copy)
    assert store(opened(root), tmp_path / "cache")[0].fingerprint == first.fingerprint


def test_the_fingerprint_is_of_the_pixels_alone(tmp_path: Path) -> None:
    """Other times, or a comment in a file, leave the fingerprint of the decoded images as it is."""
    dataset = opened(write_images(tmp_path / "data", *NAMES))
    first, _ = store(dataset, tmp_path / "cache")
    path = tmp_path / "data" / NAMES[0]
    path.write_bytes(path.read_bytes() + b"after the end")
    os.utime(tmp_path / "data" / NAMES[1], ns=(0, 0))

    second, _ = store(opened(tmp_path / "data"), tmp_path / "cache")

    assert len(stores(tmp_path / "cache")) == 2
    assert second.fingerprint == first.fingerprint


class Noting(Progress):
    """Leaves a file for every build, and gives the other process time to come to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stage(self, name: str, total: int) -> None:  # noqa: ARG002
        if name == "Reading images":
            (self.folder / str(os.getpid())).touch()
            time.sleep(0.3)


def open_in_process(root: Path, cache: Path, delay: float, results: Any) -> None:
    dataset = opened(root)
    time.sleep(delay)
    kept, pixels = store(dataset, cache, progress=Noting(root.parent / "builds"))
    results.put((kept.ids, np.array(pixels)))


@pytest.mark.parametrize("is_damaged", [False, True])
def test_six_processes_at_once(tmp_path: Path, is_damaged: bool) -> None:
    """Of six processes that want the same pixels at random moments one makes them.

    The same where they find a damaged entry: no one gets a part of it, and it is made again once.
    """
    write_images(tmp_path / "data", *NAMES)
    damage(tmp_path / "data", "bee/2.png")
    (tmp_path / "builds").mkdir()
    kept, pixels = store(opened(tmp_path / "data"), tmp_path / "other")
    if is_damaged:
        shutil.copytree(tmp_path / "other", tmp_path / "cache")
        (entry,) = stores(tmp_path / "cache")
        (entry / "sizes.npy").write_bytes(b"")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # imports once, not six times
    results, delays = context.Queue(), np.random.default_rng(0).uniform(0, 0.4, 6)

    processes = [
        context.Process(
            target=open_in_process,
            args=(tmp_path / "data", tmp_path / "cache", delay, results),
        )
        for delay in delays
    ]
    for process in processes:
        process.start()
    got = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(10)

    for ids, array in got:
        assert ids == kept.ids
        np.testing.assert_array_equal(array, pixels)
    assert len(list((tmp_path / "builds").iterdir())) == 1
    assert len(stores(tmp_path / "cache")) == 1


class Killing(Told):
    """Ends the process without warning when the first images are decoded."""

    def advance(self, count: int = 1) -> None:  # noqa: ARG002
        if self.stages[-1][0] == "Reading images":
            os.kill(os.getpid(), signal.SIGKILL)


def build_and_be_killed(root: Path, cache: Path) -> None:
    store(opened(root), cache, progress=Killing())


def test_a_killed_build(tmp_path: Path) -> None:
    """What a killed build left is not believed: the next call makes the pixels, and sweeps."""
    write_images(tmp_path / "data", *NAMES)
    cache = tmp_path / "cache"
    process = multiprocessing.get_context("spawn").Process(
        target=build_and_be_killed, args=(tmp_path / "data", cache)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    (left,) = stores(cache)

    _, pixels = store(opened(tmp_path / "data"), cache)
    _, expected = store(opened(tmp_path / "data"), tmp_path / "other")

    np.testing.assert_array_equal(pixels, expected)
    (found,) = stores(cache)
    assert left.name.startswith(f".{found.name}.part-")


def test_a_build_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is no image's fault ends the build, and leaves nothing behind."""
    dataset = opened(write_images(tmp_path / "data", *NAMES))

    def fail(path: Path, *_: object) -> Picture:
        raise ZeroDivisionError(path.name)

    with monkeypatch.context() as patch:
        patch.setattr(room, "read_picture", fail)
        with pytest.raises(ZeroDivisionError):
            store(dataset, tmp_path / "cache")

    assert stores(tmp_path / "cache") == []
    assert len(store(dataset, tmp_path / "cache")[1]) == 12


class Interrupted(Told):
    """Ctrl-C when the first images are decoded."""

    def advance(self, count: int = 1) -> None:  # noqa: ARG002
        if self.stages[-1][0] == "Reading images":
            raise KeyboardInterrupt


def test_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C waits for no more than the image that each thread has in its hands."""
    monkeypatch.setattr(room, "CHUNK", 100)
    lock, n_slow = threading.Lock(), 0

    def slow(path: Path, size: int, max_pixels: int, view: View) -> Picture:  # noqa: ARG001
        nonlocal n_slow
        if int(path.name) >= 100:  # not in the first chunk
            with lock:
                n_slow += 1
            time.sleep(0.05)
        return Picture(np.zeros((8, 8, 3), np.uint8), 8, 8, bytes(16))

    monkeypatch.setattr(room, "read_picture", slow)
    dataset = array_dataset([Path(str(number)) for number in range(1000)])

    with pytest.raises(KeyboardInterrupt):
        store(dataset, tmp_path / "cache", progress=Interrupted())

    assert n_slow < 50  # a whole chunk would be 100
    assert stores(tmp_path / "cache") == []


def test_too_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that cannot hold the pixels is noticed before a file is read, with the way out."""
    dataset = opened(write_images(tmp_path / "data", *NAMES))
    n_bytes = 12 * 8 * 8 * 3
    free = n_bytes - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    with monkeypatch.context() as patch:
        patch.setattr(room, "read_picture", None)
        with pytest.raises(RunError, match="the pixels need") as error:
            store(dataset, tmp_path / "cache")

    assert "--cache-dir" in str(error.value)
    assert str(tmp_path / "cache" / "pixels") in str(error.value)
    assert one_line(error.value)
    assert stores(tmp_path / "cache") == []
    free = n_bytes
    _, pixels = store(dataset, tmp_path / "cache")
    with pytest.raises(RunError, match="--cache-dir"):
        resized_pixels(pixels, 9, key="k", cache=tmp_path / "cache", progress=Progress())


def test_too_little_space_for_a_second_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving out broken images takes a copy for a moment; the space for it is checked too."""
    write_images(tmp_path / "data", *NAMES)
    damage(tmp_path / "data", "bee/2.png")
    free = [12 * 8 * 8 * 3, 11 * 8 * 8 * 3 - 1]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free.pop(0)))

    with pytest.raises(RunError, match="--cache-dir"):
        store(opened(tmp_path / "data"), tmp_path / "cache")

    assert stores(tmp_path / "cache") == []


def test_typical_side_of_files(tmp_path: Path) -> None:
    """It is the median of the shorter sides; unreadable files do not count."""
    paths = []
    for number, shape in enumerate([(30, 10), (12, 40), (50, 50), (7, 7), (9, 9)]):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", shape).save(paths[-1])
    paths[-1].write_bytes(b"no image")

    assert typical_side(array_dataset(paths)) == (10 + 12) // 2
    assert typical_side(array_dataset(paths[-1:])) == 0


def test_typical_side_of_an_array() -> None:
    """Of an array it is the shorter side of all its images."""
    assert typical_side(array_dataset(noise(3, 20, 30))) == 20
    assert typical_side(array_dataset(noise(3, 30, 20))) == 20


def test_typical_side_looks_at_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many files only a few hundred are opened, from all parts of the dataset."""
    asked: list[int] = []

    def side(path: Path) -> int:
        asked.append(int(path.name))
        return 64

    monkeypatch.setattr(room, "shorter_side", side)

    assert typical_side(array_dataset([Path(str(number)) for number in range(5000)])) == 64
    assert asked == list(range(0, 5000, 25))


@pytest.mark.parametrize("size", [4, 13])
def test_resized(tmp_path: Path, size: int) -> None:
    """Each image is resized as Pillow resizes it alone; the second call finds it done."""
    pixels = noise(12, 8, 8)
    told = Told()

    first = resized_pixels(pixels, size, key="k", cache=tmp_path, progress=told)
    again = resized_pixels(pixels, size, key="k", cache=tmp_path, progress=told)

    assert first.shape == (12, size, size, 3)
    for row, picture in zip(first, pixels, strict=True):
        expected = Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC)
        assert np.abs(row.astype(int) - np.asarray(expected)).max() <= 1
    np.testing.assert_array_equal(again, first)
    assert told.stages == [(f"Resizing to {size} px", 12)]
    assert told.n_done == 12


def test_resized_to_the_same(tmp_path: Path) -> None:
    """To the same size there is nothing to do or to store."""
    pixels = noise(3, 8, 8)

    assert resized_pixels(pixels, 8, key="k", cache=tmp_path, progress=Progress()) is pixels
    assert list(tmp_path.iterdir()) == []


def test_resized_under_another_key(tmp_path: Path) -> None:
    """Other pixels, or another size, are another store."""
    pixels = noise(3, 8, 8)
    cases = [(pixels, 4, "k"), (255 - pixels, 4, "other"), (pixels[:2], 4, "k"), (pixels, 5, "k")]

    results = [
        resized_pixels(given, size, key=key, cache=tmp_path, progress=Progress())
        for given, size, key in cases
    ]

    assert [len(result) for result in results] == [3, 3, 2, 3]
    assert len(stores(tmp_path)) == 4
    assert np.abs(results[1].astype(int) - (255 - results[0])).max() <= 1


def test_one_file_of_each_kind(tmp_path: Path) -> None:
    """Images of any sizes and modes come into one array."""
    picture = Image.fromarray(noise(1, 40, 24)[0])
    for number, (mode, suffix) in enumerate(
        {"RGB": "jpg", "L": "png", "P": "gif", "RGBA": "webp", "CMYK": "tiff", "1": "bmp"}.items()
    ):
        buffer = io.BytesIO()
        kind = {"jpg": "jpeg"}.get(suffix, suffix)
        picture.resize((8 + number, 30)).convert(mode).save(buffer, kind)
        path = tmp_path / "data" / "ab"[number % 2] / f"{number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.getvalue())

    kept, pixels = store(opened(tmp_path / "data"), tmp_path / "cache", size=16)

    assert len(kept) == 6
    assert pixels.shape == (6, 16, 16, 3)
    assert (pixels.reshape(6, -1).std(1) > 5).all()
