"""The mesh of one person from frame to frame: found, kept while it fits, calmed without lag."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import (
    EYES,
    LIDS,
    LIPS,
    MOUTH,
    POINT_COUNT,
    RIGID,
    FaceMesh,
    MeshModel,
)
from realtime.faces.tracking.one_euro import OneEuroFilter
from realtime.imaging.frame import Box, Face, Pixels


@dataclasses.dataclass(frozen=True, slots=True)
class TrackingPolicy:
    """What a mesh must be to be taken for the face that a detector sees, or saw a moment ago."""

    least_score: float
    """Of the mesh model, 0..1."""
    least_overlap: float
    """Of the mesh's box with the detector's: less, and it has slipped to somebody else or to a poster."""
    most_yaw_degrees: float = math.inf
    most_apart: float = math.inf
    """Face widths between eyes, nose and mouth as mesh and detector have them."""
    lags: float = math.inf
    """Farther apart than this it is measured once more, from where it lies and from the detector's box."""
    least_unseen_score: float = 1.0
    """Where the detector sees nobody."""
    most_unseen_step: float = math.inf
    """Widths that a mesh may move there when it is measured once more; finite: it is measured so."""


WORN = TrackingPolicy(
    # Below it the model sees no face: a hand over all of it, the back of a head. Somebody wears a face there, and it
    # must not go for a moment's doubt.
    least_score=0.4,
    least_overlap=0.15,
    # Beyond it the far half of the mesh is guessed, and a face drawn there slides over the cheek.
    most_yaw_degrees=62.0,
    # On films of people 0.06, in profile and quick motion 0.2 at most; a face that leans out quickly was left behind by
    # half a width, with a mouth on its chin. In quick motion a mesh comes after by a quarter of a width.
    most_apart=0.2,
    lags=0.08,
    # A mesh that lies right stays where it is when it is measured once more, to 0.04 of its width; one that hangs
    # between two faces or lags behind goes on moving.
    least_unseen_score=0.7,
    most_unseen_step=0.06,
)
"""A face is drawn there at once, and what is seen of it for one frame has been seen."""

FOLLOWED = TrackingPolicy(
    # As likely a face as not: between two frames in which it is seen, a clip's face moves evenly.
    least_score=0.5,
    # Where the two disagree about the place, the detector is right: nothing is drawn that must not jump.
    least_overlap=0.3,
    # A nod hides the face from the detector, not from the mesh model.
    least_unseen_score=0.5,
)
"""The one face of a clip is measured, and a frame can be left out."""

LEARNED_FROM = TrackingPolicy(
    # A face in profile or in the dark has 0.5 to 0.8, and its mesh lies beside it.
    least_score=0.9,
    least_overlap=0.3,
)
"""Crops for a network to learn from: a wrong one costs more than a missing one."""

_Measured = TypeVar("_Measured")

_UNSEEN_PASSES = 3
"""Where the detector sees nobody a mesh is measured so often at most, each time from the last: a face holds it."""
_LOOK_PX, _ALIKE = 16, 0.5
"""Where the detector sees nobody, what lies under the mesh must look as it did in the frame before."""


class _Calm(NamedTuple):
    """Of a One Euro filter: Hz at rest, and Hz more for each face width a second."""

    least_cutoff_hz: float
    cutoff_per_speed: float


_HEAD = _Calm(1.0, 32.0)
_FEATURES = _Calm(3.0, 60.0)
_SKIN = _Calm(0.7, 18.0)
"""The head's place, the mean of many points, is sure and must not lag: a nod moves it by half a width a second and
passes at 19 Hz, lids and lips quicker. The rest of the face shakes most, by 0.1 % of its width from frame to frame,
has the finest texture, and moves least within the head."""


def _points_that_speak() -> NDArray[np.intp]:
    return np.unique([number for loop in (*EYES, *LIDS, LIPS, MOUTH) for number in loop])


class MeshTracker(Generic[_Measured]):
    """Measures one person's face from frame to frame: from where it lay, as long as it lies there. Used by one thread.

    What is measured is a `FaceMesh`, or something that holds one.
    """

    def __init__(
        self,
        find: Callable[[Pixels, Face], _Measured],
        again: Callable[[Pixels, FaceMesh], _Measured],
        mesh: Callable[[_Measured], FaceMesh],
        policy: TrackingPolicy,
    ) -> None:
        """`find` measures at a detector's face, `again` about where a mesh lies; `mesh` is the mesh of either."""
        self.measured: _Measured | None = None
        """What was taken for the face in the last frame; None where nothing was."""
        self.is_new = False
        """Whether it was measured at the detector's face, and not from where it lay before."""
        self.rejected: _Measured | None = None
        """What was measured at the detector's face in the last frame and not taken for one."""
        self._find, self._again, self._mesh = find, again, mesh
        self._policy = policy

    def update(self, pixels: Pixels, face: Face | None) -> _Measured | None:
        """Return what is seen of the face in the next frame; None where it is not seen well enough.

        `face`: as the detector sees it; a place held, or None, where it sees none.
        """
        if face is not None and face.lost_for_s > 0:
            face = None
        measured, self.is_new, self.rejected = self._followed(pixels, face), False, None
        if measured is None and face is not None:
            detected, self.is_new = self._find(pixels, face), True
            if self._is_of(self._mesh(detected), face):
                measured = detected
            else:
                self.rejected = detected
        self.measured = measured
        return measured

    def forget(self) -> None:
        """Begin with the detector's box next time."""
        self.measured = self.rejected = None

    def _followed(self, pixels: Pixels, face: Face | None) -> _Measured | None:
        """Measure the face where it was in the last frame; None where it does not lie on the same face any more."""
        if self.measured is None:
            return None
        measured = self._again(pixels, self._mesh(self.measured))
        if face is None:
            return self._held(pixels, measured)
        if self._apart(measured, face) > self._policy.lags:
            tries = (measured, self._again(pixels, self._mesh(measured)), self._find(pixels, face))
            measured = min(tries, key=lambda each: self._apart(each, face))
        return measured if self._is_of(self._mesh(measured), face) else None

    def _held(self, pixels: Pixels, measured: _Measured) -> _Measured | None:
        """Return what is seen where the detector sees nobody, once it stays where it is; None where that is no face."""
        most_step = self._policy.most_unseen_step
        for _ in range(_UNSEEN_PASSES - 1):
            mesh = self._mesh(measured)
            if not self._is_good(mesh, self._policy.least_unseen_score):
                return None
            if math.isinf(most_step):
                return measured
            once_more = self._again(pixels, mesh)
            step_px = float(np.linalg.norm((self._mesh(once_more).points - mesh.points)[:, :2], axis=1).mean())
            if step_px <= most_step * mesh.width_px:
                return measured
            measured = once_more
        return None

    def _is_of(self, mesh: FaceMesh, face: Face) -> bool:
        """Whether a mesh lies on the face that the detector sees."""
        policy = self._policy
        if not self._is_good(mesh, policy.least_score) or not mesh.box.overlap(face.box) > policy.least_overlap:
            return False
        return apart(mesh, face) <= policy.most_apart

    def _is_good(self, mesh: FaceMesh, least_score: float) -> bool:
        """Whether it is the mesh of a face. Numbers that are none are never good."""
        return mesh.score >= least_score and abs(mesh.yaw_degrees) <= self._policy.most_yaw_degrees

    def _apart(self, measured: _Measured, face: Face) -> float:
        return apart(self._mesh(measured), face)


class WornMeshTracker:
    """Follows the mesh of one person who wears a face, calmed without lag. Used by one thread."""

    def __init__(self, model: MeshModel) -> None:
        self._tracker = MeshTracker(model.measure, model.again, lambda mesh: mesh, WORN)
        self._look: NDArray[np.float32] | None = None
        self._head, self._features, self._skin = (
            OneEuroFilter(least_cutoff_hz=calm.least_cutoff_hz, cutoff_per_speed=calm.cutoff_per_speed)
            for calm in (_HEAD, _FEATURES, _SKIN)
        )
        self._speaking = _points_that_speak()
        self._resting = np.setdiff1d(np.arange(POINT_COUNT), self._speaking)

    @property
    def measured(self) -> FaceMesh | None:
        """The mesh of the last frame as it was measured, before it was calmed; None where none was seen."""
        return self._tracker.measured

    def follow(self, pixels: Pixels, face: Face, pts_s: float) -> FaceMesh | None:
        """Return where the face lies in this frame, calmed; None where it cannot be seen well enough to wear one.

        `face` is what the tracker knows, which may be a place held while the detector sees nothing.
        """
        mesh = self._tracker.update(pixels, face)
        if self._tracker.is_new:
            self._reset()
        look = None if mesh is None else _look(pixels, mesh.box)
        if mesh is None or (face.lost_for_s > 0 and not _is_alike(look, self._look)):
            self.forget()
            return None
        self._look = look
        return dataclasses.replace(mesh, points=self._calmed(mesh, pts_s))

    def forget(self) -> None:
        """Begin with the detector's box next time."""
        self._tracker.forget()
        self._look = None
        self._reset()

    def _calmed(self, mesh: FaceMesh, pts_s: float) -> NDArray[np.float32]:
        points, unit = mesh.points.astype(np.float64), mesh.width_px
        head = points[list(RIGID)].mean(axis=0)
        calmed = np.empty_like(mesh.points)
        for some, calm in ((self._speaking, self._features), (self._resting, self._skin)):
            calmed[some] = calm.update((points[some] - head).ravel(), pts_s, unit).reshape(-1, 3)
        calmed += self._head.update(head, pts_s, unit)
        return calmed

    def _reset(self) -> None:
        for calm in (self._head, self._features, self._skin):
            calm.reset()


def _look(pixels: Pixels, box: Box) -> NDArray[np.float32] | None:
    """Return a small grey copy of what lies in a box, mean 0 and length 1; None where that is nothing."""
    height, width = pixels.shape[:2]
    left, top = max(0, int(box.left)), max(0, int(box.top))
    right, bottom = min(width, int(box.left + box.width)), min(height, int(box.top + box.height))
    if right - left < 2 or bottom - top < 2:
        return None
    # Averaging all of a large face takes 0.1 ms, and tells no more.
    sampled = cv2.resize(pixels[top:bottom, left:right], (2 * _LOOK_PX,) * 2, interpolation=cv2.INTER_LINEAR)
    small = cv2.resize(cv2.cvtColor(sampled, cv2.COLOR_BGR2GRAY), (_LOOK_PX,) * 2, interpolation=cv2.INTER_AREA)
    grey = small.astype(np.float32)
    grey -= grey.mean()
    return grey / max(1e-6, float(np.linalg.norm(grey)))


def _is_alike(one: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> bool:
    return one is not None and other is not None and float(np.vdot(one, other)) > _ALIKE


def apart(mesh: FaceMesh, face: Face) -> float:
    """How far apart mesh and detector have eyes, nose and mouth, in face widths."""
    return float(np.linalg.norm(mesh.keypoints - face.keypoints[:4], axis=1).mean()) / max(1.0, face.box.width)
