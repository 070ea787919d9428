"""What becomes of a frame: looked at, remade, offered. `FrameMaker.make` is the order of a frame's life."""

from __future__ import annotations

import dataclasses
import functools
import time

import cv2
import numpy as np

from realtime.core.stats import RunStats
from realtime.faces.face_stage import FaceStage
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Face, Frame, Pixels
from realtime.imaging.pixels import RESTING_BGR
from realtime.pipeline.capture import Capture
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.output_group import OutputGroup
from realtime.pipeline.restarts import Patience, Restarts
from realtime.pipeline.turn import Turn
from realtime.system.watchdog import HUNG_AFTER_S

DETECTOR = "the face detector"
"""What a thread says it is at while it looks for faces."""
DETECTOR_STAGE = "detector"
"""The same, as restarts are counted by."""
_TRACKER = "following the faces"


class FrameMaker:
    """Makes a picture of a frame and offers it to the outputs. Processing thread, where nothing else is said."""

    def __init__(
        self,
        capture: Capture,
        face_stage: FaceStage,
        chain: EffectChain,
        output_group: OutputGroup,
        stats: RunStats,
        restarts: Restarts,
        *,
        every_frame: bool,
        mirrored: bool,
    ) -> None:
        self.capture, self.face_stage, self.chain = capture, face_stage, chain
        self.output_group, self.stats = output_group, stats
        self.every_frame = every_frame
        self.mirrored = mirrored
        """Whether left and right are exchanged. May be changed at any time."""
        self.paused = False
        """Whether the last picture stays. May be changed at any time."""
        self.faces_in_view = 0
        self.detector_patience = Patience()
        self._restarts = restarts
        self._seen: Frame | None = None  # the newest frame of the source
        self._nobody: Pixels | None = None
        self._flipped: FramePool | None = None

    @property
    def untouched(self) -> Frame | None:
        """The newest frame of the source, mirrored where what is shown is; a copy then. Any thread."""
        seen = self._seen
        if seen is None or not self.mirrored:
            return seen
        flipped = np.ascontiguousarray(seen.pixels[:, ::-1])
        return dataclasses.replace(seen, pixels=flipped, mirrored=not seen.mirrored)

    def take(self, frame: Frame, turn: Turn) -> None:
        """Take the source's next frame, and make a picture of it unless the last one is to stay."""
        self._seen = frame
        if not self._is_held and self._may_make():
            self.make(frame, turn)

    def make(self, frame: Frame, turn: Turn, *, looks: bool = True) -> None:
        """From a frame to the outputs: the order of a frame's life. `looks`: False: nobody is there to be found."""
        began_s = time.perf_counter()
        detect_s = 0.0
        faces: list[Face] = []
        if self.chain.uses_faces and looks:
            faces = self._find_faces(frame, turn)
            detect_s = self.face_stage.detect_s
        if self.mirrored and self.chain.uses_pixels:
            frame, faces = self._mirror(frame, faces)
        picture = self.chain.make(frame, faces, turn)
        turn.rest()
        made_s = time.perf_counter()
        if not self.output_group.offer(picture):  # black has been asked for meanwhile
            return
        if not self.every_frame:  # where outputs are waited for, their time is not ours
            made_s = time.perf_counter()
        self.faces_in_view = sum(face.confirmed for face in faces)
        self.stats.processed += 1
        self.stats.picture_size = picture.size
        self.stats.own.add(made_s - began_s - detect_s)

    def idle(self, turn: Turn) -> None:
        """Go on where a live source is lost and the effects draw pictures of their own: a portrait looks about, as
        while nobody is there. Of anything else the last picture stays.
        """
        seen = self._seen
        may_idle = not (self._is_held or self.chain.uses_pixels) and self.capture.is_lost
        if seen is None or not may_idle or not self._may_make():
            return
        if self._nobody is None or self._nobody.shape != seen.pixels.shape:
            self._nobody = np.full_like(seen.pixels, RESTING_BGR)
        now_s = time.monotonic()
        frame = Frame(self._nobody, now_s, seen.pts_s + now_s - seen.captured_at_s, seen.index, seen.mirrored)
        self.make(frame, turn, looks=False)

    def close(self) -> None:
        """Close the effects and the face detector."""
        self.chain.close()
        self.face_stage.close()

    @property
    def _is_held(self) -> bool:
        return self.paused or self.output_group.is_black

    def _may_make(self) -> bool:
        """Whether a picture can be made now, while a stage is begun anew. Where people are hidden, not before there is
        somebody again to find them.
        """
        finds_nobody = self.face_stage.is_being_replaced and self.chain.uses_faces and self.chain.hides_people
        return self.chain.is_whole and not finds_nobody

    def _find_faces(self, frame: Frame, turn: Turn) -> list[Face]:
        doubled = self._restarts.recent(DETECTOR_STAGE)
        turn.at(DETECTOR, self.detector_patience.seconds(HUNG_AFTER_S, frame.size, doubled=doubled))
        faces = self.face_stage.find(frame, functools.partial(turn.at, _TRACKER))
        if self.face_stage.detect_s:
            self.detector_patience.add(self.face_stage.detect_s, frame.size)
        return faces

    def _mirror(self, frame: Frame, faces: list[Face]) -> tuple[Frame, list[Face]]:
        if self._flipped is None or self._flipped.size != frame.size:
            self._flipped = FramePool(frame.size)
        pixels = self._flipped.take()
        cv2.flip(frame.pixels, 1, dst=pixels)
        flipped = dataclasses.replace(frame, pixels=pixels, mirrored=not frame.mirrored)
        return flipped, [face.mirrored(frame.size.width) for face in faces]
