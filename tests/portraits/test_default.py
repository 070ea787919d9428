from __future__ import annotations

from pathlib import Path

import pytest

from realtime.errors import PortraitError
from realtime.portrait_file import Portrait
from realtime.portraits import BUILDER_VERSION, default
from realtime.portraits.builder import BuildOptions


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_args, **_more: tmp_path / "cache")
    return tmp_path / "cache" / "portraits"


def test_it_is_made_once_and_kept(cache: Path) -> None:
    quick = BuildOptions(columns=3, blink_stages=0, idle_seconds=0.0)
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


def test_the_picture_is_always_there(navy_photo: Path) -> None:
    assert default.default_picture() == navy_photo
