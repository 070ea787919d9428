"""Sound beside a run: what it says of itself, when it is quiet, and what is refused."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.control.channel import ControlChannel, Status
from realtime.core.errors import OptionError, SoundError
from realtime.core.stats import RunStats
from realtime.session import assembly
from realtime.session.options import Options
from realtime.sound import devices
from realtime.sound.devices import Device
from realtime.sound.front_end import Sound
from realtime.sound.played_file import PlayedFile
from realtime.sound.spec import DriveSpec, SoundSpec
from realtime.sound.streams import Silence
from realtime.system.processor_share import CountedTime

RATE = 48_000


def wait_for(condition: Callable[[], object], give_up_after_s: float = 20.0) -> bool:
    give_up_at_s = time.monotonic() + give_up_after_s
    while time.monotonic() < give_up_at_s:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A tone of -20 dB, a third of a second long."""
    path = tmp_path / "tone.wav"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("pcm_s16le", rate=RATE, layout="mono")
        wave = 32_767 * 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 600 * np.arange(RATE // 3) / RATE)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


@pytest.fixture
def sound(clip: Path) -> Iterator[tuple[Sound, ControlChannel]]:
    channel = ControlChannel()
    made = Sound(channel, SoundSpec.parse(str(clip)))
    made.start()
    yield made, channel
    made.close()


def test_it_says_how_loud_it_is_and_hears_nothing_while_the_picture_is_blank(
    sound: tuple[Sound, ControlChannel],
) -> None:
    beside, channel = sound
    assert beside.open_track() is not None
    assert wait_for(lambda: re.fullmatch(r"-(19|20|21) dB", beside.facts()[0][1])), beside.facts()
    channel.status = Status(blank=True)
    assert wait_for(lambda: beside.open_track() is None)
    assert wait_for(lambda: beside.facts() == (("sound", "none"),))
    channel.status = Status()
    assert wait_for(lambda: beside.open_track() is not None)


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "not.ogg"
    path.write_text("no sound")
    with pytest.raises(SoundError, match="cannot be played"):
        PlayedFile(path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (Options(drive=(DriveSpec.parse("style.strength=level"),)), "--drive needs a sound"),
        (
            Options(drive=(DriveSpec.parse("style.strenth=level"),), sound=SoundSpec.parse("default")),
            "did you mean 'strength'",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_picture(options: Options, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        assembly.build(
            dataclasses.replace(options, source="demo", effect=("none",), output=("none",)),
            lambda what, share: None,
            RunStats(),
        )


LISTED = [
    Device(0, "USB Microphone", "MME", 1, 0, 44_100),
    Device(1, "USB Microphone", "Windows WASAPI", 1, 0, 48_000),
    Device(2, "CABLE Input (VB-Audio Virtual Cable)", "Windows WASAPI", 0, 2, 48_000),
    Device(3, "USB Microphone 2", "Windows WASAPI", 1, 0, 48_000),
]


def test_devices_are_found_by_name_part_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_devices", lambda: LISTED)
    monkeypatch.setattr(devices, "list_server_devices", lambda direction: [])
    assert devices.find("USB Microphone", "input").number == 1
    assert devices.find("microphone 2", "input").number == 3
    assert devices.find("0", "input").number == 0
    assert devices.find("cable", "output").number == 2
    with pytest.raises(SoundError, match="did you mean 'USB Microphone'"):
        devices.find("UBS Micropone", "input")
    with pytest.raises(SoundError, match="no sound output called '0'; there are: CABLE"):
        devices.find("0", "output")
    monkeypatch.setattr(devices, "list_devices", list)
    with pytest.raises(SoundError, match="no microphone is there; plug one in"):
        devices.find("default", "input")


def test_a_device_that_only_starves_is_not_taken_for_one_that_gives_no_more_sound(tmp_path: Path) -> None:
    thread = tmp_path / "7"
    thread.mkdir()
    running, waiting = 0, 0

    def silent_s(now_s: float, share: float) -> float:
        nonlocal running, waiting
        running, waiting = running + round(1000 * share), waiting + round(1000 * (1 - share))
        (thread / "schedstat").write_text(f"{running} {waiting} 1")
        return silence.of(called_at_s, now_s)

    silence, called_at_s = Silence(100.0, CountedTime(tmp_path)), 100.0
    assert silent_s(101.0, 1.0) == pytest.approx(0.0), "it called as it was begun"
    starved = [silent_s(101.0 + second, 0.1) for second in range(1, 6)]
    assert starved[-1] == pytest.approx(0.5)
    hung = [silent_s(106.0 + second, 1.0) for second in range(1, 3)]
    assert hung[-1] == pytest.approx(2.5)
    called_at_s = 108.5
    assert silent_s(109.0, 1.0) == 0.0
