"""The frame repainted in the manner of a painting, by an ONNX model.

What a model is comes from `realtime.models.library` and `realtime.models.runtime.onnx_model`; how it is kept quick,
sharp and calm from `realtime.style`. Here they are joined: one renderer paints, and another of the right size is
exchanged for it when the model is too slow, has time to spare, or the camera comes back with frames of another size.
"""

from __future__ import annotations

import collections
import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import cv2

from realtime.control.parameters import Parameters
from realtime.core.errors import EffectError, OptionError
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.settings import setting
from realtime.effects import Effect, EffectContext
from realtime.effects.people import people_in
from realtime.effects.scene import Scene
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.model_import.vetting import vetted
from realtime.models.card import ModelKind
from realtime.models.library import find_model, model_names
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.person.finder import FinderOnDemand
from realtime.person.mask import PersonMask
from realtime.style.background_loader import BackgroundLoader, LoadRequest
from realtime.style.loader import Opener, sizes_of
from realtime.style.renderer import StyleRenderer
from realtime.style.resolution_governor import ResolutionGovernor
from realtime.style.throttle import Throttle

log = logging.getLogger(__name__)

_SLOWER_TIMES = 5  # than when it was opened, because other programs are busy
_BUSY = N_("your computer is busy: painting smaller")
_TELLING_PX = 100  # the face of a person at a desk is some 30 high then


@dataclasses.dataclass(frozen=True)
class StyleSettings:
    """How strongly, how finely and how calmly it paints."""

    strength: float = field(
        default=1.0,
        metadata=setting(
            N_("how much of the picture is painted; 0: the camera's picture"),
            least=0,
            most=1,
            step=0.1,
            unit="%",
            live=True,
        ),
    )
    quality: Literal["auto", "fixed"] = field(
        default="auto",
        metadata=setting(
            N_("auto: a smaller working size where the model is slower than the camera; fixed: the full size")
        ),
    )
    where: Literal["all", "person", "background"] = field(
        default="all",
        metadata=setting(
            N_(
                "person: only people are painted; background: everything but people; what is not is the camera's "
                "picture"
            ),
            live=True,
        ),
    )
    steady: bool = field(default=True, metadata=setting(N_("keep still what does not move, against flicker")))


class StyleEffect(Effect):
    """Repaints every frame."""

    Settings = StyleSettings

    def __init__(self, path: Path, settings: StyleSettings, context: EffectContext) -> None:
        """Opens and warms the model for the size of the frames to come. Raises ModelError."""
        self._path = path
        self._steady = settings.steady
        self._every_frame = context.every_frame
        self._is_governed = settings.quality == "auto" and not context.every_frame
        self._period_s = 1 / context.fps
        frame = context.frame or USUAL_SIZE
        self._opener = Opener(
            path, SessionPolicy(provider=context.provider), steady=settings.steady, is_live=not context.every_frame
        )
        throttle = Throttle(self._period_s if context.alongside else 0.0)
        first = self._opener.open_first(frame, self._period_s if self._is_governed else float("inf"), throttle)
        self._renderer = first.renderer
        self._governor = _FrameGovernor(frame, first.sizes, self._period_s, first.step)
        self._usual_px = _pixels(first.sizes[first.step])
        self._exchange = BackgroundLoader(self._open_beside, quick=self._renderer.model.provider == "CPU")
        self.parameters = Parameters(settings)
        self._strength_is_named = False
        self._pool = FramePool(frame)
        self._finder = FinderOnDemand()
        if settings.where != "all":
            self._finder.get(frame, waits=True)
        self._last: tuple[Pixels, Pixels, StyleSettings] | None = None  # frame, picture, as it was set
        self._frames_by_size: collections.Counter[Size] = collections.Counter()
        self.title = self._renderer.model.card.title or path.stem
        self.provider = self._renderer.model.provider
        self.patience_s = max(self.patience_s, _SLOWER_TIMES * self._renderer.longest_s)
        for note in self._renderer.model.notes:
            log.warning("%s", note)
        self._warn_of_little_detail()

    @classmethod
    def choices(cls) -> list[str]:
        return model_names(ModelKind.STYLE)

    @classmethod
    def open(cls, argument: str, settings: StyleSettings, context: EffectContext) -> StyleEffect:
        """Open `style` (the first there is), `style:NAME`, `style:FILE.onnx`, each with `:STRENGTH` where wanted."""
        name, strength = _split(argument)
        if not name:
            names = cls.choices()
            if not names:
                raise EffectError(_("there are no styles here; `realtime models add FILE.onnx` brings one in"))
            name = names[0]
        if strength is not None:
            settings = dataclasses.replace(settings, strength=strength)
        effect = cls(vetted(find_model(name, ModelKind.STYLE)), settings, context)
        effect._strength_is_named = strength is not None
        return effect

    def make(self, scene: Scene) -> Frame:
        frame, settings = scene.frame, self.parameters.values
        if self._last is not None and self._last[0] is frame.pixels and self._last[2] == settings:
            return frame.with_pixels(self._last[1])
        self._fit(frame.size)
        if settings.strength == 0:
            return frame
        began_s = time.perf_counter()
        people = self._people(scene, settings)
        if people is not None and people.is_empty and settings.where == "person":
            return frame
        picture = self._paint(frame, settings.strength)
        if people is not None and settings.where == "person":
            people.lay_background(frame.pixels, picture)
        elif people is not None:
            people.lay_people(frame.pixels, picture)
        now_s = time.perf_counter()
        if self._is_governed:
            painted_s = self._renderer.scaling_s
            self._governor.count(painted_s, now_s - began_s - painted_s, now_s)
        self.provider = self._renderer.model.provider  # it may have changed: out of GPU memory
        self._frames_by_size[self._renderer.model.size] += 1
        self._last = (frame.pixels, picture, settings)
        return frame.with_pixels(picture)

    def _people(self, scene: Scene, settings: StyleSettings) -> PersonMask | None:
        """Return where people are; None where all is painted, and while what finds them is being opened."""
        if settings.where == "all":
            return None
        finder = self._finder.get(scene.frame.size, waits=self._every_frame)
        return None if finder is None else people_in(scene, finder)

    def _paint(self, frame: Frame, strength: float) -> Pixels:
        picture = self._pool.take()
        self._renderer.paint(frame.pixels, frame.pts_s, picture)
        if strength < 1:
            cv2.addWeighted(frame.pixels, 1 - strength, picture, strength, 0, dst=picture)
        return picture

    def inherit_state(self, former: Effect) -> None:
        if isinstance(former, StyleEffect) and not self._strength_is_named:
            self.parameters.set("strength", former.parameters.values.strength)

    def facts(self) -> Mapping[str, str]:
        renderer = self._renderer
        size = renderer.place.size
        works = str(size) if size == renderer.frame else _("{size} of {frame}", size=size, frame=renderer.frame)
        bound = {} if renderer.model.bound.is_free else {_("bound to"): str(renderer.model.bound)}
        return {_("style"): _(self.title), _("works at"): works, **bound}

    def notices(self) -> Sequence[str]:
        size, frame = self._renderer.model.size, self._renderer.frame
        is_small = self._is_governed and size != frame and _pixels(size) < self._usual_px
        return [_(_BUSY)] if is_small else []

    def report(self) -> Mapping[str, Any]:
        return {
            "title": self.title,
            "working_size": list(self._renderer.model.size),
            "bound": not self._renderer.model.bound.is_free,
            "frames_by_working_size": {str(size): count for size, count in self._frames_by_size.items()},
        }

    def close(self) -> None:
        self._exchange.close()
        self._finder.close()
        self._renderer.close_aside()

    def _fit(self, frame: Size) -> None:
        """Bring about the renderer wanted for frames of this size; until it is there, another paints."""
        if self._pool.size != frame:
            self._pool = FramePool(frame)
            self._last = None
        request = LoadRequest(frame, self._wanted_size(frame))
        if request == (self._renderer.frame, self._renderer.model.size):
            return
        if (
            request.working == self._renderer.model.size
        ):  # frames of another size, and the model need not change for them
            self._renderer = StyleRenderer(self._renderer.model, frame, steady=self._steady)
            return
        if self._every_frame:  # nothing hurries, and every picture has the full size
            self._put_up(self._opener.open(request.frame, request.working, Throttle()))
            return
        self._exchange.ask(request)
        opened = self._exchange.take()
        if opened is not None and opened.frame == frame:
            self._put_up(opened)
        elif opened is not None:
            opened.close_aside()
        elif self._renderer.frame != frame:
            # The model in use paints any shape within its own: with less detail, for some tenths of a second.
            self._renderer = StyleRenderer(self._renderer.model, frame, steady=self._steady)

    def _wanted_size(self, frame: Size) -> Size:
        governor = self._governor
        if governor.frame != frame:
            sizes = sizes_of(self._renderer.model, frame)
            nearest = min(
                range(len(sizes)), key=lambda step: abs(_pixels(sizes[step]) - _pixels(self._renderer.model.size))
            )
            self._governor = governor = _FrameGovernor(
                frame, sizes, self._period_s, nearest if self._is_governed else 0
            )
        elif self._exchange.refused(LoadRequest(frame, governor.sizes[governor.wanted])):
            governor.exchanged(governor.step)
        return governor.sizes[governor.wanted]

    def _warn_of_little_detail(self) -> None:
        bound, size = self._renderer.model.bound, self._renderer.place.size
        if not bound.is_free and min(size) < _TELLING_PX and min(self._renderer.frame) > 2 * min(size):
            log.warning(
                _("%s is bound to %s: frames of %s are painted as %s, too small for a face; export it with free sides"),
                self._path.stem,
                bound,
                self._renderer.frame,
                size,
            )

    def _put_up(self, renderer: StyleRenderer) -> None:
        former, self._renderer = self._renderer, renderer
        former.close_aside()
        self._governor.exchanged(self._governor.sizes.index(renderer.model.size))

    def _open_beside(self, request: LoadRequest) -> StyleRenderer:
        """[the exchange's thread]"""
        throttle = Throttle(self._period_s, lambda: self._exchange.is_dropped(request))
        return self._opener.open(request.frame, request.working, throttle)


class _FrameGovernor(ResolutionGovernor):
    """A governor, and the size of the frames it is for."""

    def __init__(self, frame: Size, sizes: Sequence[Size], period_s: float, step: int) -> None:
        super().__init__(sizes, period_s, step)
        self.frame = frame


def _pixels(size: Size) -> int:
    return size.width * size.height


def _split(argument: str) -> tuple[str, float | None]:
    r"""Split `NAME:STRENGTH`. A colon may be part of a path (`C:\styles\ink.onnx`). Raises OptionError."""
    name, colon, text = argument.rpartition(":")
    if not colon or user_path(argument).is_file() or "/" in text or "\\" in text:
        return argument, None
    is_percent = text.endswith("%")
    try:
        strength = float(text.removesuffix("%"))
    except ValueError:
        strength = float("nan")
    if is_percent or (text.isdecimal() and strength > 1):  # nobody means sixty times as strong by 60
        strength /= 100
    if not 0 <= strength <= 1:
        raise OptionError(
            _(
                "style:{argument}: the strength goes from 0 to 1, for example style:{name}:0.7 or {name}:70%",
                argument=argument,
                name=name,
            )
        )
    return name, strength
