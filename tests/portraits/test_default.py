from __future__ import annotations

import io
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.core.errors import PortraitError
from realtime.portrait.building import builder, default
from realtime.portrait.building.builder import BuildOptions
from realtime.portrait.engines import BUILDER_VERSION
from realtime.portrait.pack import Portrait
from tests.portrait_packs import write_pack


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_args, **_more: tmp_path / "cache")
    return tmp_path / "cache" / "portraits"


def test_it_is_made_once_and_kept(cache: Path) -> None:
    quick = BuildOptions(columns=3, blink_stages=0, mouth_stages=0, idle_seconds=0.0)
    cache.mkdir(parents=True)
    old = cache / "grace-hopper-0.portrait"
    old.write_bytes(b"made by an older builder")
    said: list[str] = []
    path = default.default_portrait(lambda what, share: said.append(what), options=quick)
    assert path.parent == cache
    assert str(BUILDER_VERSION) in path.name
    assert said
    assert not old.exists(), "packs nobody will open again do not pile up"
    with Portrait.open(path) as portrait:
        assert "Hopper" in portrait.title
    made_at = path.stat().st_mtime_ns
    said.clear()
    assert default.default_portrait(lambda what, share: said.append(what)) == path
    assert path.stat().st_mtime_ns == made_at
    assert said == []


def test_a_cache_that_cannot_be_written_is_said(cache: Path) -> None:
    cache.parent.write_bytes(b"a file where the cache should be")
    with pytest.raises(PortraitError, match="name a pack"):
        default.default_portrait()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A pack in the default portrait's place, as it should be."""
    return write_pack(tmp_path_factory.mktemp("whole") / "whole.portrait", columns=3).read_bytes()


def build_quickly(monkeypatch: pytest.MonkeyPatch, whole: bytes) -> None:
    """Let the building of a pack take no time."""
    monkeypatch.setattr(builder, "build", lambda picture, faces, pack, *_, **__: pack.write_bytes(whole))


def flipped(data: bytes) -> bytes:
    """With a bit wrong in the middle of its largest picture."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = max(archive.infolist(), key=lambda entry: entry.file_size)
    at = entry.header_offset + entry.file_size // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def of_others(data: bytes) -> bytes:
    """A whole archive, and no portrait."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "something else")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"garbage" * 999, flipped, of_others]
)
def test_one_that_is_damaged_is_made_anew(
    cache: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    """The power failed while it was made, a memory card is worn out: a gallery would show the camera for ever."""
    cache.mkdir(parents=True)
    pack = cache / f"grace-hopper-{BUILDER_VERSION}.portrait"
    pack.write_bytes(damage(whole))
    build_quickly(monkeypatch, whole)
    with default.open_default_portrait() as portrait:
        assert portrait.columns == 3
    assert pack.read_bytes() == whole


def test_one_in_whose_place_lies_a_folder_is_made_anew(
    cache: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = cache / f"grace-hopper-{BUILDER_VERSION}.portrait"
    (pack / "inside").mkdir(parents=True)
    build_quickly(monkeypatch, whole)
    default.open_default_portrait().close()
    assert pack.read_bytes() == whole


def test_where_nothing_can_be_kept_it_is_made_for_the_moment(
    cache: Path, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache.parent.write_bytes(b"a file where the cache should be")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    build_quickly(monkeypatch, whole)
    with default.open_default_portrait() as portrait:
        assert portrait.columns == 3
        assert portrait.frame(2).size, "also when its file is gone"
    assert not list(scratch.iterdir()) or sys.platform == "win32"
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "made anew at each start" in line


def test_where_it_cannot_be_made_at_all_the_first_reason_is_told(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.write_bytes(b"a file where the cache should be")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(PortraitError, match=r"cannot keep the default portrait in .*name a pack"):
        default.open_default_portrait()


def test_what_killed_starts_leave_is_removed_after_a_day(cache: Path, whole: bytes) -> None:
    cache.mkdir(parents=True)
    (cache / f"grace-hopper-{BUILDER_VERSION}.portrait").write_bytes(whole)
    old, young = cache / ".grace-hopper-11-0123abcd.portrait", cache / ".grace-hopper-11-4567abcd.portrait"
    for path in (old, young):
        path.write_bytes(b"half")
    two_days_ago_s = time.time() - 172_800
    os.utime(old, (two_days_ago_s, two_days_ago_s))
    default.default_portrait()
    assert not old.exists()
    assert young.exists(), "another process may be making it"


def test_the_picture_is_always_there(navy_photo: Path) -> None:
    assert default.default_picture() == navy_photo
