"""A picture named as a portrait becomes one, once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.core.errors import PortraitError
from realtime.effects import EffectContext
from realtime.effects.portrait import PortraitEffect, PortraitSettings
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame
from realtime.imaging.provenance import SYNTHETIC
from realtime.picture_files.samples import sample_photo
from realtime.portrait.building import from_picture
from realtime.portrait.pack import Portrait
from tests.portrait_packs import write_pack


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(from_picture, "user_cache_folder", lambda: tmp_path)
    return tmp_path / "portraits" / "of-pictures"


def test_it_is_made_once_and_the_oldest_are_let_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def make(source: Path, pack: Path, *_: object) -> None:
        made.append(source)
        write_pack(pack, columns=3)

    monkeypatch.setattr(from_picture, "_make", make)
    monkeypatch.setattr(from_picture, "_MOST_KEPT", 2)
    picture = sample_photo()
    assert from_picture.is_picture(picture)
    for _ in range(2):
        with from_picture.open_portrait_of(picture) as portrait:
            assert isinstance(portrait, Portrait)
    assert made == [picture]
    (pack,) = cache.iterdir()
    assert not from_picture.is_picture(pack)
    pack.write_bytes(b"cut short")
    with from_picture.open_portrait_of(picture):
        assert made == [picture, picture]
    for name in ("a", "b"):
        other = cache / f"{name}.txt"
        other.write_text(name)
        with from_picture.open_portrait_of(other):
            pass
    assert len(list(cache.glob("*.portrait"))) == 2


def test_a_face_that_no_camera_saw_is_labelled_as_a_portrait_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_picture, "_make", lambda source, pack, *_: write_pack(pack, columns=3))
    photo = sample_photo()
    generated = tmp_path / "face.jpg"
    generated.write_bytes(photo.read_bytes() + SYNTHETIC.encode())  # metadata lie at a file's beginning or end
    for picture, is_labelled in ((photo, False), (generated, True)):
        effect = PortraitEffect.open(str(picture), PortraitSettings(), EffectContext())
        assert effect.synthetic == is_labelled
        effect.parameters.set("mouth", "viewer")
        effect.parameters.set("mouth", "still")
        effect.make(Scene(Frame(np.zeros((90, 160, 3), np.uint8), 0.0, 0.0, 0)))
        assert effect.synthetic == is_labelled, "whatever its mouth has done"
        effect.close()


def test_one_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(PortraitError, match="check the path"):
        from_picture.open_portrait_of(tmp_path / "none.jpg")
