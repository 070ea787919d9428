"""The viewer's face slid through the latent space of an autoencoder: a smile, a beard, half of somebody else.

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
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.settings import setting
from realtime.effects import Effect, EffectContext, Placing
from realtime.effects.scene import Scene
from realtime.effects.walk import WalkSettings
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import MeshModel
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.faces.tracking.tracker import HELD_S
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import USUAL_SIZE, Face, Frame, Pixels
from realtime.imaging.numerics import Floats
from realtime.model_import.vetting import vetted
from realtime.models.card import ModelKind
from realtime.models.library import find_model, model_names
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.morph.absence import WanderingFace
from realtime.morph.glasses.shapes import DIRECTION as GLASSES
from realtime.morph.glasses.shapes import FrameShape
from realtime.morph.model import MorphModel
from realtime.morph.opening import SHIPPED, code_of, default_morph, model_and_photo
from realtime.morph.person import Change, MorphedPerson, Partner
from realtime.swap.photo.loading import read_source
from realtime.swap.photo.photo_face import PhotoLevels

log = logging.getLogger(__name__)

EVERYONE = "everyone"
"""`morph:everyone` mixes those before the camera into each other."""
_FIRST_SMILE = 2.0
"""Where nothing is set and nobody is mixed in: something is to be seen."""
_MOST_PEOPLE = 4
"""Each costs a network's run; more are left as they are, the smallest first."""


def _direction(about: str) -> Any:
    return field(
        default=None,
        metadata=setting(about, least=-4, most=4, step=0.5, live=True),
    )


@dataclasses.dataclass(frozen=True)
class MorphSettings:
    """How far along each direction, and how the change is shown. A model has some of the directions: the one that comes
    with the program all but age and fringe, which judges saw in too few faces.
    """

    smile: float | None = _direction(N_("smiling; below 0: earnest; a step is what people differ by"))
    mouth: float | None = _direction(N_("an open mouth; below 0: closed; a step is what people differ by"))
    glasses: float | None = _direction(
        N_("glasses: thin steel at 1, brown acetate at 2, black at 3, bold at 4; below 0: bright eyes")
    )
    beard: float | None = _direction(N_("a beard; below 0: shaven; a step is what people differ by"))
    brows: float | None = _direction(N_("bushy brows; below 0: thin ones; a step is what people differ by"))
    gender: float | None = _direction(
        N_("more like a man; below 0: more like a woman; a step is what people differ by")
    )
    makeup: float | None = _direction(N_("make-up; below 0: none; a step is what people differ by"))
    pale: float | None = _direction(N_("paler; below 0: darker; a step is what people differ by"))
    age: float | None = _direction(N_("older; below 0: younger; a step is what people differ by"))
    fringe: float | None = _direction(
        N_("hair on the forehead; below 0: a high forehead; a step is what people differ by")
    )
    frame: FrameShape = field(
        default="panto",
        metadata=setting(N_("the shape of the glasses that are put on"), live=True),
    )
    mix: float = field(
        default=0.5,
        metadata=setting(
            N_("with a photo, or everyone: how much of the other"), least=0, most=1, step=0.1, unit="%", live=True
        ),
    )
    amount: float = field(
        default=1.0,
        metadata=setting(N_("all of the change, times this"), least=0, most=2, step=0.1, unit="%", live=True),
    )
    show: Literal["transfer", "decoded"] = field(
        default="transfer",
        metadata=setting(N_("transfer: the change on your own pixels; decoded: the network's own picture"), live=True),
    )
    in_front: bool = field(
        default=True,
        metadata=setting(N_("your hair, hands, cups and phones before your face stay as they are"), live=True),
    )
    walk: bool = field(
        default=False,
        metadata=setting(N_("with nobody there, the last face wanders over the whole picture"), live=True),
    )


_NOT_DIRECTIONS = ("frame", "mix", "amount", "show", "in_front", "walk")
DIRECTIONS = tuple(one.name for one in dataclasses.fields(MorphSettings) if one.name not in _NOT_DIRECTIONS)
"""Names of directions that are settings; of these a model has some."""


@dataclasses.dataclass
class _Viewer:
    """Somebody before the camera."""

    person: MorphedPerson
    tracker: WornMeshTracker
    drawn_at_s: float = -math.inf


class MorphEffect(Effect):
    """Moves the code of everybody's face, and shows what that changes."""

    Settings = MorphSettings
    placing = Placing("Morphs", N_("Smile"), frozenset({"picture"}))
    uses_faces = True
    synthetic = True
    gives_pictures_away = True

    def __init__(
        self, model: MorphModel, partner: Partner | None, settings: MorphSettings, *, waits: bool = False
    ) -> None:
        """`waits`: recorded material, no picture of which is left out."""
        self._model = model
        self._partner = partner
        self._waits = waits
        names = {*model.space.names, GLASSES}
        known = {name: _first(settings, name, partner) for name in DIRECTIONS if name in names}
        without = {*DIRECTIONS} - set(known) | (set() if partner is not None else {"mix"})
        self.parameters = Parameters(dataclasses.replace(settings, **known), without=without)  # type: ignore[arg-type]
        self._meshes = MeshModel(step_px=2.0)
        self._viewers: dict[int, _Viewer] = {}
        self._pool = FramePool(USUAL_SIZE)
        self._applied: MorphSettings | None = None
        self._change = Change(np.zeros(model.latent, np.float32))
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
        # Live nobody waits for the network: a second thread of it would only take the loop's own processor.
        policy = SessionPolicy(provider=context.provider, threads=0 if context.every_frame else 1)
        model = MorphModel(vetted(find_model(name, ModelKind.MORPH)), policy)
        try:
            _check_known(settings, model, name)
            partner = Partner(EVERYONE) if other == EVERYONE else None
            if other and partner is None:
                source = read_source(user_path(other), FaceMeasurer())
                photo = PhotoLevels.of(source.photo, source.mesh)
                partner = Partner(user_path(other).stem, code_of(model, source), photo)
            model.network.warm()
            return cls(model, partner, settings, waits=context.every_frame)
        except BaseException:
            model.close()
            raise

    def make(self, scene: Scene) -> Frame:
        frame, settings = scene.frame, self.parameters.values
        if settings is not self._applied:
            self._apply(settings)
        if self._has_broken(frame):
            self._viewers.clear()
        self._before = frame
        faces = [face for face in scene.faces if face.confirmed][:_MOST_PEOPLE]
        picture = frame
        if settings.walk or self._changes_anything():
            picture = self._morphed(frame, faces)
        if faces:
            viewer = self._viewers.get(faces[0].track_id)
            code = None if viewer is None else viewer.person.code
            self._wanderer.saw(frame.pts_s, None if code is None else code + self._change.step)
        return self._wanderer.show(picture, wanted=settings.walk)

    def _morphed(self, frame: Frame, faces: Sequence[Face]) -> Frame:
        self._viewers = {face.track_id: self._viewers.get(face.track_id) or self._new_viewer() for face in faces}
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

    def _new_viewer(self) -> _Viewer:
        person = MorphedPerson(self._model, self._partner, self._change, waits=self._waits)
        return _Viewer(person, WornMeshTracker(self._meshes))

    def _draw(self, frame: Frame, face: Face, faces: Sequence[Face], picture: Pixels) -> bool:
        """Change one face in the picture; return whether it was."""
        viewer = self._viewers[face.track_id]
        mesh = viewer.tracker.follow(frame.pixels, face, frame.pts_s)
        if mesh is None:
            return frame.pts_s - viewer.drawn_at_s <= HELD_S and viewer.person.hold(frame.size, picture)
        if self._partner is not None and self._partner.code is None:
            viewer.person.mix_with(self._neighbour_code(face, faces))
        walks = self.parameters.values.walk
        viewer.drawn_at_s = frame.pts_s
        return viewer.person.render(frame.pixels, mesh, frame.pts_s, picture, viewer.tracker.measured, needs_code=walks)

    def _neighbour_code(self, face: Face, faces: Sequence[Face]) -> Floats | None:
        """Return the code of the nearest other face, a frame old; None while there is none."""
        x, y = face.box.centre
        others = sorted(
            (other for other in faces if other.track_id != face.track_id),
            key=lambda other: math.hypot(other.box.centre[0] - x, other.box.centre[1] - y),
        )
        codes = (self._viewers[other.track_id].person.code for other in others)
        return next((code for code in codes if code is not None), None)

    def _changes_anything(self) -> bool:
        change = self._change
        mixes = self._partner is not None and change.mix > 0
        return change.shows_decoded or mixes or change.glasses > 0 or bool(change.step.any())

    def _has_broken(self, frame: Frame) -> bool:
        """Whether nothing measured until now holds for this frame."""
        before = self._before
        return before is not None and (
            before.size != frame.size or before.mirrored != frame.mirrored or frame.pts_s < before.pts_s
        )

    def _apply(self, settings: MorphSettings) -> None:
        """Hand on what has been set since the last frame."""
        step = np.zeros(self._model.latent, np.float32)
        decoded = settings.show == "decoded"
        glasses = 0.0 if decoded else max(0.0, settings.amount * (settings.glasses or 0.0))
        for direction in self._model.space.directions:
            steps = getattr(settings, direction.name, None)
            if steps and not (glasses and direction.name == GLASSES):
                step += settings.amount * steps * direction.values
        mix = min(1.0, settings.mix * settings.amount)
        self._change = Change(step, mix, decoded, settings.in_front, glasses, settings.frame)
        for viewer in self._viewers.values():
            viewer.person.adapt(self._change)
        self._applied = settings

    def facts(self) -> Mapping[str, str]:
        return {} if self._partner is None else {_("mixed with"): self._partner.title}

    def report(self) -> Mapping[str, Any]:
        return {"model": self._model.title, "frames_morphed": self._frames_morphed}

    def close(self) -> None:
        self._wanderer.close()
        self._model.close()


def _first(settings: MorphSettings, name: str, partner: Partner | None) -> float:
    """Return where a direction begins: as it is set, or so that something is seen."""
    value = getattr(settings, name)
    if value is not None:
        return float(value)
    nothing_set = all(getattr(settings, each) is None for each in DIRECTIONS)
    return _FIRST_SMILE if name == "smile" and nothing_set and partner is None else 0.0


def _check_known(settings: MorphSettings, model: MorphModel, name: str) -> None:
    """Raise OptionError for a direction that is asked for and that the model has not."""
    for direction in DIRECTIONS:
        steps = getattr(settings, direction)
        if steps and direction not in model.space.names and not (direction == GLASSES and steps > 0):
            there = ", ".join(model.space.names) or _("none yet; tools.find_attributes finds some")
            raise OptionError(
                _(
                    "morph.{direction}: {name} has no such direction; it has: {there}",
                    direction=direction,
                    name=name,
                    there=there,
                )
            )
