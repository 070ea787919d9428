"""Holds a finished portrait against what it promises, and says in plain words where it is poor."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from realtime.core.language import _
from realtime.faces.landmarks.expression import TOO_NARROW_TO_ANIMATE, motion_between, read_expression
from realtime.faces.landmarks.measurement import FaceMeasurement, gaze_from, turn
from realtime.faces.landmarks.motion import Motion
from realtime.portrait.building.column_selection import look
from realtime.portrait.quality.iris_match import Irises, iris_sizes
from realtime.portrait.quality.report import Figure, Report, off_even, rank_correlation, step_ratio, turned_back

_FAR_EYE_DEGREES = 28.0
"""Of a face turned away farther than this, the models see the far eye too badly to close it."""
_CLEAR_GAZE = 0.12
"""Eye widths from the middle at which a gaze is clear from across a room."""
_SMALL_EYE_PX = 20
_FOLLOWING = 0.9
"""Rank correlation of gaze and frame number: 0.98 and more where eyes are seen, 0.68 behind dark glasses."""
_STILL_HEAD_DEGREES = 4.0
_LITTLE_LOOK_DEGREES = 15.0
"""Of a clip from side to side: in 33 frames its steps are under half a degree, as much as the models tremble by."""
_WIDE_LOOK_DEGREES = 60.0
"""A clip that looks so far from side to side is not to blame: painted eyes show about half of a turn."""
_CLEAR_LOOK_DEGREES = 17.0
"""What a gaze of _CLEAR_GAZE is as an angle, the ball's radius being about 0.4 of an eye's width."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pictures:
    """What was measured on the pixels, without any model."""

    found: int
    """In how many frames of the middle row the detector sees the face."""
    sharpness_least: float
    middle_difference: float
    outside_difference: float
    least_area: float
    seam: float


def can_blink(original: FaceMeasurement) -> bool:
    """Return whether a blink can be shown: not where the far lid's edge is a guess, nor where the eyes are shut."""
    return abs(original.mesh.yaw_degrees) <= _FAR_EYE_DEGREES and original.eyes.openness >= TOO_NARROW_TO_ANIMATE


def seen_look(frame: FaceMeasurement, original: FaceMeasurement) -> float:
    """Return how far to the right a frame is seen to look, head and eyes together, compared with the picture;
    degrees.
    """
    return look(motion_between(read_expression(frame, original), read_expression(original, original)))


def make_report(
    original: FaceMeasurement,
    frames: Sequence[FaceMeasurement],
    irises: Sequence[Irises],
    iris_brightness: float,
    pictures: Pictures,
    driven: Sequence[Motion] | None = None,
) -> Report:
    """Put the figures of one face together.

    `frames`: those of the middle row, from left to right; `irises`: of each of them; `iris_brightness`: of the
    original; `driven`: the motions that a clip asked for, where the row follows one. Such a row can look no farther
    than the clip does, and its head and eyes need not share the way evenly: it is held to the order and the evenness
    of where both together look.
    """
    gaze = [gaze_from(frame, original) for frame in frames]
    yaw = [turn(frame, original).yaw_degrees for frame in frames]
    looks = [seen_look(frame, original) for frame in frames] if driven is not None else []
    if driven is None:
        movement = _own_steps(gaze, yaw)
        warnings = _gaze_warnings(movement, abs(original.mesh.yaw_degrees))
    else:
        movement = _followed_steps(looks, gaze, yaw, driven)
        warnings = _clip_warnings(looks, driven)
    size = iris_sizes(irises)
    colour = max(abs(iris.brightness - iris_brightness) for iris in irises) / 255
    figures = {
        "faces_found": Figure(
            pictures.found / len(frames),
            _("share of frames the detector sees the face in"),
            "1",
            pictures.found == len(frames),
        ),
        **movement,
        "sharpness": _at_least(
            pictures.sharpness_least, 0.85, _("sharpness of the least sharp face over the picture's")
        ),
        "middle_difference": _at_most(
            pictures.middle_difference, 1.0, _("mean difference of the middle frame from the picture, grey levels")
        ),
        "outside_difference": _at_most(
            pictures.outside_difference, 0.0, _("largest difference outside the head's reach, grey levels")
        ),
        **_squeezed(pictures.least_area),
        "seam": _at_most(pictures.seam, 1.02, _("gradient along the seam over the picture's own, 99th percentile")),
        "iris_size_least": _at_least(min(size), 0.95, _("smallest iris over the picture's")),
        "iris_size_most": _at_most(max(size), 1.05, _("largest iris over the picture's")),
        "iris_colour": _at_most(colour, 0.05, _("largest change of the irises' brightness, of black to white")),
    }
    if not figures["faces_found"].is_met:
        warnings.append(_("the detector loses the face in some frames: look at them before you use this pack"))
    return Report(
        figures, tuple(gaze), tuple(yaw), (*_picture_warnings(original), *warnings), original.mesh.box, tuple(looks)
    )


def _own_steps(gaze: Sequence[float], yaw: Sequence[float]) -> dict[str, Figure]:
    """Return the figures of a row in even steps, to which the builder itself set the ends."""
    left, right = gaze[0], gaze[-1]
    first = _("where the eyes look in the first frame, eye widths")
    return {
        "gaze_left": Figure(left, first, f"{-_CLEAR_GAZE:g}", left <= -_CLEAR_GAZE),
        "gaze_right": Figure(right, _("and in the last"), f"{_CLEAR_GAZE:g}", right >= _CLEAR_GAZE),
        "gaze_rank": _at_least(rank_correlation(gaze), 0.99, _("rank correlation of gaze and frame number")),
        "gaze_step": _at_most(step_ratio(gaze), 1.5, _("largest step of the gaze over the mean one")),
        "yaw_left": Figure(yaw[0], _("turn of the head in the first frame, degrees")),
        "yaw_right": Figure(yaw[-1], _("and in the last")),
        "yaw_rank": _at_least(rank_correlation(yaw), 0.99, _("rank correlation of the head's turn and frame number")),
        "yaw_step": _at_most(step_ratio(yaw), 1.5, _("largest step of the head's turn over the mean one")),
    }


def _followed_steps(
    looks: Sequence[float], gaze: Sequence[float], yaw: Sequence[float], driven: Sequence[Motion]
) -> dict[str, Figure]:
    """Return the figures of a row that follows a clip."""
    asked_degrees = look(driven[-1]) - look(driven[0])
    return {
        "look_left": Figure(looks[0], _("where head and eyes together look in the first frame, degrees")),
        "look_right": Figure(looks[-1], _("and in the last")),
        "look_kept": Figure((looks[-1] - looks[0]) / asked_degrees, _("the way from left to right over the clip's")),
        "look_rank": _at_least(rank_correlation(looks), 0.99, _("rank correlation of that look and frame number")),
        "look_place": _at_most(
            off_even(looks), 0.1, _("farthest that any frame is off its even place, of the way from left to right")
        ),
        "gaze_left": Figure(gaze[0], _("where the eyes alone look in the first frame, eye widths")),
        "gaze_right": Figure(gaze[-1], _("and in the last")),
        "yaw_left": Figure(yaw[0], _("turn of the head in the first frame, degrees")),
        "yaw_right": Figure(yaw[-1], _("and in the last")),
        "yaw_back": _at_most(
            turned_back(yaw), 1.5, _("farthest that the head turns back on the way from left to right, degrees")
        ),
    }


def _squeezed(least_area: float) -> dict[str, Figure]:
    """Return nothing for an engine that draws anew, and so squeezes nothing."""
    if math.isinf(least_area):
        return {}
    what = _("smallest part of its area any spot is squeezed to")
    return {"least_area": Figure(least_area, what, _("above 0"), not least_area <= 0)}


def _at_least(value: float, bar: float, meaning: str) -> Figure:
    return Figure(value, meaning, _("at least {bar:g}", bar=bar), value >= bar - 1e-6)


def _at_most(value: float, bar: float, meaning: str) -> Figure:
    return Figure(value, meaning, _("at most {bar:g}", bar=bar), value <= bar + 1e-6)


def _picture_warnings(original: FaceMeasurement) -> list[str]:
    """Return what is poor about the picture itself."""
    warnings = []
    eyes = original.eyes
    width = min(eyes.left.width_px, eyes.right.width_px)
    if width < _SMALL_EYE_PX:
        warnings.append(_("the eyes are only {width:.0f} pixels wide: a larger picture would look better", width=width))
    yaw_degrees = abs(original.mesh.yaw_degrees)
    if yaw_degrees > _FAR_EYE_DEGREES:
        warnings.append(
            _(
                "the face is turned {yaw_degrees:.0f} degrees away: its far eye is seen too badly to "
                "move as far, or to blink",
                yaw_degrees=yaw_degrees,
            )
        )
    if eyes.openness < TOO_NARROW_TO_ANIMATE:
        warnings.append(_("the eyes are nearly closed: there is little to see them turn, and they do not blink"))
    return warnings


def _gaze_warnings(movement: dict[str, Figure], turned_degrees: float) -> list[str]:
    if movement["gaze_rank"].value < _FOLLOWING:
        return [_("the eyes are not seen to turn from left to right: are they behind dark glasses, hair or a shadow?")]
    short = [side for side in ("left", "right") if not movement[f"gaze_{side}"].is_met]
    if not short:
        return []
    reached = " and ".join(f"{abs(movement[f'gaze_{side}'].value):.2f} to the {side}" for side in short)
    warning = _("the eyes look only {reached}: too little to be seen from across a room", reached=reached)
    if turned_degrees > _FAR_EYE_DEGREES:
        warning += _(
            "; in a face turned so far away the irises soon reach the corners of the eyes: one seen more from the front"
            " can look farther"
        )
    return [warning]


def _clip_warnings(looks: Sequence[float], driven: Sequence[Motion]) -> list[str]:
    """Return what the clip did not offer."""
    warnings = []
    asked = look(driven[-1]) - look(driven[0])
    turned = driven[-1].yaw_degrees - driven[0].yaw_degrees
    if asked < _LITTLE_LOOK_DEGREES:
        warnings.append(
            _(
                "the clip looks only {asked:.0f} degrees from side to side: so small a movement is "
                "hardly seen, and not measured well; film a face that looks far to the left and to the "
                "right",
                asked=asked,
            )
        )
    elif min(-looks[0], looks[-1]) < _CLEAR_LOOK_DEGREES:
        more = _(
            "; a clip that looks farther than its {asked:.0f} degrees from side to side would show more", asked=asked
        )
        warnings.append(
            _(
                "the portrait looks {left:.0f} degrees to the left and {right:.0f} to the right, where "
                "{clear_look_degrees:.0f} would be clear from across a room",
                left=-looks[0],
                right=looks[-1],
                clear_look_degrees=_CLEAR_LOOK_DEGREES,
            )
            + (more if asked < _WIDE_LOOK_DEGREES else "")
        )
    if turned < _STILL_HEAD_DEGREES:
        warnings.append(
            _(
                "the head in the clip turns only {turned_degrees:.1f} degrees: the portrait's eyes move alone",
                turned_degrees=max(0.0, turned),
            )
        )
    return warnings
