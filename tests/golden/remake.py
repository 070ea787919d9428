"""Makes the golden pictures of the portrait engine anew: `python -m tests.golden.remake`.

They show the face of the Navy photo in a few motions. Look at them before committing.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.moving_faces import usable_faces
from realtime.portrait.engines import Source
from realtime.portrait.engines.warp.engine import MeshEngine

FOLDER = Path(__file__).parent

MOTIONS = {
    "left": Motion(yaw_degrees=-8, gaze_x_degrees=-24),
    "right": Motion(yaw_degrees=8, gaze_x_degrees=24),
    "up": Motion(pitch_degrees=4, gaze_y_degrees=12),
    "down": Motion(pitch_degrees=-4, gaze_y_degrees=-12),
    "half-closed": Motion(closing=0.5),
    "closed": Motion(closing=1),
    "speaking": Motion(brows=0.03, mouth_open=0.04, mouth_wide=0.01, roll_degrees=2),
}


def face_of(engine: MeshEngine, mesh: FaceMesh, motion: Motion) -> Pixels:
    """Return the face alone, moved."""
    left, top = round(mesh.box.left - engine.region.left), round(mesh.box.top - engine.region.top)
    return engine.render(motion)[top : top + round(mesh.box.height), left : left + round(mesh.box.width)]


def pictures() -> dict[str, Pixels]:
    """Return the Navy photo's face for each motion."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    photo = Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    picture, _ = read_picture(photo)
    meter = FaceMeasurer()
    seen = meter.find(picture, usable_faces(picture, meter)[0])
    engine = MeshEngine.open(Source(picture, seen.mesh, seen.eyes))
    return {name: face_of(engine, seen.mesh, motion) for name, motion in MOTIONS.items()}


def main() -> None:
    for name, pixels in pictures().items():
        _, encoded = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        FOLDER.joinpath(f"navy-{name}.png").write_bytes(np.asarray(encoded, np.uint8).tobytes())


if __name__ == "__main__":
    main()
