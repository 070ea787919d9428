"""What the actions of `realtime morph` share: the model and the faces, the label, the files."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from realtime.core.errors import OptionError, OutputError
from realtime.core.files import atomic_write, check_folder, remove_leftovers
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.specs import EffectSpec
from realtime.core.stats import RunStats
from realtime.disclosure.c2pa import SIGNED_FILMS, Signer
from realtime.disclosure.label import Label
from realtime.effects.morph import MorphEffect
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.imaging.frame import Frame, Pixels
from realtime.model_import.vetting import vetted
from realtime.models.card import ModelKind
from realtime.models.library import find_model
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.morph.figure import with_margin
from realtime.morph.model import MorphModel
from realtime.morph.opening import default_morph
from realtime.morph.stills import StillFace
from realtime.outputs.picture_folder import encoded_png
from realtime.pipeline.marking import Marking
from realtime.session import option_reading
from realtime.session.options import Options
from realtime.swap.photo.loading import read_source

log = logging.getLogger(__name__)

LEAST_SIDE_PX, MOST_SIDE_PX = 256, 1080
MOST_PHOTOS = 50
PICTURES = frozenset({".png"})
"""The kind of picture that tells how it was made."""
_MOST_FIGURE_PX = 100_000_000
_USUAL_HEIGHT_PX = 720
"""A figure may be as high as ten pictures; its label is as large as on one."""
_LABEL_LEAST_PX = 14
_LABEL_ROOM = 2.1
"""The pill and a margin above and below it, in heights of the pill."""


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What every action is asked for, checked."""

    photos: tuple[Path, ...]
    target: Path
    model: str
    shows_decoded: bool
    side_px: int
    options: Options
    signer: Signer | None
    font: bytes | None
    """What the file of `--label-font` holds: names want the same letters."""


def order(arguments: argparse.Namespace, photos: Sequence[str], suffixes: frozenset[str]) -> Order:
    """Return what is asked for. Raises a RealtimeError for what cannot be, before any work."""
    options = option_reading.from_arguments(arguments)
    paths = tuple(user_path(photo) for photo in photos)
    target = user_path(arguments.target)
    if len(paths) > MOST_PHOTOS:
        raise OptionError(
            _("{count} photos are too many for one picture; give {most} at most", count=len(paths), most=MOST_PHOTOS)
        )
    within("--side", arguments.side, LEAST_SIDE_PX, MOST_SIDE_PX)
    _check_target(target, paths, suffixes, overwrite=options.overwrite)
    if options.sign and target.suffix.lower() not in PICTURES | SIGNED_FILMS:
        raise OutputError(
            _(
                "{target} cannot be signed: C2PA knows {signed_films} only",
                target=target,
                signed_films=" and ".join(sorted(SIGNED_FILMS)),
            )
        )
    return Order(
        paths,
        target,
        arguments.model or default_morph(),
        arguments.show == "decoded",
        arguments.side,
        options,
        Signer(options.sign) if options.sign else None,
        options.label_font.read_bytes() if options.label_font else None,
    )


def within(option: str, value: float, least: float, most: float) -> None:
    """Raise OptionError for a value out of its range, or none."""
    if not least <= value <= most or not math.isfinite(value):
        raise OptionError(
            _(
                "{option} {value:g} is out of range: {least:g} to {most:g}",
                option=option,
                value=value,
                least=least,
                most=most,
            )
        )


def check_size(width: int, height: int, remedy: str) -> None:
    """Raise OptionError for a figure that no program would open."""
    if width * height > _MOST_FIGURE_PX:
        raise OptionError(
            _("that would be a picture of {width}x{height}; {remedy}", width=width, height=height, remedy=remedy)
        )


def _check_target(target: Path, photos: Sequence[Path], suffixes: frozenset[str], *, overwrite: bool) -> None:
    if target.suffix.lower() not in suffixes:
        raise OutputError(
            _(
                "cannot write to {target}: the name must end in {suffixes}",
                target=target,
                suffixes=", ".join(sorted(suffixes)),
            )
        )
    check_folder(target.absolute().parent)
    if target.is_dir():
        raise OutputError(_("{target} is a folder; choose another name", target=target))
    if not target.exists():
        return
    if any(photo.exists() and target.samefile(photo) for photo in photos):
        raise OutputError(_("{target} is one of the photos; choose another name to write to", target=target))
    if not overwrite:
        raise OutputError(_("{target} exists; choose another name or add --overwrite", target=target))


_NOBODY = Frame(np.zeros((1, 1, 3), np.uint8), 0.0, 0.0, 0)
"""What a marked picture is not."""


class Studio:
    """A model, and the faces of photos as it sees them."""

    def __init__(self, order: Order) -> None:
        """Raises ModelError."""
        policy = SessionPolicy(provider=order.options.provider)
        self.model = MorphModel(vetted(find_model(order.model, ModelKind.MORPH)), policy)
        self.meter = FaceMeasurer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.model.close()

    def face(self, photo: Path) -> StillFace:
        """Raises EffectError where it has no face that can be used."""
        return StillFace(read_source(photo, self.meter), self.model)


class Marker:
    """Puts the label onto pictures, and says how they were made: as a run does with the effect."""

    def __init__(self, order: Order) -> None:
        """Raises OptionError where the label cannot be drawn."""
        self._style = order.options.label_style
        Label(self._style)  # without one, too: names want its letters
        self._has_label = not order.options.no_label
        names = ",".join(str(photo) for photo in order.photos)
        self._spec = EffectSpec.parse(f"morph:{order.model}:{names}")
        self._film = self._marking(self._style.height_share)

    def film(self, picture: Pixels, number: int, fps: float) -> Frame:
        """Return a film's picture, which is changed, as the frame it is to be."""
        frame = Frame(picture, 0.0, number / fps, number)
        return self._film.mark(frame, _NOBODY, may_write=True)

    def figure(self, picture: Pixels) -> Frame:
        """Return a figure with its label on paper of its own, so that it lies over nobody."""
        if not self._has_label:
            return self._film.mark(Frame(picture, 0.0, 0.0, 0), _NOBODY, may_write=True)
        height = picture.shape[0]
        label_px = max(_LABEL_LEAST_PX, round(self._style.height_share * min(height, _USUAL_HEIGHT_PX)))
        room_px = math.ceil(_LABEL_ROOM * label_px)
        is_above = self._style.corner.startswith("top")
        picture = with_margin(picture, room_px if is_above else 0, 0 if is_above else room_px)
        marking = self._marking(label_px / picture.shape[0])
        return marking.mark(Frame(picture, 0.0, 0.0, 0), _NOBODY, may_write=True)

    def _marking(self, height_share: float) -> Marking:
        style = dataclasses.replace(self._style, height_share=height_share)
        marking = Marking(Label(style) if self._has_label else None, "", RunStats())
        marking.begin([self._spec.public_name], [MorphEffect])
        return marking


def write_picture(order: Order, frame: Frame) -> None:
    """Write it whole, or not at all. Raises OutputError."""
    remove_leftovers(order.target)
    with atomic_write(order.target, overwrite=order.options.overwrite) as unfinished:
        unfinished.write_bytes(encoded_png(frame, frame.pixels, signer=order.signer))
    log.info("%s: %s", order.target, frame.size)
