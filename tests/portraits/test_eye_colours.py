"""The colours an eye has where its iris has gone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.portrait.engines.warp.eyes.colours import bridge, rim_ends

_PLACES = 160
_FIRST, _LAST = 60, 110


def line(left: float, right: float) -> NDArray[np.float32]:
    """Return a line along an eye: white, an iris with a soft rim, and white."""
    grey = np.full(_PLACES, 40.0, np.float32)
    grey[: _FIRST - 4], grey[_LAST + 5 :] = left, right
    grey[_FIRST - 4 : _FIRST + 1] = np.linspace(left, 40, 5)
    grey[_LAST : _LAST + 5] = np.linspace(40, right, 5)
    return np.repeat(grey[:, None], 3, axis=1)


def test_the_white_goes_on_as_bright_as_it_is_seen() -> None:
    """For most of the way, not darkened by the rim; and the shadow of the other corner begins softly."""
    filled = bridge(line(200, 110), _FIRST, _LAST)[:, 0]
    assert len(filled) == _LAST - _FIRST + 1
    np.testing.assert_allclose(filled[:18], 200, atol=4)
    assert abs(filled[-1] - 110) < 8
    assert (np.diff(filled) <= 1e-3).all()
    assert np.abs(np.diff(filled)).max() < 0.08 * (200 - 110)


def test_the_shadow_may_lie_on_either_side() -> None:
    # An iris nearer to one corner has other neighbours than one nearer to the other: this one is turned round with it.
    turned = bridge(line(200, 110)[::-1], _PLACES - 1 - _LAST, _PLACES - 1 - _FIRST)[::-1]
    np.testing.assert_allclose(turned, bridge(line(200, 110), _FIRST, _LAST), atol=0.5)


def test_two_equal_sides_meet_as_they_are() -> None:
    np.testing.assert_allclose(bridge(line(180, 180), _FIRST, _LAST), 180, atol=1)


def test_a_rim_ends_where_the_white_begins() -> None:
    first, last = rim_ends(line(200, 110), _FIRST - 1, _LAST + 1)
    assert _FIRST - 5 <= first < _FIRST - 1
    assert _LAST + 1 < last <= _LAST + 5


def test_a_white_that_hardly_stands_out_is_left_alone() -> None:
    assert rim_ends(line(70, 60), _FIRST - 1, _LAST + 1) == (_FIRST - 1, _LAST + 1)
