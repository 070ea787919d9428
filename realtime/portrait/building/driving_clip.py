"""Following a driving clip: how a filmed face moves, compared with where it begins, as motions for a portrait."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from realtime.core.errors import CameraError, PortraitError
from realtime.core.language import _
from realtime.core.progress import Progress, no_progress
from realtime.faces.detection.blazeface import open_still
from realtime.faces.landmarks.expression import CLOSED, Expression, motion_between, read_expression
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.faces.tracking.mesh_tracker import FOLLOWED, MeshTracker
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Box, Face, Frame, Pixels, Size
from realtime.imaging.numerics import Doubles
from realtime.portrait.building.column_selection import look
from realtime.portrait.building.moving_faces import MovingFaces
from realtime.portrait.engines import DrivingFace, Source
from realtime.portrait.preview.film import check_film, film

_SECOND_FACE_S = 0.4
_SECOND_FACE_SIZE = 0.4
"""A second face counts when it was seen for so long together with the first, and is at least so large beside it."""
_SHORT_S = 1.0
_SMALL_FACE_PX = 90
_LEAST_SEEN = 0.8
_LEAST_LOOK_DEGREES = 8.0
"""Warned about: shorter, smaller, less often seen than this, or looking no farther from side to side."""

_CALM_S = 0.05
_TREMBLE = Expression(
    yaw_degrees=math.inf,
    pitch_degrees=math.inf,
    roll_degrees=math.inf,
    eye_x=0.007,
    eye_y=0.007,
    iris=0.002,
    openness=0.008,
    brows=0.002,
    lips=0.004,
    mouth=0.003,
)
"""The most that is taken for tremble of the models (they do less on a face that rests) and not for a movement, standard
deviations. Heads never jump: whatever they seem to do within two frames is tremble."""
_SHUT_BELOW = 0.6
"""Lids that fall below this share of their openness at rest, at their lowest, are taken to be shut there."""
_BLINKING = 0.45
"""From this closing on, the lids hide the iris, and the iris model sees it sink."""
_BLINK_MARGIN_S = 0.04


@dataclasses.dataclass(frozen=True, slots=True)
class FilmedMotion:
    """How the face in a clip moves."""

    motions: tuple[Motion, ...]
    """One for each frame of the clip. Rest is the first frame that shows the face, but for lids and lips: those rest
    where the clip's are open and where they are closed, so that a film may begin in a blink or a word."""
    times_s: tuple[float, ...]
    """Presentation times, from 0, never decreasing."""
    fps: float
    """Frames per second by the clip's own account."""
    clip: Path
    faces: tuple[FaceMeasurement | None, ...]
    """As it was measured in each frame; None where it was not seen."""
    faces_seen: float
    """Share of the frames in which the face was seen; between two of them it moves evenly, at the ends it waits."""
    warnings: tuple[str, ...]
    """What is poor about this clip, a line each, for the user."""


def motions_of(clip: Path, progress: Progress = no_progress) -> FilmedMotion:
    """Measure the one face in a clip, frame by frame, and calm it without delay.

    Raises PortraitError where there is nothing to follow (not a video, a still picture, no face, two faces), and
    ModelError when a model file cannot be read.
    """
    sights = _watch(clip, FaceMeasurer(), progress)
    seen = [number for number, sight in enumerate(sights.faces) if sight is not None]
    faces = [face for face in sights.faces if face is not None]
    if not faces:
        raise PortraitError(
            _("no face was found in {name}; choose a clip of one person who faces the camera", name=clip.name)
        )
    if len(sights.faces) < 2:
        raise PortraitError(_("{name} holds a single picture; choose a clip of a face that moves", name=clip.name))
    times_s = np.array(sights.times_s, np.float64)
    table = np.array([read_expression(face, faces[0]) for face in faces], np.float64)
    whole = np.stack([np.interp(times_s, times_s[seen], column) for column in table.T], axis=1)
    rest = _rest(whole)
    closed = _closed(whole, rest)
    whole = _without_blinks(times_s, whole, rest, closed)
    calmed = np.stack([smoothed(times_s, column, most) for column, most in zip(whole.T, _TREMBLE, strict=True)], axis=1)
    motions = tuple(motion_between(Expression(*row.tolist()), rest, closed) for row in calmed)
    share = len(faces) / len(sights.faces)
    warnings = tuple(_warnings(times_s, motions, share, min(face.mesh.box.width for face in faces)))
    return FilmedMotion(motions, tuple(sights.times_s), sights.fps, clip, tuple(sights.faces), share, warnings)


def animate(
    moving: MovingFaces,
    filmed: FilmedMotion,
    path: Path,
    *,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> None:
    """Write the whole picture, all its faces moved like the filmed one, at the clip's own times: whole, or not at all.

    `path` ends in .mp4, .mkv or .mov. Raises OutputError; then what was at `path` before is as it was.
    """
    check_film(path, overwrite=overwrite)
    with film(path, filmed.fps, "portrait", overwrite=overwrite) as recorder:
        driving = _driving_faces(filmed) if moving.are_driven_by_faces else itertools.repeat(None)
        for index, (motion, at_s) in enumerate(zip(filmed.motions, filmed.times_s, strict=True)):
            frame = moving.render([motion] * len(moving.engines), next(driving))
            recorder.show(Frame(moving.whole(frame), 0.0, at_s, index))
            progress(_("painting the film"), (index + 1) / len(filmed.motions))


def _driving_faces(filmed: FilmedMotion) -> Iterator[DrivingFace]:
    """Yield the filmed face of each frame; where it is not seen, the last that was, before the first the first."""
    rest: Source | None = None
    now: Source | None = None
    waiting = 0
    for pixels, seen in zip(_pictures(filmed.clip), filmed.faces, strict=False):
        if seen is not None:
            now = Source(pixels.copy(), seen.mesh, seen.eyes)
            rest = rest or now
        if now is None or rest is None:
            waiting += 1
            continue
        yield from [DrivingFace(now, rest)] * (waiting + 1)
        waiting = 0


def _pictures(clip: Path) -> Iterator[Pixels]:
    from realtime.cameras import CameraRequest
    from realtime.cameras.video_file import VideoFile

    with contextlib.closing(VideoFile(str(clip), CameraRequest())) as video:
        while (frame := video.read()) is not None:
            yield frame.pixels


def smoothed(times_s: Doubles, values: Doubles, most_tremble: float) -> Doubles:
    """Return the values without their tremble: late by nothing, and sharp where they jump.

    A bilateral filter over time: each value becomes the mean of its neighbours, weighted by how near they are in time
    and in value. What changes by far more than the tremble (a blink, a saccade, the lips at a p) stays as it is. The
    tremble is taken from the signal itself (its second differences), up to `most_tremble`; infinite: nothing is spared.
    """
    if len(values) < 5:
        return values.copy()
    tremble = 1.4826 * float(np.median(np.abs(np.diff(values, 2)))) / 6**0.5
    scale = math.inf if most_tremble == math.inf else max(1e-9, 3 * min(tremble, most_tremble))
    reach = max(1, int(np.ceil(2.5 * _CALM_S / max(1e-3, float(np.median(np.diff(times_s)))))))
    padded, at_s = np.pad(values, reach, mode="edge"), np.pad(times_s, reach, mode="reflect", reflect_type="odd")
    total, weight = np.zeros_like(values), np.zeros_like(values)
    for shift in range(2 * reach + 1):
        near, near_s = padded[shift : shift + len(values)], at_s[shift : shift + len(values)]
        share = np.exp(-0.5 * ((near_s - times_s) / _CALM_S) ** 2 - 0.5 * ((near - values) / scale) ** 2)
        total += share * near
        weight += share
    return np.asarray(total / weight, np.float64)


@dataclasses.dataclass(slots=True)
class _Sights:
    """What was seen of a clip."""

    fps: float
    times_s: list[float]
    faces: list[FaceMeasurement | None]


def _watch(clip: Path, meter: FaceMeasurer, progress: Progress) -> _Sights:
    """Measure the clip's face in every frame. Raises PortraitError for two faces or where nothing can be read."""
    from realtime.cameras import CameraRequest
    from realtime.cameras.video_file import VideoFile

    try:
        video = VideoFile(str(clip), CameraRequest())
    except CameraError as error:
        raise PortraitError(str(error)) from error
    try:
        follower = _Follower(clip.name, meter)
        sights = _Sights(video.info.fps, [], [])
        expected = video.info.frame_count
        try:
            while (frame := video.read()) is not None:
                sights.times_s.append(frame.pts_s)
                sights.faces.append(follower.see(frame))
                progress(_("watching the clip"), min(1.0, len(sights.faces) / expected) if expected else 0.5)
        finally:
            follower.close()
    finally:
        video.close()
    return sights


class _Follower:
    """Follows one face through a clip."""

    def __init__(self, name: str, meter: FaceMeasurer) -> None:
        self._name = name
        self._detector = open_still("short")
        self._tracker = FaceTracker()
        self._identity = -1
        self._tracked = MeshTracker(meter.find, meter.measure, lambda seen: seen.mesh, FOLLOWED)
        self._others_s: defaultdict[int, float] = defaultdict(float)
        self._at_s = 0.0

    def see(self, frame: Frame) -> FaceMeasurement | None:
        """Return the face in the next frame, or None where it is not seen."""
        passed_s, self._at_s = frame.pts_s - self._at_s, frame.pts_s
        found = self._tracker.update(self._detector.find(frame.pixels), frame.pts_s)
        by_track = {face.track_id: face for face in found if face.lost_for_s == 0}
        if self._identity not in by_track and by_track:
            self._identity = max(by_track, key=lambda identity: by_track[identity].box.area)
            self._tracked.forget()
        self._heed_others(by_track, passed_s, Size.of(frame.pixels))
        return self._tracked.update(frame.pixels, by_track.get(self._identity))

    def close(self) -> None:
        self._detector.close()

    def _heed_others(self, by_track: dict[int, Face], passed_s: float, size: Size) -> None:
        face = by_track.get(self._identity)
        if face is None:
            return
        for identity, other in by_track.items():
            if identity != self._identity and other.box.width > _SECOND_FACE_SIZE * face.box.width:
                self._others_s[identity] += passed_s
                if self._others_s[identity] > _SECOND_FACE_S:
                    raise PortraitError(
                        _(
                            "{name} shows two faces; crop it to the one to follow, for example: ffmpeg "
                            "-i {name} -vf crop={crop} one.mp4",
                            name=self._name,
                            crop=_crop(face.box, other.box, size),
                        )
                    )


def _crop(box: Box, other: Box, size: Size) -> str:
    """Return the part of the picture around one face and without the other, as FFmpeg's crop filter takes it."""
    left, right = max(0.0, box.left - 0.6 * box.width), min(size.width, box.left + 1.6 * box.width)
    if other.centre[0] > box.centre[0]:
        right = min(right, max(other.left, box.left + box.width))
    else:
        left = max(left, min(other.left + other.width, box.left))
    top, bottom = max(0.0, box.top - 0.8 * box.height), min(size.height, box.top + 1.6 * box.height)
    return f"{right - left:.0f}:{bottom - top:.0f}:{left:.0f}:{top:.0f}"


def _rest(table: Doubles) -> Expression:
    """Return what counts as rest: the first frame, with the lids open and the lips closed."""
    first = Expression(*table[0].tolist())
    typical = Expression(*np.median(table, axis=0).tolist())
    return first._replace(
        iris=typical.iris,
        openness=max(first.openness, typical.openness) if first.openness < 0.75 * typical.openness else first.openness,
        lips=min(first.lips, float(np.percentile(table[:, Expression._fields.index("lips")], 5))),
    )


def _closed(table: Doubles, rest: Expression) -> float:
    """Return the openness that this face's closed eyes are read as: the clip's lowest, if that looks like a blink."""
    lowest = float(table[:, Expression._fields.index("openness")].min())
    return max(CLOSED, lowest) if lowest < _SHUT_BELOW * rest.openness else CLOSED


def _without_blinks(times_s: Doubles, table: Doubles, rest: Expression, closed: float) -> Doubles:
    """Return the table with the irises going straight on through each blink."""
    openness = table[:, Expression._fields.index("openness")]
    shut = openness < closed + (1 - _BLINKING) * (rest.openness - closed)
    hidden = np.array([bool(shut[np.abs(times_s - at_s) <= _BLINK_MARGIN_S].any()) for at_s in times_s])
    if hidden.all() or not hidden.any():
        return table
    through = table.copy()
    for name in ("eye_x", "eye_y", "iris"):
        column = Expression._fields.index(name)
        through[:, column] = np.interp(times_s, times_s[~hidden], table[~hidden, column])
    return through


def _warnings(times_s: Doubles, motions: Sequence[Motion], share: float, width_px: float) -> list[str]:
    warnings = []
    if times_s[-1] < _SHORT_S:
        warnings.append(_("the clip lasts only {times_s:.1f} s; a longer one shows more", times_s=times_s[-1]))
    if share < _LEAST_SEEN:
        warnings.append(
            _("the face is seen in only {share:.0%} of the frames; it moves evenly through the others", share=share)
        )
    if width_px < _SMALL_FACE_PX:
        warnings.append(
            _("the face is only {width_px:.0f} pixels wide; eyes and lids cannot be followed well", width_px=width_px)
        )
    looks = [look(motion) for motion in motions]
    reach = max(looks) - min(looks)
    if reach < _LEAST_LOOK_DEGREES:
        warnings.append(_("the face hardly moves: it looks {reach:.1f} degrees from side to side", reach=reach))
    return warnings
