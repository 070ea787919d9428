"""Another face in place of the viewer's: from one photo, or made by a network.

What is done to a face is told in `realtime.face_compositing`; here it is chosen: which photos and models, for whom, how
strongly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from realtime.control.parameters import Parameters
from realtime.core.errors import EffectError, OptionError
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.settings import setting
from realtime.core.specs import joined_files, model_and_rest, names_in
from realtime.effects import Effect, EffectContext, Placing
from realtime.effects.scene import Scene
from realtime.face_compositing import FaceSource
from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.face_compositing.multi_person import KnownPeople, MultiPersonCompositor
from realtime.faces.landmarks.alignment import Alignment
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import MeshModel
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import USUAL_SIZE, Frame
from realtime.model_import.vetting import vetted
from realtime.models.card import ModelKind
from realtime.models.library import find_model, model_names, read_card
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.swap.face.opening import open_face
from realtime.swap.face.sources import is_face
from realtime.swap.names import is_photo
from realtime.swap.network import NetworkFace, SwapModel, identity_of
from realtime.swap.photo.loading import read_source
from realtime.swap.photo.photo_face import PhotoFace, PhotoLevels

_SLIDERS = {"coverage": "coverage", "shift_x": "x", "shift_y": "y"}
"""Parameters that say how the face lies in a model's crop, and what `Alignment` calls them."""


@dataclasses.dataclass(frozen=True)
class SwapSettings:
    """Whose face, how strongly, and what stays the viewer's."""

    morph: float | None = field(
        default=None,
        metadata=setting(
            N_("models that go from one face to another: how far"), least=0, most=1, step=0.1, unit="%", live=True
        ),
    )
    strength: float = field(
        default=1.0,
        metadata=setting(N_("how far the new face covers yours"), least=0, most=1, step=0.1, unit="%", live=True),
    )
    keep: Literal["auto", "eyes", "mouth", "both", "none"] = field(
        default="auto",
        metadata=setting(
            N_(
                "what stays yours: eyes, inside of the mouth; auto: both but the irises with a photo, none with a model"
            ),
            live=True,
        ),
    )
    light: float = field(
        default=1.0,
        metadata=setting(N_("how far the new face takes your light and colour"), least=0, most=1, unit="%", live=True),
    )
    in_front: bool = field(
        default=True,
        metadata=setting(N_("your hair, hands, cups and phones before your face stay before the new one"), live=True),
    )
    glasses: Literal["keep", "remove"] = field(
        default="keep", metadata=setting(N_("your glasses stay on, or go"), live=True)
    )
    photo_glasses: bool = field(default=False, metadata=setting(N_("glasses in the photo are worn, too")))
    everyone: bool = field(default=False, metadata=setting(N_("the last face named is worn by everybody else too")))
    coverage: float | None = field(
        default=None,
        metadata=setting(
            N_("models aligned by the mesh: how much lies in their crop"), least=0.5, most=5, step=0.05, live=True
        ),
    )
    shift_x: float | None = field(
        default=None, metadata=setting(N_("and how far it lies to the right"), least=-1, most=1, step=0.01, live=True)
    )
    shift_y: float | None = field(
        default=None, metadata=setting(N_("and how far down"), least=-1, most=1, step=0.01, live=True)
    )


class SwapEffect(Effect):
    """Puts other faces on the people in the picture."""

    Settings = SwapSettings
    placing = Placing("Faces", takes=frozenset({"picture"}))
    uses_faces = True
    hides_identity = True
    synthetic = True
    gives_pictures_away = True

    def __init__(
        self, people: MultiPersonCompositor, models: Sequence[SwapModel], title: str, settings: SwapSettings
    ) -> None:
        self._people = people
        self._models = models
        self._title = title
        self.parameters = _parameters_of(settings, models)
        self._applied = self.parameters.values
        self._adapted = 0
        self._pool = FramePool(USUAL_SIZE)
        self._frames_hidden = self._frames_worn = 0

    @classmethod
    def choices(cls) -> list[str]:
        return model_names(ModelKind.SWAP)

    @classmethod
    def open(cls, argument: str, settings: SwapSettings, context: EffectContext) -> SwapEffect:
        """Open `swap:PHOTO`, `swap:MODEL`, `swap:MODEL:PHOTO`, or a face of several photos, `swap:A+B`, `swap:FOLDER/`,
        `swap:FILM`, `swap:NAME.face`; or several of them, one for each person: `swap:A,B`.
        """
        named = names_in(argument)
        if not named:
            raise EffectError(_("swap needs a face: --effect swap:PHOTO.jpg, or the name of a model"))
        opener = _Opener(settings, context)
        try:
            makers = [opener.maker(name) for name in named]
        except BaseException:
            opener.close()
            raise
        people = MultiPersonCompositor(makers, lambda: WornMeshTracker(opener.meshes), everyone=settings.everyone)
        titles = ", ".join(_title(name) for name in named)
        return cls(people, opener.models, titles, settings)

    def make(self, scene: Scene) -> Frame:
        frame, settings = scene.frame, self.parameters.values
        if settings is not self._applied:
            self._apply(settings)
        compositors = self._people.compositors
        if len(compositors) != self._adapted:  # set anew, or more people than before
            self._adapted = len(compositors)
            for compositor in compositors:
                kept = _kept(settings, compositor.source)
                compositor.adapt(kept, light=settings.light, in_front=settings.in_front, glasses=settings.glasses)
        if self._pool.size != frame.size:
            self._pool = FramePool(frame.size)
        picture = self._pool.take()
        np.copyto(picture, frame.pixels)
        self._people.render(frame, scene.faces, settings.strength, picture)
        self._frames_worn += self._people.worn > 0
        self._frames_hidden += self._people.hidden > 0
        self.provider = ", ".join(dict.fromkeys(compositor.source.provider for compositor in self._people.compositors))
        return frame.with_pixels(picture)

    def inherit_state(self, former: Effect) -> None:
        """Keep who wears a face: a bystander nearer to the camera must not be taken for the one who asked."""
        if isinstance(former, SwapEffect):
            self._people.take_over(former._people.known())

    def save_state(self) -> object:
        return self._people.known()

    def restore_state(self, state: object) -> None:
        """Know whoever wore a face."""
        if isinstance(state, KnownPeople):
            self._people.take_over(state)

    def _apply(self, settings: SwapSettings) -> None:
        """Hand on to the models what has been set since the last frame."""
        for model in self._models:
            if settings.morph is not None and model.has_morph:
                model.morph = settings.morph
            for parameter, slider in _SLIDERS.items():
                value = getattr(settings, parameter)
                if value != getattr(self._applied, parameter):
                    model.set_slider(slider, value)
        self._applied = settings
        self._adapted = 0

    def facts(self) -> Mapping[str, str]:
        return {_("face"): self._title, _("swapped"): str(self._people.worn)}

    def report(self) -> Mapping[str, Any]:
        return {
            "faces": self._title,
            "frames_swapped": self._frames_worn,
            "frames_hidden": self._frames_hidden,
        }

    def close(self) -> None:
        for model in self._models:
            model.close()


class _Opener:
    """Opens what the names of an argument mean."""

    def __init__(self, settings: SwapSettings, context: EffectContext) -> None:
        self.meter = FaceMeasurer()
        self.meshes = MeshModel(step_px=2.0)
        self.models: list[SwapModel] = []
        self._settings = settings
        self._context = context
        self._policy = SessionPolicy(provider=context.provider)

    def close(self) -> None:
        for model in self.models:
            model.close()

    def maker(self, name: str) -> Callable[[], Compositor]:
        """Return what makes a face to wear, any number of times. Raises a RealtimeError."""
        if is_face(name):
            face = open_face(
                name, self.meter, with_glasses=self._settings.photo_glasses, progress=self._context.progress
            )
            return lambda: self._compositor(PhotoFace(face.levels))
        if is_photo(name):
            source = read_source(user_path(name), self.meter)
            photo = PhotoLevels.of(source.photo, source.mesh, with_glasses=self._settings.photo_glasses)
            return lambda: self._compositor(PhotoFace(photo))
        model = self._model(name)
        return lambda: self._compositor(NetworkFace(model))

    def _model(self, name: str) -> SwapModel:
        model_name, photo_name = model_and_rest(name)
        if model_name.lower().endswith(".portrait"):
            raise EffectError(
                _(
                    "{name} is a portrait, which nobody can wear: --effect portrait:{name}, or name the photo it was "
                    "made of",
                    name=model_name,
                )
            )
        path = vetted(find_model(model_name, ModelKind.SWAP))
        model = SwapModel(path, self._policy, self._alignment(path))
        self.models.append(model)
        if model.takes_identity:
            if not photo_name:
                raise EffectError(
                    _(
                        "{model} makes any face: say whose, --effect swap:{model_name}:PHOTO.jpg",
                        model=model.title,
                        model_name=model_name,
                    )
                )
            source = read_source(user_path(photo_name), self.meter)
            model.become(identity_of(path, source.photo, source.mesh, self._policy))
        elif photo_name:
            raise EffectError(
                _(
                    "{model} always makes the same face; leave out ':{photo_name}'",
                    model=model.title,
                    photo_name=photo_name,
                )
            )
        if self._settings.morph is not None:
            if not model.has_morph:
                raise OptionError(_("swap.morph: {model} has no such dial; leave it out", model=model.title))
            model.morph = self._settings.morph
        return model

    def _alignment(self, path: Path) -> Alignment | None:
        """Return the crop the user's sliders ask for, None where they are not touched."""
        sliders = {"coverage": self._settings.coverage, "x": self._settings.shift_x, "y": self._settings.shift_y}
        touched = {name: value for name, value in sliders.items() if value is not None}
        if not touched:
            return None
        alignment = Alignment.of_model(path, read_card(path))
        if alignment.slide("coverage") is None:
            raise OptionError(
                _("swap.coverage and its like are for models aligned by the mesh; {stem} is not", stem=path.stem)
            )
        for name, value in touched.items():
            alignment = alignment.slid(name, value)
        return alignment

    def _compositor(self, source: FaceSource) -> Compositor:
        settings = self._settings
        kept = _kept(settings, source)
        return Compositor(source, kept, light=settings.light, in_front=settings.in_front, glasses=settings.glasses)


def _title(name: str) -> str:
    files = joined_files(name)
    return Path(files[0]).stem + (_(" and {count} more", count=len(files) - 1) if len(files) > 1 else "")


def _kept(settings: SwapSettings, source: FaceSource) -> KeptFeatures:
    keep = settings.keep
    both = keep == "both" or (keep == "auto" and source.keeps_openings)
    return KeptFeatures(both or keep == "eyes", both or keep == "mouth", irises=keep != "auto")


def _parameters_of(settings: SwapSettings, models: Sequence[SwapModel]) -> Parameters[SwapSettings]:
    """Return what can be set: sliders that none of the models has are left out, the others have their real values."""
    known: dict[str, float] = {}
    for model in models:
        if model.has_morph:
            known.setdefault("morph", model.morph)
        for parameter, slider in _SLIDERS.items():
            value = model.alignment.slide(slider)
            if value is not None:
                known.setdefault(parameter, value)
    without = {"morph", *_SLIDERS} - set(known)
    return Parameters(dataclasses.replace(settings, **known), without=without)  # type: ignore[arg-type]  # by name
