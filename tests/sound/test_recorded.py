"""Recordings of a live picture carry the sound that belongs to it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.control.channel import ControlChannel
from realtime.imaging.frame import Frame
from realtime.outputs import OutputRequest
from realtime.outputs.live_sound import LiveSound, SoundTrack
from realtime.outputs.recorder import Recorder
from realtime.sound.front_end import Sound
from realtime.sound.spec import SoundSpec

FPS = 30
RATE = 48_000


class Ticking(LiveSound, SoundTrack):
    """A tick of 5 ms at each whole second of `captured_at_s`."""

    channels = 2

    def open_track(self) -> SoundTrack:
        return self

    def read(self, out: NDArray[np.float32], seen_at_s: float) -> None:
        moments = seen_at_s + np.arange(len(out)) / RATE
        tick = np.where(moments % 1.0 < 0.005, 0.8 * np.sin(2 * np.pi * 2_000 * moments), 0.0)
        out[:] = tick[:, None]


class Silent(LiveSound):
    def open_track(self) -> SoundTrack | None:
        return None


def frames(seconds: float, begins_s: float = 1_000.25) -> list[Frame]:
    """Pictures that are white in the first frame of each whole second of the wall clock."""
    made = []
    for index in range(round(seconds * FPS)):
        captured_at_s = begins_s + index / FPS
        is_white = captured_at_s % 1.0 < 1 / FPS
        made.append(Frame(np.full((48, 64, 3), 255 * is_white, np.uint8), captured_at_s, 5 + index / FPS, index))
    return made


def record(path: Path, sound: LiveSound | None, seconds: float = 4.0) -> None:
    recorder = Recorder(str(path), OutputRequest(controls=ControlChannel(), sound=sound, fps=FPS))
    for frame in frames(seconds):
        recorder.show(frame)
    recorder.close()


def heard_in(path: Path) -> tuple[NDArray[np.float32], float]:
    """The first channel and when it begins."""
    with av.open(str(path)) as film:
        decoded = list(film.decode(audio=0))
        begins_s = decoded[0].time or 0.0
        return np.concatenate([frame.to_ndarray()[0] for frame in decoded]), begins_s


def ticks_s(path: Path) -> list[float]:
    sound, begins_s = heard_in(path)
    loud = np.nonzero(np.abs(sound) > 0.2)[0]
    first = loud[np.diff(loud, prepend=-RATE) > RATE // 10]
    return [begins_s + at / RATE for at in first]


def flashes_s(path: Path) -> list[float]:
    with av.open(str(path)) as film:
        return [frame.time or 0.0 for frame in film.decode(video=0) if frame.to_ndarray(format="gray").mean() > 128]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_recording_carries_its_sound_beside_its_pictures(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    record(path, Ticking())
    # The first whole second comes after 0.75 s; its picture up to a frame later.
    assert ticks_s(path) == pytest.approx([0.75, 1.75, 2.75, 3.75], abs=0.003)
    assert flashes_s(path) == pytest.approx([0.75, 1.75, 2.75, 3.75], abs=1 / FPS)
    sound, _ = heard_in(path)
    assert len(sound) / RATE == pytest.approx(4.0, abs=0.1)


def test_sound_changes_nothing_about_the_pictures(tmp_path: Path) -> None:
    packets = []
    for name, sound in (("silent.mp4", None), ("heard.mp4", Ticking())):
        record(tmp_path / name, sound, 0.7)
        with av.open(str(tmp_path / name)) as film:
            assert bool(film.streams.audio) == (sound is not None)
            packets.append([(packet.pts, bytes(packet)) for packet in film.demux(video=0)])
    assert packets[0] == packets[1]


def test_without_a_microphone_the_pictures_are_recorded_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(tmp_path / "a.mkv", Silent(), 0.5)
    assert [record.getMessage() for record in caplog.records] == [
        "a.mkv is recorded without sound: there is no microphone now"
    ]
    with av.open(str(tmp_path / "a.mkv")) as film:
        assert not film.streams.audio
        assert sum(1 for _ in film.decode(video=0)) == 15


def test_a_recording_whose_program_is_killed_has_its_sound_too(tmp_path: Path) -> None:
    code = """
        import os, sys
        from pathlib import Path
        from tests.sound.test_recorded import *
        recorder = Recorder(sys.argv[1], OutputRequest(controls=ControlChannel(), sound=Ticking(), fps=FPS))
        for frame in frames(6):
            recorder.show(frame)
        os._exit(0)
    """
    path = tmp_path / "killed.mp4"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(path)], cwd=root, check=True, timeout=60)
    assert flashes_s(path)[:3] == pytest.approx([0.75, 1.75, 2.75], abs=1 / FPS)
    assert ticks_s(path)[:3] == pytest.approx([0.75, 1.75, 2.75], abs=0.003)


def test_a_file_is_heard_in_the_recording_where_it_was_played(tmp_path: Path) -> None:
    """The real way, without a device: a file is played, a recording begins later, both on the machine's clock."""
    clip = tmp_path / "ticks.wav"
    with av.open(str(clip), "w") as film:
        stream = film.add_stream("pcm_s16le", rate=RATE, layout="mono")
        sound = np.zeros(RATE, np.int16)
        sound[RATE // 2 : RATE // 2 + 200] = 20_000
        ticking = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        ticking.sample_rate = RATE
        film.mux(stream.encode(ticking))
        film.mux(stream.encode(None))
    sound_beside = Sound(ControlChannel(), SoundSpec.parse(str(clip)), offset_s=0.1)
    sound_beside.start()
    try:
        give_up_at_s = time.monotonic() + 20
        while sound_beside.open_track() is None and time.monotonic() < give_up_at_s:
            time.sleep(0.01)
        heard = sound_beside._keeper.heard
        assert heard is not None
        while heard.ring.written < 2.6 * RATE:
            time.sleep(0.05)
        path = tmp_path / "out.mkv"
        recorder = Recorder(str(path), OutputRequest(controls=ControlChannel(), sound=sound_beside, fps=FPS))
        begins_s = heard.clock.time_of(0) + 0.2
        for frame in frames(2.2, begins_s):
            recorder.show(frame)
        recorder.close()
    finally:
        sound_beside.close()
    # Half a second into the clip, 0.2 s before the recording, and the offset later.
    assert ticks_s(path) == pytest.approx([0.4, 1.4], abs=0.004)


def test_no_sound_device_leaves_the_picture_alone(tmp_path: Path) -> None:
    """The installed command on a machine without sound: one line, and all its pictures."""
    words = ["--source", "demo", "--effect", "none", "--size", "320x240", "--output", "out.mp4", "--frames", "20"]
    done = subprocess.run(
        [sys.executable, "-m", "realtime", "run", *words, "--sound", "no such microphone>nor such output"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) > 5
    assert "Traceback" not in done.stderr
    assert "ALSA lib" not in done.stderr
