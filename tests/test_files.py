"""Files appear whole or not at all, and never in the place of what somebody else has made."""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from realtime.core.errors import OutputError
from realtime.core.files import (
    atomic_write,
    put_in_free_place,
    put_in_place,
    remove_leftovers,
    replace_folder,
    temporary_name,
    unused_name,
    write_all,
    write_new,
)


@pytest.fixture(params=["links", "no links"])
def _file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT, exFAT and many network drives know no second name of a file."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("_file_system")
def test_of_many_that_want_one_name_each_is_kept(tmp_path: Path) -> None:
    count = 12
    start = threading.Barrier(count)

    def write(number: int) -> None:
        start.wait()
        write_new(tmp_path / "picture.png", b"%d" % number)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(count)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"picture.png", *(f"picture-{number}.png" for number in range(2, count + 1))}
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"%d" % number for number in range(count)}


@pytest.mark.usefixtures("_file_system")
def test_a_name_that_is_taken_stays_with_who_has_it(tmp_path: Path) -> None:
    mine, theirs = tmp_path / ".mine.mp4", tmp_path / "film.mp4"
    mine.write_bytes(b"mine")
    theirs.write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        put_in_place(mine, theirs)
    assert (mine.read_bytes(), theirs.read_bytes()) == (b"mine", b"theirs")
    assert put_in_free_place(mine, theirs) == tmp_path / "film-2.mp4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film-2.mp4", "film.mp4"]


def test_a_link_that_leads_nowhere_is_a_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    assert unused_name(tmp_path / "a.png").name == "a-2.png"
    assert write_new(tmp_path / "a.png", b"new").name == "a-2.png"


def test_folders_are_put_in_place_and_replaced_as_files_are(tmp_path: Path) -> None:
    def folder(name: str, inside: str) -> Path:
        path = tmp_path / name
        path.mkdir()
        (path / inside).touch()
        return path

    new, old = folder(".new", "1.png"), folder("frames", "0.png")
    with pytest.raises(FileExistsError):
        put_in_place(new, old)
    assert put_in_free_place(new, old) == tmp_path / "frames-2"
    replace_folder(tmp_path / "frames-2", old)
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]
    assert [path.name for path in old.iterdir()] == ["1.png"]


@pytest.mark.parametrize("name", ["x" * 251 + ".mp4", "я" * 125 + ".mp4", "面" * 84 + ".p", "x" * 255])
def test_names_as_long_as_they_may_be(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with atomic_write(path) as unfinished:
        assert unfinished.suffix == path.suffix
        assert unfinished.name.startswith(".")
        unfinished.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert write_new(path, b"another").read_bytes() == b"another"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="name"), atomic_write(tmp_path / ("x" * 300)) as unfinished:
        unfinished.write_bytes(b"")


@pytest.mark.skipif(sys.platform == "win32", reason="folders are made unwritable otherwise there")
def test_what_cannot_be_removed_hides_no_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a read-only disk even removing what was never made fails."""

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OutputError, match="No such file or directory"), atomic_write(tmp_path / "no" / "a") as path:
        path.write_bytes(b"")


def test_leftovers_of_killed_programs_go_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    result = tmp_path / "k.mp4"
    old = temporary_name(result)
    others = [".k-nothexad.mp4", ".k-0123abcd.mkv", "k-0123abcd.mp4", ".kk-0123abcd.mp4", ".k-0123abcde.mp4", "k.mp4"]
    for name in (old.name, *others):
        path = tmp_path / name
        path.touch()
        os.utime(path, (time.time() - 90_000,) * 2)
    young = temporary_name(result)
    young.touch()
    remove_leftovers(result)
    assert {path.name for path in tmp_path.iterdir()} == {young.name, *others}


def test_what_takes_long_is_kept_beside_what_has_its_name_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"

    def write() -> None:
        with atomic_write(path, overwrite=False) as unfinished:
            unfinished.write_bytes(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(OutputError, match=r"somebody else meanwhile and stays; this one is kept in .*film-2\.mp4"):
        write()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        "film.mp4": b"theirs",
        "film-2.mp4": b"mine",
    }


def test_what_takes_a_little_at_a_time_gets_all_of_it() -> None:
    class Narrow(io.BytesIO):
        def write(self, data: object, /) -> int:
            return super().write(memoryview(data)[:5])  # type: ignore[arg-type]

    narrow = Narrow()
    write_all(narrow, b"a picture, byte by byte")
    assert narrow.getvalue() == b"a picture, byte by byte"
