"""What a step along a direction does to people held out, as judges see it who had no part in any training.

Faces after the step are compared with the same faces decoded without it, never with the photo: what an autoencoder
loses anyway is no effect of a direction. `compared` serves whatever way of showing a change there is.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.alignment import FACE, Alignment, sample
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.models.latent_space import Judged
from tools.attributes.judges import Bench, framed
from tools.extraction.likeness import Embedding

STEPS = (-4, -3, -2, -1, 1, 2, 3, 4)
DECIDING = 3
"""The step at which a direction earns its place."""
_EDGE = 1 / 12
"""Of the crop's side: over so much at each edge a decoded face fades into its photo."""

Answers = Mapping[str, NDArray[np.bool_]]
Decode = Callable[[Floats], Floats]
"""Codes [n, Z] to faces [n, S, S, 3] BGR, 0..255."""
Carry = Callable[["Sitter", Floats, Floats], Pixels]
"""A sitter, the face decoded as it is and decoded after a step: the picture to be judged after the step."""


@dataclasses.dataclass(frozen=True)
class Sitter:
    """A person held out: uint8 BGR, and the mesh in its pixels."""

    picture: Pixels
    mesh: FaceMesh

    def crop(self, side_px: int) -> Pixels:
        """Return what an encoder sees, BGR."""
        return sample(self.picture, self.to_picture(side_px), side_px)

    def to_picture(self, side_px: int) -> NDArray[np.float32]:
        return Alignment.parse(FACE).to_picture(self.mesh, side_px)

    def wearing(self, face: Floats) -> Pixels:
        """Return the picture with a decoded face [S, S, 3] in it, its edge blended."""
        side = len(face)
        height, width = self.picture.shape[:2]
        to_picture = self.to_picture(side)
        laid = cv2.warpAffine(face, to_picture, (width, height), borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(_fading(side), to_picture, (width, height))[:, :, None]
        mixed = self.picture + mask * (np.clip(laid, 0, 255) - self.picture)
        return np.asarray(np.rint(mixed), np.uint8)


@dataclasses.dataclass(frozen=True)
class Effect:
    """What one step did."""

    step: int
    could: int
    """Sitters who had the attribute not before; of a step back, who had it."""
    crossed: tuple[float, ...]
    """The share of them in whom that changed, as each judge says that knows it, the deciding one first."""
    others: float
    """The share of sitters in whom another attribute changed, to either side: the mean of all."""
    worst: tuple[str, float]
    """The other attribute that changed most."""
    likeness: float | None = None
    """Cosine of the face's embedding to the one before, the mean."""

    def judged(self) -> Judged:
        """Return it as a model's card tells it: by the deciding judge."""
        own = round(self.crossed[0], 3) if math.isfinite(self.crossed[0]) else None
        return Judged(own, round(self.others, 3), None if self.likeness is None else round(self.likeness, 3))


def compared(bench: Bench, before: Answers, after: Answers, column: str, step: int, akin: Sequence[str] = ()) -> Effect:
    """Count who crossed over. `column` is an attribute of the judges', with `-` before it turned round; those `akin` to
    it are not counted among the others.
    """
    name = column.removeprefix("-")
    bench.knowing(name)
    wanted = (step > 0) != column.startswith("-")
    crossed, open_count = [], 0
    for number, (says_before, says_after) in enumerate(zip(before[name], after[name], strict=True)):
        open_to_it = says_before != wanted
        open_count = open_count if number else int(open_to_it.sum())
        crossed.append(float((says_after[open_to_it] == wanted).mean()) if open_to_it.any() else float("nan"))
    changed = {
        other: float((before[other][0] != after[other][0]).mean())
        for other in bench.attributes
        if other != name and other not in akin
    }
    worst = max(changed, key=lambda other: changed[other], default="")
    others = float(np.mean(list(changed.values()))) if changed else 0.0
    return Effect(step, open_count, tuple(crossed), others, (worst, changed.get(worst, 0.0)))


class Sitting:
    """People held out, their codes, and what the judges say of them as decoded without any step."""

    def __init__(
        self,
        sitters: Sequence[Sitter],
        codes: NDArray[np.floating],
        decode: Decode,
        bench: Bench,
        embedding: Embedding | None = None,
        carry: Carry | None = None,
    ) -> None:
        """`carry` makes the pictures to be judged after a step, and those before from no change; None: the decoded
        faces themselves.
        """
        self.sitters, self.codes = tuple(sitters), np.asarray(codes, np.float32)
        self._decode, self._bench, self._embedding = decode, bench, embedding
        self._carry = carry or (lambda sitter, _, after: sitter.wearing(after))
        self._plain = decode(self.codes)
        pictures = self.pictures(self.codes)
        self.before: Answers = self._answers(pictures)
        self._who = self._embedded(pictures)

    def effect(self, column: str, direction: NDArray[np.floating], step: int, akin: Sequence[str] = ()) -> Effect:
        """Return what a step of so many lengths of `direction` [Z] does."""
        pictures = self.pictures(self.codes + np.float32(step) * np.asarray(direction, np.float32))
        found = compared(self._bench, self.before, self._answers(pictures), column, step, akin)
        identity = self._embedded(pictures)
        if self._who is None or identity is None:
            return found
        likeness = float(np.mean(np.sum(self._who * identity, axis=1)))
        return dataclasses.replace(found, likeness=likeness)

    def pictures(self, codes: Floats) -> list[Pixels]:
        """Return each sitter as shown with another code, [N, Z]."""
        faces = self._decode(codes)
        return [
            self._carry(sitter, plain, face)
            for sitter, plain, face in zip(self.sitters, self._plain, faces, strict=True)
        ]

    def _answers(self, pictures: Sequence[Pixels]) -> Answers:
        faces = [framed(picture, sitter.mesh) for picture, sitter in zip(pictures, self.sitters, strict=True)]
        return self._bench.answers(faces)

    def _embedded(self, pictures: Sequence[Pixels]) -> Floats | None:
        if self._embedding is None:
            return None
        pairs = zip(pictures, self.sitters, strict=True)
        return np.stack([self._embedding.of(picture, sitter.mesh) for picture, sitter in pairs])


def fault(effects: Sequence[Effect]) -> str:
    """Return why a direction is left out, in words; nothing where it earned its place: at the deciding step either way
    no other attribute changes in more sitters than its own crosses over in.
    """
    for effect in effects:
        if abs(effect.step) != DECIDING or not np.isfinite(effect.crossed[0]):
            continue
        other, share = effect.worst
        if share > effect.crossed[0]:
            return (
                f"at {effect.step:+d} it changes {other} in {share:.0%} of people and itself crosses over in "
                f"{effect.crossed[0]:.0%}"
            )
    return ""


def table(name: str, effects: Sequence[Effect], judges: Sequence[str]) -> str:
    """Return the lines for people."""
    heads = ["step", "people", *judges, "others", "likeness", "most of the others"]
    widths = [max(10, len(head) + 2) for head in heads[:-1]]
    head = "".join(f"{each:>{width}}" for each, width in zip(heads[:-1], widths, strict=True))
    lines = [f"{name}, judged", f"{head}  {heads[-1]}"]
    for one in effects:
        cells = [f"{one.step:+d}", str(one.could), *(f"{share:.1%}" for share in one.crossed), f"{one.others:.1%}"]
        cells.append("" if one.likeness is None else f"{one.likeness:.3f}")
        worst = f"  {one.worst[0]} {one.worst[1]:.0%}" if one.worst[0] else ""
        lines.append("".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)) + worst)
    return "\n".join(lines)


def _fading(side: int) -> Floats:
    edge_distance = (np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / (side * _EDGE)
    ramp = np.clip(edge_distance, 0, 1).astype(np.float32)
    return np.minimum(ramp[:, None], ramp)
