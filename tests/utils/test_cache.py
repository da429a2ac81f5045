"""The cache: where it lies, and folders in it that are whole or not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from noisefind.errors import ConfigError
from noisefind.utils import cache
from noisefind.utils.cache import cache_folder, cache_key, forget
from noisefind.utils.checksums import CHECKSUMS
from tests.images import one_line

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who has set nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return home


def a_file(path: Path) -> Path:
    """Nothing can be written below a file, not even by root."""
    path.write_text("in the way")
    return path


def test_the_asked_folder_comes_first(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that is asked for is taken as it is, made with all above it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))

    assert cache_folder(tmp_path / "a" / "b", tmp_path / "fallback") == tmp_path / "a" / "b"

    assert (tmp_path / "a" / "b").is_dir()
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a", home]


def test_the_xdg_cache_comes_second(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless one is asked for, the cache lies in XDG_CACHE_HOME."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))

    assert cache_folder(None, tmp_path / "fallback") == tmp_path / "xdg" / "noisefind"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("value", [None, "", "relative", "./relative", "~/relative"])
def test_the_home_comes_third(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """Without an XDG_CACHE_HOME, or with a relative one, the cache lies in ~/.cache."""
    monkeypatch.chdir(tmp_path)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)

    assert cache_folder(None, tmp_path / "fallback") == home / ".cache" / "noisefind"
    assert list(tmp_path.iterdir()) == [home]


@pytest.mark.parametrize("name", ["XDG_CACHE_HOME", "HOME"])
def test_the_fallback_comes_last(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Where the user's cache cannot be written, it is the fallback, which is not made yet."""
    monkeypatch.setenv(name, str(a_file(tmp_path / "file")))

    assert cache_folder(None, tmp_path / "fallback") == tmp_path / "fallback"
    assert not (tmp_path / "fallback").exists()
    assert list(home.iterdir()) == []


def test_a_folder_that_takes_no_file(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is there, but on a disk that can only be read, counts as unwritable."""

    def forbidden(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", forbidden)

    assert cache_folder(None, tmp_path / "fallback") == tmp_path / "fallback"
    with pytest.raises(ConfigError, match="cannot be written"):
        cache_folder(home, tmp_path / "fallback")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_can_only_be_read(tmp_path: Path, home: Path) -> None:
    """In a home that the user may not write, the fallback is taken."""
    home.chmod(0o500)

    assert cache_folder(None, tmp_path / "fallback") == tmp_path / "fallback"


def test_a_user_without_a_home(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HOME and without an entry in the password file, as in a container: the fallback."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    monkeypatch.chdir(home)

    assert cache_folder(None, tmp_path / "fallback") == tmp_path / "fallback"
    assert list(home.iterdir()) == []


def test_an_asked_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Whoever asks for a folder that cannot be written is told so, and gets no other."""
    for asked in (a_file(tmp_path / "file"), tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match="cannot be written; give another folder") as caught:
            cache_folder(asked, tmp_path / "fallback")

        assert f"--cache-dir {asked}:" in str(caught.value)
        assert one_line(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_asked_folder_that_can_only_be_read(tmp_path: Path) -> None:
    """The same for a folder without permission to write."""
    (tmp_path / "asked").mkdir(mode=0o500)

    with pytest.raises(ConfigError, match="cannot be written"):
        cache_folder(tmp_path / "asked", tmp_path / "fallback")


def test_nothing_is_left_by_looking(tmp_path: Path, home: Path) -> None:
    """To find out whether a folder can be written leaves no file in it."""
    cache_folder(tmp_path / "asked", tmp_path)
    cache_folder(None, tmp_path)

    assert list((tmp_path / "asked").iterdir()) == []
    assert list((home / ".cache" / "noisefind").iterdir()) == []


def test_keys() -> None:
    """Equal parts give equal names in every process; other parts, or other borders, do not."""
    assert cache_key("pixels", 1, "ab", 32) == "15c2057407b174fa800a806f"
    others = [("pixels", 1, "ab", 33), ("pixels", 1, "a", "b32"), ("pixels", "1", "ab", 32), ()]
    assert len({cache_key(*parts) for parts in [("pixels", 1, "ab", 32), *others]}) == 5


def entries(folder: Path) -> list[str]:
    """Names in a folder, without lock files and checksums."""
    names = (path.name for path in folder.iterdir())
    return sorted(name for name in names if not name.endswith(".lock") and name != CHECKSUMS)


def build_once(
    folder: Path, build: Callable[[Path], None], say: Callable[[str], None] = print
) -> Path:
    return cache.build_once(folder, build, say=say)


def write_number(part: Path) -> None:
    (part / "number").write_text("42")


def test_built_once(tmp_path: Path) -> None:
    """The first call builds, with all folders above; later calls find what it built."""
    folder = tmp_path / "a" / "b" / "c"
    built: list[Path] = []

    def build(part: Path) -> None:
        assert list(part.iterdir()) == []
        assert not folder.exists()
        built.append(part)
        write_number(part)

    for _ in range(3):
        assert build_once(folder, build) == folder
        assert (folder / "number").read_text() == "42"

    assert len(built) == 1
    assert entries(folder.parent) == ["c"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_build_that_fails(tmp_path: Path, error: type[BaseException]) -> None:
    """A build that raises half-way leaves nothing; the next one begins in an empty folder."""

    def fail(part: Path) -> None:
        write_number(part)
        raise error("half-way")

    with pytest.raises(error, match="half-way"):
        build_once(tmp_path / "folder", fail)

    assert entries(tmp_path) == []
    build_once(tmp_path / "folder", lambda part: part.joinpath("other").touch())
    assert entries(tmp_path / "folder") == ["other"]


KILLED = """
import os, signal, sys
from pathlib import Path
from noisefind.utils.cache import build_once

def build(part):
    (part / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)

build_once(Path(sys.argv[1]), build, say=print)
"""


def test_a_build_that_is_killed(tmp_path: Path) -> None:
    """What a killed process left is not believed, does not block, and is swept by the next build.

    Parts of other folders stay: someone may be building them.
    """
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "folder"], cwd=Path.cwd())
    assert done.returncode == -signal.SIGKILL
    assert [name.rpartition("-")[0] for name in entries(tmp_path)] == [".folder.part"]
    (tmp_path / ".folder2.part-x").mkdir()

    build_once(tmp_path / "folder", write_number)

    assert entries(tmp_path) == [".folder2.part-x", "folder"]
    assert entries(tmp_path / "folder") == ["number"]


def test_many_at_once(tmp_path: Path) -> None:
    """Of many that want a folder at the same time one builds, and all get the whole folder."""
    n_built = 0
    start = threading.Barrier(8)
    results: list[str] = []

    def build(part: Path) -> None:
        nonlocal n_built
        n_built += 1
        time.sleep(0.1)
        write_number(part)

    def want() -> None:
        start.wait()
        results.append((build_once(tmp_path / "folder", build) / "number").read_text())

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert n_built == 1
    assert results == ["42"] * 8


def test_different_folders_do_not_wait(tmp_path: Path) -> None:
    """Within the build of one folder another can be built."""
    build_once(
        tmp_path / "a",
        lambda part: part.joinpath(build_once(tmp_path / "b", write_number).name).touch(),
    )

    assert entries(tmp_path / "a") == ["b"]


def test_a_cache_that_can_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there already is found without writing anything, not even a lock."""
    build_once(tmp_path / "folder", write_number)
    monkeypatch.setattr(cache, "FileLock", None)
    monkeypatch.setattr(Path, "mkdir", None)

    assert build_once(tmp_path / "folder", write_number) == tmp_path / "folder"


def test_a_file_instead_of_a_folder_of_the_cache(tmp_path: Path) -> None:
    """A cache that cannot be written where an entry is missing: one line says what to do."""
    a_file(tmp_path / "pixels")
    (tmp_path / ".entry.lock").mkdir()
    for folder in (tmp_path / "pixels" / "entry", tmp_path / "entry"):
        with pytest.raises(ConfigError, match=r"cannot be written .*--cache-dir") as caught:
            build_once(folder, write_number)
        assert str(folder.parent) in str(caught.value)
        assert one_line(caught.value)


def test_an_entry_that_is_no_longer_current(tmp_path: Path) -> None:
    """It is made again without a line, and only until it is current."""
    lines: list[str] = []
    folder = build_once(tmp_path / "folder", write_number)

    def is_current(place: Path) -> bool:
        return (place / "other").exists()

    for _ in range(2):
        cache.build_once(
            folder,
            lambda part: part.joinpath("other").touch(),
            say=lines.append,
            is_current=is_current,
        )
    assert entries(folder) == ["other"]
    assert lines == []


def test_forget(tmp_path: Path) -> None:
    """A forgotten folder is gone, with all that was in it, and is built again."""
    build_once(tmp_path / "folder", write_number)

    forget(tmp_path / "folder")

    assert entries(tmp_path) == []
    build_once(tmp_path / "folder", lambda part: part.joinpath("other").touch())
    assert entries(tmp_path / "folder") == ["other"]


def test_forget_what_is_not_there(tmp_path: Path) -> None:
    """To forget a folder that another process has forgotten already is no error."""
    forget(tmp_path / "folder")

    assert entries(tmp_path) == []


def test_forget_in_a_cache_that_can_only_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be removed stays complete, and one line says what to do."""
    build_once(tmp_path / "folder", write_number)

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    for owner, name in ((Path, "rename"), (tempfile, "mkdtemp")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, forbidden)
            with pytest.raises(ConfigError, match="cannot be removed") as caught:
                forget(tmp_path / "folder")
        assert one_line(caught.value)

    assert entries(tmp_path) == ["folder"]
    assert entries(tmp_path / "folder") == ["number"]
