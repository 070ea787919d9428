"""Films for the web, moving GIFs and single pictures: whole, with their times, and with how they were made."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from realtime.__main__ import main
from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.imaging.frame import Frame, Size
from realtime.imaging.provenance import SYNTHETIC, Provenance
from realtime.outputs import OutputRequest, open_output
from realtime.video.sound_track import has_sound
from tests.videos import write_video

MADE = Provenance(("swap:her.jpg",), SYNTHETIC)


def frames(count: int, fps: float = 25.0) -> list[Frame]:
    made = []
    for index in range(count):
        pixels = np.full((48, 64, 3), (index * 20 % 256, 90, 200), np.uint8)
        made.append(Frame(pixels, 0.0, index / fps, index, provenance=MADE))
    return made


def times_of(path: Path) -> list[float]:
    with av.open(path) as film:
        return [round(float(picture.time or 0), 3) for picture in film.decode(video=0)]


@pytest.mark.parametrize("name", ["out.webm", "out.gif"])
def test_films_keep_their_times_and_tell_how_they_were_made(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    output = open_output(str(path), OutputRequest(ControlChannel(), fps=25.0))
    for frame in frames(5):
        output.show(frame)
    output.close()
    assert times_of(path) == [0.0, 0.04, 0.08, 0.12, 0.16]
    assert list(tmp_path.iterdir()) == [path], "nothing unfinished is left"
    data = path.read_bytes()
    assert b"swap:her.jpg" in data
    assert SYNTHETIC.encode() in data
    with av.open(path) as film:
        picture = next(film.decode(video=0)).to_ndarray(format="bgr24")
    assert abs(picture[20, 20].astype(int) - (0, 90, 200)).max() < 12
    with pytest.raises(OutputError, match="exists"):
        open_output(str(path), OutputRequest(ControlChannel()))


def test_a_gif_leaves_out_what_no_player_shows(tmp_path: Path) -> None:
    output = open_output(str(tmp_path / "out.gif"), OutputRequest(ControlChannel(), fps=100.0))
    for frame in frames(9, fps=100.0):
        output.show(frame)
    output.close()
    assert times_of(tmp_path / "out.gif") == [0.0, 0.02, 0.04, 0.06, 0.08]


@pytest.mark.parametrize("name", ["out.png", "out.jpg"])
def test_a_picture_is_the_last_one_and_tells_how_it_was_made(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    output = open_output(str(path), OutputRequest(ControlChannel(), size=Size(32, 24)))
    for frame in frames(3):
        output.show(frame)
    assert not path.exists()
    output.close()
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape == (24, 32, 3)
    assert abs(picture[10, 10].astype(int) - (40, 90, 200)).max() < 6
    assert SYNTHETIC.encode() in path.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        open_output(str(path), OutputRequest(ControlChannel()))
    again = open_output(str(path), OutputRequest(ControlChannel(), overwrite=True))
    again.close()
    assert path.exists(), "one that was shown nothing replaces nothing"


def test_a_picture_is_rendered_into_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cv2.imwrite("photo.png", np.full((60, 80, 3), 77, np.uint8))
    assert main(["render", "photo.png", "same.png"]) == 0
    assert (np.asarray(cv2.imread("same.png")) == 77).all()
    assert main(["render", "photo.png", "same.png"]) == 2
    write_video(tmp_path / "film.mp4", 3)
    capsys.readouterr()
    assert main(["render", "film.mp4", "one.png"]) == 2
    assert "is more than one picture" in capsys.readouterr().err
    assert main(["render", "film.mp4", "film.gif"]) == 0
    assert len(times_of(tmp_path / "film.gif")) == 3


def test_a_film_for_the_web_keeps_its_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=44_100, layout="mono")
        for index in range(10):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 99, np.uint8), format="bgr24")
            picture.pts = index
            container.mux(video.encode(picture))
        block = av.AudioFrame.from_ndarray(np.zeros((1, 17_640), np.float32), format="fltp", layout="mono")
        block.sample_rate, block.pts = 44_100, 0
        container.mux(sound.encode(block))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    assert main(["render", "film.mp4", "out.webm"]) == 0
    assert has_sound(tmp_path / "out.webm")
    with av.open("out.webm") as made:
        assert made.streams.video[0].codec_context.codec.canonical_name == "vp9"
        assert made.streams.audio[0].codec_context.name == "opus"
        assert sum(1 for _ in made.decode(video=0)) == 10
