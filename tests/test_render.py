"""Films into pictures and back: `realtime render`, run in this process with real files."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import av
import cv2
import numpy as np
import pytest

from realtime import effects
from realtime.__main__ import main
from realtime.core.errors import OutputError
from realtime.core.registry import RegistryEntry
from realtime.effects import EffectContext
from realtime.effects.plain import Plain
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame
from realtime.imaging.provenance import ALTERED, SYNTHETIC, stated_by
from realtime.outputs.recorder import Recorder
from realtime.video import sound_track
from tests.synthetic import boxes, told_in, xmp_of_film, xmp_of_png
from tests.videos import COLOUR_BGR, number_of, numbered, write_video


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(effects.EFFECTS, "swapped", RegistryEntry("tests.synthetic", "Swapped", "for tests"))
    monkeypatch.setitem(effects.EFFECTS, "painted", RegistryEntry("tests.synthetic", "Painted", "for tests"))


def render(*words: str) -> None:
    assert main(["render", *words]) == 0


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the one line that is told."""
    before = {path.name for path in Path.cwd().iterdir()}
    capsys.readouterr()
    assert main(["render", *words]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("realtime: ")]
    assert {path.name for path in Path.cwd().iterdir()} == before, "nothing is left behind"
    assert len(told) == 1, told
    return told[0]


def film(path: str) -> tuple[list[int], list[Fraction], Fraction | None]:
    """The number each picture carries, when each is shown in seconds, and the rate the file tells."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        frames = [
            (number_of(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)), (frame.pts or 0) * stream.time_base)
            for frame in container.decode(video=0)
            if stream.time_base
        ]
        return [number for number, _ in frames], [time_s for _, time_s in frames], stream.average_rate


def write_clip(path: str, count: int = 20, *, rate: Fraction = Fraction(25), sound: bool = True) -> None:
    """Numbered pictures, and a click at the beginning of the tenth."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        voice = container.add_stream("aac", rate=48000) if sound else None
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(number), "bgr24")))
        container.mux(stream.encode(None))
        if voice is not None:
            wave = np.zeros((1, round(48000 * count / rate)), np.float32)
            begin = round(48000 * 10 / rate)
            wave[0, begin : begin + 480] = 0.9
            for at in range(0, wave.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(wave[:, at : at + 1024], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 48000, at
                container.mux(voice.encode(frame))
            container.mux(voice.encode(None))


def click_s(path: str) -> float:
    """When the click is heard."""
    with av.open(path) as container:
        rate = container.streams.audio[0].rate
        loud = np.concatenate([np.abs(frame.to_ndarray()).mean(axis=0) for frame in container.decode(audio=0)])
    return float(np.argmax(loud > loud.max() / 2) / rate)


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24)])
def test_a_film_becomes_pictures_and_a_film_again(rate: Fraction) -> None:
    write_clip("clip.mp4", rate=rate)
    render("clip.mp4", "frames/")
    names = sorted(path.name for path in Path("frames").iterdir())
    assert names == [f"{number:06d}.png" for number in range(20)]
    pictures = [cv2.imread(f"frames/{name}") for name in names]
    assert [number_of(np.asarray(picture, np.uint8)) for picture in pictures] == list(range(20))
    render("frames/", "back.mp4", "--sound", "clip.mp4")
    numbers, times_s, told = film("back.mp4")
    assert numbers == list(range(20))
    assert times_s == [number / rate for number in range(20)], "exactly"
    assert told == rate
    assert click_s("back.mp4") == pytest.approx(10 / rate, abs=0.03)


@pytest.mark.parametrize("kind", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(
    ("fps", "rate"), [("25", Fraction(25)), ("29.97", Fraction(30000, 1001)), ("10", Fraction(10))]
)
def test_a_film_plays_at_the_rate_asked_for(kind: str, fps: str, rate: Fraction) -> None:
    Path("row").mkdir()
    for number in range(12):
        cv2.imwrite(f"row/picture {number + 7}.png", numbered(number))  # 9 before 10
    render("row", f"out{kind}", "--fps", fps)
    numbers, times_s, told = film(f"out{kind}")
    assert numbers == list(range(12))
    assert times_s == pytest.approx([float(number / rate) for number in range(12)], abs=6e-4 if kind == ".mkv" else 0)
    assert told == pytest.approx(rate, abs=0.01)


def test_a_video_keeps_its_own_times_whatever_rate_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    write_video(Path("uneven.mp4"), 6, times_ms=[0, 40, 100, 500, 520, 900])
    render("uneven.mp4", "out.mp4", "--fps", "50")
    assert "uneven.mp4 keeps its own times; --fps is for a folder of pictures" in capsys.readouterr().err
    numbers, times_s, _ = film("out.mp4")
    assert numbers == list(range(6))
    assert times_s == pytest.approx([0, 0.04, 0.1, 0.5, 0.52, 0.9], abs=1e-3)


def test_a_folder_of_pictures_loses_uneven_times_and_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    write_video(Path("uneven.mp4"), 11, times_ms=[0, 40, 80, 500, 540, 580, 620, 660, 700, 900, 1000])
    render("uneven.mp4", "frames/")
    told = capsys.readouterr().err
    assert "uneven.mp4 are not evenly spaced, as these pictures will be: with --fps 10.000 they last as long" in told
    render("frames/", "back.mp4", "--fps", "10")
    assert float(film("back.mp4")[1][-1]) == pytest.approx(1.0)
    write_clip("even.mp4", rate=Fraction(30000, 1001))
    render("even.mp4", "more/")
    assert "evenly" not in capsys.readouterr().err


def test_a_name_without_a_suffix_is_a_folder() -> None:
    write_clip("clip.mp4", 3)
    render("clip.mp4", "frames")
    assert len(list(Path("frames").iterdir())) == 3
    render("frames", "again")
    assert len(list(Path("again").iterdir())) == 3


def test_odd_sides_are_kept_in_pictures_and_evened_in_a_film() -> None:
    Path("row").mkdir()
    for number in range(3):
        cv2.imwrite(f"row/{number}.png", np.full((91, 161, 3), COLOUR_BGR, np.uint8))
    render("row", "out", "--fps", "25")
    assert cv2.imread("out/000002.png").shape == (91, 161, 3)  # type: ignore[union-attr]
    render("row", "out.mp4", "--fps", "25")
    with av.open("out.mp4") as container:
        assert {(frame.width, frame.height) for frame in container.decode(video=0)} == {(160, 90)}


def test_sound_of_a_file_of_its_own_is_cut_where_the_pictures_end() -> None:
    write_clip("clip.mp4", 50)
    with av.open("clip.mp4") as film_in, av.open("voice.wav", "w") as out:
        voice = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        for frame in film_in.decode(audio=0):
            out.mux(voice.encode(frame))
        out.mux(voice.encode(None))
    render("clip.mp4", "frames/", "--frames", "20")
    render("frames/", "back.mkv", "--sound", "voice.wav")
    assert click_s("back.mkv") == pytest.approx(0.4, abs=0.03)
    with av.open("back.mkv") as container:
        heard_s = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert heard_s == pytest.approx(0.8, abs=0.08)
    numbers, times_s, told = film("back.mkv")
    assert (numbers, times_s[-1], told) == (list(range(20)), Fraction(19, 25), Fraction(25))


def test_what_cannot_be_is_told_before_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    write_clip("silent.mp4", 3, sound=False)
    write_clip("clip.mp4", 3)
    assert "there is no sound in silent.mp4" in refused(capsys, "clip.mp4", "out.mp4", "--sound", "silent.mp4")
    assert "no such file: missing.wav" in refused(capsys, "clip.mp4", "out.mp4", "--sound", "missing.wav")
    assert "hold no sound" in refused(capsys, "clip.mp4", "frames/", "--sound", "clip.mp4")
    assert "name a file (out.mp4) or a folder" in refused(capsys, "clip.mp4", "camera:obs")
    assert "a video file ends in" in refused(capsys, "clip.mp4", "out.avi")
    assert "--fps: '0' is out of range" in refused(capsys, "clip.mp4", "out.mp4", "--fps", "0")


def test_a_broken_picture_ends_it_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write_clip("clip.mp4", 5)
    render("clip.mp4", "frames/")
    Path("frames/000003.png").write_bytes(b"")
    assert "000003.png is empty" in refused(capsys, "frames", "out.mp4")
    cv2.imwrite("frames/000003.png", numbered(3)[:50])
    assert "000003.png is 128x50, the pictures before it 128x96" in refused(capsys, "frames", "out.mp4")


def test_what_is_synthetic_stays_so_on_every_way() -> None:
    """Through pictures and back, with sound, through a style: a film made of it does not pass for a capture."""
    write_clip("clip.mp4", 4)
    steps = ["swapped.mp4", "frames/", "row.mkv", "painted.mov", "again/", "last.mp4"]
    render("clip.mp4", steps[0], "--effect", "swapped")
    for before, after in itertools.pairwise(steps):
        sound_track = ["--sound", "clip.mp4"] if after.endswith((".mkv", ".mp4")) else []
        render(before, after, "--effect", "painted" if after == "painted.mov" else "none", *sound_track)
    for step in steps:
        files = sorted(Path(step).iterdir()) if step.endswith("/") else [Path(step)]
        assert [stated_by(path) for path in files] == [SYNTHETIC] * len(files), step
    assert [kind for kind, _ in boxes(Path("last.mp4").read_bytes())].count("uuid") == 1
    assert told_in(xmp_of_film(Path("last.mp4")))["Iptc4xmpExt:DigitalSourceType"] == [SYNTHETIC]
    assert film("last.mp4")[1] == [Fraction(number, 25) for number in range(4)]


def test_what_is_not_synthetic_does_not_say_so() -> None:
    write_clip("clip.mp4", 2)
    render("clip.mp4", "plain.mp4")
    render("clip.mp4", "painted/", "--effect", "painted")
    assert "Iptc4xmpExt:DigitalSourceType" not in told_in(xmp_of_film(Path("plain.mp4")))
    packet = told_in(xmp_of_png(Path("painted/000001.png").read_bytes()))
    assert packet["Iptc4xmpExt:DigitalSourceType"] == [ALTERED]
    assert stated_by(Path("plain.mp4")) == stated_by(Path("painted/000001.png")) == ""


ON_A_SMALL_DISK = """
import resource, sys
from realtime.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))
sys.exit(main(["render", *sys.argv[1:]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files to try this with")
@pytest.mark.parametrize("result", ["frames/", "out.mp4", "out.mkv"])
def test_a_disk_without_room_leaves_nothing_behind(tmp_path: Path, result: str) -> None:
    """So few frames that they are written when the film is being finished: too late for the loop to notice."""
    random = np.random.default_rng(1)
    Path("noise").mkdir()
    for number in range(4):
        cv2.imwrite(f"noise/{number}.png", random.integers(0, 256, (120, 160, 3), np.uint8))
    command = [sys.executable, "-c", ON_A_SMALL_DISK, "noise", result, "--fps", "25"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=os.environ | environment, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "nothing was written, mend that and render again" in done.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["noise"]


class Stopping(Plain):
    """The camera's picture; at one moment somebody asks for the end, with a signal, or does something else."""

    at = 5
    at_opening: ClassVar[Callable[[], None] | None] = None
    does: ClassVar[Callable[[], None]] = staticmethod(lambda: None)

    @classmethod
    def open(cls, argument: str, settings: Plain.Settings, context: EffectContext) -> Stopping:
        if cls.at_opening is not None:
            cls.at_opening()
        return cls()

    def make(self, scene: Scene) -> Frame:
        frame = scene.frame
        if frame.index == self.at:
            type(self).does()
        return frame


def signalled(number: int) -> Callable[[], None]:
    """Send a signal to this very process, and wait until it has been heard."""

    def send() -> None:
        os.kill(os.getpid(), number)
        deadline_s = time.monotonic() + (20 if threading.current_thread() is not threading.main_thread() else 0)
        # The main thread has heard it when the next Ctrl-C would interrupt at once.
        while signal.getsignal(signal.SIGINT) is not signal.default_int_handler and time.monotonic() < deadline_s:
            time.sleep(0.001)

    return send


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> type[Stopping]:
    monkeypatch.setattr(Stopping, "at_opening", None)
    monkeypatch.setitem(effects.EFFECTS, "stopping", RegistryEntry("tests.test_render", "Stopping", "for tests"))
    return Stopping


SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")


@posix
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("result", ["out.mp4", "out/"])
def test_a_render_that_is_stopped_is_kept_and_does_not_pass_for_done(
    stopping: type[Stopping],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    result: str,
) -> None:
    write_clip("clip.mp4", 200)
    monkeypatch.setattr(stopping, "does", staticmethod(signalled(number)))
    assert main(["render", "clip.mp4", result, "--effect", "stopping"]) == 130
    told = capsys.readouterr().err
    made = len(list(Path("out").iterdir())) if result == "out/" else len(film("out.mp4")[0])
    assert 0 < made < 200
    assert f"stopped after {made} of 200 frames; what was done is kept in" in told
    assert not [path.name for path in Path.cwd().iterdir() if path.name.startswith(".")]


@posix
@pytest.mark.parametrize("result", ["out.mp4", "out"])
def test_a_finished_result_is_not_given_up_for_one_that_was_stopped(
    stopping: type[Stopping], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str
) -> None:
    write_clip("clip.mp4", 60)
    render("clip.mp4", result)

    def contents() -> list[bytes]:
        return (
            [path.read_bytes() for path in sorted(Path(result).iterdir())]
            if result == "out"
            else [Path(result).read_bytes()]
        )

    finished = contents()
    monkeypatch.setattr(stopping, "does", staticmethod(signalled(signal.SIGINT)))
    assert main(["render", "clip.mp4", result, "--effect", "stopping", "--overwrite"]) == 130
    assert contents() == finished
    kept = "out-stopped.mp4" if result == "out.mp4" else "out-stopped"
    assert f"kept in {Path.cwd() / kept}; {Path.cwd() / result} is as it was" in capsys.readouterr().err
    assert {path.name for path in Path.cwd().iterdir()} == {"clip.mp4", result, kept}


@posix
def test_one_that_is_stopped_after_its_last_frame_is_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip("clip.mp4", 10)
    finish = Recorder.close

    def stopped(recorder: Recorder) -> None:
        if recorder.path.parent == Path.cwd() and recorder.provenance is not None and is_asked == [False]:
            is_asked[0] = True
            signalled(signal.SIGINT)()
        finish(recorder)

    is_asked = [False]
    monkeypatch.setattr(Recorder, "close", stopped)
    assert main(["render", "clip.mp4", "out.mp4", "--effect", "none", "--sound", "none"]) == 0
    assert is_asked == [True]
    assert "stopped after" not in capsys.readouterr().err
    assert len(film("out.mp4")[0]) == 10


@posix
@pytest.mark.parametrize("result", ["out.mp4", "out.mkv", "out/"])
@pytest.mark.parametrize("at", [5, 19])
def test_what_is_deleted_while_it_is_made_is_told_in_one_line_and_nothing_is_pretended(
    stopping: type[Stopping],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    result: str,
    at: int,
) -> None:
    def delete() -> None:
        for path in Path.cwd().glob(".out*"):
            while path.is_dir():  # a picture may come in while it is emptied
                shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)

    write_clip("clip.mp4", 20)
    monkeypatch.setattr(stopping, "at", at)
    monkeypatch.setattr(stopping, "does", staticmethod(delete))
    line = refused(capsys, "clip.mp4", result, "--effect", "stopping")
    assert str(Path.cwd() / result.rstrip("/")) in line
    assert "nothing was written" in line
    assert "/." not in line


@posix
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("result", ["out.mkv", "out/"])
def test_one_that_is_stopped_before_its_first_picture_leaves_nothing(
    stopping: type[Stopping],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    result: str,
) -> None:
    write_clip("clip.mp4", 5)
    monkeypatch.setattr(stopping, "at_opening", staticmethod(signalled(number)))
    assert main(["render", "clip.mp4", result, "--effect", "stopping"]) == 130
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("realtime: ")]
    assert told == ["realtime: stopped before the first picture; nothing was written"]
    assert [path.name for path in Path.cwd().iterdir()] == ["clip.mp4"]


@posix
def test_one_that_is_stopped_while_its_first_picture_is_made_does_not_blame_the_film(
    stopping: type[Stopping], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder's first picture is put aside then, as the loop ends at once."""
    write_clip("clip.mp4", 40)
    monkeypatch.setattr(stopping, "at", 0)
    monkeypatch.setattr(stopping, "does", staticmethod(signalled(signal.SIGINT)))
    assert main(["render", "clip.mp4", "out/", "--effect", "stopping"]) == 130
    assert "gave no pictures" not in capsys.readouterr().err


@pytest.mark.parametrize("result", ["out.mp4", "out"])
def test_of_two_renders_to_one_name_the_later_replaces_nothing(
    stopping: type[Stopping], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str
) -> None:
    """Neither is lost, and a script that goes on with the name learns that it is not its own."""
    write_clip("clip.mp4", 10)
    theirs = Path(result) if result == "out.mp4" else Path(result, "theirs.png")

    def somebody_else() -> None:
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_bytes(b"theirs")

    monkeypatch.setattr(stopping, "does", staticmethod(somebody_else))
    assert main(["render", "clip.mp4", result, "--effect", "stopping"]) == 2
    assert theirs.read_bytes() == b"theirs"
    kept = "out-2.mp4" if result == "out.mp4" else "out-2"
    assert f"this one is kept in {Path.cwd() / kept}" in capsys.readouterr().err
    assert len(list(Path(kept).iterdir()) if result == "out" else film(kept)[0]) == 10


def test_a_sound_that_cannot_be_kept_is_told_before_the_work(
    stopping: type[Stopping], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A format that nothing here knows, by its name in the file."""
    write_clip("clip.mkv", 12)
    data = Path("clip.mkv").read_bytes()
    assert b"A_AAC" in data
    Path("clip.mkv").write_bytes(data.replace(b"A_AAC", b"A_XYZ"))
    monkeypatch.setattr(stopping, "at_opening", staticmethod(lambda: pytest.fail("the work has begun")))
    line = refused(capsys, "clip.mkv", "out.mp4", "--effect", "stopping")
    assert "the sound of clip.mkv cannot be kept" in line
    assert "--sound none" in line
    render("clip.mkv", "out.mp4", "--sound", "none")
    assert film("out.mp4")[0] == list(range(12))


def test_a_sound_that_fails_after_the_work_does_not_cost_the_pictures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip("clip.mp4", 12)
    before = sound_track.with_sound_of

    def fail_the_second_time(source: Path, pictures: Path, result: Path) -> None:
        monkeypatch.setattr(sound_track, "with_sound_of", fail)
        before(source, pictures, result)

    def fail(source: Path, pictures: Path, result: Path) -> None:
        raise OutputError(f"the sound of {source} cannot be kept: Invalid argument; try another container")

    monkeypatch.setattr(sound_track, "with_sound_of", fail_the_second_time)
    assert main(["render", "clip.mp4", "out.mp4"]) == 2
    assert f"what was made is kept in {Path.cwd() / 'out-without-sound.mp4'}" in capsys.readouterr().err
    assert film("out-without-sound.mp4")[0] == list(range(12))
    assert {path.name for path in Path.cwd().iterdir()} == {"clip.mp4", "out-without-sound.mp4"}


def test_one_frame_is_one_frame(capsys: pytest.CaptureFixture[str]) -> None:
    write_clip("clip.mp4", 3, sound=False)
    render("clip.mp4", "out.mp4", "--frames", "1", "--stats", "stats.json")
    assert re.search(r"out\.mp4: 1 frame in \d+\.\d s, 0 dropped", capsys.readouterr().err)
    assert json.loads(Path("stats.json").read_text(encoding="utf-8"))["seconds"] >= 0
