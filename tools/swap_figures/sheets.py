"""Sheets to look at: frames of a swap at full size, from one side to the other, beside what the camera saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from realtime.core.files import atomic_write
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels

_AROUND = 1.7
"""Side of a picture on the sheet over the larger side of the face, where the frame is as large."""


def spread_by_yaw(meshes: Sequence[FaceMesh | None], count: int) -> list[int]:
    """Return the numbers of frames from the head turned furthest to the left to the right, evenly by angle."""
    seen = [(mesh.yaw_degrees, number) for number, mesh in enumerate(meshes) if mesh is not None]
    if not seen:
        return []
    yaws = np.array([yaw for yaw, _ in seen])
    wanted = np.linspace(yaws.min(), yaws.max(), count)
    numbers = {seen[int(np.argmin(np.abs(yaws - yaw)))][1] for yaw in wanted}
    left = [number for _, number in seen if number not in numbers]
    numbers.update(left[:: max(1, len(left) // max(1, count - len(numbers)))][: count - len(numbers)])
    return sorted(numbers, key=lambda number: meshes[number].yaw_degrees)  # type: ignore[union-attr]


def tile(made: Pixels, own: Pixels, mesh: FaceMesh, words: str) -> Pixels:
    """The face and what is around it, at full size: before beside after."""
    box = mesh.box
    height, width = own.shape[:2]
    side = min(round(_AROUND * max(box.width, box.height)), height, width)
    x, y = box.centre
    left, top = min(max(round(x - side / 2), 0), width - side), min(max(round(y - side / 2), 0), height - side)
    pair = np.ascontiguousarray(np.hstack([each[top : top + side, left : left + side] for each in (own, made)]))
    cv2.putText(pair, words, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(pair, words, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 255, 255), 1, cv2.LINE_AA)
    return pair


def write_sheet(path: Path, tiles: Sequence[Pixels], columns: int) -> None:
    """Write tiles in rows as a PNG. Nothing is scaled."""
    height, width = (max(each.shape[side] for each in tiles) for side in (0, 1))
    framed = [
        cv2.copyMakeBorder(each, 0, height - each.shape[0] + 4, 0, width - each.shape[1] + 4, cv2.BORDER_CONSTANT)
        for each in tiles
    ]
    while len(framed) % columns:
        framed.append(np.zeros_like(framed[0]))
    rows = [np.hstack(framed[start : start + columns]) for start in range(0, len(framed), columns)]
    done, data = cv2.imencode(".png", np.vstack(rows))
    assert done
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write_bytes(data.tobytes())
