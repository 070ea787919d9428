from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Fitter, Place, letterbox_into, place_inside, rotate_into, rotated_size, scale_into

sizes = st.builds(Size, st.integers(1, 5000), st.integers(1, 5000))


@given(sizes, sizes)
def test_a_place_is_inside_touches_two_edges_and_keeps_the_shape(picture: Size, canvas: Size) -> None:
    place = place_inside(picture, canvas)
    assert place.lies_in(Place(0, 0, *canvas))
    assert place.width == canvas.width or place.height == canvas.height
    assert abs(place.left - (canvas.width - place.right)) <= 1
    assert abs(place.top - (canvas.height - place.bottom)) <= 1
    # Each side is at most half a pixel from the exact shape, and never less than a pixel.
    scale = min(canvas.width / picture.width, canvas.height / picture.height)
    assert abs(place.width - max(1, picture.width * scale)) <= 0.5001
    assert abs(place.height - max(1, picture.height * scale)) <= 0.5001


def noise(size: Size) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (size.height, size.width, 3), np.uint8)


def test_a_letterboxed_picture_is_whole_between_its_bars() -> None:
    out = noise(Size(160, 100))
    place = letterbox_into(np.full((40, 40, 3), (10, 120, 230), np.uint8), out, (1, 2, 3))
    assert place == Place(30, 0, 100, 100)
    assert (place.of(out) == (10, 120, 230)).all()
    assert (out[:, :30] == (1, 2, 3)).all()
    assert (out[:, 130:] == (1, 2, 3)).all()


def test_shrinking_averages() -> None:
    stripes = np.zeros((80, 80, 3), np.uint8)
    stripes[:, ::2] = 200
    out = np.empty((40, 40, 3), np.uint8)
    scale_into(stripes, out)
    assert (out == 100).all()


def test_scaling_writes_into_a_part_of_a_picture() -> None:
    out = np.zeros((60, 60, 3), np.uint8)
    scale_into(np.full((10, 10, 3), 50, np.uint8), out[20:40, 10:50])
    assert (out[20:40, 10:50] == 50).all()
    assert out.sum() == 20 * 40 * 3 * 50


@pytest.mark.parametrize(("degrees", "corner"), [(90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_turning_is_clockwise(degrees: int, corner: tuple[int, int]) -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[0, 0] = 255  # top left
    size = rotated_size(Size(30, 20), degrees)
    out = np.empty((size.height, size.width, 3), np.uint8)
    rotate_into(picture, degrees, out)
    assert (out[corner] == 255).all()
    assert out.sum() == 3 * 255


def test_a_fitter_passes_what_fits_and_prepares_the_rest_once() -> None:
    fitter = Fitter(Size(40, 40))
    fits = noise(Size(40, 40))
    assert fitter.fit(fits) is fits
    other = np.full((20, 40, 3), 90, np.uint8)
    prepared = fitter.fit(other)
    assert prepared.shape == (40, 40, 3)
    assert (prepared[10:30] == 90).all()
    prepared[0, 0] = 7
    assert fitter.fit(other)[0, 0, 0] == 7, "the same array is not prepared twice"
    assert fitter.fit(other.copy())[0, 0, 0] == 0


def test_a_fitter_gives_contiguous_pictures() -> None:
    half = noise(Size(80, 40))[:, ::2]
    fitted = Fitter(Size(40, 40)).fit(half)
    assert fitted.flags.c_contiguous
    np.testing.assert_array_equal(fitted, half)
