"""Measures a morph on people it never saw: how near it draws them, what its directions do, who is still known.

    python -m tools.measure_morph morph.onnx --faces photos/ --people people.csv --judge celeba40.npz
        --metric mobilefacenet.onnx --features vgg19.pth --anchor vae_64.pth --directions directions.json

Prints Markdown for docs/benchmarks.md. Judges had no part in any training; people are held out as in the training.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from realtime.cameras import CameraRequest, open_camera
from realtime.core.errors import OptionError, RealtimeError
from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.morph import MorphEffect, MorphSettings
from realtime.effects.scene import Scene
from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.faces import DETECTORS
from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.models.card import ModelKind
from realtime.models.latent_space import Direction, LatentSpace, Verified
from realtime.models.library import find_model, read_card
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.morph.glasses.shapes import DIRECTION as GLASSES
from realtime.morph.glasses.worn import WornGlasses
from realtime.morph.model import MorphModel
from realtime.morph.person import Change, MorphedPerson, Partner
from realtime.morph.transfer import ChangeTransfer
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo
from realtime.swap.photo.photo_face import PhotoLevels
from realtime.system.console import progress_line, silence_native_libraries
from tools.attributes.codes import Encoder
from tools.attributes.judges import Bench, framed, open_judge
from tools.attributes.model_file import read_directions
from tools.attributes.verification import DECIDING, Sitter, Sitting, compared
from tools.exporting.checkpoint import read_checkpoint
from tools.extraction.likeness import Embedding
from tools.find_attributes import one_of_each, sitter
from tools.networks.vgg16x import VggFeatures, vgg_from
from tools.training.command_line import add_cache, help_in_lines
from tools.training.crowd import load_crowd, part_people
from tools.training.face_figures import drawn_again

_KEPT_AT = 2
_STEADY_FRAMES = 90
_NEARER_THAN = 0.95
"""A mix is nearer to each of its two than to so many of the strangers."""


class Transferring:
    """Carries what the decoder changed onto a sitter's own pixels, as the effect does."""

    def __init__(self, side_px: int) -> None:
        self._transfer, self._side = ChangeTransfer(side_px), side_px

    def __call__(self, sitting: Sitter, before: Floats, after: Floats) -> Pixels:
        self._transfer.measure(before, after)
        out = np.empty_like(sitting.picture)
        self._transfer.apply(sitting.picture, sitting.to_picture(self._side), out)
        return out


def reconstruction(encoder: Encoder, sitters: Sequence[Sitter], side_px: int, features: VggFeatures | None) -> str:
    """Return a row's cells: all are compared at `side_px`."""
    seen = np.stack([one.crop(encoder.side_px)[:, :, ::-1] for one in sitters])
    drawn = np.clip(encoder.decode(encoder.codes(iter(seen))), 0, 255)
    if encoder.side_px != side_px:
        drawn = np.stack([cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_CUBIC) for face in drawn])
    own = np.stack([one.crop(side_px) for one in sitters])
    error, sharpness, distance = drawn_again(_planes(drawn), _planes(own), features)
    return f"{error:.4f} | {'' if distance is None else f'{distance:.3f}'} | {sharpness:.3f}"


def _planes(bgr: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(bgr[..., ::-1].transpose(0, 3, 1, 2), np.float32) / 255).clamp(0, 1)


def crossing(
    sittings: dict[str, Sitting], directions: Sequence[Direction], known: dict[str, Verified], bench: Bench
) -> list[str]:
    """Return the table of what each direction does at the deciding step: glasses are drawn there, too."""
    lines = [
        f"| attribute, at +{DECIDING} | shown | could | crossed over | others | most of the others |", "|---" * 6 + "|"
    ]  # fmt: skip
    for direction in directions:
        told = known[direction.name]
        effects = {
            label: sitting.effect(told.attribute, direction.values, DECIDING, told.akin)
            for label, sitting in sittings.items()
        }
        if direction.name == GLASSES:
            sitters, before = sittings["transfer"].sitters, sittings["transfer"].before
            after = bench.answers([framed(with_glasses(one, DECIDING), one.mesh) for one in sitters])
            effects["drawn"] = compared(bench, before, after, told.attribute, DECIDING, told.akin)
        for label, one in effects.items():
            shares = ", ".join(f"{share:.0%}" for share in one.crossed)
            lines.append(
                f"| {direction.name} | {label} | {one.could} | {shares} | {one.others:.1%} "
                f"| {one.worst[0]} {one.worst[1]:.0%} |"
            )
    return lines


def with_glasses(one: Sitter, steps: float) -> Pixels:
    """Return a sitter with the pair on that the effect draws at so many steps."""
    geometry, glasses, worn = FaceGeometry(), WornGlasses(), one.picture.copy()
    geometry.update(one.mesh, Size.of(one.picture), with_rim(one.mesh.points[:, :2]))
    glasses.wear(steps, "panto")
    glasses.render(one.picture, geometry, 0.0, worn)
    return worn


def identity(sittings: dict[str, Sitting], directions: Sequence[Direction], embedding: Embedding) -> list[str]:
    """Return the table of how like their photos people stay."""
    lines = [f"| attribute, at ±{_KEPT_AT} | " + " | ".join(sittings) + " |", "|---" * (1 + len(sittings)) + "|"]
    sums = dict.fromkeys(sittings, 0.0)
    sitters = next(iter(sittings.values())).sitters
    photos = _embedded(sitters, [one.picture for one in sitters], embedding)
    for direction in directions:
        cells = []
        for label, sitting in sittings.items():
            found = [
                _alike(photos, _embedded(sitters, sitting.pictures(sitting.codes + step * direction.values), embedding))
                for step in (np.float32(-_KEPT_AT), np.float32(_KEPT_AT))
            ]
            cells.append(f"{np.mean(found):.2f}")
            sums[label] += float(np.mean(found)) / len(directions)
        lines.append(f"| {direction.name} | {' | '.join(cells)} |")
        if direction.name == GLASSES:
            drawn = _embedded(sitters, [with_glasses(one, _KEPT_AT) for one in sitters], embedding)
            lines.append(f"| {direction.name}, drawn at +{_KEPT_AT} | | {_alike(photos, drawn):.2f} |")
    return [*lines, "| all | " + " | ".join(f"{sums[label]:.2f}" for label in sittings) + " |"]


def mixing(sitters: Sequence[Sitter], mixes: Sequence[Pixels], partner: NDArray[np.int64], embedding: Embedding) -> str:
    """Return how many halves and halves are nearer to both of their two than to most strangers."""
    photos = _embedded(sitters, [one.picture for one in sitters], embedding)
    alike = _embedded(sitters, mixes, embedding) @ photos.T
    shares = []
    for own, other in enumerate(partner):
        strangers = np.delete(alike[own], [own, other])
        shares.append([float(np.mean(alike[own, identity] > strangers)) for identity in (own, other)])
    nearer = np.array(shares)
    both = float((nearer >= _NEARER_THAN).all(1).mean())
    (viewer, photo), median = nearer.mean(0), np.median(nearer, axis=0)
    return (
        f"nearer to the viewer than {viewer:.0%} of strangers (median {median[0]:.0%}), to the photo than {photo:.0%} "
        f"({median[1]:.0%}); than {_NEARER_THAN:.0%} of them to both: {both:.0%} of {len(sitters)} pairs"
    )


def mixed_codes(sitting: Sitting, light: int, partner: NDArray[np.int64]) -> list[Pixels]:
    """Return sitters half way to their partners, by their codes alone."""
    mixed = np.asarray((sitting.codes + sitting.codes[partner]) / 2, np.float32)
    if light:
        mixed[:, -light:] = sitting.codes[:, -light:]
    return list(sitting.pictures(mixed))


def mixed_live(path: Path, sitters: Sequence[Sitter], partner: NDArray[np.int64]) -> list[Pixels]:
    """Return sitters half way to their partners' photos, as the effect mixes them."""
    model = MorphModel(path, ON_CPU)
    mixes = []
    for own, other in zip(sitters, (sitters[number] for number in partner), strict=True):
        with_photo = Partner("", model.encode(other.crop(model.side_px)), PhotoLevels.of(other.picture, other.mesh))
        half = Change(np.zeros(model.latent, np.float32), mix=0.5, in_front=False)
        picture = own.picture.copy()
        MorphedPerson(model, with_photo, half).render(own.picture, own.mesh, 0.0, picture, None)
        mixes.append(picture)
    model.close()
    return mixes


def _embedded(sitters: Sequence[Sitter], pictures: Sequence[Pixels], embedding: Embedding) -> Floats:
    return np.stack([embedding.of(picture, one.mesh) for picture, one in zip(pictures, sitters, strict=True)])


def _alike(ours: Floats, theirs: Floats) -> float:
    return float(np.mean(np.sum(ours * theirs, axis=1)))


def steadiness(clip: Path, settings: dict[str, float]) -> str:
    """Return by how much more than the clip's own pixels the face as shown changes from frame to frame: on the calmest
    two fifths of the frames, and on all. The model is the one that ships.
    """
    effect = MorphEffect.open("", parse_settings(MorphSettings, settings, "morph"), EffectContext())
    camera, detector, tracker = open_camera(str(clip), CameraRequest()), DETECTORS["full"].load()(), FaceTracker()
    changes: list[tuple[float, float]] = []
    before: tuple[Pixels, Pixels] | None = None
    while (frame := camera.read()) is not None and len(changes) < _STEADY_FRAMES:
        faces = tracker.update(detector.find(frame), frame.pts_s)
        now = frame.pixels.copy(), effect.make(Scene(frame, faces)).pixels.copy()
        if faces and before is not None:
            x, y, width, height = (max(0, int(value)) for value in faces[0].box)
            face = (slice(y, y + height), slice(x, x + width))
            own, shown = (
                float(np.abs(new[face].astype(int) - old[face]).mean()) for new, old in zip(now, before, strict=True)
            )
            changes.append((own, shown))
        before = now if faces else None
    camera.close()
    detector.close()
    effect.close()
    found = np.array(changes)
    calm = found[found[:, 0] <= np.percentile(found[:, 0], 40)].mean(0)
    name = ", ".join(f"{key} {value:g}" for key, value in settings.items())
    return f"| {clip.stem} | {name} | {calm[1] / calm[0]:.2f} | {found[:, 1].mean() / found[:, 0].mean():.2f} |"


def lag(settings: dict[str, float]) -> float:
    """Return by how many frames what is changed stays behind the face: a photo that goes to and fro, and the phase of
    the middle of all that differs from it. The model is the one that ships.
    """
    photo = read_picture(sample_photo())
    photo = np.asarray(cv2.resize(photo, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA), np.uint8)
    effect = MorphEffect.open("", parse_settings(MorphSettings, settings, "morph"), EffectContext(Size.of(photo)))
    detector, tracker = DETECTORS["full"].load()(), FaceTracker()
    angles = 2 * np.pi * np.arange(4 * _SWING_FRAMES) / _SWING_FRAMES
    middles = []
    for number, angle in enumerate(angles):
        shift = np.array([[1, 0, _SWING_PX * np.sin(angle)], [0, 1, 0]])
        pixels = np.asarray(cv2.warpAffine(photo, shift, Size.of(photo), borderMode=cv2.BORDER_REPLICATE), np.uint8)
        frame = Frame(pixels, number / 30, number / 30, number)
        made = effect.make(Scene(frame, tracker.update(detector.find(frame), frame.pts_s)))
        columns = cv2.absdiff(made.pixels, pixels).sum((0, 2), dtype=np.float64)
        middles.append(float(columns @ np.arange(columns.size) / max(columns.sum(), 1)))
    detector.close()
    effect.close()
    settled = slice(2 * _SWING_FRAMES, None)
    swing = np.sum(np.exp(1j * angles[settled]) * np.array(middles)[settled])
    # The face's own middle goes as the sine, whose sum with exp(i angle) points along +i; later is further around.
    behind = (np.angle(swing) - np.pi / 2) / (2 * np.pi)
    return float(behind * _SWING_FRAMES)


_SWING_FRAMES = 45
_SWING_PX = 40


def opening(path: Path) -> str:
    """Return a model file's size and how long it takes to open, the best of five."""
    taken_s = []
    for _ in range(5):
        begun_s = time.perf_counter()
        MorphModel(path, ON_CPU).close()
        taken_s.append(time.perf_counter() - begun_s)
    return f"{path.stat().st_size / 1e6:.2f} MB, opens in {min(taken_s):.3f} s"


def measure(arguments: argparse.Namespace) -> None:
    """Print the tables. Raises RealtimeError."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    encoder = Encoder.open(arguments.model)
    bench = Bench([open_judge(path) for path in arguments.judge])
    embedding = Embedding(arguments.metric)
    features = None
    if arguments.features:
        features = vgg_from(read_checkpoint(arguments.features), str(arguments.features))
    space, known = read_found(arguments.directions, arguments.model, encoder)
    with progress_line() as progress:
        crowd = load_crowd(arguments.faces, arguments.people, encoder.side_px, arguments.cache, progress)
    _, held_out = part_people(crowd, arguments.held_out)
    sitters = [sitter(crowd, index) for index in one_of_each(crowd, held_out)[: arguments.count]]
    print(f"{len(sitters)} people held out, one picture of each.\n")
    print("| reconstruction | error at 64² | features | sharpness |\n|---|---|---|---|")
    print(f"| {arguments.model.name} | {reconstruction(encoder, sitters, encoder.side_px, features)} |", flush=True)
    if arguments.anchor:
        anchor = Encoder.open(arguments.anchor)
        print(f"| {arguments.anchor.name} | {reconstruction(anchor, sitters, encoder.side_px, features)} |", flush=True)
    codes = encoder.codes(np.ascontiguousarray(one.crop(encoder.side_px)[:, :, ::-1]) for one in sitters)
    sittings = {
        "decoded": Sitting(sitters, codes, encoder.decode, bench),
        "transfer": Sitting(sitters, codes, encoder.decode, bench, carry=Transferring(encoder.side_px)),
    }
    print("\n" + "\n".join(crossing(sittings, space.directions, known, bench)), flush=True)
    print("\n" + "\n".join(identity(sittings, space.directions, embedding)), flush=True)
    partner = np.roll(np.arange(len(sitters)), -1)
    mixes = {label: mixed_codes(sitting, encoder.light, partner) for label, sitting in sittings.items()}
    if arguments.model.suffix.lower() == ".onnx":
        mixes["with the photo's pixels, as live"] = mixed_live(arguments.model, sitters, partner)
    for label, pictures in mixes.items():
        print(f"\nMixed half and half, {label}: {mixing(sitters, pictures, partner, embedding)}.", flush=True)
    if arguments.clips:
        print(f"\nBehind a face that swings by {_SWING_PX} px in 1.5 s: {lag({'smile': 2.0}):.2f} frames.", flush=True)
        print("\n| clip | set | change at rest, × its own | on all frames |\n|---|---|---|---|")
        for clip in arguments.clips:
            for settings in ({"smile": 2.0}, {"beard": 3.0, "brows": 2.0}, {"makeup": 3.0}, {"glasses": 2.0}):
                print(steadiness(clip, settings), flush=True)
    if arguments.model.suffix.lower() == ".onnx":
        print(f"\n{arguments.model.name}: {opening(arguments.model)}.")


def read_found(path: Path | None, model: Path, encoder: Encoder) -> tuple[LatentSpace, dict[str, Verified]]:
    """Return the directions of a file, or the model's own, and what was verified of each. Raises RealtimeError."""
    if path is not None:
        space = read_directions(path, encoder.latent, encoder.light)
    elif model.suffix.lower() == ".onnx":
        space = LatentSpace.parse(read_card(find_model(str(model), ModelKind.MORPH)).latent_space, encoder.latent, "")
    else:
        raise OptionError("name --directions; a checkpoint has none of its own")
    known = {one.name: one.verified for one in space.directions if one.verified is not None}
    if not known or len(known) < len(space.directions):
        raise OptionError(f"{path or model} does not say which attributes its directions are; find them with --judge")
    return space, known


def read_command_line(words: Sequence[str]) -> argparse.Namespace:
    """Raises OptionError for anything that cannot be."""
    parser = help_in_lines("measure_morph", __doc__)
    parser.add_argument("model", type=Path, help="a morph, or its checkpoint")
    parser.add_argument("--faces", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--people", type=Path, metavar="FILE", help="whose each photo is")
    parser.add_argument("--judge", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--metric", type=Path, required=True, metavar="FILE", help="a face embedding")
    parser.add_argument(
        "--directions", type=Path, metavar="FILE.json", help="of find_attributes --judge; default: the model's own"
    )
    parser.add_argument("--features", type=Path, metavar="FILE", help="a VGG's weights")
    parser.add_argument("--anchor", type=Path, metavar="FILE", help="another autoencoder to compare with")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], metavar="FILE", help="films to be steady on")
    parser.add_argument("--count", type=int, default=150, help="people (%(default)s)")
    parser.add_argument(
        "--held-out", type=float, default=0.05, metavar="SHARE", help="as in the training (%(default)s)"
    )
    add_cache(parser, "faces")
    arguments = parser.parse_args(words)
    if arguments.count < 3:
        raise OptionError(f"--count {arguments.count} cannot be; a mix and a stranger are 3 people")
    return arguments


def main(words: Sequence[str] | None = None) -> int:
    try:
        measure(read_command_line(sys.argv[1:] if words is None else words))
    except RealtimeError as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    silence_native_libraries()
    sys.exit(main())
