"""Filters that draw as a hand would, for a network to learn."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.imaging.numerics import Floats
from realtime.picture_files.reader import read_picture
from tools.teacher_filters import FILTERS
from tools.teacher_filters.flow import along, flow_of
from tools.teacher_filters.kuwahara import kuwahara
from tools.teacher_filters.lines import lines


@pytest.fixture(scope="module")
def stripes() -> Floats:
    """Bars that rise from left to right at 30 degrees, RGB 0..1."""
    y, x = np.mgrid[:96, :128].astype(np.float32)
    across = x * np.sin(np.radians(30)) + y * np.cos(np.radians(30))
    return np.repeat((0.5 + 0.4 * np.sin(across / 3))[..., None], 3, axis=2).astype(np.float32)


def test_directions_are_those_of_the_bars(stripes: Floats) -> None:
    flow = flow_of(stripes, 2.0)
    inner = np.s_[16:-16, 16:-16]
    angle = np.degrees(np.arctan2(flow.y, flow.x))[inner] % 180
    assert np.abs(angle - 150).max() < 1
    assert flow.anisotropy[inner].min() > 0.98


def test_what_is_averaged_along_the_bars_stays(stripes: Floats) -> None:
    flow, inner = flow_of(stripes, 2.0), np.s_[24:-24, 24:-24]
    noisy = stripes + np.random.default_rng(1).normal(0, 0.1, stripes.shape).astype(np.float32)
    calm = along(noisy, flow, 4.0)
    assert np.abs(along(stripes, flow, 4.0) - stripes)[inner].max() < 0.05
    assert (calm - stripes)[inner].std() < 0.5 * (noisy - stripes)[inner].std()


def test_strokes_are_flat_and_edges_stay() -> None:
    """Two halves with grain: the grain goes, the edge does not move."""
    halves = np.full((48, 64, 3), 0.25, np.float32)
    halves[:, 32:] = 0.75
    given = np.clip(halves + np.random.default_rng(1).normal(0, 0.04, halves.shape), 0, 1).astype(np.float32)
    painted = kuwahara(given, flow_of(given, 3.0), 4.0)
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(painted - halves)[inner].max() < 0.06
    assert (painted - halves)[8:-8, 8:24].std() < 0.4 * 0.04
    grey = kuwahara(np.full((24, 24, 3), 0.5, np.float32), flow_of(np.full((24, 24, 3), 0.5, np.float32), 3.0), 4.0)
    assert np.abs(grey - 0.5).max() < 1e-4


def test_a_line_is_drawn_where_two_tones_meet_and_nowhere_else() -> None:
    halves = np.full((48, 64), 0.25, np.float32)
    halves[:, 32:] = 0.75
    tone = lines(halves, flow_of(np.dstack([halves] * 3), 2.0), 1.2, 4.0)
    assert tone[8:-8, 28:33].min() < 0.3
    assert tone[8:-8, 8:24].min() > 0.99
    assert tone[8:-8, 40:56].min() > 0.99


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_manner_of_drawing_holds_the_picture(name: str, navy_photo: Path) -> None:
    scaled = cv2.resize(read_picture(navy_photo), (128, 150), interpolation=cv2.INTER_AREA)
    small = np.ascontiguousarray(scaled[:, :, ::-1], np.uint8)
    drawn = FILTERS[name](small)
    assert drawn.shape == small.shape
    assert drawn.dtype == np.uint8
    before, after = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).ravel() for each in (small, drawn))
    assert np.corrcoef(before, after)[0, 1] > 0.85
    assert np.array_equal(FILTERS[name](small), drawn)
