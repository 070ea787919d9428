"""The viewer's face slid through the latent space of an autoencoder: a smile, glasses, years, somebody else's face.

The network draws the face twice, as its code has it and with the code moved (`realtime.morph.model`); what differs is
carried onto the viewer's own pixels (`realtime.morph.transfer`). Here it is chosen: how far along which direction,
mixed with whom, on whose face.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

import numpy as np

from realtime.control.parameters import Parameters
from realtime.core.errors import OptionError
from realtime.core.paths import user_path
from realtime.core.settings import setting
from realtime.effects import Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.effects.walk import WalkSettings
from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.faces.landmarks.mesh import MeshModel
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.faces.tracking.tracker import HELD_S
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.model_import.vetting import vetted
from realtime.models.card import ModelKind
from realtime.models.library import find_model, model_names
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.morph.absence import WanderingFace
from realtime.morph.face import MorphedFace
from realtime.morph.model import MorphModel
from realtime.morph.opening import SHIPPED, default_morph, model_and_photo, photo_code

log = logging.getLogger(__name__)

EVERYONE = "everyone"
"""`morph:everyone` mixes those before the camera into each other."""
_FIRST_SMILE = 2.0
"""Where nothing is set and nobody is mixed in: something is to be seen."""
_MOST_PEOPLE = 4
"""Each costs a network's run; more are left as they are, the smallest first."""
_NOTHING_KEPT = KeptFeatures(eyes=False, mouth=False)
_UNKNOWN_FRAME = Size(1280, 720)


def _direction(about: str) -> Any:
    return field(
        default=None,
        metadata=setting(f"{about}; a step is what people differ by", least=-4, most=4, step=0.5, live=True),
    )


@dataclasses.dataclass(frozen=True)
class MorphSettings:
    """How far along each direction, and how the change is shown. A model has some of the directions: the one that comes
    with the program all but age and fringe, which judges saw in too few faces.
    """

    smile: float | None = _direction("smiling; below 0: earnest")
    mouth: float | None = _direction("an open mouth; below 0: closed")
    glasses: float | None = _direction("glasses, or their shade; below 0: bright eyes")
    beard: float | None = _direction("a beard; below 0: shaven")
    brows: float | None = _direction("bushy brows; below 0: thin ones")
    gender: float | None = _direction("more like a man; below 0: more like a woman")
    makeup: float | None = _direction("make-up; below 0: none")
    pale: float | None = _direction("paler; below 0: darker")
    age: float | None = _direction("older; below 0: younger")
    fringe: float | None = _direction("hair on the forehead; below 0: a high forehead")
    mix: float = field(
        default=0.5,
        metadata=setting(
            "with a photo, or everyone: how much of the other", least=0, most=1, step=0.1, unit="%", live=True
        ),
    )
    amount: float = field(
        default=1.0, metadata=setting("all of the change, times this", least=0, most=2, step=0.1, unit="%", live=True)
    )
    show: Literal["transfer", "decoded"] = field(
        default="transfer",
        metadata=setting("transfer: the change on your own pixels; decoded: the network's own picture", live=True),
    )
    in_front: bool = field(
        default=True, metadata=setting("your hair, hands, cups and phones before your face stay as they are", live=True)
    )
    walk: bool = field(
        default=False,
        metadata=setting("with nobody there, the last face wanders over the whole picture", live=True),
    )


_NOT_DIRECTIONS = ("mix", "amount", "show", "in_front", "walk")
DIRECTIONS = tuple(one.name for one in dataclasses.fields(MorphSettings) if one.name not in _NOT_DIRECTIONS)
"""Names of directions that are settings; of these a model has some."""


class _Person:
    """Somebody whose face is changed."""

    def __init__(self, face: MorphedFace, compositor: Compositor, meshes: MeshModel) -> None:
        self.face = face
        self.compositor = compositor
        self.tracker = WornMeshTracker(meshes)
        self.drawn_at_s = -math.inf


class MorphEffect(Effect):
    """Moves the code of everybody's face, and shows what that changes."""

    Settings = MorphSettings
    uses_faces = True
    synthetic = True
    gives_pictures_away = False

    def __init__(
        self, model: MorphModel, partner: Floats | None, title: str, settings: MorphSettings, *, waits: bool = False
    ) -> None:
        """`partner`: the code of a face to be mixed in, or None; an empty one stands for everyone. `waits`: recorded
        material, no picture of which is left out.
        """
        self._model = model
        self._partner = partner
        self._is_everyone = partner is not None and not len(partner)
        self._title = title
        known = {name: _first(settings, name, partner) for name in DIRECTIONS if name in model.space.names}
        without = {*DIRECTIONS} - set(known) | (set() if partner is not None else {"mix"})
        self.parameters = Parameters(dataclasses.replace(settings, **known), without=without)  # type: ignore[arg-type]
        self._meshes = MeshModel(step_px=2.0)
        self._people: dict[int, _Person] = {}
        self._pool = FramePool(_UNKNOWN_FRAME)
        self._applied: MorphSettings | None = None
        self._step = np.zeros(model.latent, np.float32)
        self._wanderer = WanderingFace(model, WalkSettings().course, waits=waits)
        self._before: Frame | None = None
        self._frames_morphed = 0
        self.provider = model.network.provider

    @classmethod
    def choices(cls) -> Sequence[str]:
        others = [name for name in model_names(ModelKind.MORPH) if name != SHIPPED]
        return ("", EVERYONE, *others)

    @classmethod
    def open(cls, argument: str, settings: MorphSettings, context: EffectContext) -> MorphEffect:
        """Open `morph`, `morph:PHOTO`, `morph:everyone`, `morph:MODEL` or `morph:MODEL:PHOTO`."""
        name, other = model_and_photo(argument, (EVERYONE,))
        name = name or default_morph()
        model = MorphModel(vetted(find_model(name, ModelKind.MORPH)), SessionPolicy(provider=context.provider))
        try:
            _check_known(settings, model, name)
            partner = None
            if other == EVERYONE:
                partner = np.empty(0, np.float32)
            elif other:
                partner = photo_code(model, other)
            model.network.warm()
            return cls(model, partner, other and user_path(other).stem, settings, waits=context.every_frame)
        except BaseException:
            model.close()
            raise

    def make(self, scene: Scene) -> Frame:
        frame, settings = scene.frame, self.parameters.values
        if settings is not self._applied:
            self._apply(settings)
        if self._has_broken(frame):
            self._people.clear()
        self._before = frame
        faces = [face for face in scene.faces if face.confirmed][:_MOST_PEOPLE]
        picture = frame
        if settings.walk or self._changes_anything(settings):
            picture = self._morphed(frame, faces, settings)
        if faces:
            person = self._people.get(faces[0].track_id)
            code = None if person is None else person.face.code
            self._wanderer.saw(frame.pts_s, None if code is None else code + self._step)
        return self._wanderer.show(picture, wanted=settings.walk)

    def _morphed(self, frame: Frame, faces: Sequence[Face], settings: MorphSettings) -> Frame:
        self._people = {face.track_id: self._people.get(face.track_id) or self._new_person(settings) for face in faces}
        if not faces:
            return frame
        if self._pool.size != frame.size:
            self._pool = FramePool(frame.size)
        picture = self._pool.take()
        np.copyto(picture, frame.pixels)
        drawn = [self._draw(frame, face, faces, picture) for face in faces]
        self._frames_morphed += any(drawn)
        self.provider = self._model.network.provider
        return frame.with_pixels(picture) if any(drawn) else frame

    def _draw(self, frame: Frame, face: Face, faces: Sequence[Face], picture: Pixels) -> bool:
        """Change one face in the picture; return whether it was."""
        person = self._people[face.track_id]
        mesh = person.tracker.follow(frame.pixels, face, frame.pts_s)
        if mesh is None:
            held = frame.pts_s - person.drawn_at_s <= HELD_S and person.compositor.can_hold(frame.size)
            if held:
                person.compositor.hold(picture)
            return held
        if self._is_everyone:
            person.face.partner = self._neighbour_code(face, faces)
        person.compositor.render(frame.pixels, mesh, frame.pts_s, 1.0, picture, person.tracker.measured)
        person.drawn_at_s = frame.pts_s
        return True

    def _neighbour_code(self, face: Face, faces: Sequence[Face]) -> Floats | None:
        """Return the code of the nearest other face, a frame old; None while there is none."""
        x, y = face.box.centre
        others = sorted(
            (other for other in faces if other.track_id != face.track_id),
            key=lambda other: math.hypot(other.box.centre[0] - x, other.box.centre[1] - y),
        )
        codes = (self._people[other.track_id].face.code for other in others)
        return next((code for code in codes if code is not None), None)

    def _changes_anything(self, settings: MorphSettings) -> bool:
        if settings.show == "decoded":
            return True
        mixes = self._partner is not None and settings.mix * settings.amount > 0
        return mixes or bool(self._step.any())

    def _has_broken(self, frame: Frame) -> bool:
        """Whether nothing measured until now holds for this frame."""
        before = self._before
        return before is not None and (
            before.size != frame.size or before.mirrored != frame.mirrored or frame.pts_s < before.pts_s
        )

    def _new_person(self, settings: MorphSettings) -> _Person:
        face = MorphedFace(self._model)
        compositor = Compositor(face, _NOTHING_KEPT, light=_light(settings), in_front=settings.in_front)
        person = _Person(face, compositor, self._meshes)
        self._set(person, settings)
        return person

    def _apply(self, settings: MorphSettings) -> None:
        """Hand on what has been set since the last frame."""
        space = self._model.space
        self._step[:] = 0
        for direction in space.directions:
            steps = getattr(settings, direction.name, None)
            if steps:
                self._step += settings.amount * steps * direction.values
        for person in self._people.values():
            self._set(person, settings)
        self._applied = settings

    def _set(self, person: _Person, settings: MorphSettings) -> None:
        person.face.step = self._step
        person.face.mix = min(1.0, settings.mix * settings.amount)
        person.face.shows_decoded = settings.show == "decoded"
        if not self._is_everyone:
            person.face.partner = self._partner
        person.compositor.adapt(_NOTHING_KEPT, light=_light(settings), in_front=settings.in_front)

    def facts(self) -> Mapping[str, str]:
        return {"mixed with": self._title} if self._title else {}

    def report(self) -> Mapping[str, Any]:
        return {"model": self._model.title, "frames_morphed": self._frames_morphed}

    def close(self) -> None:
        self._wanderer.close()
        self._model.close()


def _first(settings: MorphSettings, name: str, partner: Floats | None) -> float:
    """Return where a direction begins: as it is set, or so that something is seen."""
    value = getattr(settings, name)
    if value is not None:
        return float(value)
    nothing_set = all(getattr(settings, each) is None for each in DIRECTIONS)
    return _FIRST_SMILE if name == "smile" and nothing_set and partner is None else 0.0


def _light(settings: MorphSettings) -> float:
    """What is carried onto the viewer's own pixels has their light already."""
    return 1.0 if settings.show == "decoded" else 0.0


def _check_known(settings: MorphSettings, model: MorphModel, name: str) -> None:
    """Raise OptionError for a direction that is asked for and that the model has not."""
    for direction in DIRECTIONS:
        if getattr(settings, direction) and direction not in model.space.names:
            there = ", ".join(model.space.names) or "none yet; tools.find_attributes finds some"
            raise OptionError(f"morph.{direction}: {name} has no such direction; it has: {there}")
