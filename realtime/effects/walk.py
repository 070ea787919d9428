"""A face that wanders through latent space and is never the same: nobody need be before the camera.

Where it goes is told in `realtime.morph.walk`, how it is drawn in time in `realtime.morph.walker`; here a network is
chosen, and a face to begin at.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from realtime.control.parameters import Parameters
from realtime.core.errors import EffectError
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.settings import setting
from realtime.effects import Effect, EffectContext, Placing
from realtime.effects.scene import Scene
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import place_inside
from realtime.model_import.vetting import vetted
from realtime.models.card import ModelKind
from realtime.models.library import SUFFIX, find_model, model_names, read_card
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.morph.generator import DecoderGenerator, FaceGenerator, MorphGenerator
from realtime.morph.model import MorphModel
from realtime.morph.opening import SHIPPED, default_morph, model_and_photo, photo_code
from realtime.morph.steering import WalkSteering
from realtime.morph.walk import WalkCourse
from realtime.morph.walker import Walker


@dataclasses.dataclass(frozen=True)
class WalkSettings:
    """How the face wanders."""

    speed: float = field(
        default=6.0,
        metadata=setting(N_("how many people it passes through in a minute"), least=0, most=60, step=1, live=True),
    )
    spread: float = field(
        default=0.7,
        metadata=setting(
            N_("how far from the mean face: 1 is as far as people are; nearer is clearer"),
            least=0,
            most=1.5,
            step=0.1,
            live=True,
        ),
    )
    seed: int = field(
        default=0, metadata=setting(N_("which way it goes; the same number, the same film"), least=0, step=1, live=True)
    )

    loop: int = field(
        default=0,
        metadata=setting(
            N_("after so many people it is where it began, without a seam; 0: never"), least=0, most=1000, live=True
        ),
    )
    lean: float = field(
        default=0.0,
        metadata=setting(
            N_("towards somebody to the left (below 0) or to the right"), least=-1, most=1, step=0.25, live=True
        ),
    )
    smile: float = field(
        default=0.0,
        metadata=setting(
            N_("smiling; below 0: earnest. Of models that know the direction"), least=-1, most=1, step=0.25, live=True
        ),
    )
    mix: float = field(
        default=0.0,
        metadata=setting(
            N_("how much of another's colours and skin it has: of models whose layers take codes of their own"),
            least=0,
            most=1,
            step=0.1,
            unit="%",
            live=True,
        ),
    )
    fine_from: float = field(
        default=0.5,
        metadata=setting(
            N_("from which of its layers on it is mixed: earlier, and the shape of the face is, too"),
            least=0,
            most=1,
            step=0.1,
            unit="%",
            live=True,
        ),
    )
    viewer: bool = field(
        default=False,
        metadata=setting(
            N_("whoever stands there steers it: place leans it, nearness slows it, a smile makes it smile")
        ),
    )
    fit: Literal["contain", "cover"] = field(
        default="contain",
        metadata=setting(N_("contain: the whole picture, melting into the dark; cover: it fills the screen")),
    )

    @property
    def course(self) -> WalkCourse:
        names = (one.name for one in dataclasses.fields(WalkCourse))
        return WalkCourse(**{name: getattr(self, name) for name in names})


class WalkEffect(Effect):
    """Draws a face of its own."""

    Settings = WalkSettings
    placing = Placing("Morphs", N_("Walk of faces"))
    # It looks at nothing, and where it fails the camera's picture must not come onto a gallery's wall.
    uses_pixels = False
    synthetic = True
    gives_pictures_away = True

    def __init__(
        self,
        generator: FaceGenerator,
        start: Floats | None,
        settings: WalkSettings,
        context: EffectContext,
        held: contextlib.ExitStack,
    ) -> None:
        """`start`: the code [Z] to begin at, or None; `held` is closed with it. Raises ModelError."""
        self.parameters = Parameters(settings)
        self._generator = generator
        canvas = context.canvas or _fitting(context.frame or USUAL_SIZE, context.largest)
        self._pool = FramePool(canvas)
        self._walker = Walker(
            generator, canvas, settings.course, start, waits=context.every_frame, covers=settings.fit == "cover"
        )
        self.uses_faces = settings.viewer  # type: ignore[misc]  # it looks at nobody else
        self._viewer = WalkSteering() if settings.viewer else None
        self._held = held
        held.callback(self._walker.close)
        self._walker.wait(settings.course)

    @classmethod
    def choices(cls) -> Sequence[str]:
        morphs, decoders = model_names(ModelKind.MORPH), model_names(ModelKind.LATENT_DECODER)
        return ("", *(name for name in morphs if name != SHIPPED), *(name for name in decoders if name not in morphs))

    @classmethod
    def open(cls, argument: str, settings: WalkSettings, context: EffectContext) -> WalkEffect:
        """Open `walk`, `walk:MODEL`, `walk:PHOTO` or `walk:MODEL:PHOTO`; with a photo, it begins at that face."""
        name, photo = model_and_photo(argument)
        policy = SessionPolicy(provider=context.provider)
        held = contextlib.ExitStack()
        try:
            generator, start = _opened(name or default_morph(), photo, policy, held)
            return cls(generator, start, settings, context, held)
        except BaseException:
            held.close()
            raise

    @property
    def provider(self) -> str:  # type: ignore[override]  # a network may change it on the way
        return self._generator.provider

    def make(self, scene: Scene) -> Frame:
        picture = self._pool.take()
        course = self.parameters.values.course
        if self._viewer is not None:
            course = self._viewer.steered(course, scene.captured, scene.faces)
        self._walker.draw(scene.frame.pts_s, course, picture)
        return scene.frame.with_pixels(picture)

    @property
    def apart_s(self) -> float:
        """Between two pictures of the network. Any thread."""
        return self._walker.apart_s

    def facts(self) -> Mapping[str, str]:
        return {_("network"): _("a picture every {apart_s:.2f} s", apart_s=self.apart_s)}

    def still_picture(self) -> Pixels | None:
        return self._walker.face

    def report(self) -> Mapping[str, Any]:
        return {"model": self._generator.title}

    def close(self) -> None:
        self._held.close()


def _opened(
    name: str, photo: str, policy: SessionPolicy, held: contextlib.ExitStack
) -> tuple[FaceGenerator, Floats | None]:
    """Return what draws the faces, and where to begin; `held` closes it."""
    if _is_decoder(name):
        path = find_model(name, ModelKind.LATENT_DECODER)
        if photo:
            raise EffectError(
                _(
                    "{stem} only draws faces: it cannot begin at a photo's; leave out ':{photo}'",
                    stem=path.stem,
                    photo=photo,
                )
            )
        decoder = DecoderGenerator(vetted(path), policy)
        held.callback(decoder.close)
        return decoder, None
    model = MorphModel(vetted(find_model(name, ModelKind.MORPH)), policy, codes=1)
    held.callback(model.close)
    return MorphGenerator(model), photo_code(model, photo) if photo else None


def _is_decoder(name: str) -> bool:
    if name in model_names(ModelKind.MORPH):
        return False
    if name in model_names(ModelKind.LATENT_DECODER):
        return True
    path = user_path(name)
    return path.suffix.lower() == SUFFIX and path.is_file() and read_card(path).kind is ModelKind.LATENT_DECODER


def _fitting(frame: Size, largest: Size) -> Size:
    if frame.width <= largest.width and frame.height <= largest.height:
        return frame
    return place_inside(frame, largest).size
