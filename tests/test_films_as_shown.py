"""What is played is what FFmpeg's own tools show: films that are turned, HDR, interlaced, transparent, joined."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.cameras import Camera, CameraRequest, open_camera
from realtime.cameras.video_file import VideoFile
from realtime.core.errors import CameraError
from realtime.imaging.frame import Frame, Pixels
from realtime.video.sound_track import has_sound, with_sound_of
from tests.videos import number_of, numbered, write_video

ONE = 1 << 16
CORNERS = {"upper left": (0, 0), "upper right": (127, 0), "lower left": (0, 95), "lower right": (127, 95)}


def played(path: Path | str) -> tuple[Camera, list[Frame]]:
    camera = open_camera(str(path), CameraRequest())
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    camera.close()
    return camera, frames


def times_ms(frames: Sequence[Frame]) -> list[int]:
    return [round(frame.pts_s * 1000) for frame in frames]


def add_sound(
    container: av.container.OutputContainer,
    seconds: float,
    *,
    layout: str = "mono",
    codec: str = "aac",
    loud: bool = True,
) -> tuple[av.AudioStream, list[av.AudioFrame]]:
    stream = container.add_stream(codec, rate=48_000, layout=layout)
    assert isinstance(stream, av.AudioStream)
    channels = stream.layout.nb_channels
    frames = []
    for start in range(0, round(seconds * 48_000), 1024):
        wave = np.sin(np.arange(start, start + 1024) * (440 * 2 * np.pi / 48_000)) * loud
        frame = av.AudioFrame.from_ndarray(np.tile(wave.astype(np.float32), (channels, 1)), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        frames.append(frame)
    return stream, frames


def write_with_sound(path: Path, count: int, sound_s: float, *, layout: str = "mono", codec: str = "aac") -> Path:
    with av.open(path, "w") as container:
        pictures = container.add_stream("mpeg4", rate=25)
        assert isinstance(pictures, av.VideoStream)
        pictures.width, pictures.height, pictures.pix_fmt = 128, 96, "yuv420p"
        sound, sounds = add_sound(container, sound_s, layout=layout, codec=codec)
        for number in range(count):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(numbered(number), "bgr24")))
        container.mux(pictures.encode())
        for frame in sounds:
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


@pytest.mark.parametrize(
    ("a", "b", "c", "d"),
    [
        (1, 0, 0, 1),
        (0, 1, -1, 0),
        (-1, 0, 0, -1),
        (0, -1, 1, 0),
        (-1, 0, 0, 1),
        (1, 0, 0, -1),
        (0, 1, 1, 0),
        (0, -1, -1, 0),
    ],
)
def test_a_film_is_turned_and_mirrored_as_its_matrix_says(tmp_path: Path, a: int, b: int, c: int, d: int) -> None:
    picture = np.zeros((96, 128, 3), np.uint8)
    shades = dict(zip(CORNERS, (60, 110, 160, 210), strict=True))
    for corner, (x, y) in CORNERS.items():
        picture[y // 48 * 48 :, x // 64 * 64 :] = shades[corner]
    with av.open(tmp_path / "film.mp4", "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.set_display_matrix([a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    shown = played(tmp_path / "film.mp4")[1][0].pixels
    assert shown.shape == ((96, 128, 3) if a else (128, 96, 3))
    places = {corner: (a * x + c * y, b * x + d * y) for corner, (x, y) in CORNERS.items()}
    left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))  # players move it into view
    for corner, (column, row) in places.items():
        assert abs(int(shown[row - top, column - left, 1]) - shades[corner]) < 12, corner


# What FFmpeg shows through zscale=t=linear:npl=100, zscale=p=bt709, tonemap=mobius, zscale=t=bt709 (its colours BGR).
@pytest.mark.parametrize(
    ("transfer", "stored", "shown"),
    [
        (18, (64, 512, 512), (0, 0, 0)),
        (18, (500, 512, 512), (184, 184, 184)),
        (18, (450, 460, 600), (100, 112, 218)),
        (18, (350, 600, 480), (191, 121, 69)),
        (18, (940, 512, 512), (255, 255, 255)),
        (16, (300, 512, 512), (83, 83, 83)),
        (16, (500, 512, 512), (210, 210, 210)),
        (16, (450, 460, 600), (55, 50, 240)),
        (16, (350, 600, 480), (219, 93, 0)),
    ],
)
def test_hdr_looks_as_ffmpeg_shows_it(
    tmp_path: Path, transfer: int, stored: tuple[int, int, int], shown: tuple[int, int, int]
) -> None:
    with av.open(tmp_path / "hdr.mkv", "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = transfer, 9, 9, 1
        frame = av.VideoFrame(64, 64, "yuv420p10le")
        for plane, value in zip(frame.planes, stored, strict=True):
            plane.update(np.full(plane.buffer_size // 2, value, np.uint16).tobytes())
        frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries = 9, 1, transfer, 9
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    pixels = played(tmp_path / "hdr.mkv")[1][0].pixels
    assert np.abs(pixels[32, 32].astype(int) - shown).max() <= 3


def test_interlaced_film_shows_no_combs(tmp_path: Path) -> None:
    with av.open(tmp_path / "fields.mpg", "w") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.bit_rate = 8_000_000
        for number in range(8):
            picture = np.full((96, 128, 3), 40, np.uint8)
            for field in (0, 1):
                edge = 10 + 12 * number + 6 * field
                picture[field::2, edge : edge + 24] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    _, frames = played(tmp_path / "fields.mpg")
    assert len(frames) == 8
    assert times_ms(frames) == [number * 40 for number in range(8)]
    for frame in frames[1:]:
        rows = frame.pixels[16:80, :, 1].astype(int)
        combs = np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:])  # 360 beside each edge where fields alternate
        assert np.median(combs.max(axis=1)) < 100


@pytest.mark.parametrize("kind", ["mov", "webm", "gif", "apng"])
def test_what_is_transparent_lies_on_white(tmp_path: Path, kind: str) -> None:
    path = tmp_path / {"mov": "a.mov", "webm": "a.webm", "gif": "a.gif", "apng": "a.png"}[kind]
    codec, pixel_format = {
        "mov": ("png", "rgba"),
        "webm": ("libvpx-vp9", "yuva420p"),
        "gif": ("gif", "pal8"),
        "apng": ("apng", "rgba"),
    }[kind]
    stored = np.zeros((96, 128, 4), np.uint8)
    stored[:, :, 2] = 200  # red; the right half is only stored
    stored[:, :64, 3] = 255
    if kind == "gif":
        image = pytest.importorskip("PIL.Image", reason="Pillow writes it")
        pictures = [image.fromarray(np.ascontiguousarray(stored[:, :, [2, 1, 0, 3]])) for _ in range(2)]
        pictures[1].putpixel((3, 3), (0, 0, 255, 255))
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, disposal=2)
    else:
        with av.open(path, "w", format="apng" if kind == "apng" else None) as container:
            stream = container.add_stream(codec, rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 128, 96, pixel_format
            if kind == "webm":
                stream.metadata["alpha_mode"] = "1"
            for _ in range(2):
                frame = av.VideoFrame.from_ndarray(stored, "bgra").reformat(format=pixel_format)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    _, frames = played(path)
    assert len(frames) == 2
    assert np.abs(frames[1].pixels[48, 32].astype(int) - (0, 0, 200)).max() <= 6
    assert frames[1].pixels[48, 110].min() >= 252


def test_an_apng_that_tells_no_true_delay_has_a_rate_that_can_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with av.open(path, "w", format="apng") as container:
        stream = container.add_stream("apng", rate=50_000)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "rgb24"
        for number in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(number), "bgr24").reformat(format="rgb24")))
        container.mux(stream.encode())
    camera, frames = played(path)
    assert camera.info.fps == 1000
    assert len(frames) == 3


def test_an_apng_is_played_up_to_where_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with av.open(path, "w", format="apng") as container:
        stream = container.add_stream("apng", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "rgb24"
        for number in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(number), "bgr24").reformat(format="rgb24")))
        container.mux(stream.encode())
    whole = path.read_bytes()
    third = whole.rindex(b"fcTL") - 4
    path.write_bytes(whole[:third] + b"\xcf\x2c\x18\xf5what is no chunk" + whole[third:])
    camera, frames = played(path)
    assert camera.info.fps == 10
    assert [number_of(frame.pixels) for frame in frames][:1] == [0]


def test_a_moving_webp_is_played_with_its_own_delays(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow writes it")
    pictures = []
    for number in range(3):
        stored = np.dstack([numbered(number)[:, :, ::-1], np.full((96, 128), 255, np.uint8)])
        stored[48:, :64, 3] = 0
        pictures.append(image.fromarray(stored))
    path = tmp_path / "moving.webp"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[200, 100, 700], lossless=True)
    camera, frames = played(path)
    assert [number_of(frame.pixels) for frame in frames] == [0, 1, 2, 2]
    assert times_ms(frames) == [0, 200, 300, 900]
    assert camera.info.fps == pytest.approx(10)
    assert frames[2].pixels[90, 5].tolist() == [255, 255, 255]


def test_a_moving_picture_keeps_its_last_delay(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow writes it")
    pictures = [image.fromarray(np.ascontiguousarray(numbered(number)[:, :, ::-1])) for number in range(2)]
    pictures[0].save(tmp_path / "slow.gif", save_all=True, append_images=pictures[1:], duration=[3000, 5000])
    camera, frames = played(tmp_path / "slow.gif")
    assert times_ms(frames) == [0, 3000, 5000]  # the last one once more, and that lasts as long as the shortest
    assert 1 / camera.info.fps == pytest.approx(3.0)


def test_the_last_picture_stays_until_the_sound_ends(tmp_path: Path) -> None:
    _, frames = played(write_with_sound(tmp_path / "slides.mp4", 10, 1.6))
    assert len(frames) == 11
    assert frames[-1].pts_s == pytest.approx(1.6 - 0.04, abs=0.03)
    assert len(played(write_with_sound(tmp_path / "even.mp4", 10, 0.44))[1]) == 10  # sound commonly ends a bit later


@pytest.mark.parametrize("later_s", [0, 3600, -0.5])
def test_a_clock_that_starts_anew_or_leaps_runs_on(tmp_path: Path, later_s: float) -> None:
    """Two recordings, joined byte by byte."""
    parts = []
    for part, begins_s in enumerate((2.0, 2.0 + later_s)):
        path = tmp_path / f"{part}.ts"
        with av.open(path, "w") as container:
            pictures = container.add_stream("mpeg2video", rate=25)
            assert isinstance(pictures, av.VideoStream)
            pictures.width, pictures.height, pictures.pix_fmt = 128, 96, "yuv420p"
            sound, sounds = add_sound(container, 2.0, codec="mp2", layout="stereo")
            packets: list[av.Packet[av.stream.Stream]] = []
            for number in range(50):
                frame = av.VideoFrame.from_ndarray(numbered(number + 50 * part), "bgr24")
                frame.pts, frame.time_base = number + round(begins_s * 25), Fraction(1, 25)
                packets += pictures.encode(frame)
            for heard in sounds:
                heard.pts = (heard.pts or 0) + round(begins_s * 48_000)
                packets += sound.encode(heard)
            packets += [*pictures.encode(), *sound.encode()]
            for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
                container.mux(packet)
        parts.append(path.read_bytes())
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(parts))
    _, frames = played(joined)
    assert len(frames) == 100
    steps_ms = np.diff(times_ms(frames))
    assert steps_ms.min() > 0
    assert steps_ms.max() < 200
    assert frames[-1].pts_s == pytest.approx(99 / 25, abs=0.15)
    with_sound_of(joined, write_video(tmp_path / "pictures.mp4", 100, codec="mpeg4"), tmp_path / "whole.mp4")
    with av.open(tmp_path / "whole.mp4") as whole:
        heard_s = [float(packet.pts * packet.time_base) for packet in whole.demux(audio=0) if packet.pts is not None]
    assert heard_s == sorted(heard_s)
    assert 3.7 < heard_s[-1] < 4.05


def test_the_sound_marked_as_default_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "tracks.mp4"
    with av.open(path, "w") as container:
        pictures = container.add_stream("mpeg4", rate=25)
        assert isinstance(pictures, av.VideoStream)
        pictures.width, pictures.height, pictures.pix_fmt = 128, 96, "yuv420p"
        tracks = [add_sound(container, 1.0, loud=loud) for loud in (False, True)]
        tracks[0][0].disposition = av.stream.Disposition(0)
        tracks[1][0].disposition = av.stream.Disposition.default
        for number in range(25):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(numbered(number), "bgr24")))
        container.mux(pictures.encode())
        for stream, sounds in tracks:
            for frame in sounds:
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    with_sound_of(path, write_video(tmp_path / "p.mp4", 25, codec="mpeg4"), tmp_path / "out.mp4")
    with av.open(tmp_path / "out.mp4") as out:
        assert max(np.abs(frame.to_ndarray()).max() for frame in out.decode(audio=0)) > 0.5


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_sound_that_is_coded_anew_keeps_its_channels(tmp_path: Path, layout: str) -> None:
    source = write_with_sound(tmp_path / "a.mkv", 25, 1.0, layout=layout, codec="pcm_s16le")
    with_sound_of(source, write_video(tmp_path / "p.mp4", 25, codec="mpeg4"), tmp_path / "out.mp4")
    with av.open(tmp_path / "out.mp4") as out:
        assert out.streams.audio[0].codec_context.name == "aac"
        assert out.streams.audio[0].layout.name == layout


def test_a_cover_is_not_the_film_and_sound_stays_in_step(tmp_path: Path) -> None:
    path = tmp_path / "cover.mkv"
    with av.open(path, "w") as container:
        cover = container.add_stream("mjpeg", rate=25)
        pictures = container.add_stream("mpeg4", rate=25)
        assert isinstance(cover, av.VideoStream)
        assert isinstance(pictures, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 256, 256, "yuvj420p"
        pictures.width, pictures.height, pictures.pix_fmt = 128, 96, "yuv420p"
        sound, sounds = add_sound(container, 2.0)
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((256, 256, 3), np.uint8), "rgb24")))
        container.mux(cover.encode())
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(numbered(number), "bgr24")
            frame.pts, frame.time_base = number + 13, Fraction(1, 25)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        for heard in sounds:
            container.mux(sound.encode(heard))
        container.mux(sound.encode())
    _, frames = played(path)
    assert [number_of(frame.pixels) for frame in frames] == list(range(40))
    with_sound_of(path, write_video(tmp_path / "p.mp4", 40, codec="mpeg4"), tmp_path / "out.mkv")

    def heard_at_s(film: Path, from_s: float) -> bytes:
        with av.open(film) as container:
            packets = container.demux(audio=0)
            return next(bytes(p) for p in packets if p.pts is not None and p.pts * p.time_base >= from_s)

    assert heard_at_s(tmp_path / "out.mkv", 0.5) in {heard_at_s(path, 0.5 + at) for at in (0.50, 0.52, 0.54)}


@pytest.mark.parametrize("name", ["10:30:22 meeting.mp4", "rec:1.mp4", "a,b%03d.mp4"])
@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be there")
def test_a_name_is_a_name_whatever_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_with_sound(tmp_path / "film.mp4", 5, 0.2).rename(tmp_path / name)
    assert len(played(name)[1]) == 5
    assert has_sound(Path(name))


def test_a_title_that_is_no_utf8_is_no_reason_to_refuse_a_film(tmp_path: Path) -> None:
    with av.open(tmp_path / "old.avi", "w") as container:
        container.metadata["title"] = "XYZZYXYZZY"
        stream = container.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuvj420p"
        sound, sounds = add_sound(container, 0.2, codec="mp2", layout="stereo")
        for number in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(number), "bgr24")))
        for frame in sounds:
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    data = (tmp_path / "old.avi").read_bytes()
    (tmp_path / "old.avi").write_bytes(data.replace(b"XYZZYXYZZY", b"\xc4\xd6\xdc\xe4\xf6\xfc\xdf\xff\xfe\xe9"))
    done = subprocess.run(
        [sys.executable, "-m", "realtime", "render", "old.avi", "new.mp4", "--effect", "none"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(played(tmp_path / "new.mp4")[1]) == 5


def test_a_film_that_claims_gigapixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    size = (65_535).to_bytes(2, "little") * 2
    picture = b"\x2c" + bytes(4) + size + b"\0" + b"\x02\x02\x44\x01\0"
    (tmp_path / "bomb.gif").write_bytes(b"GIF89a" + size + b"\x80\0\0" + bytes(6) + picture * 2 + b"\x3b")
    with pytest.raises(CameraError, match=r"bomb\.gif"):
        VideoFile(str(tmp_path / "bomb.gif"), CameraRequest())


def test_pictures_are_no_larger_than_they_are(tmp_path: Path) -> None:
    """A film whose pictures lie on white gives buffers of its own: one that is held stays as it is."""
    stored = np.zeros((96, 128, 4), np.uint8)
    with av.open(tmp_path / "a.mov", "w") as container:
        stream = container.add_stream("png", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "rgba"
        for number in range(6):
            stored[..., 3] = number * 40
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, "bgra").reformat(format="rgba")))
        container.mux(stream.encode())
    _, frames = played(tmp_path / "a.mov")
    greys: list[Pixels] = [frame.pixels for frame in frames]
    assert [int(pixels[0, 0, 0]) for pixels in greys] == [255 - number * 40 for number in range(6)]


def test_dolby_vision_in_colours_of_its_own_is_said(tmp_path: Path) -> None:
    with av.open(tmp_path / "film.mp4", "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p10le"
        stream.codec_context.codec_tag = "hvc1"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(numbered(number), "bgr24").reformat(format="yuv420p10le")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    data = (tmp_path / "film.mp4").read_bytes()
    assert played(tmp_path / "film.mp4")[0].info.notes == ()
    (tmp_path / "film.mp4").write_bytes(data.replace(b"hvc1", b"dvh1"))
    assert "Dolby Vision" in played(tmp_path / "film.mp4")[0].info.notes[0]
