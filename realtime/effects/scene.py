"""One moment, as effects see it: the picture, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from realtime.imaging.frame import Face, Frame

T = TypeVar("T")


class Scene:
    """A frame and what is known of it. Processing thread; it holds for one call of `Effect.make`.

    What is costly is found once, by the first effect that asks, however many do, and not at all where none does:

        mask = scene.once(PersonMask, lambda: segmenter.find(scene.captured))
    """

    __slots__ = ("_found", "captured", "faces", "frame", "speech")

    def __init__(
        self,
        frame: Frame,
        faces: Sequence[Face] = (),
        *,
        captured: Frame | None = None,
        found: Scene | None = None,
        speech: float | None = None,
    ) -> None:
        """`found`: the same moment before the effect in front was through with it."""
        self.frame = frame
        """The picture to change: the camera's, or what the effect in front has made of it."""
        self.faces = faces
        """The viewer to follow first, then the others by size; in pixels of the camera's frame. Effects that hide
        people are also given those who are not `confirmed`, last. Empty where no effect uses faces."""
        self.captured = frame if captured is None else captured
        """The camera's picture: what is measured of the moment is measured in it."""
        self.speech = speech
        """How far a mouth is open that says what is heard, 0 to 1; None: no sound is listened to."""
        self._found: dict[type, object] = {} if found is None else found._found

    def once(self, what: type[T], find: Callable[[], T]) -> T:
        """Return what was found of this moment as `what`, by `find` if nobody has asked before."""
        if what not in self._found:
            self._found[what] = find()
        return cast("T", self._found[what])

    def after(self, picture: Frame, faces: Sequence[Face]) -> Scene:
        """Return the same moment with what an effect has made of its picture."""
        return Scene(picture, faces, captured=self.captured, found=self, speech=self.speech)
