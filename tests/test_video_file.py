from __future__ import annotations

import errno
import itertools
import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.cameras import CameraRequest
from realtime.cameras.video_file import VideoFile
from realtime.core.errors import CameraError
from realtime.imaging.frame import Frame, Size
from realtime.video.decoding import Picture, PictureMaker
from tests.videos import COLOUR_BGR, colour_of, number_of, write_video


def read_all(path: Path) -> tuple[VideoFile, list[Frame]]:
    video = VideoFile(str(path), CameraRequest())
    frames = []
    while (frame := video.read()) is not None:
        frames.append(frame)
    video.close()
    return video, frames


@pytest.fixture
def third_picture_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let FFmpeg refuse to convert the third picture that it has decoded."""
    make, numbers = PictureMaker.make, itertools.count()

    def refuse_third(maker: PictureMaker, decoded: av.VideoFrame) -> list[Picture]:
        if next(numbers) == 2:
            raise av.FFmpegError(errno.EINVAL, "Invalid argument")
        return make(maker, decoded)

    monkeypatch.setattr(PictureMaker, "make", refuse_third)


def test_every_frame_comes_once_and_in_order(tmp_path: Path) -> None:
    video, frames = read_all(write_video(tmp_path / "a.mp4", 40))
    assert [number_of(frame.pixels) for frame in frames] == list(range(40))
    assert [frame.pts_s for frame in frames] == pytest.approx([number / 25 for number in range(40)])
    assert video.info.fps == pytest.approx(25)
    assert video.info.frame_count == 40


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    times_ms = [0, 10, 20, 500, 510, 2000, 2033]
    _, frames = read_all(write_video(tmp_path / "vfr.mp4", 7, times_ms=times_ms))
    assert [round(frame.pts_s * 1000) for frame in frames] == times_ms


def test_a_frame_rate_that_cannot_be_is_taken_for_the_usual(tmp_path: Path) -> None:
    path = tmp_path / "ticks.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=50_000)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((96, 128, 3), 99, np.uint8), "bgr24")))
        container.mux(stream.encode())
    video, frames = read_all(path)
    assert len(frames) == 5
    assert video.info.fps == 30.0


def test_times_begin_at_zero_where_the_file_does_not(tmp_path: Path) -> None:
    _, frames = read_all(write_video(tmp_path / "late.mkv", 3, times_ms=[700, 740, 780]))
    assert [round(frame.pts_s * 1000) for frame in frames] == [0, 40, 80]


@pytest.mark.parametrize(
    ("degrees", "corner"),
    # Where the block of the lowest bit, at the upper left of what is stored, is seen after the turn.
    [(90, "lower left"), (-90, "upper right"), (180, "lower right")],
)
def test_a_turned_video_stands_upright(tmp_path: Path, degrees: int, corner: str) -> None:
    path = write_video(tmp_path / "phone.mp4", 3, rotation_degrees=degrees)
    video, frames = read_all(path)
    upright = abs(degrees) == 180
    assert video.info.size == (Size(128, 96) if upright else Size(96, 128))
    row = slice(-8, None) if "lower" in corner else slice(0, 8)
    column = slice(-8, None) if "right" in corner else slice(0, 8)
    block = [int(frame.pixels[row, column].mean()) for frame in frames]
    assert block[0] < 40
    assert block[1] > 200  # frame 1 has its lowest bit set
    assert block[2] < 40


@pytest.mark.parametrize(
    ("matrix", "full_range", "pixel_format"),
    [
        ("ITU709", False, "yuv420p"),
        ("ITU601", False, "yuv420p"),
        ("ITU709", True, "yuv420p"),
        ("ITU709", False, "yuv444p"),
        ("ITU709", False, "yuv420p10le"),
        (None, False, "yuv420p"),  # small and unlabelled: BT.601
    ],
)
def test_colours_are_right(tmp_path: Path, matrix: str | None, full_range: bool, pixel_format: str) -> None:
    path = write_video(tmp_path / "c.mp4", 3, matrix=matrix, full_range=full_range, pixel_format=pixel_format)
    _, frames = read_all(path)
    assert np.abs(colour_of(frames[1].pixels).astype(int) - COLOUR_BGR).max() <= 4


def test_an_unlabelled_large_video_is_taken_for_bt709(tmp_path: Path) -> None:
    size = Size(1280, 720)
    path = tmp_path / "hd.mp4"
    write_video(path, 2, size=size, matrix="ITU709")
    labelled = read_all(path)[1][0].pixels
    stripped = tmp_path / "unlabelled.mp4"
    with av.open(path) as source, av.open(stripped, "w") as target:
        stream = target.add_stream("mpeg4", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        stream.bit_rate = 20_000_000
        for frame in source.decode(video=0):
            frame.colorspace = 2  # unspecified: MPEG-4 stores no label then
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    unlabelled = read_all(stripped)[1][0].pixels
    assert np.abs(colour_of(unlabelled).astype(int) - colour_of(labelled)).max() <= 3


@pytest.mark.parametrize("size", [Size(126, 98), Size(130, 50), Size(322, 242)])
def test_sizes_that_ffmpeg_pads_are_whole(tmp_path: Path, size: Size) -> None:
    video, frames = read_all(write_video(tmp_path / "odd.mp4", 3, size=size))
    assert video.info.size == size
    assert [number_of(frame.pixels) for frame in frames] == [0, 1, 2]
    assert np.abs(colour_of(frames[0].pixels).astype(int) - COLOUR_BGR).max() <= 4


def test_an_odd_size(tmp_path: Path) -> None:
    size = Size(127, 95)
    path = write_video(tmp_path / "odd.mkv", 3, size=size, codec="ffv1", pixel_format="bgr0")
    video, frames = read_all(path)
    assert video.info.size == size
    assert tuple(colour_of(frames[2].pixels)) == COLOUR_BGR


def test_an_animated_gif(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.gif", 5, codec="gif", pixel_format="bgr8", times_ms=[0, 100, 150, 400, 500])
    _, frames = read_all(path)
    assert [number_of(frame.pixels) for frame in frames] == [0, 1, 2, 3, 4]
    assert [round(frame.pts_s * 100) for frame in frames] == [0, 10, 15, 40, 50]


def test_stretched_pixels_are_made_square(tmp_path: Path) -> None:
    path = tmp_path / "wide.mkv"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 90, 96, "yuv420p"
        stream.sample_aspect_ratio = Fraction(4, 3)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((96, 90, 3), 99, np.uint8), "bgr24")))
        container.mux(stream.encode())
    assert read_all(path)[0].info.size == Size(120, 96)


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.ts"])
def test_a_video_that_is_cut_short_gives_what_is_there(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    # The index at the front, as in videos meant for the web: without it nothing of an MP4 could be read.
    index_first = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = write_video(tmp_path / name, 250, container_options=index_first)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])
    with caplog.at_level(logging.WARNING):
        _, frames = read_all(path)
    numbers = [number_of(frame.pixels) for frame in frames]
    assert 50 < len(frames) < 240
    assert numbers[:50] == list(range(50))
    if name != "cut.ts":  # a transport stream does not say how long it will be
        assert [record.message for record in caplog.records if "cut short" in record.message]


def test_a_damaged_spot_costs_its_frames_only(tmp_path: Path) -> None:
    path = write_video(tmp_path / "spot.avi", 100, codec="mjpeg", pixel_format="yuvj420p")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    start = data.index(b"\xff\xd8", middle)  # one JPEG loses its head
    data[start : start + 300] = bytes(300)
    path.write_bytes(data)
    _, frames = read_all(path)
    assert 97 <= len(frames) <= 100
    assert number_of(frames[-1].pixels) == 99


@pytest.mark.usefixtures("third_picture_fails")
def test_a_picture_that_cannot_be_converted_is_a_damaged_spot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, frames = read_all(write_video(tmp_path / "a.mp4", 6))
    assert [number_of(frame.pixels) for frame in frames] == [0, 1, 3, 4, 5]
    assert [frame.pts_s for frame in frames] == pytest.approx([0.0, 0.04, 0.12, 0.16, 0.2])
    assert [record.message for record in caplog.records] == ["a.mp4 is damaged: 1 places could not be decoded"]


def test_files_that_are_no_video(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "text.txt").write_text("hello " * 1000)
    (tmp_path / "empty.mp4").touch()
    with av.open(tmp_path / "sound.mp4", "w") as container:
        stream = container.add_stream("aac", rate=48000)
        assert isinstance(stream, av.AudioStream)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        sound.sample_rate = 48000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    for name, what in (
        ("text.mp4", "is no video"),
        ("text.txt", "no video"),
        ("empty.mp4", "is no video"),
        ("sound.mp4", "sound only"),
        ("missing.mp4", "cannot read"),
    ):
        with pytest.raises(CameraError, match=what) as caught:
            VideoFile(str(tmp_path / name), CameraRequest())
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_mp4_without_its_index_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(CameraError, match="cut short so that its index is missing"):
        VideoFile(str(path), CameraRequest())


@pytest.mark.shared_data
def test_real_videos(shared_data: Path) -> None:
    for path in sorted((shared_data / "videos").iterdir()):
        video, frames = read_all(path)
        assert len(frames) == video.info.frame_count, path.name
        assert frames[-1].pts_s == pytest.approx((len(frames) - 1) / video.info.fps, rel=0.05), path.name
        assert all(frame.size == video.info.size for frame in frames)
