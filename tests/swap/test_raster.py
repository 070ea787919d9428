from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points


def test_what_is_linear_is_painted_as_it_is() -> None:
    corners = (uv_points() * 63).astype(np.float32)
    out = np.empty((64, 64, 2), np.float32)
    Rasterizer(triangles(), 64, 64).paint(corners, np.zeros(468, np.float32), corners, out)
    rows, columns = np.nonzero(out.any(axis=2))
    assert len(rows) > 0.6 * 64 * 64
    assert np.abs(out[rows, columns, 0] - columns).max() < 0.01
    assert np.abs(out[rows, columns, 1] - rows).max() < 0.01


def test_there_is_no_hole_between_triangles() -> None:
    corners = (uv_points() * 63).astype(np.float32)
    out = np.empty((64, 64, 1), np.float32)
    Rasterizer(triangles(), 64, 64).paint(corners, np.zeros(468, np.float32), np.ones((468, 1), np.float32), out)
    for row in out[..., 0]:
        filled = np.flatnonzero(row)
        assert not filled.size or len(filled) == filled[-1] - filled[0] + 1


def test_what_is_nearer_covers() -> None:
    corners = np.array([[0, 0], [9, 0], [0, 9], [0, 0], [9, 0], [0, 9]], np.float32)
    depths = np.array([5, 5, 5, 1, 1, 1], np.float32)
    values = np.array([[1], [1], [1], [2], [2], [2]], np.float32)
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        out = np.empty((10, 10, 1), np.float32)
        Rasterizer(np.array(order), 10, 10).paint(corners, depths, values, out)
        assert out[2, 2, 0] == 2
        assert out[9, 9, 0] == 0


def test_what_is_seen_from_behind_is_not_painted() -> None:
    corners = np.array([[0, 0], [9, 0], [0, 9]], np.float32)
    ones = np.ones((3, 1), np.float32)
    for triangle, painted in (([0, 1, 2], True), ([0, 2, 1], False)):
        out = np.empty((10, 10, 1), np.float32)
        Rasterizer(np.array([triangle]), 10, 10).paint(corners, np.zeros(3, np.float32), ones, out)
        assert out.any() == painted


@given(st.lists(st.tuples(st.floats(-40, 60), st.floats(-40, 60)), min_size=3, max_size=3), st.integers(1, 20))
def test_any_triangle_paints_only_inside_itself(points: list[tuple[float, float]], side: int) -> None:
    corners = np.array(points, np.float32)
    out = np.empty((side, side, 1), np.float32)
    Rasterizer(np.array([[0, 1, 2]]), side, side).paint(
        corners, np.zeros(3, np.float32), np.ones((3, 1), np.float32), out
    )
    assert np.isfinite(out).all()
    rows, columns = np.nonzero(out[..., 0])
    assert (columns >= corners[:, 0].min() - 0.1).all()
    assert (columns <= corners[:, 0].max() + 0.1).all()
    assert (rows >= corners[:, 1].min() - 0.1).all()
    assert (rows <= corners[:, 1].max() + 0.1).all()


def test_nothing_in_the_grid_leaves_it_empty() -> None:
    out = np.ones((8, 8, 1), np.float32)
    corners = np.array([[50, 50], [60, 50], [50, 60]], np.float32)
    Rasterizer(np.array([[0, 1, 2]]), 8, 8).paint(corners, np.zeros(3, np.float32), np.ones((3, 1), np.float32), out)
    assert not out.any()
