"""One clip in one photo's face: likeness, expression, seam, how steady it is where the viewer is still, lag."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from tools.swap_figures.faces import Expression, expression, place_of
from tools.swap_figures.material import Clip
from tools.swap_figures.motion import change, lag_frames, restlessness, stillest
from tools.swap_figures.seam import Seam, seam
from tools.swap_figures.sheets import spread_by_yaw, tile
from tools.swap_figures.smiles import Smiles
from tools.swap_figures.wearing import Eyes, Seen, region, render

Numbers = NDArray[np.float32]

_STILL_S = 1.0
"""The stillest second of a clip stands for a still person."""
_NO_CHANGE = 1e-6
ASIDE_DEGREES = 30.0
_MOVING_PX = 0.7
"""A head that moves less in a frame tells nothing of lag: the models waver by some tenths of a pixel."""


@dataclasses.dataclass(frozen=True, slots=True)
class Talk:
    """What was measured of one clip in one face."""

    clip: str
    photo: str
    frames: int
    measured: int
    """Frames with a face to be seen, in which a face was put on."""
    hidden: int
    """Frames with a face to be seen, in which all of it was hidden."""
    before: float
    """Likeness (cosine) of the viewer and the photo …"""
    after: float
    """… and of the finished frames and the photo."""
    still_viewer: float
    """Likeness of finished frames and the viewer."""
    expression: Expression
    seam: float
    """The worst place of each frame, grey levels: the mean over the frames …"""
    seam_worst: float
    """… and the 95th percentile."""
    seam_place: str
    """Where it is most often."""
    steady: float
    """Change from frame to frame over the input's, where the viewer is stillest …"""
    stillness: float
    """… and how still that is: motion a frame, % of the eye distance."""
    lag: float
    """Frames the head is late by, read off both meshes."""
    smiles: dict[str, Smiles]
    """By classifier."""
    after_aside: float = float("nan")
    """`after`, of the frames in which the head is turned by 30° and more; NaN: there are none."""

    @property
    def gain(self) -> float:
        return self.after - self.before

    @property
    def light(self) -> str:
        """The bad light that was made of the clip; empty: as it was filmed."""
        return self.clip.partition(", ")[2]


def talk(
    clip: Clip,
    sightings: Sequence[Seen],
    photo: Path,
    eyes: Eyes,
    every: int,
    tiles: int,
    target: Numbers | None = None,
) -> tuple[Talk, list[Pixels]]:
    """Dress a clip and measure it; also some tiles for a sheet. `target`: who the face is to be like; None: the photo.
    Raises a RealtimeError.
    """
    target = eyes.photo(photo) if target is None else target
    show = set(spread_by_yaw([sighting.mesh for sighting in sightings], tiles)) if tiles else set()
    tiles_by_yaw: list[tuple[float, Pixels]] = []
    made_meshes: list[FaceMesh] = []
    own_meshes: list[FaceMesh] = []
    likeness: list[tuple[float, float, float]] = []
    aside: list[float] = []
    smiles: list[tuple[list[float], list[float]]] = []
    seams: list[Seam] = []
    places: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    ratios: list[tuple[float, float, float]] = []
    previous: tuple[Pixels, Seen] | None = None
    hidden = 0
    for number, (sighting, output) in enumerate(zip(sightings, render(sightings, str(photo)), strict=True)):
        if sighting.near is None or sighting.mesh is None:
            previous = None
            continue
        original = sighting.frame.pixels
        if is_all_hidden(output, original, sighting.mesh):
            hidden += 1
            previous = None
            continue
        mesh = eyes.meter.meshes.again(output, sighting.near)
        made_meshes.append(mesh)
        own_meshes.append(sighting.mesh)
        places[number] = place_of(mesh), place_of(sighting.mesh)
        seams.append(seam(output, original, sighting.mesh))
        if len(made_meshes) % every == 1 or every == 1:
            # Both are cut by the same mesh: only the pixels tell them apart.
            worn, viewer = eyes.embedding.of(output, sighting.mesh), eyes.embedding.of(original, sighting.mesh)
            likeness.append((float(viewer @ target), float(worn @ target), float(worn @ viewer)))
            if abs(sighting.mesh.yaw_degrees) >= ASIDE_DEGREES:
                aside.append(likeness[-1][1])
            smiles.append((eyes.smiles.of(original, sighting.mesh), eyes.smiles.of(output, sighting.mesh)))
        if previous is not None and previous[1].mesh is not None:
            mask = region(sighting.mesh, original.shape) | region(previous[1].mesh, original.shape)
            moved = restlessness(sighting.mesh, previous[1].mesh)
            ratios.append((moved, change(previous[0], output, mask), change(previous[1].frame.pixels, original, mask)))
        if number in show:
            caption = f"{number} yaw {sighting.mesh.yaw_degrees:+.0f} seam {seams[-1].step:.0f} {seams[-1].place}"
            tiles_by_yaw.append((sighting.mesh.yaw_degrees, tile(output, original, sighting.mesh, caption)))
        previous = output, sighting
    if not made_meshes:
        raise SystemExit(f"{clip.name}: nobody to be seen")
    before, after, viewer_left = np.mean(likeness, axis=0)
    where = stillest([moved for moved, _, _ in ratios], round(_STILL_S * clip.fps))
    calm = np.array(ratios)[where]
    steps = [each.step for each in seams]
    names = [each.place for each, step in zip(seams, steps, strict=True) if step >= np.median(steps)]
    return Talk(
        clip.name,
        photo.stem,
        len(sightings),
        len(made_meshes),
        hidden,
        float(before),
        float(after),
        float(viewer_left),
        expression(made_meshes, own_meshes),
        float(np.mean(steps)),
        float(np.percentile(steps, 95)),
        max(set(names), key=names.count),
        float(calm[:, 1].sum() / max(calm[:, 2].sum(), _NO_CHANGE)),
        100 * float(calm[:, 0].mean()),
        _lag(places),
        eyes.smiles.summed_up(*zip(*smiles, strict=True)),
        float(np.mean(aside)) if aside else float("nan"),
    ), [pixels for _, pixels in sorted(tiles_by_yaw, key=lambda pair: pair[0])]


def _lag(places: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float:
    """The lag over the longest run of frames without a gap."""
    numbers = sorted(places)
    breaks = [0, *(at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1] + 1), len(numbers)]
    start, end = max(pairwise(breaks), key=lambda run: run[1] - run[0])
    made, own = (np.array([places[number][which] for number in numbers[start:end]]) for which in (0, 1))
    if len(made) < 10 or np.median(np.linalg.norm(np.diff(own, axis=0), axis=1)) < _MOVING_PX:
        return float("nan")
    error = made - own
    return lag_frames(error - error.mean(axis=0), own)


def is_all_hidden(output: Pixels, original: Pixels, mesh: FaceMesh) -> bool:
    """Whether the face lies under a blur: so are the eyes, which a photo's face leaves as they are."""
    mask = region(mesh, original.shape, 0.8)
    return grain(output, mask) < 0.12 * grain(original, mask)


def grain(pixels: Pixels, mask: NDArray[np.uint8]) -> float:
    """Mean brightness step between neighbouring pixels where the mask is set."""
    down, across = (np.abs(np.diff(pixels[..., 1].astype(np.int16), axis=axis)) for axis in (0, 1))
    inside = mask > 0
    return float(down[inside[1:]].mean() + across[inside[:, 1:]].mean()) if inside[1:, 1:].any() else 0.0
