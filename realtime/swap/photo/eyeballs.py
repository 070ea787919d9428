"""The eyes of a photo with nothing of their lids: what those hide is made of what they show."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from realtime.faces.landmarks.iris import Eye, IrisModel
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.inpainting import inpainted
from realtime.imaging.numerics import Floats, smoothstep
from realtime.swap.photo.flat_photo import LUMA

RADIUS_PX = 20
"""Of an iris, as it is kept."""
RIGID = 1.12
"""Radii around the middle of an iris that are drawn as they are; the white beside is stretched to the corners."""
_ACROSS, _DOWN = 3.4, 2.0
"""Half of an eyeball's picture, in radii of its iris: corners lie 2.2 to 2.9 radii from it."""
_LASHES, _RIM = 0.32, 0.14
"""What of the ball lies under the lashes, and beside the lower lid, in radii: it is drawn from beside it …"""
_LID_SHADE = 0.25
"""… and so far from there, what is seen comes in little by little: a lid's shade ends nowhere."""
_LEAST_SEEN = 0.35
"""Of the iris: a photo whose lids hide more tells too little of it."""
_LEAST_CONTRAST = 1.6
"""Times as bright as the iris the white beside it is: 1.9 to 3.7 where an eye is seen, 1.2 to 1.5 between lids that
are nearly closed, or painted with a brush."""
_WHITE = 0.75
"""Of the blue of the white, as its brightest quarter has it: darker there lie lids, lashes and their shades, and
of them the white of wide eyes was made, flesh-coloured."""
_CORNER = 0.8
"""Radii around a corner in which what is seen comes back: it is red there."""
_LEAST_RADIUS_PX = 2.5
_MOST_YAW_DEGREES = 20.0
"""Of the photo: turned further, one of its eyes is seen from the side."""
_RINGS = 24
_ALIKE, _LEAST_GAIN, _MOST_GAIN = 0.7, 0.7, 1.5
"""How far both irises come to have one colour: a lamp at one side makes them two."""


@dataclasses.dataclass(frozen=True, slots=True)
class EyeBall:
    """One eye of a photo, with nothing of its lids."""

    picture: Pixels
    """Along the eye, the middle of the iris in the picture's."""
    left: float
    right: float
    """From the middle of the iris to the corners, in its radii."""
    white: Floats
    """(3,) the colour of its white, BGR."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Parts:
    """An eyeball, its iris apart: (height, width, 3)."""

    white: Floats
    iris: Floats
    colour: Floats
    """(3,) the iris's, BGR."""
    left: float
    right: float
    white_colour: Floats
    """(3,) the white's."""


def eyeballs(picture: Pixels, corners: Floats, mesh: FaceMesh, model: IrisModel) -> tuple[EyeBall, EyeBall] | None:
    """Return both eyes of a face, sides as in the picture; None where one is not seen well enough. `corners`: (504, 2)
    where its points lie in the picture; `mesh`: how it stood in its photo.
    """
    if abs(mesh.yaw_degrees) > _MOST_YAW_DEGREES:
        return None
    depth = mesh.points[:, 2:]
    found = model.measure(picture, FaceMesh(np.hstack([corners[: len(depth)], 0 * depth]).astype(np.float32), 1.0))
    left, right = (_parts(picture, eye) for eye in (found.left, found.right))
    if left is None or right is None:
        return None
    colour = np.asarray((left.colour + right.colour) / 2, np.float32)
    return _joined(left, colour), _joined(right, colour)


def _joined(eye: _Parts, colour: Floats) -> EyeBall:
    gain = np.clip((colour / np.maximum(eye.colour, 1)) ** _ALIKE, _LEAST_GAIN, _MOST_GAIN)
    disc = np.clip((1.04 - _from_middle()) / 0.12, 0, 1)[..., None]
    ball = eye.white + disc * (eye.iris * gain - eye.white)
    return EyeBall(np.clip(np.rint(ball), 0, 255).astype(np.uint8), eye.left, eye.right, eye.white_colour)


def _size() -> tuple[int, int]:
    return round(2 * _ACROSS * RADIUS_PX), round(2 * _DOWN * RADIUS_PX)


def _from_middle() -> Floats:
    """Return (height, width) how far each pixel is from the middle of the iris, in its radii."""
    width, height = _size()
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.asarray(np.hypot(x - (width - 1) / 2, y - (height - 1) / 2) / RADIUS_PX, np.float32)


def _parts(picture: Pixels, eye: Eye) -> _Parts | None:
    if eye.radius_px < _LEAST_RADIUS_PX or eye.width_px < 3 * eye.radius_px:
        return None
    size = _size()
    along = eye.axis.astype(np.float64) * (eye.radius_px / RADIUS_PX)
    down = np.array([-along[1], along[0]])
    to_picture = np.column_stack([along, down, eye.centre - along * (size[0] - 1) / 2 - down * (size[1] - 1) / 2])
    seen = cv2.warpAffine(
        picture,
        to_picture,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    inverse = np.linalg.inv(to_picture[:, :2])
    upper, lower = ((lid - to_picture[:, 2]) @ inverse.T for lid in (eye.upper, eye.lower))
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    top, bottom = (np.interp(x[0], lid[:, 0], lid[:, 1]) for lid in (upper, lower))
    between = (x > upper[0, 0]) & (x < upper[-1, 0])
    visible = between & (y > top + _LASHES * RADIUS_PX) & (y < bottom - _RIM * RADIUS_PX)
    from_middle = _from_middle()
    if float(visible[from_middle < 1].mean()) < _LEAST_SEEN:
        return None
    depth = cv2.distanceTransform(visible.astype(np.uint8), cv2.DIST_L2, 3) / (_LID_SHADE * RADIUS_PX)
    sure = smoothstep(np.asarray(depth, np.float32))
    iris_is, white_is = visible & (from_middle < 0.97), visible & (from_middle > 1)
    grey = seen @ LUMA
    if not iris_is.any() or not white_is.any():
        return None
    if float(np.median(grey[white_is])) < _LEAST_CONTRAST * float(np.median(grey[iris_is])):
        return None
    iris = _round_iris(seen, np.asarray(sure * (from_middle < 0.97), np.float32), from_middle)
    blue = seen[..., 0]  # of which skin has least
    bright = white_is & (from_middle > RIGID) & (blue > _WHITE * np.percentile(blue[white_is], 75))
    if not bright.any():
        return None
    white_colour = np.asarray(seen[bright].mean(axis=0), np.float32)
    white = inpainted(seen, bright.astype(np.float32))
    away = np.minimum(*(np.hypot(x - at[0], y - at[1]) for at in (upper[0], upper[-1]))) / RADIUS_PX
    white += (smoothstep(1 - away / _CORNER) * visible)[..., None] * (seen - white)
    corner = (upper[[0, -1], 0] - (size[0] - 1) / 2) / RADIUS_PX
    colour = np.asarray(iris[from_middle < 0.9].mean(axis=0), np.float32)
    return _Parts(white, iris, colour, float(corner[0]), float(corner[1]), white_colour)


def _round_iris(seen: Floats, sure: Floats, from_middle: Floats) -> Floats:
    """Return an iris that is as it is seen where that is sure, and elsewhere has the mean colours of the rings around
    its middle.
    """
    ring = np.minimum((from_middle * _RINGS).astype(np.intp), _RINGS - 1)
    weights = (sure + 1e-4 * (from_middle < 1)).ravel()
    counted = np.bincount(ring.ravel(), weights, _RINGS)
    sums = [np.bincount(ring.ravel(), weights * seen[..., each].ravel(), _RINGS) for each in range(3)]
    colours = np.stack(sums, 1) / np.maximum(counted, 1e-9)[:, None]
    place = np.clip(from_middle * _RINGS - 0.5, 0, _RINGS - 1)
    rings = np.stack([np.interp(place, np.arange(_RINGS), colours[:, each]) for each in range(3)], 2)
    return np.asarray(rings + sure[..., None] * (seen - rings), np.float32)
