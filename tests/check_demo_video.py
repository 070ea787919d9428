"""Decode what the first command made and hold it against what it should be: `check_demo_video.py VIDEO STATS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import av
import numpy as np


def check(video: Path, stats: Path) -> None:
    """Raise AssertionError where the video is not ten seconds of a moving portrait that follows a viewer."""
    written = json.loads(stats.read_text(encoding="utf-8"))
    pictures = []
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            assert frame.time is not None
            pictures.append((frame.time, frame.to_ndarray(format="gray")))
    assert stream.codec_context.name == "h264", stream.codec_context.name
    assert len(pictures) == written["frames"]["processed"] == 300, (len(pictures), written["frames"])
    assert 9.8 < pictures[-1][0] < 10.1, pictures[-1][0]
    assert written["effects"] == ["portrait"], written["effects"]
    assert written["frames"]["with_face"] > 150, "the demo viewer was followed"
    assert written["effect_failures"] == 0
    first = pictures[0][1].astype(np.int16)
    assert first.std() > 20, "a picture, not an empty canvas"
    moved = max(float(np.abs(picture.astype(np.int16) - first).mean()) for _, picture in pictures[::10])
    assert moved > 0.5, f"the portrait moves ({moved:.2f} grey levels at most)"
    print(f"{video}: {len(pictures)} frames, {pictures[-1][0]:.1f} s, moves by {moved:.1f} grey levels")


if __name__ == "__main__":
    check(Path(sys.argv[1]), Path(sys.argv[2]))
