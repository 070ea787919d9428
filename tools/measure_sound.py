"""How far sound is from the picture, measured through a real PulseAudio: a flash in the picture, a click in the room.

    python -m tools.measure_sound --seconds 600 --drift-ppm 200 --report sound.json
    python -m tools.measure_sound --rates 44100 96000     # a microphone and an output that take only these

Three processes, one clock (`time.monotonic`). A PulseAudio with two null sinks is the room and the call. The ear plays
a tone with a burst at each whole second into the room and listens to the call. The run is the program itself, its loop
and its `--sound room_in>call_out`; only its camera is drawn (a white picture at each whole second, `--age-ms` old when
it is given, more and less by `--wander-ms` in the course of a minute) and its output notes when white was shown.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from tools import pulse_server

RATE = 48_000
_TONE_HZ = 440.0
_BURST_HZ = 6_000.0
_BURST_S = 0.004
_FPS = 30.0
_SETTLED_AFTER_S = 3.0

Rates = tuple[int, int]
"""Samples a second that the program opens its microphone and its output with."""


def burst() -> NDArray[np.float64]:
    """What is played at each whole second."""
    moments = np.arange(round(_BURST_S * RATE)) / RATE
    return 0.5 * np.sin(2 * np.pi * _BURST_HZ * moments) * np.hanning(len(moments))


def ear(seconds: float) -> dict[str, Any]:
    """Play into the room and listen to it and to the call; return when the bursts were heard, and the worst click."""
    import sounddevice

    from realtime.sound.devices import silence_alsa
    from realtime.sound.sample_clock import SampleClock
    from realtime.sound.streams import StreamTimes

    silence_alsa()
    sent, sent_times = SampleClock(RATE), StreamTimes()
    kept: dict[str, list[NDArray[np.float32]]] = {"room": [], "call": []}
    clocks = {name: SampleClock(RATE) for name in kept}
    times = {name: StreamTimes() for name in kept}
    counts = dict.fromkeys(("sent", *kept), 0)
    wave = burst()

    def play(out: NDArray[np.float32], frames: int, stream_times: Any, _: Any) -> None:
        first = counts["sent"]
        sent.update(first, sent_times.of(stream_times.outputBufferDacTime, stream_times.currentTime, time.monotonic()))
        moments = (first + np.arange(frames)) / RATE
        sound = 0.1 * np.sin(2 * np.pi * _TONE_HZ * moments)
        whole_s = math.floor(sent.time_of(first + frames))
        begins = round(sent.position_at(whole_s)) - first
        for at in range(max(0, begins), min(frames, begins + len(wave))):
            sound[at] += wave[at - begins]
        out[:] = sound[:, None]
        counts["sent"] += frames

    def listen(name: str) -> Any:
        def take(heard: NDArray[np.float32], frames: int, stream_times: Any, _: Any) -> None:
            moment_s = times[name].of(stream_times.inputBufferAdcTime, stream_times.currentTime, time.monotonic())
            clocks[name].update(counts[name], moment_s)
            kept[name].append(heard[:, 0].copy())
            counts[name] += frames

        return take

    usual = {"samplerate": RATE, "dtype": "float32", "latency": 0.25}
    streams = [sounddevice.OutputStream(device="room_out", channels=1, callback=play, **usual)]
    streams += [
        sounddevice.InputStream(device=f"{name}_in", channels=1, callback=listen(name), **usual) for name in kept
    ]
    for stream, one in zip(streams, (sent_times, *times.values()), strict=True):
        stream.start()
        one.look(stream)
    found: dict[str, list[float]] = {name: [] for name in kept}
    worst_db = [-200.0]
    done = dict.fromkeys(kept, 0)
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        time.sleep(0.5)
        for stream, one in zip(streams, (sent_times, *times.values()), strict=True):
            one.look(stream)
        for name in kept:
            done[name] = _hear(kept[name], done[name], clocks[name], found[name], worst_db if name == "call" else None)
    for stream in streams:
        stream.close()
    return {"room": found["room"], "call": found["call"], "clicks_db": worst_db[1:]}


def _hear(
    blocks: list[NDArray[np.float32]], done: int, clock: Any, found: list[float], clicks_db: list[float] | None
) -> int:
    """Look through what came, but for its last tenth of a second; return how many samples are done with."""
    count = len(blocks)  # more come meanwhile
    sound = np.concatenate(blocks[:count]).astype(np.float64) if count else np.zeros(0)
    keep = RATE // 10
    if len(sound) < 4 * keep:
        return done
    wave = burst()
    strength = np.correlate(sound, wave, "valid") / (wave**2).sum()
    quadrature = np.correlate(sound, np.concatenate([wave[2:], [0, 0]]), "valid") / (wave**2).sum()
    envelope = np.hypot(strength, quadrature)
    end = len(sound) - keep
    at = 0
    while at < end - len(wave):
        window = envelope[at : min(end - len(wave), at + RATE // 4)]
        peak = int(window.argmax())
        if window[peak] > 0.4:
            if 0 < at + peak < end - len(wave):
                found.append(clock.time_of(done + at + peak))
            at += peak + RATE // 4
        else:
            at += len(window)
    if clicks_db is not None:
        clicks_db.append(_beside_tone_db(sound[:end], envelope))
    blocks[:count] = [sound[end:].astype(np.float32)]
    return done + end


def _beside_tone_db(sound: NDArray[np.float64], bursts: NDArray[np.float64]) -> float:
    """Return how much lies beside the tone in the worst 43 ms without a burst, dB of the tone at its usual strength."""
    window = np.kaiser(2048, 16)
    beside = np.abs(np.fft.rfftfreq(2048, 1 / RATE) - _TONE_HZ) > 250
    tone = float((np.abs(np.fft.rfft(0.1 * np.sin(2 * np.pi * _TONE_HZ * np.arange(2048) / RATE) * window)) ** 2).sum())
    worst = 1e-20
    for at in range(0, len(sound) - 2048, 1024):
        if bursts[max(0, at - 256) : at + 2048].max() > 0.1:
            continue
        power = np.abs(np.fft.rfft(sound[at : at + 2048] * window)) ** 2
        worst = max(worst, float(power[beside].sum()) / tone)
    return 10 * math.log10(worst)


def picture(
    seconds: float, age_s: float, wander_s: float, drift_ppm: float, offset_ms: float, rates: Rates = (RATE, RATE)
) -> dict[str, Any]:
    """Run the program with its sound; return when white was shown, less what it was captured after the second."""
    from realtime import cameras, outputs
    from realtime.cameras import Camera, CameraInfo
    from realtime.core.stats import RunStats
    from realtime.imaging.frame import Frame, Size
    from realtime.outputs import Output
    from realtime.session import assembly
    from realtime.session.options import Options
    from realtime.sound import front_end, streams
    from realtime.sound.spec import SoundSpec

    black, white = (np.full((120, 160, 3), value, np.uint8) for value in (0, 255))
    began_s = time.monotonic()

    class FlashCamera(Camera):
        def __init__(self) -> None:
            self.info = CameraInfo("flash", Size(160, 120), _FPS, live=True)
            self._count = 0
            self._before_s = 0.0

        def read(self) -> Frame:
            due_s = began_s + self._count / _FPS
            time.sleep(max(0.0, due_s - time.monotonic()))
            now_s = time.monotonic()
            captured_s = now_s - age_s - wander_s * math.sin(2 * math.pi * (now_s - began_s) / 60)
            is_new = math.floor(captured_s) != math.floor(self._before_s)
            self._before_s = captured_s
            self._count += 1
            return Frame(white if is_new else black, captured_s, captured_s - began_s + 1, self._count)

        def close(self) -> None:
            pass

    shown: list[float] = []

    class FlashOutput(Output):
        name = "flash"

        def show(self, frame: Frame) -> None:
            if frame.pixels[0, 0, 0] > 128:
                shown.append(time.monotonic() - frame.captured_at_s % 1.0)

        def close(self) -> None:
            pass

    spec = SoundSpec.parse("room_in>call_out")
    options = Options(
        source="demo", effect=("none",), output=("none",), sound=spec, sound_offset=offset_ms, seconds=seconds
    )
    lines: list[str] = []
    with (
        mock.patch.object(cameras, "open_camera", side_effect=lambda *_, **__: FlashCamera()),
        mock.patch.object(outputs, "open_output", side_effect=lambda *_, **__: FlashOutput()),
        mock.patch.object(front_end, "Microphone", _drifting(drift_ppm)),
        mock.patch.object(streams, "rate_of", lambda _, direction: float(rates[direction == "output"])),
    ):
        run = assembly.build(options, lambda what, share: None, RunStats())
        sound = next(one for one in run.supervisor._front_ends if isinstance(one, front_end.Sound))

        readers: list[Any] = []

        def tick(_: int) -> None:
            speaker = sound._keeper.speaker
            if speaker is not None and speaker.reader is not None:
                readers[:] = [speaker.reader]
            fact = sound.facts()[0][1]
            if not lines or lines[-1] != fact:
                lines.append(fact)

        run.supervisor.on_processed = tick
        run.go()
    lines += [f"{reader.gaps} gaps, {reader.fades} fades" for reader in readers]
    return {"shown": shown, "facts": lines[-4:]}


def _drifting(ppm: float) -> Any:
    """Return a microphone whose own clock runs so much faster than it says: a null sink's is the machine's."""
    from realtime.sound.interpolation import Interpolator
    from realtime.sound.ring import Ring, Samples
    from realtime.sound.streams import Microphone

    if not ppm:
        return Microphone

    class Drifting(Microphone):
        def __init__(self, wanted: str) -> None:
            self._raw: Ring | None = None
            self._at = 64.0
            super().__init__(wanted)

        def _take_or_give(self, block: Samples, times: Any) -> None:
            if self._raw is None:
                self._raw = Ring(block.shape[1], 1 << 16)
                self._between = Interpolator(block.shape[1], 1.0, 8192)
            begins_at = self._raw.written
            self._raw.write(block)
            ratio = 1 / (1 + ppm * 1e-6)
            count = int((self._raw.written - 64 - self._at) / ratio)
            if count <= 0:
                return
            out = np.zeros((count, block.shape[1]), np.float32)
            earlier_s = (begins_at - self._at) / self.rate
            self._at = self._between.read(self._raw, self._at, ratio, out)
            super()._take_or_give(out, _Earlier(times, earlier_s))

    return Drifting


class _Earlier:
    """The times of a block that begins earlier than it was told."""

    def __init__(self, times: Any, earlier_s: float) -> None:
        self.currentTime = times.currentTime
        self.inputBufferAdcTime = times.inputBufferAdcTime - earlier_s


def offsets_ms(heard_s: Sequence[float], shown_s: Sequence[float]) -> NDArray[np.float64]:
    """Return how much later each burst was heard than its flash was seen, ms; those without a partner are left out."""
    shown = np.array(shown_s)
    found = []
    for heard in heard_s:
        off_s = heard - shown[np.abs(shown - heard).argmin()] if len(shown) else 1.0
        if abs(off_s) < 0.45:
            found.append(1e3 * off_s)
    return np.array(found)


def measure(
    folder: Path,
    seconds: float,
    *,
    age_ms: float = 150.0,
    wander_ms: float = 0.0,
    drift_ppm: float = 0.0,
    offset_ms: float = 0.0,
    rates: Rates = (RATE, RATE),
) -> dict[str, Any]:
    """Start all three and return what was measured."""
    with pulse_server.PulseServer(folder, {"room": rates[0], "call": rates[1]}) as server:
        words = [sys.executable, "-m", "tools.measure_sound"]
        hearing = subprocess.Popen(
            [*words, "--as", "ear", "--seconds", f"{seconds + 1}"],
            env=server.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(0.5)
        conditions = [
            f"--age-ms={age_ms}",
            f"--wander-ms={wander_ms}",
            f"--drift-ppm={drift_ppm}",
            f"--offset-ms={offset_ms}",
            "--rates",
            *map(str, rates),
        ]
        seen = subprocess.run(
            [*words, "--as", "picture", "--seconds", f"{seconds}", *conditions],
            env=server.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        heard_text, _ = hearing.communicate(timeout=60)
    heard, shown = json.loads(heard_text), json.loads(seen.stdout.splitlines()[-1])
    begins_s = (shown["shown"] or [0.0])[0] + _SETTLED_AFTER_S
    off_ms = offsets_ms([moment for moment in heard["call"] if moment > begins_s], shown["shown"])
    own_ms = 1e3 * (np.array(heard["room"]) - np.round(heard["room"]))
    return {
        "off_ms": [round(float(off), 2) for off in off_ms],
        "own_error_ms": round(float(np.median(own_ms)), 2) if len(own_ms) else None,
        "clicks_db": [round(one, 1) for one in heard["clicks_db"][round(2 * _SETTLED_AFTER_S) :]],
        "facts": shown["facts"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as", dest="role", choices=("ear", "picture"), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--age-ms", type=float, default=150.0)
    parser.add_argument("--wander-ms", type=float, default=0.0)
    parser.add_argument("--drift-ppm", type=float, default=0.0)
    parser.add_argument("--offset-ms", type=float, default=0.0)
    parser.add_argument("--rates", type=int, nargs=2, default=(RATE, RATE), metavar=("MICROPHONE", "OUTPUT"))
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    if asked.role == "ear":
        print(json.dumps(ear(asked.seconds)))
        return
    if asked.role == "picture":
        figures = picture(
            asked.seconds,
            asked.age_ms / 1e3,
            asked.wander_ms / 1e3,
            asked.drift_ppm,
            asked.offset_ms,
            (asked.rates[0], asked.rates[1]),
        )
        print(json.dumps(figures))
        return
    reason = pulse_server.missing()
    if reason:
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(
            Path(folder),
            asked.seconds,
            age_ms=asked.age_ms,
            wander_ms=asked.wander_ms,
            drift_ppm=asked.drift_ppm,
            offset_ms=asked.offset_ms,
            rates=(asked.rates[0], asked.rates[1]),
        )
    if asked.report:
        asked.report.write_text(json.dumps(measured, indent=1) + "\n")
    off_ms = np.array(measured["off_ms"])
    if not len(off_ms):
        raise SystemExit("nothing was heard")
    p50, p99 = np.percentile(np.abs(off_ms), (50, 99))
    clicks_db = np.array(measured["clicks_db"])
    print(
        f"{len(off_ms)} bursts; off: median {np.median(off_ms):+.1f} ms, |off| p50 {p50:.1f}, p99 {p99:.1f}, most"
        f" {np.abs(off_ms).max():.1f} ms; the measure's own error {measured['own_error_ms']} ms; beside the tone (-50):"
        f" median {np.median(clicks_db):.0f} dB, {int((clicks_db > -50).sum())} of {len(clicks_db)} half seconds over"
    )
    print(*measured["facts"], sep="\n")


if __name__ == "__main__":
    main()
