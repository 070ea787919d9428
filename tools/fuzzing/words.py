"""The command line itself: words that mean something, changed letter by letter."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.fuzzing import Seed, Target

_ASKED = (
    "--source demo --size 320x180 --fps 30000/1001 --rotate 90 --mirror",
    "--source a,b.jpg --effect swap:a,b.jpg:c.png --seconds 0.1",
    "--source ~nobody/x.mp4 --output ~nobody/y.mp4 --effect portrait:~nobody/z",
    "--source demo --effect style:nothing.onnx:0.6 --quality fixed",
    "--source demo --output camera:v4l2loopback:/dev/video9 --label-size 0.1",
    "--source demo --set none.x=-0.5 --set portrait.view_left=0.2 --detector short",
    "--source demo --label Ünïcödé --label-corner top-left --provider cpu --screen 3",
    "--source 99999999999999999999",
    "--source demo --fps 1e400 --seconds 1e999",
    "--preset nothing.toml",
    "--source demo --keep-in ~ --painting x.png --sign key.pem --stats s.json",
)


def seeds(folder: Path) -> Sequence[Seed]:  # noqa: ARG001 - no files
    long = "a" * 300
    return [*_ASKED, f"--source {long}", f"--source demo --output {long}.mp4", f"--source demo --effect style:{long}"]


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - a folder of its own is where it is
    text = str(seed).replace("\0", "")
    try:
        asked = shlex.split(text)
    except ValueError:  # a quotation mark without its other
        asked = text.split()
    return ["realtime", "run", "--output", "none", "--effect", "none", *asked, "--frames", "1", "--every-frame"]


def environment(out: Path) -> Mapping[str, str]:
    """Name a folder without models: opening a network takes longer than reading words."""
    return {"REALTIME_MODELS": str(out), "XDG_DATA_HOME": str(out), "XDG_CACHE_HOME": str(out)}


TARGET = Target(seeds, command, environment, preload=("cv2", "av"))
