"""From pictures to a painted video: train, export, add, run; and what comes out is what PyTorch paints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from tests.training.conftest import Words
from tools import export_onnx, train_style
from tools.exporting.checkpoint import read_checkpoint
from tools.networks import layout_of
from tools.training.data import to_pixels, to_tensor

FRAMES = 6
# The user's folder of models is a temporary one, on every system alike.
PROGRAM = """
import pathlib, sys, platformdirs
platformdirs.user_data_path = lambda name: pathlib.Path("data") / name
from realtime.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def program(folder: Path, *words: str) -> str:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_walk(path: Path, photo: Path) -> None:
    """A real photo that moves sideways before the camera, as H.264."""
    picture = cv2.imread(str(photo))
    assert picture is not None
    picture = cv2.resize(picture, (400, 480), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(FRAMES):
            seen = np.ascontiguousarray(picture[60:300, 8 * number : 8 * number + 320], np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(seen, format="bgr24")))
        container.mux(stream.encode(None))


def painted_by_torch(checkpoint: Path, frames: list[Pixels]) -> NDArray[np.uint8]:
    weights = read_checkpoint(checkpoint)
    layout = layout_of(weights)
    assert layout is not None
    (part,) = layout.parts(weights)
    rgb = np.stack([frame[:, :, ::-1] for frame in frames])
    with torch.no_grad():
        return to_pixels(part.network(to_tensor(np.ascontiguousarray(rgb), torch.device("cpu"))))


def pictures(folder: Path) -> list[Pixels]:
    found = [cv2.imread(str(path)) for path in sorted(folder.glob("*.png"))]
    return [np.asarray(picture, np.uint8) for picture in found if picture is not None]


@pytest.fixture(scope="module")
def trained(command_in: Callable[[Path], Words], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a style of twenty steps, brought in, and its checkpoint."""
    folder = tmp_path_factory.mktemp("trained")
    train_style.main(command_in(folder)("brush", "run", steps=20, fine=8, middle=8, blocks=2))
    checkpoint = folder / "run" / "checkpoint.pth"
    assert export_onnx.main([str(checkpoint), "-o", str(folder / "stripes.onnx"), "--title", "Stripes"]) == 0
    assert "stripes" in program(folder, "models", "add", "stripes.onnx")
    return folder


@pytest.mark.parametrize("video", ["photo", "clip"])
def test_twenty_steps_later_a_video_is_painted_as_pytorch_paints_it(
    video: str, trained: Path, navy_photo: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source = tmp_path / "walk.mp4"
    if video == "photo":
        write_walk(source, navy_photo)
    else:
        source = request.getfixturevalue("shared_data") / "videos" / "talking_0.mp4"
    words = ["run", "--source", str(source), "--every-frame", "--frames", str(FRAMES)]
    program(trained, *words, "--effect", "none", "--output", f"{tmp_path}/seen/")
    style = ["--effect", "style:stripes", "--set", "style.steady=no", "--provider", "cpu"]
    program(trained, *words, *style, "--output", f"{tmp_path}/painted/", "--output", str(tmp_path / "painted.mp4"))

    seen = pictures(tmp_path / "seen")
    assert len(seen) == FRAMES
    wanted = painted_by_torch(trained / "run" / "checkpoint.pth", seen)
    difference = np.abs(np.stack(pictures(tmp_path / "painted")).astype(int) - wanted)
    assert difference.max() <= 1
    assert difference.mean() < 0.01
    repainted = np.abs(wanted.astype(int) - np.stack(seen)).mean()
    assert repainted > 10  # there was something to paint

    with av.open(str(tmp_path / "painted.mp4")) as container:
        decoded = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert len(decoded) == FRAMES
    # What H.264 loses hangs on how much fine colour twenty steps have come to: 5 to 7 of 255. It is the painting still.
    assert np.abs(np.stack(decoded).astype(int) - wanted).mean() < repainted / 5
