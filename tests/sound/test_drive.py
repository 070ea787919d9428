"""What a sound is like, and what it moves."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.control.channel import ControlChannel
from realtime.control.parameters import Parameters
from realtime.core.errors import OptionError
from realtime.core.settings import setting
from realtime.imaging.frame import Frame
from realtime.sound import drive
from realtime.sound.analysis import HOP, Analyser, Features, Follower
from realtime.sound.drive import Driver
from realtime.sound.spec import DriveSpec, SoundSpec
from realtime.sound.streams import Heard, sound_memory

RATE = 48_000


def analysed(sound: NDArray[np.floating]) -> list[Features]:
    analyser = Analyser(RATE)
    blocks = sound[: len(sound) // HOP * HOP].astype(np.float32).reshape(-1, HOP, 1)
    return [analyser.analyse(block) for block in blocks]


def f_measure(found_s: list[float], true_s: list[float], within_s: float = 0.05) -> float:
    left = list(true_s)
    hits = 0
    for moment in found_s:
        match = [one for one in left if abs(one - moment) <= within_s]
        if match:
            left.remove(match[0])
            hits += 1
    return 2 * hits / (len(found_s) + len(true_s))


def onsets_s(sound: NDArray[np.floating]) -> list[float]:
    return [index * HOP / RATE for index, one in enumerate(analysed(sound)) if one.onset]


def test_level_is_what_it_is_and_grows_with_what_is_heard() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE // 2)
    levels = []
    for db in range(-60, 0, 6):
        told = analysed(noise * 10 ** (db / 20) * 0.3)
        levels.append(np.mean([one.level_db for one in told]))
        assert levels[-1] == pytest.approx(db + 20 * np.log10(0.3), abs=0.5)
    assert np.all(np.diff(levels) > 5)


def test_the_loudest_of_late_is_full_in_a_loud_room_and_in_a_quiet_one() -> None:
    moments = np.arange(8 * RATE) / RATE
    swell = np.sin(2 * np.pi * 300 * moments) * (0.5 + 0.5 * np.sin(2 * np.pi * moments))
    for gain in (0.5, 0.02):
        told = [one.level for one in analysed(swell * gain)][-150:]
        assert max(told) > 0.8
        assert min(told) < 0.3
    assert max(one.level for one in analysed(swell * 1e-4)) < 0.2  # the noise of an empty room


def test_each_band_hears_its_own() -> None:
    moments = np.arange(RATE) / RATE
    for name, hz in (("low", 100), ("mid", 700), ("high", 4_000)):
        told = dataclasses.asdict(analysed(0.3 * np.sin(2 * np.pi * hz * moments))[-1])
        assert told[name] > 0.9
        assert all(told[other] < 0.2 for other in ("low", "mid", "high") if other != name)


def test_onsets_are_found_where_they_are() -> None:
    random = np.random.default_rng(5)
    true_s = list(np.cumsum(random.uniform(0.15, 0.7, 40)))
    sound = 0.003 * random.standard_normal(round((true_s[-1] + 1) * RATE))
    for moment_s in true_s:
        at = round(moment_s * RATE)
        length = round(random.uniform(0.01, 0.1) * RATE)
        sound[at : at + length] += (
            random.uniform(0.05, 0.5) * random.standard_normal(length) * np.linspace(1, 0, length)
        )
    assert f_measure(onsets_s(sound), true_s) > 0.9
    assert len(onsets_s(0.1 * random.standard_normal(10 * RATE))) <= 1  # noise that goes on begins once


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["jfk.flac", "Kevin_MacLeod_-_Vibe_Ace.ogg"])
def test_speech_and_music_move_what_they_are_told_to(shared_data: Path, name: str) -> None:
    from realtime.sound.played_file import _blocks

    sound = np.concatenate(list(_blocks(shared_data / "sound" / name)))[: 10 * RATE].mean(1)
    told = analysed(sound)
    assert 5 <= sum(one.onset for one in told) <= 70
    assert max(one.level for one in told) - min(one.level for one in told) > 0.5
    quieter = analysed(sound * 0.1)
    assert np.median([one.level_db - two.level_db for one, two in zip(told, quieter, strict=True)]) == pytest.approx(
        20, abs=0.5
    )


def test_a_follower_rises_and_falls_at_its_own_pace() -> None:
    follower = Follower(0.1, 1.0)
    for _ in range(10):
        follower.follow(1.0, 0.01)
    assert follower.value == pytest.approx(1 - np.exp(-1))
    for _ in range(100):
        follower.follow(0.0, 0.01)
    assert follower.value == pytest.approx((1 - np.exp(-1)) * np.exp(-1))
    assert Follower(0.0, 0.0).follow(1.0, 0.01) == 1.0


def test_what_is_written_is_what_is_meant() -> None:
    spec = DriveSpec.parse("style.strength=level:attack=0.05,release=0.4,range=0.2..1")
    assert spec == DriveSpec("style.strength", "level", 0.05, 0.4, 0.2, 1.0)
    assert DriveSpec.parse("swap.strength = onset").feature == "onset"
    assert SoundSpec.parse("USB mic > call") == SoundSpec("USB mic", "call")
    assert SoundSpec.parse("0") == SoundSpec("0", "")
    for odd in ("x" * 5_000, "a\0b", "~nobody/mic", "\N{SNOWMAN}"):
        assert SoundSpec.parse(f"{odd}>call") == SoundSpec(odd, "call")


def test_a_preset_names_a_file_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "song.ogg").write_bytes(b"")
    spec = SoundSpec.parse("song.ogg>call").beside(tmp_path)
    assert spec == SoundSpec(str(tmp_path / "song.ogg"), "call", tmp_path / "song.ogg")
    assert SoundSpec.parse("USB mic").beside(tmp_path) == SoundSpec("USB mic", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("style.strength", "write it as"),
        ("strength=level", "write it as"),
        ("style.strength=levle", "did you mean 'level'?"),
        ("style.strength=level:atack=1", "did you mean 'attack'?"),
        ("style.strength=level:attack=-1", "from 0 to 60"),
        ("style.strength=level:range=3", "range=0.2..1"),
        ("style.strength=level:range=a..b", "give a number"),
    ],
)
def test_what_is_misspelt_is_said_in_one_line(text: str, says: str) -> None:
    with pytest.raises(OptionError, match=says.replace("?", r"\?")) as caught:
        DriveSpec.parse(text)
    assert "\n" not in str(caught.value)


def test_what_no_effect_has_is_refused_at_the_start() -> None:
    drive.check(DriveSpec.parse("style.strength=level"))
    for text, says in (
        ("stile.strength=level", "did you mean 'style'"),
        ("style.strenght=level", "did you mean 'strength'"),
        ("portrait.painting=level", "cannot be moved by a sound"),
    ):
        with pytest.raises(OptionError, match=says):
            drive.check(DriveSpec.parse(text))
    for text in ("", ">call", "mic>"):
        with pytest.raises(OptionError):
            SoundSpec.parse(text)


@dataclasses.dataclass(frozen=True)
class Settings:
    strength: float = dataclasses.field(default=0.5, metadata=setting("how much", least=0.0, most=0.8, live=True))
    on: bool = dataclasses.field(default=False, metadata=setting("whether", live=True))


def speak(heard: Heard, loud: bool) -> None:
    block = 0.3 * np.random.default_rng(2).standard_normal((4 * HOP, 1)) if loud else np.zeros((4 * HOP, 1))
    heard.ring.write(block.astype(np.float32))


def test_a_sound_moves_a_parameter_once_a_picture_and_nothing_where_its_effect_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel = ControlChannel()
    parameters = Parameters(Settings())
    heard = sound_memory(RATE, 1)
    specs = [
        DriveSpec.parse("style.strength=level:attack=0,release=0,range=0.1..5"),
        DriveSpec.parse("style.on=level:attack=0,release=0"),
        DriveSpec.parse("swap.strength=level"),
    ]
    driver = Driver(channel, specs, lambda: heard)
    driver.step()
    changes: list[tuple[str, object]] = []
    channel.parameters.hold("style", parameters)
    channel.parameters.listen(lambda path, value: changes.append((path, value)))
    pixels = np.zeros((4, 4, 3), np.uint8)
    with caplog.at_level(logging.WARNING):
        for index, loud in enumerate([True, False, True]):
            speak(heard, loud)
            channel.newest_picture = lambda index=index: Frame(pixels, 0.0, 0.0, index)  # type: ignore[misc]
            for _ in range(3):
                driver.step()
    assert changes == [
        ("style.strength", 0.8),
        ("style.on", True),
        ("style.strength", 0.1),
        ("style.on", False),
        ("style.strength", 0.8),
        ("style.on", True),
    ]
    assert caplog.records == []
    channel.parameters.drop("style")
    speak(heard, loud=False)
    channel.newest_picture = lambda: Frame(pixels, 0.0, 0.0, 9)
    driver.step()
    assert len(changes) == 6
