"""Draw style images, to learn a style from, that no museum has: glass, engraving, dots, washes of watercolour.

    python -m tools.make_style_images stained_glass engraving -o paintings/

All are ours, made of noise by a seed. What a style learns of them is how marks lie beside each other and which colours
there are; so each holds light and dark, calm places and busy ones, and no subject.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from realtime.imaging.frame import Pixels

Field = npt.NDArray[np.float32]
"""(h, w) or (h, w, 3) float32; colours BGR 0..1."""

SIDE_PX = 1024


def noise(random: np.random.Generator, cells: int, octaves: int = 1) -> Field:
    """Return smooth noise (SIDE_PX, SIDE_PX), its deviation 1, with features of SIDE_PX / `cells`."""
    total = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        coarse = random.normal(size=(count + 3, count + 3)).astype(np.float32)
        fine = cv2.resize(coarse, None, fx=SIDE_PX / count, fy=SIDE_PX / count, interpolation=cv2.INTER_CUBIC)
        offset = SIDE_PX // count
        total += fine[offset : offset + SIDE_PX, offset : offset + SIDE_PX] * 0.5**octave
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def tones(random: np.random.Generator) -> Field:
    """Return light from 0 to 1 as a picture has it: every tone as often, in places large and small."""
    height = noise(random, 3, 3)
    ranks = np.empty(height.size, np.float32)
    ranks[np.argsort(height, axis=None)] = np.linspace(0, 1, height.size, dtype=np.float32)
    return ranks.reshape(height.shape)


def colours(*hexes: str) -> Field:
    """Return colours (n, 3) BGR 0..1 of `rrggbb`."""
    return np.array([[int(one[at : at + 2], 16) / 255 for at in (4, 2, 0)] for one in hexes], np.float32)


def stained_glass(random: np.random.Generator) -> Field:
    """Panes of saturated glass in lead, each with a light of its own, in groups of a colour."""
    step = 58
    grid = np.mgrid[-1 : SIDE_PX // step + 2, -1 : SIDE_PX // step + 2].reshape(2, -1).T * step
    centres = grid + random.uniform(-0.42, 0.42, grid.shape) * step
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    warp_y, warp_x = rows + 6 * noise(random, 12), columns + 6 * noise(random, 12)
    nearest = np.full((2, SIDE_PX, SIDE_PX), np.inf, np.float32)  # squared distances to the nearest two
    pane = np.zeros((SIDE_PX, SIDE_PX), np.intp)
    for number, (y, x) in enumerate(centres):
        distance = (warp_y - y) ** 2 + (warp_x - x) ** 2
        closer = distance < nearest[0]
        nearest[1] = np.where(closer, nearest[0], np.minimum(nearest[1], distance))
        nearest[0] = np.where(closer, distance, nearest[0])
        pane[closer] = number
    glass = colours("0b2f9e", "1b63c8", "7fc4ea", "b3121d", "e2571c", "f6c12c", "fff2c0", "0f7a3d", "7cc24a", "5d1f86")
    tone = tones(random)
    at = np.clip(centres, 0, SIDE_PX - 1).astype(int)
    group = (noise(random, 3, 2)[at[:, 0], at[:, 1]] * 2.2 + tone[at[:, 0], at[:, 1]] * 3).round().astype(int)
    chosen = glass[(group * 3 + random.integers(0, 2, len(centres))) % len(glass)]
    light = 0.45 + 0.75 * tone[at[:, 0], at[:, 1]] + random.uniform(-0.12, 0.12, len(centres))
    painted = chosen[pane] * light.astype(np.float32)[pane][..., None]
    painted *= 1 + 0.07 * noise(random, 48, 2)[..., None]
    edge = np.sqrt(nearest[1]) - np.sqrt(nearest[0])
    painted *= np.clip(0.72 + edge / 34, 0, 1)[..., None]
    lead = 1 / (1 + np.exp((edge - 6.5) / 0.8))
    shine = np.clip(1 - np.abs(edge - 2.2) / 1.6, 0, 1) * (0.16 + 0.05 * noise(random, 64))
    return np.asarray(painted * (1 - lead)[..., None] + (0.06 + shine)[..., None] * lead[..., None], np.float32)


def engraving(random: np.random.Generator) -> Field:
    """Lines of dark ink that follow the form, thicker where it is dark, crossed in the shadows, on warm paper."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    light = tones(random)
    ink = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for turn, darker_than, period in ((0.35, 0.93, 9.0), (-0.75, 0.55, 9.5), (1.35, 0.26, 8.5)):
        along = columns * np.sin(turn) + rows * np.cos(turn) + 40 * noise(random, 4) + 1.2 * noise(random, 32)
        wave = np.abs((along / period) % 1 - 0.5) * 2  # 1 in the middle of a line
        width = np.clip((darker_than - light) / darker_than, 0, 1) ** 0.8 * 0.78
        ink = np.maximum(ink, np.clip((wave - (1 - width)) * period / 2.2, 0, 1) * (width > 0.02))
    ink *= 1 - 0.12 * np.abs(noise(random, 200))
    paper = colours("efe6d0")[0] * (1 + 0.02 * noise(random, 96, 2))[..., None]
    return np.asarray(paper * (1 - ink[..., None]) + colours("1d1a20")[0] * ink[..., None], np.float32)


def pointillism(random: np.random.Generator) -> Field:
    """Dots of pure colour side by side; from afar they mix into light and shade."""
    light, hue = tones(random), noise(random, 3, 2)
    bright = colours("fbe9a9", "f7c7b0", "bfe3ee", "f4f1e0", "c9e7a5", "f2b65b")
    middle = colours("e98a3c", "5ea85b", "4f8fc9", "d76a7c", "b7c04b", "8f7cc4")
    dark = colours("20356f", "3b2a66", "1f5a4a", "7a2748", "233047", "5a3a2c")
    painted = np.empty((SIDE_PX, SIDE_PX, 3), np.float32)
    painted[:] = colours("d9cdb0")[0]
    for radius in (8, 7, 6, 5):
        count = int(1.15 * (SIDE_PX / radius) ** 2 / 2.2)
        places = random.integers(0, SIDE_PX, (count, 2))
        for y, x in places:
            tone = light[y, x] + random.normal(0, 0.13)
            palette = bright if tone > 0.62 else middle if tone > 0.3 else dark
            # Mostly the place's hue, now and then the one across from it.
            at = int(hue[y, x] * 1.6 + random.normal(0, 0.7)) + (3 if random.uniform() < 0.18 else 0)
            colour = palette[at % len(palette)] * random.uniform(0.92, 1.06)
            axes = (int(radius * random.uniform(0.8, 1.2)), int(radius * random.uniform(0.65, 0.95)))
            middle_of = (int(x) * 16, int(y) * 16)
            cv2.ellipse(
                painted,
                middle_of,
                (axes[0] * 16, axes[1] * 16),
                random.uniform(0, 180),
                0,
                360,
                [float(value) for value in colour],
                -1,
                cv2.LINE_AA,
                4,
            )
    return painted


def watercolour(random: np.random.Generator) -> Field:
    """Washes that overlap, with running edges that are darker than their middle, on rough paper.

    A wash is a polygon whose outline is broken up again and again, laid many times, thin and each time otherwise.
    """
    washes = colours("2b5f9e", "6fa8c9", "c9503c", "e2a13b", "7d9a4c", "3d6b54", "8a5a9c", "3b3f58", "d9887a", "b8c6cf")
    density = np.zeros((SIDE_PX, SIDE_PX, 3), np.float32)  # how much of each of B, G, R the paint swallows
    for _ in range(46):
        colour = washes[random.integers(len(washes))]
        size = random.choice([40, 70, 120, 200])
        shape = _blob(random, random.uniform(0, SIDE_PX, 2), size, 4)
        laid = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        layers = 14
        for _ in range(layers):
            mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
            outline = _broken(random, shape, 3, size * 0.10)
            cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
            laid += mask.astype(np.float32) / (255 * layers)
        inside = cv2.GaussianBlur(laid, (0, 0), 7)
        edge = np.clip(laid - inside, 0, 1) * 1.6  # paint is carried to the rim where it dries
        granules = 1 + 0.16 * noise(random, 128, 2)
        strength = random.uniform(0.25, 0.7)
        density += (laid * strength * granules + edge)[..., None] * -np.log(np.clip(colour, 0.04, 1))
    paper = 0.965 + 0.018 * noise(random, 160, 2)
    return np.asarray(colours("fdfbf2")[0] * paper[..., None] * np.exp(-density), np.float32)


def _blob(random: np.random.Generator, centre: npt.NDArray[np.float64], size: float, times: int) -> Field:
    angles = np.linspace(0, 2 * np.pi, 9)[:-1]
    radii = size * random.uniform(0.6, 1.2, 8)
    stretch = np.array([random.uniform(0.6, 1.6), random.uniform(0.6, 1.2)])
    corners = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] * stretch
    return _broken(random, np.asarray(corners, np.float32), times, size * 0.22)


def _broken(random: np.random.Generator, outline: Field, times: int, by_px: float) -> Field:
    """Return the outline with each side's middle moved at random, `times` times over, each time half as far."""
    for _ in range(times):
        middles = (outline + np.roll(outline, -1, 0)) / 2
        middles += random.normal(0, by_px / 2, outline.shape).astype(np.float32)
        outline = np.stack([outline, middles], 1).reshape(-1, 2)
        by_px /= 2
    return outline


PICTURES: dict[str, Callable[[np.random.Generator], Field]] = {
    drawn.__name__: drawn for drawn in (stained_glass, engraving, pointillism, watercolour)
}


def draw(name: str, seed: int = 1) -> Pixels:
    """Return the picture of this name (SIDE_PX, SIDE_PX, 3) uint8 BGR. Raises KeyError for any other name."""
    made = PICTURES[name](np.random.default_rng(seed))
    return np.asarray(np.round(np.clip(made, 0, 1) * 255), np.uint8)


def main() -> int:
    """Write what was asked for as PNG."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=sorted(PICTURES), metavar="NAME", help=", ".join(sorted(PICTURES)))
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="where to")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        cv2.imwrite(str(arguments.out / f"{name}.png"), draw(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
