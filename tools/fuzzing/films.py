"""Films in every container, plain, turned, interlaced, transparent, joined and HDR, into `realtime render`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tools.fuzzing import Seed, Target

_KINDS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("plain.mp4", "libx264", "yuv420p", {}),
    ("plain.mkv", "libx264", "yuv420p", {}),
    ("plain.avi", "mpeg4", "yuv420p", {}),
    ("plain.flv", "flv", "yuv420p", {}),
    ("turned.mov", "mpeg4", "yuv420p", {}),
    ("pictures.avi", "mjpeg", "yuvj420p", {}),
    ("fields.mpg", "mpeg2video", "yuv420p", {"flags": "+ildct+ilme"}),
    ("plain.ts", "mpeg2video", "yuv420p", {}),
    ("clear.mov", "png", "rgba", {}),
    ("clear.webm", "libvpx-vp9", "yuva420p", {"cpu-used": "8", "deadline": "realtime"}),
    ("deep.mkv", "ffv1", "yuv420p10le", {}),
    ("moving.gif", "gif", "bgr8", {}),
)


def seeds(folder: Path) -> Sequence[Seed]:
    """Write half a second of each."""
    for name, codec, pixel_format, options in _KINDS:
        _write(folder / name, codec, pixel_format, options)
    data = (folder / "plain.ts").read_bytes()
    (folder / "twice.ts").write_bytes(data + data)
    return sorted(folder.iterdir())


def _write(path: Path, codec: str, pixel_format: str, options: dict[str, str]) -> None:
    with av.open(path, "w") as container:
        container.metadata["title"] = "a film that somebody made"
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixel_format
        if path.suffix == ".webm":
            stream.metadata["alpha_mode"] = "1"
        if path.stem == "turned":
            stream.set_display_matrix([0, -65536, 0, -65536, 0, 0, 0, 0, 1 << 30])
        if path.stem == "deep":
            context = stream.codec_context
            context.color_trc, context.color_primaries, context.colorspace, context.color_range = 16, 9, 9, 1
        sound = None
        if path.suffix not in (".gif", ".webm"):
            sound = container.add_stream("mp2" if path.suffix in (".ts", ".mpg", ".avi") else "aac", rate=44_100)
            assert isinstance(sound, av.AudioStream)
        for number in range(12):
            picture = np.full((64, 96, 4), 20 * number, np.uint8)
            picture[:, : 8 * number] = (200, 90, 30, 255)
            frame = av.VideoFrame.from_ndarray(picture, "bgra").reformat(format=pixel_format)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
            if sound is not None:
                wave = av.AudioFrame.from_ndarray(np.zeros((2, 1764), np.float32), "fltp", "stereo")
                wave.sample_rate, wave.pts, wave.time_base = 44_100, number * 1764, Fraction(1, 44_100)
                container.mux(sound.encode(wave))
        container.mux(stream.encode())
        if sound is not None:
            container.mux(sound.encode())


def command(seed: Seed, out: Path) -> Sequence[str]:
    return ["realtime", "render", str(seed), str(out / "made.mp4"), "--effect", "none", "--frames", "40"]


def environment(out: Path) -> Mapping[str, str]:  # noqa: ARG001 - for every try the same
    """Leave out the progress bar: what is said beside it are lines."""
    return {"TQDM_DISABLE": "1"}


TARGET = Target(seeds, command, environment, working_cpu_s=20.0, preload=("cv2", "av"))
