"""What a recording is worth: its pixels, its times, and what is left of it when things go wrong."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OptionError, OutputError
from realtime.core.files import write_all
from realtime.disclosure.xmp import found_in
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.outputs import OutputRequest
from realtime.outputs.recorder import Recorder
from realtime.outputs.splitting import Split, parse_split
from realtime.video import encoding

SIZE = Size(320, 180)
KINDS = (".mp4", ".mov", ".mkv")


def picture(number: int, size: Size = SIZE) -> Pixels:
    """Soft colours that differ from picture to picture and survive compression."""
    across, down = np.meshgrid(np.linspace(0, 1, size.width), np.linspace(0, 1, size.height))
    phase = number * 0.3
    channels = (
        120 + 70 * np.sin(3 * across + phase),
        120 + 70 * np.cos(2 * down + 2 * phase),
        120 + 70 * np.sin(across + down - phase),
    )
    return np.stack(channels, axis=-1).astype(np.uint8)


def record(path: Path, times_s: Sequence[float], request: OutputRequest | None = None) -> Recorder:
    output = Recorder(str(path), request or OutputRequest(ControlChannel()))
    for number, time_s in enumerate(times_s):
        output.show(Frame(picture(number), time_s, time_s, number))
    output.close()
    return output


def read(path: Path) -> tuple[list[Pixels], list[float]]:
    pictures, times_s = [], []
    with av.open(path) as film:
        for frame in film.decode(video=0):
            pictures.append(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
            assert frame.time is not None
            times_s.append(frame.time)
    return pictures, times_s


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_and_times_come_back(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{kind}"
    times_s = [number * 1001 / 30000 for number in range(20)]
    assert record(path, times_s).encoder == "libx264"
    pictures, read_times_s = read(path)
    assert len(pictures) == 20
    np.testing.assert_allclose(read_times_s, times_s, atol=0.0006 if kind == ".mkv" else 1e-6)
    for number, pixels in enumerate(pictures):
        error = np.abs(pixels.astype(int) - picture(number))
        assert error.mean() < 2.5
        assert error.max() < 16


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    times_s = [12.0, 12.033, 12.5, 12.508, 14.75, 14.751]
    record(tmp_path / "out.mp4", times_s)
    _, read_times_s = read(tmp_path / "out.mp4")
    np.testing.assert_allclose(read_times_s, np.subtract(times_s, 12.0), atol=1e-5)


def test_no_two_frames_have_the_same_time(tmp_path: Path) -> None:
    record(tmp_path / "out.mkv", [0.0, 0.0, 0.0001, 0.0002, 0.5])
    _, read_times_s = read(tmp_path / "out.mkv")
    np.testing.assert_allclose(read_times_s, [0.0, 0.001, 0.002, 0.003, 0.5], atol=1e-9)


def test_the_same_moment_is_recorded_once(tmp_path: Path) -> None:
    output = Recorder(str(tmp_path / "out.mp4"), OutputRequest(ControlChannel()))
    frame = Frame(picture(0), 0.0, 0.0, 0)
    for shown in (frame, frame, Frame(frame.pixels, 0.1, 0.1, 1)):
        output.show(shown)
    output.close()
    assert len(read(tmp_path / "out.mp4")[0]) == 2


def test_colours_are_tagged_as_players_assume(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    output = Recorder(str(path), OutputRequest(ControlChannel()))
    blocks = np.zeros((180, 320, 3), np.uint8)
    colours = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255)]
    for number, colour in enumerate(colours):
        blocks[:, number * 80 : number * 80 + 80] = colour
    output.show(Frame(blocks, 0.0, 0.0, 0))
    output.close()
    with av.open(path) as film:
        frame = next(film.decode(video=0))
        assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)
        luma = np.frombuffer(bytes(frame.planes[0]), np.uint8).reshape(180, -1)[90, 40:320:80]
    # ITU-R BT.709, limited range: Y = 16 + 219 (0.2126 R + 0.7152 G + 0.0722 B)
    np.testing.assert_allclose(luma, [62.6, 172.6, 31.8, 235.0], atol=2)


@pytest.mark.parametrize("size", [Size(321, 181), Size(320, 181), Size(161, 91)])
def test_odd_sizes_lose_a_row_or_a_column(tmp_path: Path, size: Size) -> None:
    output = Recorder(str(tmp_path / "out.mp4"), OutputRequest(ControlChannel()))
    output.show(Frame(picture(1, size), 0.0, 0.0, 0))
    output.close()
    (pixels,), _ = read(tmp_path / "out.mp4")
    assert Size.of(pixels) == Size(size.width // 2 * 2, size.height // 2 * 2)
    assert np.abs(pixels.astype(int) - picture(1, size)[: pixels.shape[0], : pixels.shape[1]]).mean() < 3


def test_a_picture_of_another_size_is_fitted(tmp_path: Path) -> None:
    output = Recorder(str(tmp_path / "out.mp4"), OutputRequest(ControlChannel()))
    output.show(Frame(picture(0), 0.0, 0.0, 0))
    output.show(Frame(np.full((180, 180, 3), 200, np.uint8), 0.1, 0.1, 1))
    output.close()
    _, fitted = read(tmp_path / "out.mp4")[0]
    assert Size.of(fitted) == SIZE
    assert abs(int(fitted[90, 160].mean()) - 200) < 4
    assert fitted[90, 20].mean() < 8, "a bar"


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_tells_how_it_was_made(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{kind}"
    record(path, [0.0], OutputRequest(ControlChannel(), title="Mona Lisa"))
    with av.open(path) as film:
        told = {name.lower(): text for name, text in film.metadata.items()}
    assert told["title"] == "Mona Lisa"
    assert "realtime" in told["comment"]
    assert "Mona Lisa" in told["comment"]


def test_a_finished_mp4_is_an_ordinary_one(tmp_path: Path) -> None:
    record(tmp_path / "out.mp4", [number / 30 for number in range(90)])
    data = (tmp_path / "out.mp4").read_bytes()
    boxes, position = [], 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, position + 8)
        boxes.append(kind.decode())
        position += length
    assert "moov" in boxes
    assert "moof" not in boxes


def test_what_exists_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists; choose another name, or add --overwrite"):
        Recorder(str(path), OutputRequest(ControlChannel()))
    output = Recorder(str(path), OutputRequest(ControlChannel(), overwrite=True))
    output.close()
    assert path.read_bytes() == b"precious", "nothing came, nothing is replaced"
    record(path, [0.0, 0.1], OutputRequest(ControlChannel(), overwrite=True))
    assert len(read(path)[0]) == 2


def test_nothing_shown_leaves_no_file(tmp_path: Path) -> None:
    record(tmp_path / "out.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere; create it first"):
        Recorder(str(tmp_path / "nowhere" / "out.mp4"), OutputRequest(ControlChannel()))
    with pytest.raises(OutputError, match="must end in"):
        Recorder(str(tmp_path / "out.avi"), OutputRequest(ControlChannel()))


def test_an_encoder_that_does_not_open_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = encoding.Encoder("no_such_encoder", {}, has_quality=True)
    # There, but without the device it needs: what hardware encoders are on most machines.
    deaf = encoding.Encoder("h264_v4l2m2m", {}, has_quality=False)
    last = encoding.ENCODERS[-1]
    assert last.name == "mpeg4"
    monkeypatch.setattr(encoding, "ENCODERS", (absent, deaf, last))
    assert record(tmp_path / "out.mp4", [0.0, 0.1, 0.2]).encoder == "mpeg4"
    pictures, times_s = read(tmp_path / "out.mp4")
    np.testing.assert_allclose(times_s, [0.0, 0.1, 0.2], atol=1e-4)
    assert np.abs(pictures[2].astype(int) - picture(2)).mean() < 4

    monkeypatch.setattr(encoding, "ENCODERS", (absent, deaf))
    output = Recorder(str(tmp_path / "none.mp4"), OutputRequest(ControlChannel()))
    with pytest.raises(OutputError, match=r"no video encoder works here \(no_such_encoder: .*h264_v4l2m2m: ") as caught:
        output.show(Frame(picture(0), 0.0, 0.0, 0))
    assert "\n" not in str(caught.value)
    output.close()
    assert not (tmp_path / "none.mp4").exists()


RECORD_FOR_EVER = """
import sys
from realtime.control.channel import ControlChannel
from realtime.imaging.frame import Frame
from realtime.outputs import OutputRequest
from realtime.outputs.recorder import Recorder
from realtime.outputs.splitting import Split, parse_split
from realtime.disclosure.xmp import found_in
from tests.test_recorder import picture

output = Recorder(sys.argv[1], OutputRequest(ControlChannel()))
for number in range(100_000):
    output.show(Frame(picture(number), number / 30, number / 30, number))
    if number == 149:
        print("five seconds", flush=True)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_whose_program_was_killed_can_be_played(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{kind}"
    command = [sys.executable, "-c", RECORD_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"five seconds\n"
        program.kill()
    pictures, times_s = read(path)
    assert len(pictures) >= 60, "of five seconds, three at least"
    np.testing.assert_allclose(times_s, np.arange(len(pictures)) / 30, atol=0.0006)
    assert np.abs(pictures[50].astype(int) - picture(50)).mean() < 2.5


FILL_THE_DISK = """
import resource, sys
from realtime.control.channel import ControlChannel
from realtime.core.errors import OptionError, OutputError
from realtime.imaging.frame import Frame
from realtime.outputs import OutputRequest
from realtime.outputs.recorder import Recorder
from realtime.outputs.splitting import Split, parse_split
from realtime.disclosure.xmp import found_in
import numpy as np

resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
random = np.random.default_rng(0)
output = Recorder(sys.argv[1], OutputRequest(ControlChannel()))
number = 0
try:
    while True:
        noise = random.integers(0, 256, (180, 320, 3), np.uint8)
        output.show(Frame(noise, number / 30, number / 30, number))
        number += 1
except OutputError as error:
    print(error)
output.close()
print(number)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files to try this with")
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_before_the_disk_was_full_can_be_played(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{kind}"
    command = [sys.executable, "-c", FILL_THE_DISK, str(path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    message, shown = told.stdout.splitlines()
    assert "this disk takes no larger file; what was recorded until now is kept" in message
    assert path.stat().st_size == 1_000_000
    with av.open(path) as film:
        decoded = 0
        try:
            for _ in film.decode(video=0):
                decoded += 1
        except av.error.InvalidDataError:
            pass  # the last piece was cut
    assert int(shown) >= decoded >= 30, "the pieces of a second that were complete"


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    output = Recorder(str(tmp_path / "out.mp4"), OutputRequest(ControlChannel()))
    with full.open("r+b", buffering=0) as disk:
        monkeypatch.setattr("realtime.video.encoding.write_all", lambda file, data: write_all(disk, data))
        told = ""
        for number in range(100):
            try:
                output.show(Frame(picture(number), 0.0, number / 30, number))
            except OutputError as error:
                told = str(error)
                break
        assert "the disk is full" in told
        output.close()


def test_rates_are_told_as_fractions(tmp_path: Path) -> None:
    request = OutputRequest(ControlChannel(), fps=29.97)
    record(tmp_path / "out.mp4", [number * 1001 / 30000 for number in range(30)], request)
    with av.open(tmp_path / "out.mp4") as film:
        assert film.streams.video[0].average_rate == Fraction(30000, 1001)


@pytest.mark.parametrize("kind", KINDS)
def test_a_split_recording_loses_no_frame_and_each_part_is_a_film(tmp_path: Path, kind: str) -> None:
    """Also beside parts of an earlier recording, which stay."""
    path = tmp_path / f"out{kind}"
    earlier = path.with_name(f"out-003{kind}")
    earlier.write_bytes(b"an earlier recording")
    times_s = [7.0 + number / 25 for number in range(60)]
    output = record(path, times_s, OutputRequest(ControlChannel(), split=Split(seconds=1.0), title="swap:a.jpg"))
    assert [part.name for part in output.paths] == [f"out{kind}", f"out-002{kind}", f"out-004{kind}"]
    number = 0
    for part in output.paths:
        pictures, read_times_s = read(part)
        np.testing.assert_allclose(read_times_s, [at / 25 for at in range(len(pictures))], atol=0.0006)
        for pixels in pictures:
            assert np.abs(pixels.astype(int) - picture(number)).mean() < 2.5, number
            number += 1
        with av.open(part) as film:
            assert "swap:a.jpg" in {key.lower(): value for key, value in film.metadata.items()}["comment"]
        if kind != ".mkv":
            assert b"swap:a.jpg" in found_in(part), "how it was made stands in every part"
    assert number == 60
    assert earlier.read_bytes() == b"an earlier recording"
    assert len(list(tmp_path.iterdir())) == 4


def test_a_recording_is_split_by_size(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    noise = [random.integers(0, 256, (180, 320, 3), np.uint8) for _ in range(40)]
    output = Recorder(str(tmp_path / "out.mp4"), OutputRequest(ControlChannel(), split=Split(size_bytes=200_000)))
    for number, pixels in enumerate(noise):
        output.show(Frame(pixels, 0.0, number / 2, number))
    output.close()
    sizes = [part.stat().st_size for part in output.paths]
    assert len(sizes) > 2
    assert all(200_000 <= size < 1_000_000 for size in sizes[:-1]), sizes
    assert sum(len(read(part)[0]) for part in output.paths) == 40


def test_one_that_shows_its_last_picture_again_is_not_split_there(tmp_path: Path) -> None:
    output = Recorder(str(tmp_path / "out.mp4"), OutputRequest(ControlChannel(), split=Split(seconds=0.0)))
    frame = Frame(picture(0), 0.0, 0.0, 0)
    output.show(frame)
    output.show(frame)
    output.close()
    assert output.paths == [tmp_path / "out.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be deleted there")
def test_a_recording_whose_file_is_deleted_goes_on_in_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = Recorder(str(tmp_path / "out.mp4"), OutputRequest(ControlChannel()))
    for number in range(10):
        if number == 5:
            (tmp_path / "out.mp4").unlink()
        output.show(Frame(picture(number), 0.0, number / 25, number))
    output.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out-002.mp4"]
    assert len(read(tmp_path / "out-002.mp4")[0]) == 5
    (line,) = [record.getMessage() for record in caplog.records]
    assert "out.mp4 was deleted; the recording goes on in out-002.mp4" in line


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be deleted there")
def test_a_recording_whose_folder_is_deleted_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    output = Recorder(str(tmp_path / "folder" / "out.mp4"), OutputRequest(ControlChannel()))
    output.show(Frame(picture(0), 0.0, 0.0, 0))
    (tmp_path / "folder" / "out.mp4").unlink()
    (tmp_path / "folder").rmdir()
    with pytest.raises(OutputError, match="was deleted, and its folder with it"):
        output.show(Frame(picture(1), 0.0, 0.04, 1))
    output.close()


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("2h", Split(7200.0, None)),
        ("30 min", Split(1800.0, None)),
        ("1.5gb", Split(None, 1_500_000_000)),
        ("2H,4GB", Split(7200.0, 4_000_000_000)),
        ("90s, 20MB", Split(90.0, 20_000_000)),
        ("never", Split()),
    ],
)
def test_splits_are_written_as_people_do(text: str, split: Split) -> None:
    assert parse_split(text) == split


@pytest.mark.parametrize("text", ["", "2", "GB", "2 days", "0.5s", "1e9h", "-2h", "999999999999999GB", "2h;4GB"])
def test_a_split_that_cannot_be_is_told(text: str) -> None:
    with pytest.raises(OptionError, match=r"2h|at least"):
        parse_split(text)
