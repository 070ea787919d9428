"""MediaPipe's face mesh laid flat: where each of its points lies on an unrolled face, and its triangles.

The numbers are MediaPipe's (Google LLC, Apache-2.0): the texture coordinates of its canonical face and the triangles of
its tesselation; the openings of the eyes and the mouth, which it leaves out, are closed by strips between the lids and
between the lips, so that the mesh has no hole.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray


@functools.cache
def uv_points() -> NDArray[np.float32]:
    """Return (468, 2): x to the picture's right and y down, 0..1, of a face that looks at the viewer. Read only."""
    return _table("uv", np.float32)


@functools.cache
def triangles() -> NDArray[np.intp]:
    """Return (898, 3) numbers of points, clockwise on the screen where the face's outside is seen. Read only."""
    return _table("triangles", np.intp)


@functools.cache
def mirrored_points() -> NDArray[np.intp]:
    """Return (468,): for each point the number of the one across the face's middle. Read only."""
    flat = uv_points()
    numbers = np.linalg.norm((flat * (-1, 1) + (1, 0))[:, None] - flat[None], axis=2).argmin(axis=1)
    numbers.flags.writeable = False
    return np.asarray(numbers, np.intp)


def _table(name: str, dtype: Any) -> NDArray[Any]:
    text = (files("realtime.faces.landmarks") / "canonical_face.json").read_text(encoding="utf-8")
    table = np.array(json.loads(text)[name], dtype)
    table.flags.writeable = False
    return table
