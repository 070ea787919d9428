"""Whoever is before the camera, as poses: measured in every frame, compared with their own rest, calmed without lag."""

from __future__ import annotations

import dataclasses
import math

from realtime.faces.landmarks.iris import IrisModel
from realtime.faces.landmarks.measurement import FaceMeasurement, gaze
from realtime.faces.landmarks.mesh import MeshModel
from realtime.faces.tracking.mesh_tracker import FOLLOWED, MeshTracker
from realtime.imaging.frame import Face, Pixels
from realtime.imaging.numerics import eased
from realtime.puppet.calm import CalmPose
from realtime.puppet.idle import Idler
from realtime.puppet.lids import LidReader
from realtime.puppet.pose import AT_REST, Pose
from realtime.puppet.reading import Reading, read_face
from realtime.puppet.rest import RestLearner

_BALL = 2.05
"""Radius of the eyeball over that of the iris: 12 mm over 5.9 mm."""
_LIDS_FOLLOW_DOWN, _LIDS_FOLLOW_UP = 0.5, 0.3
"""How much the opening narrows when the iris goes down by one, and widens when it goes up by one."""
_IRIS_SEEN, _IRIS_SEEN_AT_ALL = 0.4, 0.6
"""From the first closing on, lids hide a part of the iris, and the model sees it sink: the eyes look as high as they
did; from the second on they look where they did, to the sides, too ..."""
_IRIS_UNSURE_S = 0.06
"""... and for so long afterwards."""
_TOGETHER, _BOTH, _STILL_BOTH = 0.3, 0.35, 0.25
"""Lids that differ by less, or have both fallen farther than this, close together: nobody means a wink by it. Those
that have done so part when one has risen above the last: of lids held shut, the less closed one is read between 0.38
and 0.9.
"""
_LOOKED_AT_AGAIN_S = 0.12
"""What the mesh model takes for no face, or for one turned too far, is looked at again after this: each look costs two
runs."""
_HELD_S = 0.5
"""For so long a pose is held when the viewer is not seen any more: a hand before the face, a turn too far."""
_FADES_S = 0.6
"""Between the viewer's pose and the idle one."""
_FORGOTTEN_S = 2.0
"""Who comes back later than this may be somebody else: rest is learnt anew."""
_GAZE_X_GAIN, _GAZE_Y_GAIN = 1.3, 1.5
"""The models see less of irises that turn than there is, of a viewer's as of a picture's: 0.64 to 0.82 across and 0.26
to 0.43 down (nine pictures moved by known ways)."""
_OUT_GAIN, _UP_GAIN, _LIPS_GAIN = 1.3, 1.25, 1.15
"""Of a viewer's mouth they see nearly all: a little more is given back, for painted mouths are a quarter smaller than
filmed ones. (Of a picture's they see 0.2 to 0.9: what it shows is measured in its pixels.)"""
_TURN_GAIN = 1.15
"""Pictures that are turned read as 0.82 of that."""
_PLACE_SHARE, _MOST_PLACE = 0.12, 0.03
"""The head goes along with a viewer who moves aside by this share of their way, heights of the face, and no farther."""
_GROW_SHARE, _MOST_GROW = 0.15, 0.03
_MOST_TURN = 60.0
"""Degrees. How far a picture can follow, its figure knows."""
_LINEAR = 0.3
"""Up to this share of the most, a way is followed as it is; beyond, ever less."""


@dataclasses.dataclass(frozen=True, slots=True)
class Strengths:
    """How far a puppet follows: 1 as far as the viewer moves."""

    head: float = 1.0
    eyes: float = 1.0
    mouth: float = 1.0


class ViewerDriver:
    """Poses from whoever is there, and idle ones from nobody. Used by one thread."""

    def __init__(self, seed: int = 0) -> None:
        """`seed`: of what it does by chance where nobody is there.

        Raises ModelError when a model file cannot be read.
        """
        self._meshes, self._irises = MeshModel(step_px=2.0), IrisModel()
        self._tracker = MeshTracker(self._meshes.measure, self._meshes.again, lambda mesh: mesh, FOLLOWED)
        self._idler = Idler(seed)
        self._calm = CalmPose()
        self._rest = RestLearner()
        self._reference: FaceMeasurement | None = None
        self._lids = (LidReader(), LidReader())
        self._closes_both = True
        self._track_id = -1
        self._seen_at_s = -math.inf
        self._now_s: float | None = None
        self._presence = 0.0
        self._pose = AT_REST  # the viewer's, as last seen
        self._gaze = (0.0, 0.0)
        self.seen: FaceMeasurement | None = None
        """The viewer's face in the last frame, as the camera sees it."""
        self._hidden_at_s = self._partly_hidden_at_s = -math.inf
        self._is_asked_to_learn = False
        self._rejected_at_s = -math.inf

    @property
    def is_followed(self) -> bool:
        """Whether somebody is seen whose rest is known."""
        return self._now_s is not None and self._seen_at_s == self._now_s and self._rest.rest is not None

    @property
    def is_learning(self) -> bool:
        """Whether somebody's rest is being learnt."""
        return self._now_s is not None and self._seen_at_s == self._now_s and self._rest.rest is None

    @property
    def is_held(self) -> bool:
        """Whether a viewer whose rest is known was lost a moment ago, and is waited for."""
        is_known = self._now_s is not None and self._rest.rest is not None
        return is_known and 0 < (self._now_s or 0.0) - self._seen_at_s <= _HELD_S

    @property
    def viewer_pose(self) -> Pose:
        """How the viewer's face differs from its rest, as last seen: neither weakened nor flipped."""
        return self._pose

    def learn_rest(self) -> None:
        """[any thread] Take what the viewer's face does within the next second for its rest."""
        self._is_asked_to_learn = True

    def pose(self, pixels: Pixels, face: Face | None, pts_s: float, strengths: Strengths, *, flipped: bool) -> Pose:
        """Return the pose for a frame. `face`: of the viewer, as the tracker knows it; None: nobody is there.
        `flipped`: the pose as in a looking glass.
        """
        step_s = 0.0 if self._now_s is None else max(0.0, pts_s - self._now_s)
        self._now_s = pts_s
        if self._is_asked_to_learn:
            self._is_asked_to_learn = False
            self._rest.learn_anew()
        idle = self._idler.pose(pts_s)
        self.seen = self._seen(pixels, face, pts_s)
        if self.seen is not None:
            self._take_in(self.seen, pts_s)
        is_there = self._rest.rest is not None and pts_s - self._seen_at_s <= _HELD_S
        change = step_s / _FADES_S
        self._presence = min(1.0, max(0.0, self._presence + (change if is_there else -change)))
        if self._presence == 0:
            return idle
        pose = _strengthened(self._pose, strengths)
        if flipped:
            pose = pose.mirrored()
        return pose if self._presence == 1 else idle.mixed(pose, eased(self._presence))

    def _seen(self, pixels: Pixels, face: Face | None, pts_s: float) -> FaceMeasurement | None:
        """Return what is seen of the viewer; who it is may have changed."""
        if face is not None and face.track_id != self._track_id:
            self._track_id = face.track_id
            self._tracker.forget()
            if pts_s - self._seen_at_s > _FADES_S or self._tracker.measured is None:
                self._begin()
        if face is None and self._tracker.measured is None:
            return None
        if self._tracker.measured is None and pts_s - self._rejected_at_s < _LOOKED_AT_AGAIN_S:
            return None
        mesh = self._tracker.update(pixels, face)
        if mesh is None:
            self._rejected_at_s = pts_s
            return None
        if pts_s - self._seen_at_s > _FORGOTTEN_S:
            self._begin()
        self._seen_at_s = pts_s
        eyes = self._irises.measure(pixels, mesh)
        return FaceMeasurement(mesh, eyes, gaze(mesh, eyes))

    def _begin(self) -> None:
        """Forget who was there."""
        self._rest.learn_anew()
        self._reference = None
        self._lids = (LidReader(), LidReader())
        self._calm.reset()

    def _take_in(self, seen: FaceMeasurement, pts_s: float) -> None:
        if self._reference is None:
            self._reference = seen
        reading = read_face(seen, self._reference)
        self._rest.add(reading, pts_s)
        rest = self._rest.rest
        if rest is not None:
            self._pose = self._calm.calmed(self._compared(reading, rest, pts_s), pts_s)

    def _compared(self, now: Reading, rest: Reading, pts_s: float) -> Pose:
        """Return the pose that leads from rest to what is read now."""
        eye_y = now.eye_y - rest.eye_y
        follow = (_LIDS_FOLLOW_DOWN if eye_y > 0 else _LIDS_FOLLOW_UP) * eye_y
        left, right = (
            lid.closing(openness, opened - follow, pts_s)
            for lid, openness, opened in zip(
                self._lids, (now.open_left, now.open_right), (rest.open_left, rest.open_right), strict=True
            )
        )
        self._closes_both = abs(left - right) < _TOGETHER or min(left, right) > (
            _STILL_BOTH if self._closes_both else _BOTH
        )
        if self._closes_both:
            left = right = max(left, right) if max(left, right) > 0.7 else (left + right) / 2
        self._look(now, rest, max(left, right), pts_s)
        place = (now.place_x - rest.place_x, rest.place_y - now.place_y)
        shift_right, shift_up = (_within(_PLACE_SHARE * part, _MOST_PLACE) for part in place)
        return Pose(
            _TURN_GAIN * (now.yaw_degrees - rest.yaw_degrees),
            now.pitch_degrees - rest.pitch_degrees,
            now.roll_degrees - rest.roll_degrees,
            *self._gaze,
            left,
            right,
            now.brow_left - rest.brow_left,
            now.brow_right - rest.brow_right,
            _OUT_GAIN * (rest.left_x - now.left_x),
            _OUT_GAIN * (now.right_x - rest.right_x),
            _UP_GAIN * (rest.left_y - now.left_y),
            _UP_GAIN * (rest.right_y - now.right_y),
            _LIPS_GAIN * (rest.upper_y - now.upper_y),
            _LIPS_GAIN * (now.lower_y - rest.lower_y),
            _LIPS_GAIN * (now.chin_y - rest.chin_y),
            shift_right,
            shift_up,
            _within(_GROW_SHARE * (now.size / rest.size - 1), _MOST_GROW),
        )

    def _look(self, now: Reading, rest: Reading, closing: float, pts_s: float) -> None:
        """Take in where the eyes look, as far as lids let it be seen."""
        if closing > _IRIS_SEEN:
            self._partly_hidden_at_s = pts_s
        if closing > _IRIS_SEEN_AT_ALL:
            self._hidden_at_s = pts_s
        ball = _BALL * rest.iris
        x, y = self._gaze
        if pts_s - self._hidden_at_s > _IRIS_UNSURE_S:
            x = _GAZE_X_GAIN * (_degrees(now.eye_x / ball) - _degrees(rest.eye_x / ball))
        if pts_s - self._partly_hidden_at_s > _IRIS_UNSURE_S:
            y = _GAZE_Y_GAIN * (_degrees(rest.eye_y / ball) - _degrees(now.eye_y / ball))
        self._gaze = x, y


def _strengthened(pose: Pose, strengths: Strengths) -> Pose:
    head, eyes, mouth = strengths.head, strengths.eyes, strengths.mouth
    return Pose(
        *(max(-_MOST_TURN, min(_MOST_TURN, part * head)) for part in pose[:3]),
        *(part * eyes for part in pose[3:5]),
        *(min(1.0, part * eyes) for part in pose[5:7]),
        *(part * eyes for part in pose[7:9]),
        *(part * mouth for part in pose[9:16]),
        *(part * head for part in pose[16:]),
    )


def _within(value: float, most: float) -> float:
    """Return a value that never goes beyond `most`, and is itself while it is far from it."""
    linear = _LINEAR * most
    if abs(value) <= linear:
        return value
    room = most - linear
    return math.copysign(linear + room * math.tanh((abs(value) - linear) / room), value)


def _degrees(sine: float) -> float:
    return math.degrees(math.asin(max(-0.95, min(0.95, sine))))
