"""`background:transparent`: people alone, in every kind of file that can say so, and before black elsewhere."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.__main__ import main
from realtime.control.channel import ControlChannel
from realtime.core.stats import RunStats
from realtime.disclosure.label import Label, LabelStyle
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.opacity import fitted, straight
from realtime.outputs import OutputRequest, open_output
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot
from realtime.video import encoding
from tests.background.test_effect import FACE, WALL, moment, opened, photo

__all__ = ["photo"]


@pytest.fixture(scope="module")
def cut_out(photo: Pixels) -> Frame:
    """The photo with nothing behind her."""
    effect = opened("transparent")
    made = effect.make(Scene(moment(photo)))
    effect.close()
    return made


def decoded(path: Path) -> NDArray[np.uint8]:
    """Return a film's first picture, BGRA."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        decoder = stream.codec_context
        if stream.codec_context.name in ("vp9", "vp8"):  # FFmpeg's own decoders leave opacity out
            decoder = cast(
                "av.VideoCodecContext", av.CodecContext.create(f"libvpx{'-vp9' * (path.suffix == '.webm')}", "r")
            )
        for packet in container.demux(stream):
            for picture in decoder.decode(packet):
                assert picture.format.name.startswith("yuva"), picture.format.name
                return np.asarray(picture.reformat(format="bgra", src_colorspace="ITU709").to_ndarray(), np.uint8)
    raise AssertionError("no picture")


def written(frame: Frame, path: Path, frames: int = 3, **asked: object) -> None:
    output = open_output(str(path), OutputRequest(ControlChannel(), fps=30, **asked))  # type: ignore[arg-type]
    for index in range(frames):
        output.show(Frame(frame.pixels, 0.0, index / 30, index, opacity=frame.opacity))
    output.close()


def test_people_are_opaque_and_of_the_room_nothing_is_left(cut_out: Frame, photo: Pixels) -> None:
    assert cut_out.opacity is not None
    assert (cut_out.opacity[FACE] == 255).all()
    assert (cut_out.opacity[WALL] == 0).all()
    assert np.array_equal(cut_out.pixels[FACE], photo[FACE])
    assert (cut_out.pixels[cut_out.opacity == 0] == 0).all()
    picture = straight(cut_out.pixels, cut_out.opacity)
    half = (cut_out.opacity > 60) & (cut_out.opacity < 255)
    assert half.any(), "hair"
    assert np.abs(picture[half, :3].astype(int) - photo[half]).mean() < 3, "the colours are those of people, undimmed"
    assert (picture[cut_out.opacity == 0] == 0).all()


def test_a_folder_and_a_picture_keep_it(cut_out: Frame, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    written(cut_out, tmp_path / "out", frames=1)
    written(cut_out, tmp_path / "one.png", frames=1)
    assert cut_out.opacity is not None
    for path in (tmp_path / "out" / "000000.png", tmp_path / "one.png"):
        read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert read is not None
        assert np.array_equal(read, straight(cut_out.pixels, cut_out.opacity))


@pytest.mark.parametrize(("name", "most_off"), [("out.webm", 12.0), ("out.mov", 1.5)])
def test_films_keep_it(cut_out: Frame, tmp_path: Path, name: str, most_off: float) -> None:
    written(cut_out, tmp_path / name)
    read = decoded(tmp_path / name)
    assert cut_out.opacity is not None
    assert read.shape == (600, 512, 4)
    off = np.abs(read[..., 3].astype(int) - cut_out.opacity)
    assert off.mean() < most_off / 12
    assert (read[WALL][..., 3] <= 3).all()
    assert (read[FACE][..., 3] >= 252).all()
    assert np.abs(read[FACE][..., :3].astype(int) - cut_out.pixels[FACE]).mean() < most_off


def test_where_a_look_comes_without_it_the_film_goes_on_opaque(cut_out: Frame, tmp_path: Path) -> None:
    output = open_output(str(tmp_path / "out.mov"), OutputRequest(ControlChannel(), fps=30))
    for index, opacity in enumerate((cut_out.opacity, None, cut_out.opacity)):
        output.show(Frame(cut_out.pixels, 0.0, index / 30, index, opacity=opacity))
    output.close()
    with av.open(tmp_path / "out.mov") as container:
        seen = [picture.reformat(format="bgra").to_ndarray()[..., 3].min() for picture in container.decode(video=0)]
    assert [least > 200 for least in seen] == [False, True, False]


def test_it_is_fitted_with_the_picture(cut_out: Frame, tmp_path: Path) -> None:
    written(cut_out, tmp_path / "out.mov", size=Size(640, 360))
    read = decoded(tmp_path / "out.mov")
    assert read.shape == (360, 640, 4)
    assert (read[:, :150, 3] <= 1).all(), "bars are seen through"
    assert (read[200, 310:330, 3] >= 254).all()
    assert cut_out.opacity is not None
    assert fitted(cut_out.opacity, Size(512, 600)) is cut_out.opacity


@pytest.mark.parametrize(
    ("name", "kept"), [("out.mp4", ".webm, .mov and a folder/ keep it"), ("out.webm", "a folder/")]
)
def test_what_cannot_keep_it_says_so_in_one_line(
    cut_out: Frame,
    tmp_path: Path,
    name: str,
    kept: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def takes_none(context: av.VideoCodecContext) -> str:
        raise ValueError("it keeps no transparency")

    monkeypatch.setattr(encoding, "_opacity_format", takes_none)
    with caplog.at_level(logging.WARNING):
        written(cut_out, tmp_path / name)
    assert len(caplog.records) == 1
    assert kept in caplog.text
    with av.open(tmp_path / name) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="bgr24")
    assert picture[WALL].max() < 12, "the room is not there either"


def test_nothing_is_paid_where_it_is_not_asked_for(photo: Pixels) -> None:
    effect = opened("green")
    assert effect.make(Scene(moment(photo))).opacity is None
    effect.close()
    assert EffectChain([EffectSlot("none", Plain())], RunStats()).make(moment(photo), []).opacity is None


def test_it_lasts_through_what_comes_after_and_no_further(photo: Pixels) -> None:
    class Negative(Plain):
        def make(self, scene: Scene) -> Frame:
            return scene.frame.with_pixels(255 - scene.frame.pixels)

    class Painting(Negative):
        uses_pixels = False

    for look, is_kept in ((Negative(), True), (Painting(), False)):
        chain = EffectChain([EffectSlot("a", opened("transparent")), EffectSlot("b", look)], RunStats())
        assert (chain.make(moment(photo), []).opacity is not None) == is_kept
        chain.close()


def test_the_label_is_seen_where_nothing_else_is(cut_out: Frame) -> None:
    label = Label(LabelStyle(corner="top-right"))
    for _ in range(2):  # and the very same picture again
        marked = label.put_on(cut_out)
        assert marked.opacity is not None
        assert cut_out.opacity is not None
        corner = marked.opacity[:60, 400:]
        assert corner.max() > 150
        assert cut_out.opacity[:60, 400:].max() == 0


def test_on_the_command_line(navy_photo: Path, tmp_path: Path) -> None:
    assert main(["render", str(navy_photo), str(tmp_path / "her.png"), "--effect", "background:transparent"]) == 0
    read = cv2.imread(str(tmp_path / "her.png"), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert read.shape[2] == 4
    assert (read[..., 3] == 255).mean() > 0.2
    assert (read[..., 3] == 0).mean() > 0.2
